"""The client: repeats safely, waits as it is told, gives its token to nobody else, takes nothing but whole files."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from capture.errors import BadInput, CaptureError, Refused
from web.client import Client, is_faulty, lines

TOKEN = "gw_" + "x" * 43
HERE = "/api/v1/captures/A"
LINKS = {"self": HERE, "page": "/cases/A"}
Step = tuple[int, dict[str, Any] | bytes, dict[str, str]]


@dataclass
class Stub:
    """A server that answers what it is told, and keeps what it was asked."""

    server: ThreadingHTTPServer
    steps: list[Step] = field(default_factory=list)
    heard: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def say(self, status: int, body: dict[str, Any] | bytes, **headers: str) -> None:
        self.steps.append((status, body, {name.replace("_", "-"): value for name, value in headers.items()}))

    def client(self, **given: Any) -> Client:
        return Client(self.url, TOKEN, sleep=self.slept.append, clock=lambda: sum(self.slept), **given)


@pytest.fixture
def stub() -> Iterator[Stub]:
    made: list[Stub] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made[0].heard.append((self.command, self.path, dict(self.headers), body))
            status, said, headers = made[0].steps.pop(0)
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.append(Stub(server))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made[0]
        server.shutdown()
        thread.join()


def refusal(status: int, kind: str, detail: str) -> dict[str, Any]:
    return {"type": f"/api/v1/#{kind}", "title": "x", "status": status, "detail": detail}


def test_a_request_is_repeated_under_one_key_until_it_is_answered(stub: Stub) -> None:
    stub.say(429, refusal(429, "too-many-requests", "Too many."), Retry_After="7")
    stub.say(0, b"")
    stub.say(503, b"starting")
    stub.say(202, {"id": "A", "links": LINKS})
    assert stub.client().submit({"url": "https://a.example/"}, "a key")["id"] == "A"
    assert {heard[2]["Idempotency-Key"] for heard in stub.heard} == {"a key"}
    assert {heard[3] for heard in stub.heard} == {b'{"url": "https://a.example/"}'}
    assert stub.slept[0] == 7
    assert 0.5 <= stub.slept[1] <= stub.slept[2]


def test_a_server_that_wants_to_be_asked_at_once_is_not_hammered(stub: Stub) -> None:
    for _ in range(2):
        stub.say(503, b"", Retry_After="0")
    stub.say(202, {"id": "A", "links": LINKS})
    stub.client().submit({}, "a key")
    assert 0.5 <= stub.slept[0] < stub.slept[1]


def test_patience_ends_with_what_the_server_said_last(stub: Stub) -> None:
    for _ in range(3):
        stub.say(429, refusal(429, "too-many-requests", "Too many captures are waiting."), Retry_After="30")
    with pytest.raises(CaptureError, match=r"^too many captures are waiting$"):
        stub.client(patience_s=70).submit({}, "a key")
    assert stub.slept == [30, 30]


def test_a_server_that_is_not_there_is_told(stub: Stub) -> None:
    client = Client("http://127.0.0.1:1", sleep=stub.slept.append, clock=lambda: sum(stub.slept), patience_s=5)
    with pytest.raises(CaptureError, match="cannot be reached"):
        client.submit({}, "a key")


@pytest.mark.parametrize(("status", "kind", "error"), [
    (403, "refused-by-policy", Refused), (403, "not-allowed", BadInput), (401, "login-needed", BadInput),
    (422, "wrong-input", BadInput), (409, "conflict", BadInput), (500, "our-own-failure", CaptureError)])
def test_refusals_become_the_errors_of_the_command_line(stub: Stub, status: int, kind: str, error: type) -> None:
    stub.say(status, refusal(status, kind, "No reason."))
    with pytest.raises(error, match=r"^no reason$") as raised:
        stub.client().submit({}, "a key")
    assert raised.type is error
    assert len(stub.heard) == 1


def test_a_redirect_is_not_followed(stub: Stub) -> None:
    stub.say(302, b"", Location=f"{stub.url}/elsewhere")
    with pytest.raises(BadInput, match="elsewhere"):
        stub.client().submit({}, "a key")
    assert len(stub.heard) == 1


def test_a_capture_is_followed_until_it_has_ended(stub: Stub) -> None:
    told: list[Any] = []
    for state in ("queued", "running", "done"):
        stub.say(200, {"id": "A", "state": state, "links": LINKS})
    found = stub.client().wait({"links": LINKS}, lambda capture: told.append(capture["state"]))
    assert (found["state"], told) == ("done", ["queued", "running", "done"])
    assert [heard[1] for heard in stub.heard] == [HERE] * 3
    assert stub.slept[0] < stub.slept[1]
    assert all(heard[2]["Authorization"] == f"Bearer {TOKEN}" for heard in stub.heard)


def test_a_capture_that_never_ends_is_left_with_its_address(stub: Stub) -> None:
    stub.say(200, {"state": "queued", "links": LINKS})
    with pytest.raises(CaptureError, match=r"still queued.*/cases/A"):
        stub.client(patience_s=0.1).wait({"links": LINKS})


def test_files_are_saved_whole_or_not_at_all(stub: Stub, tmp_path: Path) -> None:
    links = {**LINKS, "dossier_html": f"{HERE}/files/report/dossier.html", "dossier_zip": f"{HERE}/files/../../evil.sh"}
    files = [{"link": links["dossier_html"], "sha256": hashlib.sha256(b"whole").hexdigest()},
             {"link": links["dossier_zip"], "sha256": hashlib.sha256(b"whole").hexdigest()}]
    stub.say(200, b"whole")
    stub.say(200, b"changed")
    with pytest.raises(CaptureError, match=r"dossier\.zip did not arrive"):
        stub.client().download({"links": links, "files": files}, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["dossier.html"]


@pytest.mark.parametrize("link", ["@evil.example/", "//evil.example/", "https://evil.example/", 5, None])
def test_a_link_that_leads_elsewhere_is_not_followed(stub: Stub, link: Any) -> None:
    with pytest.raises(CaptureError, match="not of this service"):
        stub.client().wait({"links": {"self": link}})
    assert stub.heard == []


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff"])
def test_something_else_that_answers_is_told(stub: Stub, body: bytes) -> None:
    stub.say(200, body)
    with pytest.raises(CaptureError, match="not of this service"):
        stub.client().submit({}, "a key")


@pytest.mark.parametrize("server", ["", "gatewitness.example", "ftp://a.example", "http://", "https://a:b@c.example/",
                                    "https://a.example/?x=1", "http://[::1", "https://a.example:x/"])
def test_an_address_that_is_none_is_refused(server: str) -> None:
    with pytest.raises(BadInput, match="--server"):
        Client(server)


def test_a_token_is_never_sent_in_the_clear_or_shown() -> None:
    with pytest.raises(BadInput, match="in the clear"):
        Client("http://gatewitness.example", TOKEN)
    for server in ("https://gatewitness.example", "http://127.0.0.1:8502", "http://localhost:8502", "http://[::1]:8502"):
        assert TOKEN not in repr(Client(server, TOKEN))
    with pytest.raises(BadInput, match="token") as raised:
        Client("https://gatewitness.example", "a\nb")
    assert "a\nb" not in str(raised.value)


def test_no_proxy_stands_before_this_machine(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    stub.say(202, {"id": "A", "links": LINKS})
    assert stub.client().submit({}, "a key")["id"] == "A"


def test_a_verdict_in_words() -> None:
    found = {"number": "GW-1", "verdict": {"summary": "It is down", "certainty": "certain", "status": 502,
                                           "is_error_page": True, "fault_code": None}}
    assert list(lines(found)) == ["It is down", "certainty: certain  status: 502  case: GW-1"]
    assert is_faulty(found)
    assert not is_faulty({"verdict": {"is_error_page": False, "fault_code": None}})
    assert not is_faulty({"verdict": None})
