"""Who may open a stream, and when its socket is closed because they no longer may."""

import uuid

import pytest

from accounts.services import deactivate_account
from accounts.session_backend import SessionStore
from accounts.tokens import make_jwt
from marketplace.realtime import group_of, publish
from marketplace.sockets import in_thread
from messaging.models import Message
from messaging.tests.devices import OWN_ORIGIN, Device, cookie_of, in_a_loop
from messaging.tests.test_conversations import say

pytestmark = pytest.mark.django_db(transaction=True)


# --- Opening --------------------------------------------------------------------------------------------------------
@in_a_loop
async def test_a_session_opens_its_own_persons_stream(buyer):
    device = Device(buyer, [OWN_ORIGIN, await in_thread(cookie_of, buyer)], ["chat.v1"])
    assert await device.connect() == (True, "chat.v1")
    await device.says("ping")
    await device.hears("pong")
    await device.disconnect()


@in_a_loop
async def test_nobody_signed_in_is_let_in_and_closed_with_4401(buyer):
    for cookie in (
        b"",
        b"sessionid=",
        b"sessionid=abcdefgh12345678",
        b'sessionid="\\000abcdefgh"',
        b"\xff\xfe",
        b"sessionid=%00",
    ):
        device = Device(buyer, [OWN_ORIGIN, (b"cookie", cookie)])
        assert await device.connect() == (True, None)
        assert await device.is_closed_with() == 4401
        await device.disconnect()


@in_a_loop
async def test_somebody_elses_stream_is_closed_with_4403_and_says_nothing(buyer, freelancer):
    device = Device(freelancer, [OWN_ORIGIN, await in_thread(cookie_of, buyer)])
    assert await device.connect() == (True, None)
    assert await device.is_closed_with() == 4403
    await in_thread(publish, group_of(freelancer.pk), {"type": "order.updated", "order": str(uuid.uuid4())})
    await device.send_json_to({"type": "ping"})
    assert await device.receive_nothing(0.3)
    await device.disconnect()


ORIGINS = {
    "its own": ("http://localhost:8000", True),
    "its own by another name": ("http://testserver:9", True),
    "one that is trusted": ("https://shop.example.com", True),
    "a subdomain that is trusted": ("https://a.example.org", True),
    "none": ("", False),
    "another site": ("http://evil.example.com", False),
    "another port": ("http://localhost:8001", False),
    "another scheme": ("https://localhost:8000", False),
    "a name that starts alike": ("http://localhost.example.com:8000", False),
    "a page without an origin": ("null", False),
    "no port": ("http://localhost:x", False),
    "too large a port": ("http://localhost:99999", False),
    "no address": ("http://[", False),
}


@pytest.mark.parametrize(("origin", "is_let_in"), ORIGINS.values(), ids=ORIGINS)
@in_a_loop
async def test_only_pages_of_this_site_use_a_cookie(buyer, settings, origin, is_let_in):
    settings.CSRF_TRUSTED_ORIGINS = ["https://shop.example.com", "https://*.example.org"]
    headers = [(b"host", b"testserver:9"), await in_thread(cookie_of, buyer)]
    device = Device(buyer, [*headers, (b"origin", origin.encode())] if origin else headers)
    assert (await device.connect())[0] == is_let_in
    await device.disconnect()


@in_a_loop
async def test_a_host_that_is_not_this_sites_makes_no_origin_its_own(buyer):
    headers = [(b"host", b"evil.example.com"), (b"origin", b"http://evil.example.com")]
    device = Device(buyer, [*headers, await in_thread(cookie_of, buyer)])
    assert (await device.connect())[0] is False
    await device.disconnect()


@in_a_loop
async def test_an_address_that_is_no_stream_is_refused(buyer):
    for path in ("/ws/", "/ws/1/", f"/ws/{buyer.pk}", f"/ws/{buyer.pk}/more/", "/"):
        device = Device(buyer, [OWN_ORIGIN, await in_thread(cookie_of, buyer)])
        device.scope["path"] = path
        assert (await device.connect())[0] is False
        await device.disconnect()


# --- Tokens ---------------------------------------------------------------------------------------------------------
@in_a_loop
async def test_a_token_opens_it_without_a_page_and_is_not_repeated(buyer):
    device = Device(buyer, [], ["chat.v1", f"jwt.{make_jwt(buyer)}"])
    assert await device.connect() == (True, "chat.v1")
    await device.says("ping")
    await device.hears("pong")
    await device.disconnect()


@in_a_loop
async def test_a_wrong_token_is_nobody_even_with_a_good_cookie(buyer):
    for token in ("", "x", "a.b.c", make_jwt(buyer)[:-4] + "AAAA"):
        device = Device(buyer, [OWN_ORIGIN, await in_thread(cookie_of, buyer)], ["chat.v1", f"jwt.{token}"])
        assert (await device.connect())[0] is True
        assert await device.is_closed_with() == 4401
        await device.disconnect()


@in_a_loop
async def test_a_token_on_a_page_of_another_site_is_refused(buyer):
    device = Device(buyer, [(b"origin", b"https://evil.example.com")], [f"jwt.{make_jwt(buyer)}"])
    assert (await device.connect())[0] is False
    await device.disconnect()


# --- The end of a sign-in -------------------------------------------------------------------------------------------
@in_a_loop
async def test_a_session_that_is_ended_closes_its_own_sockets_within_a_second(buyer):
    cookie = await in_thread(cookie_of, buyer)
    here, there = Device(buyer, [OWN_ORIGIN, cookie]), await Device.of(buyer)
    await here.connect()
    await in_thread(SessionStore().delete, cookie[1].decode().split("=")[1])
    assert await here.is_closed_with() == 4401
    assert await there.hears_all() == []
    await here.disconnect()


@in_a_loop
async def test_a_closed_account_closes_every_socket_within_a_second(buyer):
    by_token = Device(buyer, [], ["chat.v1", f"jwt.{make_jwt(buyer)}"])
    await by_token.connect()
    by_session = await Device.of(buyer)
    await in_thread(deactivate_account, actor=buyer, user=buyer)
    assert (await by_token.is_closed_with(), await by_session.is_closed_with()) == (4401, 4401)


@in_a_loop
async def test_another_password_closes_the_socket_with_its_next_frame(buyer, freelancer):
    device = await Device.of(buyer)
    buyer.set_password("another long password")
    await in_thread(buyer.save)
    await device.says("message.send", client_id="device-1-00001", receiver_id=freelancer.pk, content="Hello")
    assert await device.is_closed_with() == 4401
    assert await in_thread(Message.objects.count) == 0


@in_a_loop
async def test_whoever_is_silent_is_asked_again_before_they_are_told_more(buyer, freelancer, monkeypatch):
    monkeypatch.setattr("messaging.consumers.TRUSTED_FOR", 0)
    device = await Device.of(buyer)
    await in_thread(say, freelancer, buyer)
    heard = [await device.receive_json_from(5) for _n in range(2)]
    assert {frame["type"] for frame in heard} == {"message.new", "notification"}
    buyer.is_active = False
    await in_thread(buyer.save)
    await in_thread(publish, group_of(buyer.pk), {"type": "order.updated", "order": str(uuid.uuid4())})
    assert await device.is_closed_with() == 4401


@in_a_loop
async def test_a_token_that_has_run_out_closes_the_socket(buyer, monkeypatch):
    device = Device(buyer, [], ["chat.v1", f"jwt.{make_jwt(buyer)}"])
    await device.connect()
    monkeypatch.setattr("accounts.tokens.LEEWAY", -3600)  # as if an hour had gone by
    await device.says("ping")
    assert await device.is_closed_with() == 4401
