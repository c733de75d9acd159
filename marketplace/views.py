"""The style guide, and the site's answers when something goes wrong."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.csrf import requires_csrf_token
from django.views.decorators.http import require_safe

from marketplace.context_processors import site
from marketplace.styleguide import sample_context


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    if not settings.DEBUG:
        raise Http404
    return render(request, "marketplace/styleguide.html", sample_context())


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(render_to_string("400.html", site(request)), status=400)


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without the request, so that neither a session nor the database can break the page about what is broken."""
    return HttpResponse(render_to_string("500.html", site(request)), status=500)
