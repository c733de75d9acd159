"""The site as Daphne serves it."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from daphne import http_protocol
from twisted.web.test.requesthelper import DummyChannel

from marketplace.asgi import application

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"a0=&a1="),
        ("multipart/form-data; boundary=X", b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--X--\r\n'),
        ("multipart/form-data", b"no boundary"),
    ],
)
def test_no_form_is_taken_apart_in_the_thread_that_serves_everybody(
    content_type: str, body: bytes, monkeypatch: pytest.MonkeyPatch
):
    handed_on = []
    monkeypatch.setattr(http_protocol.WebRequest.func, "process", lambda request: handed_on.append(request))
    channel: Any = DummyChannel()
    channel.factory = SimpleNamespace(server=Mock())
    request = http_protocol.WebRequest(channel, queued=False)
    request.requestHeaders.setRawHeaders("content-type", [content_type])
    request.gotLength(len(body))
    request.handleContentChunk(body)
    request.requestReceived(b"POST", b"/", b"HTTP/1.1")
    assert (handed_on, request.args, request.content.read()) == ([request], {}, body)
    assert application.application_mapping.keys() == {"http", "websocket"}
