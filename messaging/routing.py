from django.urls import path

from messaging.consumers import Stream

websocket_urlpatterns = [path("ws/<uuid:user_id>/", Stream.as_asgi())]
