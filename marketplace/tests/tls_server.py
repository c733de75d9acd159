"""A real TLS server on this machine for the tests of outgoing requests, with a certificate of its own making."""

import datetime
import ipaddress
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "hooks.test"


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class TlsServer:
    """Answers each POST with `answer`; `drips` sends it a byte every so many seconds instead."""

    port: int = 0
    trust: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    requests: list[Request] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # asked for in the handshake
    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n"
    drips: float = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}/hook"

    def reach(self, address: str, port: int) -> bool:
        """What a test gives in place of the check of addresses: this server and nothing else."""
        return (address, port) == ("127.0.0.1", self.port)

    def start(self, folder: Path) -> ThreadingHTTPServer:
        authority, chain = _certificates(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        context.sni_callback = lambda _wire, name, _context: self.names.append(name or "")
        self.trust.load_verify_locations(authority)
        server = _Server(("127.0.0.1", 0), _handler(self))
        server.context = context
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server


class _Server(ThreadingHTTPServer):
    context: ssl.SSLContext

    def finish_request(self, request, client_address):  # in the thread of the request: a slow handshake holds up nobody
        request.settimeout(20)
        with self.context.wrap_socket(request, server_side=True) as wire:
            super().finish_request(wire, client_address)

    def handle_error(self, request, client_address):
        """A client that hangs up is no fault of the server."""


def _handler(server: TlsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.requests.append(Request(self.path, dict(self.headers), body))
            if not server.drips:
                self.wfile.write(server.answer)
                return
            for byte in server.answer:
                self.wfile.write(bytes([byte]))
                if server.released.wait(server.drips):
                    return

        def log_message(self, *_args):
            pass

    return Handler


def _certificates(folder: Path) -> tuple[Path, Path]:
    """The certificate of an authority, and a file with a key and its certificate for NAME."""
    own, theirs = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    authority = _sign("An authority", own, own.public_key(), x509.BasicConstraints(ca=True, path_length=0))
    leaf = _sign(NAME, own, theirs.public_key(), x509.SubjectAlternativeName(names))
    pem = serialization.Encoding.PEM
    key = theirs.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    (folder / "chain.pem").write_bytes(key + leaf.public_bytes(pem))
    return folder / "authority.pem", folder / "chain.pem"


def _sign(name, key, public_key, extension) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        issuer_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority")]),
        subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
        public_key=public_key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(days=1),
        not_valid_after=now + datetime.timedelta(days=1),
    )
    return builder.add_extension(extension, critical=False).sign(key, hashes.SHA256())
