from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("settings/", views.settings, name="settings"),
    path("settings/picture/", views.picture, name="picture"),
    path("settings/picture/remove/", views.picture_remove, name="picture_remove"),
    path("settings/close/", views.close, name="close"),
    path("settings/keys/", views.keys, name="keys"),
    path("settings/keys/new/", views.key_create, name="key_create"),
    path("settings/keys/<uuid:key_id>/revoke/", views.key_revoke, name="key_revoke"),
    path("accounts/sessions/", views.sessions, name="sessions"),  # in front of allauth's page, which knows of browsers alone
    path("accounts/sessions/<uuid:session_id>/end/", views.session_end, name="session_end"),
    path("people/<slug:handle>/initial.svg", views.initial, name="initial"),
]
