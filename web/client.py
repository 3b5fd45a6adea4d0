"""A client of the service. In: an address, a server, a token. Out: the capture when it has ended, and its dossier.

Nothing is lost on the way: a request is repeated under one Idempotency-Key until the server has answered. The token
goes to the server that was named and nowhere else: redirects are not followed, and no token is sent in the clear.
"""

import hashlib
import http.client
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from capture.errors import BadInput, CaptureError, Refused

OPEN: Final = frozenset({"queued", "running"})
AGAIN: Final = frozenset({429, 502, 503, 504, 507})
"""Statuses after which the same request may succeed."""
WAITS_S: Final = (0.5, 8.0)
"""First and longest wait before a request is sent again, seconds."""
LOOKS_S: Final = (0.5, 3.0)
"""First and longest wait between two looks at a capture, seconds."""
REQUEST_S: Final = 60.0
"""Longest silence of the server, seconds."""
DOSSIERS: Final = {"dossier_html": "dossier.html", "dossier_pdf": "dossier.pdf", "dossier_zip": "dossier.zip"}
POLICY: Final = "/api/v1/#refused-by-policy"
MOST_BYTES: Final = 2_000_000_000
"""Largest file that is downloaded, bytes."""
JSON_BYTES: Final = 20_000_000
"""Largest other answer, bytes."""
LOST: Final = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)
"""What happens when a server cannot be reached, or goes away."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a token would go along."""

    def redirect_request(self, *_: Any) -> None:
        """No request."""


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    """HTTP status."""
    body: bytes
    """Its bytes."""
    retry_after_s: float | None = None
    """When it wants to be asked again."""

    def json(self) -> dict[str, Any]:
        """The body as an object; raises CaptureError when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise CaptureError(f"the server answered {self.status} with something that is not of this service")
        return found


@dataclass(frozen=True)
class Client:
    """One server, for whoever has the token."""

    server: str
    """Its address, for example https://gatewitness.example."""
    token: str | None = field(default=None, repr=False)
    """API token; none is needed in local mode."""
    patience_s: float = 900.0
    """Longest time for all of it, seconds."""
    sleep: Callable[[float], None] = time.sleep
    """How to wait."""
    clock: Callable[[], float] = time.monotonic
    """Seconds that pass."""

    def __post_init__(self) -> None:
        """Raises BadInput for an address that is none, or would carry the token in the clear."""
        _check(self.server, self.token)

    def submit(self, asked: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Asks for a capture; the same `key` makes repeating it safe. Returns the capture as the server tells it.

        Raises BadInput, Refused and CaptureError.
        """
        body = json.dumps(asked).encode()
        return self._ask("POST", "/api/v1/captures", body, {"Idempotency-Key": key}).json()

    def wait(self, capture: Mapping[str, Any], told: Callable[[Mapping[str, Any]], None] = lambda _: None,
             ) -> dict[str, Any]:
        """Follows a capture until it has ended; `told` hears of each look.

        Raises CaptureError when it takes too long.
        """
        until, wait_s = self.clock() + self.patience_s, LOOKS_S[0]
        while True:
            found = self._ask("GET", _link(capture, "self")).json()
            told(found)
            if found.get("state") not in OPEN:
                return found
            if self.clock() + wait_s > until:
                still = found.get("state")
                raise CaptureError(f"the capture is still {still}; look at it later under {self.page(found)}")
            self.sleep(wait_s)
            wait_s = min(LOOKS_S[1], wait_s * 1.3)

    def download(self, capture: Mapping[str, Any], out: Path) -> list[Path]:
        """Gets the dossier into a directory, which is made; each file is whole or not there. Raises CaptureError."""
        sums = {file.get("link"): file.get("sha256") for file in capture.get("files", ()) if isinstance(file, dict)}
        links = {name: _link(capture, kind) for kind, name in DOSSIERS.items() if kind in (capture.get("links") or {})}
        out.mkdir(parents=True, exist_ok=True)
        return [self._save(link, out / name, sums.get(link)) for name, link in links.items()]

    def page(self, capture: Mapping[str, Any]) -> str:
        """Address of the page for people."""
        return self.server.rstrip("/") + _link(capture, "page")

    def _save(self, link: str, path: Path, sha256: str | None) -> Path:
        data = self._ask("GET", link, most=MOST_BYTES).body
        if hashlib.sha256(data).hexdigest() != sha256:
            raise CaptureError(f"{path.name} did not arrive as the server lists it")
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(data)
        part.replace(path)
        return path

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None,
             most: int = JSON_BYTES) -> Answer:
        """Asks until there is an answer that does not change by asking again."""
        until, wait_s = self.clock() + self.patience_s, WAITS_S[0]
        while True:
            try:
                answer = self._once(method, path, body, headers or {}, most)
                if answer.status not in AGAIN:
                    return _good(answer)
                said, pause_s = _detail(answer), answer.retry_after_s
            except LOST as error:
                said, pause_s = f"{self.server} cannot be reached: {getattr(error, 'reason', None) or error}", None
            pause_s = pause_s or wait_s * random.uniform(1, 1.25)  # "Retry-After: 0" would be asked without end
            if self.clock() + pause_s > until:
                raise CaptureError(said)
            self.sleep(pause_s)
            wait_s = min(WAITS_S[1], wait_s * 2)

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], most: int) -> Answer:
        asked = urllib.request.Request(self.server.rstrip("/") + urllib.parse.quote(path, safe="/:?=&%"), body,
                                       {**headers, "Accept": "*/*"}, method=method)
        if body is not None:
            asked.add_header("Content-Type", "application/json")
        if self.token:
            asked.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with _opener(self.server).open(asked, timeout=REQUEST_S) as response:
                return _read(response, response.status, most)
        except urllib.error.HTTPError as error:
            with error:
                return _read(error, error.code, most)


def _opener(server: str) -> urllib.request.OpenerDirector:
    """No proxy stands before this machine itself: the token would go to it in the clear."""
    direct = [urllib.request.ProxyHandler({})] if _is_here(urllib.parse.urlsplit(server).hostname or "") else []
    return urllib.request.build_opener(_Stay(), *direct)


def _read(response: Any, status: int, most: int) -> Answer:
    body = response.read(most + 1)
    if len(body) > most:
        raise CaptureError("the server sends more than this can be")
    after = response.headers.get("Retry-After", "")
    return Answer(status, body, min(float(after), 3600.0) if after.isascii() and after.isdigit() else None)


def _good(answer: Answer) -> Answer:
    """The answer, when it is none of an error; raises the error that the command line knows."""
    if answer.status < 300:
        return answer
    if answer.status < 400:
        raise BadInput("the server sends elsewhere; name the address that it really has")
    said = _detail(answer)
    if answer.status == 403 and _problem(answer).get("type") == POLICY:
        raise Refused(said)
    if answer.status in (400, 401, 403, 404, 409, 410, 413, 415, 422):
        raise BadInput(said)
    raise CaptureError(said)


def _problem(answer: Answer) -> dict[str, Any]:
    try:
        return answer.json()
    except CaptureError:
        return {}


def _detail(answer: Answer) -> str:
    """The sentence of an error, in the command line's form."""
    said = str(_problem(answer).get("detail") or f"the server answered {answer.status}").rstrip(".")
    return said[:1].lower() + said[1:] if said[:2].istitle() else said


def _link(capture: Mapping[str, Any], name: str) -> str:
    """An address on the same server; raises CaptureError for every other."""
    link = (capture.get("links") or {}).get(name)
    if not isinstance(link, str) or not link.startswith("/") or link.startswith("//"):
        raise CaptureError("the server answered with something that is not of this service")
    return link


def _check(server: str, token: str | None) -> None:
    try:
        parts = urllib.parse.urlsplit(server)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        parts, host = urllib.parse.urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        raise BadInput("--server wants the address of a service, for example https://gatewitness.example")
    if token is not None and not (token.isascii() and token.isprintable() and token and " " not in token):
        raise BadInput("the token is not one of this service; it begins with gw_")
    if token and parts.scheme == "http" and not _is_here(host):
        raise BadInput("the token would be sent in the clear; use https")


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_faulty(capture: Mapping[str, Any]) -> bool:
    """Whether something is broken."""
    verdict = capture.get("verdict") or {}
    return bool(verdict.get("is_error_page") or verdict.get("fault_code"))


def lines(capture: Mapping[str, Any]) -> Iterable[str]:
    """The verdict for people."""
    verdict = capture.get("verdict") or {}
    yield str(verdict.get("summary"))
    facts = (("certainty", verdict.get("certainty")), ("status", verdict.get("status")),
             ("fault", verdict.get("fault_code")), ("case", capture.get("number")))
    yield "  ".join(f"{name}: {value}" for name, value in facts if value)
