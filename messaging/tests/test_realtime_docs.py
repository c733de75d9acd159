"""docs/realtime.md names what the code sends, hears and refuses, no more and no less. Its schemas are held against every frame
of test_consumers by the devices there."""

import re

import pytest
from django.conf import settings
from jsonschema import Draft202012Validator

from marketplace.sockets import TRY_AGAIN
from messaging import exceptions, frames, presence
from messaging.services.conversations import PER_WINDOW
from messaging.tests.devices import SECTIONS, faults, schemas

pytestmark = pytest.mark.once
ROOT = settings.BASE_DIR
PAGE = (ROOT / "docs/realtime.md").read_text()
SENT = {"message.ack", "sync", "error"} | frames.PUSHED


def test_every_schema_is_one():
    for section in SECTIONS:
        for schema in schemas()[section].values():
            Draft202012Validator.check_schema(schema)


def test_the_page_has_exactly_the_frames_that_are_heard():
    assert schemas()["From the client"].keys() == frames.RECEIVED.keys()


def test_the_page_has_exactly_the_fields_that_are_heard():
    for kind, (needed, possible) in frames.RECEIVED.items():
        schema = schemas()["From the client"][kind]
        assert (kind, schema["required"]) == (kind, ["type", *needed])
        assert schema["properties"].keys() == {"type", *needed, *possible}
        assert schema["properties"]["type"] == {"const": kind}


def test_the_page_has_exactly_the_frames_that_are_sent():
    assert schemas()["To the client"].keys() == SENT
    for kind, schema in schemas()["To the client"].items():
        assert schema["properties"]["type"] == {"const": kind}


def test_no_other_frame_is_built_or_published():
    known = frames.RECEIVED.keys() | SENT
    protocol = ["answers", "consumers", "frames", "presence"]
    of_the_server = {"websocket.accept", "push"}  # what the consumer says to server and layer
    built = {
        kind for name in protocol for kind in re.findall(r'"type": "([a-z._]+)"', (ROOT / f"messaging/{name}.py").read_text())
    }
    published = {
        kind
        for app in ("accounts", "messaging", "gigs", "orders", "reviews")
        for path in (ROOT / app).rglob("*.py")
        if "tests" not in path.parts
        for kind in re.findall(r'publish\([^\n]*\{"type": "([a-z._]+)"', path.read_text())
    }
    assert {"pong", "sync"} <= built
    assert {"order.updated", "notification"} <= published
    assert (built - of_the_server) | published <= known


def test_the_page_has_exactly_the_codes_of_errors():
    refusals = {
        refusal.code
        for refusal in vars(exceptions).values()
        if isinstance(refusal, type) and refusal.__module__ == exceptions.__name__
    }
    of_the_socket = {frames.Malformed.code, frames.FLOOD, "not_found"}
    of_other_doors = {"too_late"}  # messages are changed by form
    codes = schemas()["To the client"]["error"]["properties"]["code"]["enum"]
    assert set(codes) == (refusals - of_other_doors) | of_the_socket
    assert re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE) == codes


def test_the_page_has_every_code_a_socket_is_closed_with_and_every_limit():
    for code in (frames.SIGNED_OUT, frames.NOT_YOURS, frames.BROKEN, frames.TOO_MANY, 1009, TRY_AGAIN):
        assert f"\n| {code} |" in PAGE
    assert frames.MOST_FAULTS == 3
    assert "three frames in a row" in PAGE
    assert f"more than {frames.MOST_FRAMES} frames a second" in PAGE
    assert f"in pages of at most {frames.PAGE} and {frames.MOST_BYTES // 1024} KiB" in PAGE
    assert f"At most {frames.MOST_CONVERSATIONS} of them" in PAGE
    assert f"a frame over {frames.MOST_BYTES // 1024} KiB" in PAGE
    assert f"`{frames.PROTOCOL}`" in PAGE
    assert f"{presence.MOST_SOCKETS} sockets of the person are open" in PAGE
    assert f"{PER_WINDOW} messages in ten seconds" in PAGE


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        ({"type": "pong", "secret": 1}, "Additional properties"),
        ({"type": "typing", "conversation": "x", "user": "y"}, "is not a 'uuid'"),
        ({"type": "message.ack", "client_id": "x", "message": {"id": "x"}}, "is a required property"),
        ({"type": "letter"}, "no such frame"),
    ],
)
def test_a_frame_that_is_not_as_the_page_says_is_noticed(frame, fault):
    assert any(fault in words for words in faults("To the client", frame))
