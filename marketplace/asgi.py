import os
from functools import partial

from channels.routing import ProtocolTypeRouter
from daphne import http_protocol
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
# Twisted would take every form apart before Django does, in the one thread that serves everybody, and nobody reads what it finds.
http_protocol.WebRequest = partial(http_protocol.WebRequest, parsePOSTFormSubmission=False)  # type: ignore[misc]
pages = get_asgi_application()

from marketplace.routing import sockets  # noqa: E402 (it needs the apps, which are ready now)

application = ProtocolTypeRouter({"http": pages, "websocket": sockets})
