import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
pages = get_asgi_application()

from marketplace.routing import sockets  # noqa: E402 (it needs the apps, which are ready now)

application = ProtocolTypeRouter({"http": pages, "websocket": sockets})
