from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("settings/", views.settings, name="settings"),
    path("settings/picture/", views.picture, name="picture"),
    path("settings/picture/remove/", views.picture_remove, name="picture_remove"),
    path("settings/close/", views.close, name="close"),
    path("people/<slug:handle>/initial.svg", views.initial, name="initial"),
]
