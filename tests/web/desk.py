"""A help desk with an API of its own, and its tracker. In: what it is to refuse. Out: what it was given."""

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, urlsplit

import pytest

from report.deliver.base import Account, Credential, Door, File, Found, Message, Target, Tracker, Upload
from report.deliver.http import Http
from report.deliver.mark import cases
from report.deliver.targets import origin
from report.markup.markdown import markdown

TOKEN: Final = "d3skT0kenVa1ue55HkQx7"
VARIABLES: Final = {"GATEWITNESS_OPS_TOKEN": TOKEN, "GATEWITNESS_DEV_TOKEN": TOKEN}
PATIENCE_S: Final = 60.0


class Desk(Tracker):
    """The tracker."""

    kind, name, credential = "desk", "Desk", "a token"

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """It runs anywhere."""
        return None

    @classmethod
    def recognise_own(cls, url: SplitResult) -> Target | None:
        """/tickets/NUMBER, or / for new ones."""
        return Target(cls.kind, origin(url), "", url.path.removeprefix("/tickets/").strip("/") or None)

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        super().__init__(target, credential, door)
        secret = credential.secret if credential else ""
        # Without `secrets`: what the desk repeats of them has to be found by others.
        self.http = Http(door, target.origin, self.name, {"Authorization": f"Bearer {secret}"})

    def check(self) -> Account:
        """Who we are."""
        return Account(self.http.json("GET", "/me")["name"])

    def find(self, failure: str) -> Found | None:
        """Looks into the ticket."""
        if self.target.ticket is None:
            return None
        told = cases("\n".join(self.http.json("GET", f"/tickets/{self.target.ticket}")), failure)
        return Found(self._link(self.target.ticket), self.target.ticket, "", told) if told else None

    def attach(self, file: File) -> Upload:
        """By its name."""
        self.http.ask("PUT", "/files", params={"name": file.name}, content=file.data)
        return Upload(file.name, file.name)

    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """Adds the text."""
        ticket = self.target.ticket or ""
        self.http.ask("POST", f"/tickets/{ticket}", json=f"{message.mark}\n{markdown(message.blocks)}")
        return self._link(ticket)

    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """A new ticket."""
        number = self.http.json("POST", "/tickets", json=f"{message.mark}\n{markdown(message.blocks)}")
        return number, self._link(number)

    def again(self, found: Found, message: Message) -> str:
        """Adds the line."""
        return self.comment(message, ())

    def _link(self, ticket: str) -> str:
        return f"{self.target.origin}/tickets/{ticket}"


class Forgetful(Desk):
    """The same, but nobody can look at what was written."""

    kind, searchable = "post", False

    def find(self, failure: str) -> Found | None:
        """Nothing."""
        return None


class Office:
    """The desk itself."""

    def __init__(self) -> None:
        self.tickets: dict[str, list[str]] = {"12": [], "13": []}
        self.files: dict[str, bytes] = {}
        self.refusals: deque[tuple[int, str]] = deque()
        """Status and sentence of the next answers to what is written."""
        self.hold_at = ""
        """Method of requests that are done and not answered before `go`."""
        self.held, self.go = threading.Event(), threading.Event()
        """`held` is set when one waits."""
        self.address = ""


class Clerk(BaseHTTPRequestHandler):
    """Answers for the office."""

    office: Office

    def do_GET(self) -> None:
        """Reads."""
        number = self.path.removeprefix("/tickets/")
        self._hold()
        self._answer(200, {"name": "us"} if self.path == "/me" else self.office.tickets.get(number, []))

    def do_PUT(self) -> None:
        """Keeps a file."""
        self.office.files[parse_qs(urlsplit(self.path).query)["name"][0]] = self._body()
        self._hold()
        self._answer(200, {})

    def do_POST(self) -> None:
        """Keeps a text."""
        text, office = json.loads(self._body()), self.office
        if office.refusals:
            status, sentence = office.refusals.popleft()
            self._answer(status, {"message": sentence.format(auth=self.headers["Authorization"])})
            return
        number = self.path.removeprefix("/tickets").strip("/") or str(100 + len(office.tickets))
        office.tickets.setdefault(number, []).append(text)
        self._hold()
        self._answer(200, number)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def _hold(self) -> None:
        if self.office.hold_at == self.command:
            self.office.held.set()
            self.office.go.wait(PATIENCE_S)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _answer(self, status: int, body: Any) -> None:
        known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        data = json.dumps(body if known else {}).encode()
        try:
            self.send_response(status if known else 401)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:  # whoever asked was killed
            self.close_connection = True


@contextmanager
def opened() -> Iterator[Office]:
    """A desk that listens on loopback."""
    office = Office()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("OfClerk", (Clerk,), {"office": office})) as server:
        office.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield office
        finally:
            office.go.set()
            server.shutdown()
            thread.join()


def register(patch: pytest.MonkeyPatch) -> None:
    """Makes the desk one of the trackers; its token is in the environment."""
    for module in ("report.deliver.targets", "report.deliver.credentials", "web.targets", "web.delivering"):
        patch.setattr(f"{module}.trackers", lambda: {"desk": Desk, "post": Forgetful})
    for name, value in VARIABLES.items():
        patch.setenv(name, value)


def targets_file(path: Path, address: str = "http://127.0.0.1:1") -> Path:
    """Two targets of a desk: `ops` is a ticket, `dev` makes new ones."""
    path.write_text(f'[ops]\nto = "desk+{address}/tickets/12"\nnetworks = ["127.0.0.0/8"]\n'
                    f'[dev]\nto = "desk+{address}/"\nnetworks = ["127.0.0.0/8"]\n')
    return path
