"""DevTools events to the facts of one load. In: events as they arrive. Out: exchanges, console, sockets, dialogs ...

Every event is masked first, then appended to the log, then folded into the state: nothing after this line of code ever
sees a secret.
"""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from capture.eventlog import EventLog
from capture.exchanges import Draft, Requests
from capture.record.page import ConsoleEntry, Dialog, Download, WebSocket, WebSocketFrame
from capture.record.request import Limits
from capture.redact import Redactor

Params = dict[str, Any]
QUIET = {"Network.dataReceived", "Network.resourceChangedPriority", "Target.targetInfoChanged", "Page.frameResized",
         "Runtime.executionContextCreated", "Runtime.executionContextDestroyed", "Runtime.executionContextsCleared",
         "Network.policyUpdated", "Page.frameStartedNavigating"}
"""Events that say nothing a reader needs; they are folded but not logged."""


CONSOLE = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Audits.issueAdded"}


@dataclass
class Socket:
    """A WebSocket in progress."""

    url: str
    status: int | None = None
    error: str | None = None
    frames: list[WebSocketFrame] = field(default_factory=list)
    dropped: int = 0


class Recorder:
    """The state of one load."""

    def __init__(self, limits: Limits, redactor: Redactor, log: EventLog) -> None:
        """Starts empty; `top_frame` and `top_session` are set by whoever opens the page."""
        self.limits = limits
        self.redactor = redactor
        self.log = log
        self.requests = Requests(limits)
        self.top_session = ""
        self.committed: Params | None = None
        """The last navigation of the top frame that was committed: its frame, as the browser describes it."""
        self.load_ms: float | None = None
        self.dom_ms: float | None = None
        self.crashed = False
        self.start: float | None = None
        self.wall = 0.0
        self.console: list[ConsoleEntry] = []
        self.console_dropped = 0
        self.sockets: dict[str, Socket] = {}
        self.dialogs: list[Dialog] = []
        self.dialogs_count = 0
        self.popups_count = 0
        self.downloads: list[Download] = []
        self.security_state: str | None = None
        self.changed = asyncio.Event()
        """Set after every event; whoever waits clears it."""
        self.on_finished: Callable[[Draft], None] = lambda draft: None
        """Called when a request has ended, to fetch its body while the browser still has it."""
        self._handlers: dict[str, Callable[[Params], None]] = {
            "Runtime.consoleAPICalled": self._console_call,
            "Runtime.exceptionThrown": self._exception,
            "Log.entryAdded": self._log_entry,
            "Audits.issueAdded": self._issue,
            "Page.javascriptDialogOpening": self._dialog,
            "Browser.downloadWillBegin": self._download,
            "Network.webSocketCreated": lambda p: self.sockets.update({p["requestId"]: Socket(p["url"])}),
            "Network.webSocketHandshakeResponseReceived": self._handshake,
            "Network.webSocketFrameError": self._socket_error,
            "Network.webSocketFrameSent": lambda p: self._frame(p, sent=True),
            "Network.webSocketFrameReceived": lambda p: self._frame(p, sent=False),
            "Security.visibleSecurityStateChanged":
                lambda p: setattr(self, "security_state", p["visibleSecurityState"]["securityState"]),
        }

    def handle(self, session: str, method: str, params: Params) -> None:
        """Takes one event from any session of the load."""
        if self._over_limit(method):
            return
        if method not in ("Network.dataReceived", "Runtime.executionContextCreated"):
            params = self.redactor.event(method, params)
        if method not in QUIET:
            self.log.append(session, method, params)
        if method == "Network.requestWillBeSent" and self.start is None:
            self.start, self.wall = params["timestamp"], params["wallTime"] - params["timestamp"]
        if method in self._handlers:
            self._handlers[method](params)
        elif method.startswith("Network."):
            if (draft := self.requests.handle(session, method, params)) is not None:
                self.on_finished(draft)
        elif session == self.top_session:
            self._page(method, params)
        self.changed.set()

    def _over_limit(self, method: str) -> bool:
        """Counts what is past its limit before any work is spent on it, so that a flood cannot keep us busy."""
        if method in CONSOLE and len(self.console) >= self.limits.console_entries:
            self.console_dropped += 1
            return True
        if method == "Page.javascriptDialogOpening" and self.dialogs_count >= self.limits.dialogs:
            self.dialogs_count += 1
            return True
        return False

    def _page(self, method: str, params: Params) -> None:
        if method == "Page.frameNavigated" and "parentId" not in params["frame"]:
            self.committed = params["frame"]
            self.load_ms = self.dom_ms = None
            self.requests.leave(params["frame"]["loaderId"])
        elif method == "Page.loadEventFired":
            self.load_ms = self._since(params["timestamp"])
        elif method == "Page.domContentEventFired":
            self.dom_ms = self._since(params["timestamp"])
        elif method == "Inspector.targetCrashed":
            self.crashed = True

    def _since(self, timestamp: float) -> float:
        return round((timestamp - (self.start or timestamp)) * 1000, 3)

    def _cut(self, text: str) -> str:
        return text[:self.limits.console_bytes]

    def _console_call(self, params: Params) -> None:
        frames = params.get("stackTrace", {}).get("callFrames", [])
        self.console.append(ConsoleEntry(
            source="console", level=params["type"], text=self._cut(" ".join(map(_argument, params["args"]))),
            at=_moment(params["timestamp"]), url=frames[0]["url"] or None if frames else None,
            line=frames[0]["lineNumber"] + 1 if frames else None))

    def _exception(self, params: Params) -> None:
        details = params["exceptionDetails"]
        text = details.get("exception", {}).get("description") or details["text"]
        self.console.append(ConsoleEntry(source="exception", level="error", text=self._cut(text),
                                    at=_moment(params["timestamp"]), url=details.get("url") or None,
                                    line=details["lineNumber"] + 1))

    def _log_entry(self, params: Params) -> None:
        entry = params["entry"]
        line = entry.get("lineNumber")
        self.console.append(ConsoleEntry(source="log", level=entry["level"], text=self._cut(entry["text"]),
                                    at=_moment(entry["timestamp"]), url=entry.get("url") or None,
                                    line=None if line is None else line + 1))

    def _issue(self, params: Params) -> None:
        issue = params["issue"]
        details: Params = next(iter(issue.get("details", {}).values()), {})
        words = [f"{key}: {value}" for key, value in details.items() if isinstance(value, str | int | bool)]
        self.console.append(ConsoleEntry(source="issue", level="warning",
                                    text=self._cut("; ".join([issue["code"], *words]))))

    def _dialog(self, params: Params) -> None:
        self.dialogs_count += 1
        self.dialogs.append(Dialog(type=params["type"], text=self._cut(params["message"])))

    def _download(self, params: Params) -> None:
        if len(self.downloads) < self.limits.popups:
            name = re.sub(r"[^\w.() -]", "_", params.get("suggestedFilename", "").replace("\\", "/").rpartition("/")[2])
            self.downloads.append(Download(url=params["url"], filename=name[:255].lstrip(".") or "download"))

    def _handshake(self, params: Params) -> None:
        if (socket := self.sockets.get(params["requestId"])) is not None:
            socket.status = params["response"]["status"]

    def _socket_error(self, params: Params) -> None:
        if (socket := self.sockets.get(params["requestId"])) is not None:
            socket.error = params["errorMessage"]

    def _frame(self, params: Params, *, sent: bool) -> None:
        socket = self.sockets.get(params["requestId"])
        if socket is None:
            return
        if sum(len(s.frames) for s in self.sockets.values()) >= self.limits.websocket_frames:
            socket.dropped += 1
            return
        frame = params["response"]
        socket.frames.append(WebSocketFrame(
            at=_moment((params["timestamp"] + self.wall) * 1000), sent=sent, opcode=frame["opcode"],
            text=self._cut(frame["payloadData"]) if frame["opcode"] == 1 else "", size=len(frame["payloadData"])))

    def websockets(self) -> tuple[WebSocket, ...]:
        """The WebSockets as records."""
        return tuple(WebSocket(url=s.url, status=s.status, error=s.error, frames=tuple(s.frames),
                               frames_dropped=s.dropped) for s in self.sockets.values())


def _moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _argument(argument: Params) -> str:
    """One console argument as DevTools would show it in a line."""
    if "value" in argument:
        value = argument["value"]
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    properties = argument.get("preview", {}).get("properties")
    if properties:
        return "{" + ", ".join(f"{p['name']}: {p.get('value', p['type'])}" for p in properties) + "}"
    return str(argument.get("description") or argument.get("unserializableValue") or argument.get("type", ""))
