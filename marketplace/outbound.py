"""Requests to addresses that people have typed in: over TLS, to the public internet alone, and never for long."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError

PORTS = (443, 8443)
TO_CONNECT, IN_ALL = 5, 10  # seconds
MOST_READ = 2048  # bytes of an answer's body
MOST_TRIED = 4  # addresses of a name
_UNICAST_6 = ip_network("2000::/3")
# Called global by Python 3.11, and still no place to go: protocol assignments, relays and tunnels to IPv4, documentation.
_NOWHERE = [ip_network(name) for name in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")]


class NotAnswered(DomainError):
    """There is no answer; the text says why."""

    code = "not_answered"


@dataclass(frozen=True)
class Answer:
    status: int
    body: str  # its beginning


def is_public(address: str, port: int) -> bool:
    """Whether this IP address and port are ones of the public internet, where nothing of the site's own network answers."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip not in _UNICAST_6:  # also IPv4 in disguise (::ffff:…, 64:ff9b::…) and scopes
        return False
    special = ip.is_multicast or ip.is_reserved or any(_is_within(ip, network) for network in _NOWHERE)
    return port in PORTS and ip.is_global and not special


def _is_within(ip: IPv4Address | IPv6Address, network: Any) -> bool:
    return ip.version == network.version and ip in network


def split_address(url: str) -> tuple[SplitResult, str, int]:
    """The address, its host and its port. ValueError where it is not https, carries a password, or makes no sense."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not an https address")  # and not which: it may carry a token, and this may be logged
    return parts, parts.hostname, PORTS[0] if parts.port is None else parts.port


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    may_reach: Callable[[str, int], bool] = is_public,
    context: ssl.SSLContext | None = None,
) -> Answer:
    """Send one POST and read the beginning of its answer, whatever its status; redirects are not followed. Raises NotAnswered.

    The name is looked up once, every address of it is checked by `may_reach`, and the connection goes to one that was checked,
    while the certificate is checked for the name: what the name leads to afterwards does not matter. Never inside a transaction.
    """
    until = time.monotonic() + IN_ALL
    context = context or _trusted()
    try:
        parts, host, port = split_address(url)
        with _open(host, port, may_reach, context, until) as wire:
            connection = HTTPSConnection(host, port, context=context)
            connection.sock = wire  # it opens none of its own
            target = iri_to_uri((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
            connection.request("POST", target, body=body, headers={"Connection": "close", **headers})
            with connection.getresponse() as response:
                said = b""
                with suppress(OSError, HTTPException):  # the status is the answer, however the rest of it ends
                    said = response.read(MOST_READ)
                return Answer(response.status, said.decode(errors="replace").replace("\0", ""))
    except socket.gaierror as unknown:
        raise NotAnswered(_("The name of this address is not known.")) from unknown
    except TimeoutError as silence:
        raise NotAnswered(_("No answer within %(seconds)d seconds.") % {"seconds": IN_ALL}) from silence
    except ssl.SSLCertVerificationError as forged:
        raise NotAnswered(_("The certificate is not valid: %(why)s.") % {"why": forged.verify_message}) from forged
    except (OSError, HTTPException, ValueError) as failure:
        raise NotAnswered(_("No connection: %(why)s.") % {"why": f"{type(failure).__name__} {failure}"[:200]}) from failure


def _open(host: str, port: int, may_reach: Callable[[str, int], bool], context: ssl.SSLContext, until: float) -> ssl.SSLSocket:
    addresses = _look_up(host, port, min(TO_CONNECT, _left(until)))
    if not all(may_reach(address, port) for address in addresses):
        raise NotAnswered(_("This address leads into a private network, or to a port other than 443 and 8443."))
    context.sslsocket_class = _Hurried
    plain = _connect(addresses[:MOST_TRIED], port, until)
    try:
        plain.settimeout(min(TO_CONNECT, _left(until)))
        wire = context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise
    wire.until = until  # type: ignore[attr-defined]
    return wire


def _connect(addresses: list[str], port: int, until: float) -> socket.socket:
    """To the first of them that takes the call; the refusal of the last is raised."""
    *others, last = addresses
    for address in others:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout=min(TO_CONNECT, _left(until)))
    return socket.create_connection((last, port), timeout=min(TO_CONNECT, _left(until)))


def _look_up(host: str, port: int, patience: float) -> list[str]:
    """The addresses of a name. The resolver knows no limit of time: it is asked in a thread that nobody waits for any longer."""
    found: Future[list[str]] = Future()

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.set_result(list(dict.fromkeys(str(sockaddr[0]) for *_kind, sockaddr in answers)))
        except Exception as failure:  # noqa: BLE001
            found.set_exception(failure)

    threading.Thread(target=ask, daemon=True).start()
    return found.result(patience)


class _Hurried(ssl.SSLSocket):
    """Gives up at one instant, however slowly the other side drips: a socket's own timeout begins anew with each byte."""

    until: float

    def recv_into(self, *args: Any, **options: Any) -> int:
        self.settimeout(_left(self.until))
        return super().recv_into(*args, **options)

    def send(self, *args: Any, **options: Any) -> int:
        self.settimeout(_left(self.until))
        return super().send(*args, **options)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@lru_cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()
