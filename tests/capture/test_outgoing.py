"""What is sent on goes where the policy allows, and nowhere else."""

import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from capture.errors import BadInput, Refused
from capture.outgoing import Outgoing
from capture.resolver import Resolver
from tests.certs import issued, root_pem

LOOPBACK = ("127.0.0.0/8", "::1/128")


class Site(BaseHTTPRequestHandler):
    """Says under which name it was asked; /away sends elsewhere."""

    def do_GET(self) -> None:
        body = str(self.headers["Host"]).encode()
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", "http://169.254.169.254/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """Where the site listens."""
    yield from _served(None)


def _served(context: ssl.SSLContext | None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that does not trust it goes away
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def names(tmp_path: Path, *lines: str) -> Resolver:
    """Names that are known without asking anybody."""
    (tmp_path / "hosts").write_text("\n".join(lines))
    return Resolver(("127.0.0.1:9",), 0.1, hosts_file=tmp_path / "hosts")


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:{}/", "http://localhost:{}/", "http://[::1]:{}/", "http://169.254.169.254/", "http://10.0.0.1/",
    "http://tracker.internal/", "http://[::ffff:127.0.0.1]:{}/", "http://0.0.0.0:{}/"])
def test_what_is_not_public_is_refused(port: int, url: str) -> None:
    with Outgoing().client() as client, pytest.raises(Refused, match="not allowed by policy"):
        client.get(url.format(port))


def test_a_network_that_was_named_is_reached_and_keeps_its_name(port: int, tmp_path: Path) -> None:
    outgoing = Outgoing(LOOPBACK, names(tmp_path, "127.0.0.1 tracker.example"))
    with outgoing.client() as client:
        answer = client.get(f"http://tracker.example:{port}/")
        assert (answer.status_code, answer.text) == (200, f"tracker.example:{port}")
    with outgoing.dial("tracker.example", port, 5.0) as sock:
        assert sock.getpeername() == ("127.0.0.1", port)


def test_metadata_stays_refused_whatever_is_allowed(tmp_path: Path) -> None:
    outgoing = Outgoing(("0.0.0.0/0", "::/0"), names(tmp_path, "169.254.169.254 tracker.example"))
    with outgoing.client() as client, pytest.raises(Refused):
        client.get("http://tracker.example/")
    with pytest.raises(Refused):
        outgoing.dial("tracker.example", 80, 1.0)


def test_every_address_of_a_name_is_checked(port: int, tmp_path: Path) -> None:
    outgoing = Outgoing(LOOPBACK, names(tmp_path, "127.0.0.1 tracker.example", "10.0.0.1 tracker.example"))
    with pytest.raises(Refused, match=r"10\.0\.0\.0/8"):
        outgoing.admitted("tracker.example", port)


def test_the_next_address_is_tried(port: int, tmp_path: Path) -> None:
    outgoing = Outgoing(LOOPBACK, names(tmp_path, "::1 tracker.example", "127.0.0.1 tracker.example"))
    with outgoing.client() as client:
        assert client.get(f"http://tracker.example:{port}/").status_code == 200
    outgoing.dial("tracker.example", port, 5.0).close()


def test_redirects_are_not_followed_and_proxies_not_used(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9/")
    with Outgoing(LOOPBACK).client() as client:
        assert client.get(f"http://127.0.0.1:{port}/away").status_code == 302


def test_a_name_without_address_is_an_error_of_the_connection(tmp_path: Path) -> None:
    outgoing = Outgoing(LOOPBACK, names(tmp_path))
    with outgoing.client() as client, pytest.raises(httpx.ConnectError, match=r"tracker\.example has no address"):
        client.get("http://tracker.example/")
    with pytest.raises(OSError, match="has no address"):
        outgoing.dial("tracker.example", 80, 1.0)


def test_nobody_there_is_an_error_of_the_connection() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with Outgoing(LOOPBACK).client() as client, pytest.raises(httpx.ConnectError):
            client.get(f"http://127.0.0.1:{port}/")
        with pytest.raises(OSError, match="refused"):
            Outgoing(LOOPBACK).dial("127.0.0.1", port, 5.0)


def test_mail_ports_are_open_and_other_services_are_not(tmp_path: Path) -> None:
    outgoing = Outgoing((), names(tmp_path, "192.0.78.1 mail.example"))
    assert outgoing.admitted("mail.example", 587) == ["192.0.78.1"]
    with pytest.raises(Refused, match="port 6379"):
        outgoing.admitted("mail.example", 6379)


def test_what_is_no_network_is_told() -> None:
    with pytest.raises(BadInput, match="not a network"):
        Outgoing(("10.0.0.0/99",))


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[int]:
    """Where the site listens with TLS, as shop.test."""
    (tmp_path / "site.pem").write_bytes(issued("good").pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "site.pem")
    yield from _served(context)


@pytest.mark.parametrize(("host", "trusted", "said"), [
    ("shop.test", True, None), ("shop.test", False, "self-signed|unable to get"), ("other.test", True, "mismatch")])
def test_certificates_are_checked_for_the_name(secure: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str,
                                               trusted: bool, said: str | None) -> None:
    if trusted:
        (tmp_path / "root.pem").write_text(root_pem())
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
    with Outgoing(LOOPBACK, names(tmp_path, f"127.0.0.1 {host}")).client() as client:
        if said is None:
            assert client.get(f"https://{host}:{secure}/").text == f"{host}:{secure}"
            return
        with pytest.raises(httpx.ConnectError, match=said):
            client.get(f"https://{host}:{secure}/")
