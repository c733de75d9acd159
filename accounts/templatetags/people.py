"""What pages about people and their sign-in need beyond the design system."""

import json
from typing import Any

from django import template
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.text import Truncator
from django.utils.translation import gettext

register = template.Library()


@register.simple_tag
def mail_folder() -> str:
    """Where mail is written while trying the site out: "" unless DEBUG is on and mail goes to files."""
    to_files = settings.EMAIL_BACKEND == "django.core.mail.backends.filebased.EmailBackend"
    return str(settings.EMAIL_FILE_PATH) if settings.DEBUG and to_files else ""


@register.simple_tag
def site_name() -> str:
    """For subjects of mail, which are written without a request and its context."""
    return settings.SITE_NAME


@register.filter
def as_json(value: Any) -> str:
    """The value for a data attribute, where the page's own modules read it; escaped like every text."""
    return json.dumps(value, cls=DjangoJSONEncoder)


_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


@register.filter
def browser(user_agent: str) -> str:
    """What a person would call this browser: "Firefox on Windows"; its own words when it is none of the common ones."""
    name = next((name for mark, name in _BROWSERS if f"{mark}/" in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if name and system:
        return gettext("%(browser)s on %(system)s") % {"browser": name, "system": system}
    return name or Truncator(user_agent).chars(60) or gettext("Unknown browser")
