"""A tracker that takes only what its published API description allows: a real HTTP server on 127.0.0.1.

In: names of excerpts under apis/, the answers of a test, its faults. Out: the address, the requests that came, and at
the end `Invalid`, if any of them (or any answer of the test) does not fit the description.

    def test_it_comments(tracker: Callable[..., Mock]) -> None:
        comment = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"
        mock = tracker("github", answers={comment: {"html_url": "https://github.com/o/r/issues/1#issuecomment-7"}})
        ...                                   # let the adapter talk to mock.url
        assert mock.of(comment)[0].json == {"body": "..."}

- Operations are named as in sources.toml. `mock.url` is where the API is, with the base path: Mock("gitea",
  base="/api/v1"). What the vendor serves from another host is at `mock.at("uploads.github.com")`, and nowhere else.
- An answer is JSON, `Answer`, or a function of `Seen` that gives one of them. Whatever the description requires besides
  is filled in, so a test gives only what it is about; without an answer the documented success comes, filled in. None
  in an object is null. An answer that the vendor would not give is a failure of the test too.
- `mock.faults.append(Fault(comment, 429, {"Retry-After": "1"}))` answers so once; `times=2` twice, `times=None` from
  now on, `skip=1` lets one through first; operation "*" means every one. `Fault(upload, cut_after=1000)` resets the
  connection when so many bytes of the body were read; `Fault(upload, lost=True)` does what was asked, then resets it;
  `Fault(upload, stalled=True)` never answers, until the client goes away. `mock.heal()` ends all faults.
- `mock.requests` are all that came (`Seen`), also invalid, failed and cut ones; `mock.of(name)` those of an operation.
"""

import contextlib
import json
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.report.deliver.description import Operation, Seen, answer, find, operations, wrong_answer, wrong_request

BODILESS = (204, 304)


class Invalid(AssertionError):
    """What was sent or answered does not fit the description. The message has a line for each fault."""


@dataclass(frozen=True)
class Answer:
    """An answer of the tracker; without a status it is the documented success. Bytes are sent as they are."""

    json: Any = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """What goes wrong, at the next `times` requests for an operation after `skip` of them; None is for ever."""

    operation: str
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    times: int | None = 1
    skip: int = 0
    cut_after: int | None = None
    lost: bool = False
    stalled: bool = False

    def meets(self, before: int) -> bool:
        """Whether it happens to a request that so many came before."""
        return self.skip <= before and (self.times is None or before < self.skip + self.times)


Given = Any
"""JSON, an Answer, or a function from Seen to one of them."""


class Mock:
    """The tracker; serves while it is entered."""

    def __init__(self, *apis: str, base: str = "", answers: Mapping[str, Given] | None = None) -> None:
        """Raises ValueError if an answer is for an operation that the descriptions do not have."""
        self.operations = operations(*apis)
        self.base = base
        self.answers: dict[str, Given] = dict(answers or {})
        if unknown := self.answers.keys() - self.operations.keys():
            raise ValueError(f"The description has no operation {', '.join(sorted(unknown))}.")
        self.faults: list[Fault] = []
        self.requests: list[Seen] = []
        self.problems: list[str] = []
        self._met: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.close_all()
        if self.problems and kind is None:
            raise Invalid("\n".join(self.problems))

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """Where the API is."""
        return self.origin + self.base

    def at(self, host: str) -> str:
        """Where the operations are that the vendor serves from another host."""
        return f"{self.origin}/{host}"

    def of(self, operation: str) -> list[Seen]:
        """The requests for one operation."""
        return [seen for seen in self.requests if seen.operation == operation]

    def heal(self) -> None:
        """Nothing goes wrong any longer."""
        with self._lock:
            self.faults.clear()
            self._met.clear()

    def operation(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation that is meant by a path of this server."""
        for host in sorted({operation.host for operation in self.operations.values()}, reverse=True):
            prefix = f"/{host}" if host else self.base
            found = find(self.operations, method, host, path.removeprefix(prefix)) if path.startswith(prefix) else None
            if found:
                return found
        return None

    def fault(self, operation: str) -> Fault | None:
        """The fault that is due; every fault that could meet this request counts it."""
        with self._lock:
            meeting = [number for number, fault in enumerate(self.faults) if fault.operation in ("*", operation)]
            due = [self.faults[number] for number in meeting if self.faults[number].meets(self._met[number])]
            self._met.update(meeting)
        return due[0] if due else None

    def reply(self, operation: Operation, seen: Seen, fault: Fault | None) -> Answer:
        """What is answered; what does not fit is noted as a problem and answered with 400."""
        problems = [f"{operation.name}: {problem}" for problem in wrong_request(operation, seen)]
        if problems:
            return self.refuse(problems)
        if fault and not fault.lost:
            status, content = answer(operation, fault.json, fault.status)
            return Answer(content, status, fault.headers)
        given = self.answers.get(operation.name)
        given = given(seen) if callable(given) else given
        given = given if isinstance(given, Answer) else Answer(given)
        status, content = answer(operation, given.json, given.status)
        problems = [f"{operation.name}: {problem}" for problem in wrong_answer(operation, status, content)]
        return self.refuse(problems) if problems else Answer(content, status, given.headers)

    def refuse(self, problems: list[str]) -> Answer:
        self.problems += problems
        return Answer({"message": "; ".join(problems)}, 400)


class _Server(ThreadingTCPServer):
    """Knows its open connections, so that none of them keeps a thread when it closes."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, mock: Mock) -> None:
        self.mock = mock
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no fault of ours; anything else is one of the test."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self.mock.problems.append(f"the mock failed: {error!r}")

    def close_all(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the requests are kept."""

    def serve(self) -> None:
        mock, parts = self.server.mock, urlsplit(self.path)
        operation, parameters = mock.operation(self.command, parts.path) or (None, {})
        fault = mock.fault(operation.name) if operation else None
        cut = fault.cut_after if fault else None
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length if cut is None else min(length, cut))
        seen = Seen(operation.name if operation else "", self.command, parts.path, parameters,
                    parse_qs(parts.query, keep_blank_values=True),
                    {name.lower(): value for name, value in self.headers.items()}, body)
        mock.requests.append(seen)
        if cut is not None or len(body) < length:
            self.reset()
        elif fault and fault.stalled:
            self.close_connection = True
            self.rfile.read(1)
        elif operation is None:
            self.send(mock.refuse([f"no operation is {self.command} {self.path}"]))
        elif "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self.send(mock.refuse([f"{operation.name}: the length of the body is not told"]))
        else:
            self.end(mock.reply(operation, seen, fault), lost=fault is not None and fault.lost)

    def end(self, reply: Answer, lost: bool) -> None:
        if lost:
            self.reset()
        else:
            self.send(reply)

    def reset(self) -> None:
        """Ends the connection with a reset, without an answer."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def send(self, reply: Answer) -> None:
        content = reply.json if isinstance(reply.json, bytes) else json.dumps(reply.json).encode()
        content = b"" if reply.json is None else content
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        self.send_response(reply.status or 200)
        for name, value in ({} if reply.status in BODILESS else headers | dict(reply.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if reply.status not in BODILESS:
            self.wfile.write(content)

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815
