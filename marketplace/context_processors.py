from django.conf import settings
from django.http import HttpRequest

THEMES = ("light", "dark")


def site(request: HttpRequest) -> dict[str, str]:
    """The site's name, where its moderators are reached, and the colour scheme this visitor chose ("" follows the system)."""
    chosen = request.COOKIES.get("theme", "")
    return {"site_name": settings.SITE_NAME, "support_email": settings.SUPPORT_EMAIL, "theme": chosen if chosen in THEMES else ""}
