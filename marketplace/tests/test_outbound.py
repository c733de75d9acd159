"""Requests to addresses that people typed in: nowhere inside, to nobody else than was checked, and never for long."""

import socket
import ssl
import threading
import time

import pytest

from marketplace import outbound
from marketplace.outbound import MOST_READ, MOST_TRIED, NotAnswered, is_public, post
from marketplace.tests.tls_server import NAME, TlsServer

pytestmark = pytest.mark.once


@pytest.fixture
def server(tmp_path):
    server = TlsServer()
    running = server.start(tmp_path)
    yield server
    server.released.set()
    running.shutdown()
    running.server_close()


@pytest.fixture
def names(monkeypatch):
    """What names lead to: a list of answers each, the last of them for ever; `asked` has every name looked up."""
    known, asked, real = {NAME: [["127.0.0.1"]]}, [], socket.getaddrinfo

    def look_up(host, port, *args, **options):
        if host not in known:
            return real(host, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
        asked.append(host)
        answer = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    known["asked"] = asked
    return known


def send(server: TlsServer, url: str = "", **options) -> outbound.Answer:
    options = {"body": b"{}", "headers": {"X-One": "1"}, "may_reach": server.reach, "context": server.trust, **options}
    return post(url or server.url, **options)


# --- Where it may go --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::200e"])
def test_the_public_internet_is_reached_on_two_ports(address):
    assert [port for port in (22, 80, 443, 8080, 8443) if is_public(address, port)] == [443, 8443]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.0.1", "::1", "0.0.0.0", "::", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),  # noqa: S104
        *("169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%1", "fd00:ec2::254", "fc00::1", "fec0::1"),
        *("100.64.0.1", "100.127.255.254", "192.0.0.1", "192.0.0.192", "198.18.0.1", "192.88.99.1", "240.0.0.1"),
        *("224.0.0.1", "239.255.255.250", "ff02::1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1"),
        *("255.255.255.255", "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::", "100::1", "5f00::1"),
        *("::ffff:a9fe:a9fe", "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe", "ff0e::1", "fe80::a9fe:a9fe", "::ffff:0:127.0.0.1"),
    ],
)
def test_whatever_is_not_the_public_internet_is_refused(address):
    assert not is_public(address, 443)


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://１２７.0.0.1/",
        "https://①②⑦。0。0。1/",
        "https://127.0.0.1:8443/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
def test_every_spelling_of_an_address_inside_is_looked_up_before_it_is_judged(url, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *_args, **_options: pytest.fail("a connection was tried"))
    with pytest.raises(NotAnswered, match="private network"):
        post(url, body=b"", headers={})


@pytest.mark.parametrize(
    "url",
    [
        *("http://hooks.test/", "https://a:b@hooks.test/", "https://", "https://hooks.test:x/", "ftp://hooks.test/", "/x", ""),
        *(
            "https://hooks.test@127.0.0.1/",
            "https://hooks.test\\@127.0.0.1/",
            "https://@hooks.test/",
            "https://hooks.test:99999/",
        ),
        *("https://:443/", "https://[::1/", "https://hooks.test:-1/"),
    ],
)
def test_what_is_no_https_address_is_refused(url, names):
    with pytest.raises(NotAnswered):
        post(url, body=b"", headers={})
    assert names["asked"] == []


def test_a_port_of_nought_is_not_taken_for_none(names, monkeypatch):
    names[NAME] = [["93.184.216.34"]]
    monkeypatch.setattr(socket, "create_connection", lambda *_args, **_options: pytest.fail("a connection was tried"))
    with pytest.raises(NotAnswered, match="a port other"):
        post("https://hooks.test:0/", body=b"", headers={})


def test_what_is_said_of_a_broken_address_does_not_repeat_it():
    with pytest.raises(NotAnswered) as failure:
        post("ftp://hooks.test/?token=s3cret", body=b"", headers={})
    assert "s3cret" not in failure.value.message


def test_a_name_in_letters_of_any_kind_is_looked_up_and_its_certificate_checked_for_it(server, names):
    names["höoks.test"] = [["127.0.0.1"]]
    with pytest.raises(NotAnswered, match="certificate"):
        send(server, f"https://HÖOKS.test:{server.port}/")
    assert (names["asked"], server.names, server.requests) == (["höoks.test"], ["xn--hoks-5qa.test"], [])


def test_a_name_that_leads_inside_only_in_part_is_refused(server, names):
    names[NAME] = [["127.0.0.1", "10.0.0.1"]]
    with pytest.raises(NotAnswered, match="private network"):
        send(server)
    assert server.requests == []


def test_the_address_that_was_checked_is_the_one_connected_to(server, names):
    names[NAME] = [["127.0.0.1"], ["127.0.0.9"]]  # as after the first question
    assert send(server).status == 204
    assert names["asked"] == [NAME]
    assert len(server.requests) == 1


def test_the_next_address_is_tried_where_one_does_not_answer(server, names):
    names[NAME] = [["127.0.0.2", "127.0.0.1"]]  # nothing listens on the first
    assert send(server, may_reach=lambda address, port: port == server.port).status == 204


def test_of_many_addresses_a_few_are_tried(server, names):
    names[NAME] = [[f"127.0.0.{number}" for number in range(2, 2 + MOST_TRIED)] + ["127.0.0.1"]]
    with pytest.raises(NotAnswered, match="No connection"):
        send(server, may_reach=lambda address, port: port == server.port)


def test_a_name_that_is_not_known_is_said_to_be(server, monkeypatch):
    def unknown(*_args, **_options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotAnswered, match="not known"):
        send(server)


# --- What is sent and read --------------------------------------------------------------------------------------------
def test_one_post_arrives_as_it_was_given_at_the_name_that_was_asked_for(server, names):
    server.answer = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nth\x00nx"
    answer = send(server, server.url + "/ä?q=a b", body="{'é'}".encode())
    assert (answer.status, answer.body) == (201, "thnx")
    (request,) = server.requests
    assert (request.path, request.body) == ("/hook/%C3%A4?q=a%20b", "{'é'}".encode())
    assert (request.headers["Host"], request.headers["X-One"]) == (f"{NAME}:{server.port}", "1")
    assert server.names == [NAME]


def test_a_redirect_is_an_answer_and_is_not_followed(server, names):
    server.answer = b"HTTP/1.1 302 Found\r\nLocation: https://hooks.test/elsewhere\r\nContent-Length: 0\r\n\r\n"
    assert send(server).status == 302
    assert len(server.requests) == 1


def test_of_a_long_answer_the_beginning_is_read(server, names):
    server.answer = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000_000
    assert send(server).body == "x" * MOST_READ


@pytest.mark.parametrize("answer", [b"", b"SMTP ready\r\n", b"HTTP/1.1 2", b"HTTP/1.1 200 " + b"x" * 70_000])
def test_what_is_no_answer_is_said_to_be_none(server, names, answer):
    server.answer = answer
    with pytest.raises(NotAnswered, match="No connection"):
        send(server)


def test_a_certificate_for_another_name_is_refused(server, names):
    names["other.test"] = [["127.0.0.1"]]
    with pytest.raises(NotAnswered, match="certificate"):
        send(server, f"https://other.test:{server.port}/")
    assert server.requests == []


def test_a_certificate_of_nobody_we_trust_is_refused(server, names):
    with pytest.raises(NotAnswered, match="certificate"):
        send(server, context=ssl.create_default_context())
    assert server.requests == []


# --- For how long -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 99, b"HTTP/1.1 100 Continue\r\n\r\n" * 99])
def test_who_drips_the_head_of_an_answer_holds_nobody_longer_than_was_agreed(server, names, monkeypatch, answer):
    monkeypatch.setattr(outbound, "IN_ALL", 0.5)
    server.answer, server.drips = answer, 0.05
    started = time.monotonic()
    with pytest.raises(NotAnswered, match="No answer"):
        send(server)
    assert time.monotonic() - started < 2


def test_who_drips_the_body_has_answered_all_the_same(server, names, monkeypatch):
    monkeypatch.setattr(outbound, "IN_ALL", 1)
    server.answer, server.drips = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000, 0.01
    started = time.monotonic()
    assert send(server).status == 200
    assert time.monotonic() - started < 3


def test_a_resolver_that_hangs_holds_nobody(monkeypatch):
    answered = threading.Event()

    def hang(*_args, **_options):
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(outbound, "TO_CONNECT", 0.1)
    with pytest.raises(NotAnswered, match="No answer"):
        post("https://hooks.test/", body=b"", headers={})
    answered.set()


def test_who_takes_a_connection_and_says_nothing_is_left_after_the_time_to_connect(monkeypatch, server, names):
    monkeypatch.setattr(outbound, "TO_CONNECT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(NotAnswered, match="No answer"):
            send(server, f"https://{NAME}:{port}/", may_reach=lambda _address, _port: True)
        assert time.monotonic() - started < 2
