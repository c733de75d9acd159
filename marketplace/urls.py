"""Every address of the site, app by app."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from marketplace import http, pages, views

urlpatterns = [
    path("api/", include("marketplace.api")),  # first: programs ask most often
    path("", pages.home, name="home"),
    path("gigs/<uuid:gig_id>/", pages.gig, name="gig"),
    path("people/<slug:handle>/", pages.person, name="person"),
    path("", include("accounts.urls")),
    path("gigs/", include("gigs.urls")),
    path("", include("orders.urls")),
    path("", include("reviews.urls")),
    path("", include("messaging.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("styleguide/", views.styleguide, name="styleguide"),
    path(settings.MEDIA_URL.lstrip("/") + "<path:path>", http.media, name="media"),
]
handler400 = "marketplace.views.bad_request"
handler500 = "marketplace.views.server_error"
