"""Network events of the DevTools Protocol to exchanges. In: masked events. Out: Exchange records, one a redirect hop.

https://chromedevtools.github.io/devtools-protocol/tot/Network/ ; the ExtraInfo events carry what really went over the
wire, and may come before or after the events they belong to: they are matched by their order within a request.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from capture.record.base import Header
from capture.record.network import Dial
from capture.record.page import Body, Exchange, Initiator, Response, Security, Timings
from capture.record.request import Limits

PROXY_ERRORS = {"net::ERR_SOCKS_CONNECTION_FAILED", "net::ERR_SOCKS_CONNECTION_HOST_UNREACHABLE",
                "net::ERR_PROXY_CONNECTION_FAILED"}
"""What Chromium says when the guard could not connect; the guard's log has the reason."""

Params = dict[str, Any]


@dataclass
class Draft:
    """A request in progress, one hop."""

    request_id: str
    session: str
    request: Params
    number: int
    """Order of the request within the load, from 1."""
    hop: int = 0
    response: Params | None = None
    has_extra: bool = False
    finished: float | None = None
    """Monotonic time of the browser, seconds."""
    encoded_bytes: int | None = None
    received_bytes: int = 0
    error: str | None = None
    blocked: str | None = None
    canceled: bool = False
    from_cache: bool = False
    body: Body | None = None
    request_extra: Params | None = None
    response_extra: Params | None = None


@dataclass
class Requests:
    """All requests of one load, filled by events."""

    limits: Limits
    top_frame: str = ""
    drafts: list[Draft] = field(default_factory=list)
    dropped: int = 0
    in_flight: set[str] = field(default_factory=set)
    _last: dict[str, Draft] = field(default_factory=dict)
    _request_extras: dict[str, list[Params]] = field(default_factory=dict)
    _response_extras: dict[str, list[Params]] = field(default_factory=dict)

    def handle(self, session: str, method: str, params: Params) -> Draft | None:
        """Takes one event of the Network domain; returns the draft that has just finished, if any."""
        request_id = params.get("requestId", "")
        if method == "Network.requestWillBeSent":
            self._sent(session, params)
        elif method == "Network.requestWillBeSentExtraInfo":
            self._request_extras.setdefault(request_id, []).append(params)
        elif method == "Network.responseReceivedExtraInfo":
            self._response_extras.setdefault(request_id, []).append(params)
        elif (draft := self._last.get(request_id)) is None:
            return None
        elif method == "Network.responseReceived":
            draft.response, draft.has_extra = params["response"], params.get("hasExtraInfo", False)
        elif method == "Network.dataReceived":
            draft.received_bytes += params["dataLength"]
        elif method == "Network.requestServedFromCache":
            draft.from_cache = True
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            return self._ended(draft, params)
        return None

    def _sent(self, session: str, params: Params) -> None:
        request_id = params["requestId"]
        if not params["request"]["url"].startswith(("http:", "https:", "ws:", "wss:")):
            return
        before = self._last.get(request_id)
        hop = 0
        if before is not None and "redirectResponse" in params:
            before.response, before.has_extra = params["redirectResponse"], params.get("redirectHasExtraInfo", False)
            before.finished = params["timestamp"]
            before.encoded_bytes = params["redirectResponse"].get("encodedDataLength")
            hop = before.hop + 1
        if len(self.drafts) >= self.limits.exchanges:
            self.dropped += 1
            return
        draft = Draft(request_id, session, params, len(self.drafts) + 1, hop)
        self.drafts.append(draft)
        self._last[request_id] = draft
        self.in_flight.add(request_id)

    def _ended(self, draft: Draft, params: Params) -> Draft | None:
        if draft.finished is not None:
            return None  # after a document failed, the browser reports its own error page under the same id
        draft.finished = params["timestamp"]
        draft.encoded_bytes = params.get("encodedDataLength")
        draft.error = params.get("errorText") or None
        draft.blocked = params.get("blockedReason")
        draft.canceled = params.get("canceled", False)
        self.in_flight.discard(draft.request_id)
        return draft

    def leave(self, loader: str) -> None:
        """The top frame shows the document of this loader now; nothing more is said of what others asked for."""
        for request_id in list(self.in_flight):
            draft = self._last[request_id]
            if draft.request.get("loaderId") != loader and draft.request.get("frameId") == self.top_frame:
                draft.canceled = True
                self.in_flight.discard(request_id)

    def main(self) -> list[Draft]:
        """Every hop of every document of the top frame, in order."""
        return [draft for draft in self.drafts if self.is_main(draft)]

    def is_main(self, draft: Draft) -> bool:
        """Whether it is a document of the top frame; such a request has the loader's id."""
        sent = draft.request
        return (sent.get("type") == "Document" and sent["requestId"] == sent["loaderId"]
                and sent.get("frameId") == self.top_frame)

    def match_extras(self) -> None:
        """Gives every hop the wire's view of it; called once, before the exchanges are built."""
        by_request: dict[str, list[Draft]] = {}
        for draft in self.drafts:
            by_request.setdefault(draft.request_id, []).append(draft)
        for request_id, hops in by_request.items():
            sent = iter(self._request_extras.get(request_id, []))
            received = iter(self._response_extras.get(request_id, []))
            for draft in hops:
                if draft.has_extra or draft.response is None:
                    draft.request_extra = next(sent, None)
                    draft.response_extra = next(received, None)


class Dials:
    """Finds the guard's connection behind an exchange."""

    def __init__(self, dials: Sequence[Dial]) -> None:
        """Takes the guard's log."""
        self._free = {dial.id: dial for dial in dials if dial.purpose in ("page", "lenient")}
        self._by_connection: dict[Any, Dial] = {}
        self._all = dict(self._free)

    def find(self, host: str, port: int, started: datetime, connection: Any) -> Dial | None:
        """The connection of this id, else the first one to this host that no other exchange has taken."""
        if connection in self._by_connection:
            return self._by_connection[connection]
        fitting = [dial for dial in self._free.values()
                   if dial.host == host and dial.port == port and dial.verdict == "allowed"]
        if not fitting:
            return None
        best = min(fitting, key=lambda dial: abs((dial.started_at - started).total_seconds()))
        del self._free[best.id]
        if connection:
            self._by_connection[connection] = best
        return best

    def failed(self, host: str, port: int, started: datetime) -> Dial | None:
        """The connection that failed for a request begun then."""
        fitting = [dial for dial in self._all.values()
                   if dial.host == host and dial.port == port and dial.verdict != "allowed"]
        return min(fitting, key=lambda dial: abs((dial.started_at - started).total_seconds()), default=None)


def header_lines(extra: Params | None, headers: dict[str, str], limits: Limits) -> tuple[tuple[Header, ...], bool]:
    """Header lines, and whether they are the raw block as received (RFC 9112 section 2.1)."""
    source = (extra or {}).get("headers") or headers
    lines = _raw_lines((extra or {}).get("headersText", ""), source)
    raw = bool(lines)
    if not raw:
        lines = [(name, part) for name, value in source.items() for part in value.split("\n")]
    kept, total = [], 0
    for name, value in lines:
        total += len(name) + len(value)
        if total > limits.headers_bytes:
            break
        kept.append(Header(name=name, value=value[:limits.header_bytes]))
    return tuple(kept), raw


def _raw_lines(text: str, parsed: dict[str, str]) -> list[tuple[str, str]]:
    """Lines of the raw block; none when the browser garbled it, as it does around bytes that are not UTF-8."""
    pairs = [line.partition(":")[::2] for line in text.split("\r\n")[1:] if line]
    names = {name.strip().lower() for name, _ in pairs}
    if names != {name.strip().lower() for name in parsed}:
        return []
    return [(name, value.strip(" \t")) for name, value in pairs]


def timings(draft: Draft, dial: Dial | None) -> Timings | None:
    """HAR 1.2 phases; the browser's connect contains the guard's resolving, which is taken out of it."""
    timing = (draft.response or {}).get("timing")
    if not timing or draft.finished is None:
        return None
    start = (draft.request["timestamp"] - timing["requestTime"]) * 1000
    connecting = timing["connectStart"] >= 0
    first = timing["connectStart"] if connecting else timing["sendStart"]
    resolve = dial.resolve_ms if connecting and dial is not None else None
    tls = timing["sslEnd"] - timing["sslStart"] if timing["sslStart"] >= 0 else None
    header_end = timing["receiveHeadersEnd"]
    return Timings(
        blocked=_phase(first - start), dns=resolve,
        connect=_phase(timing["connectEnd"] - timing["connectStart"] - (resolve or 0)) if connecting else None,
        ssl=None if tls is None else _phase(tls), send=_phase(timing["sendEnd"] - timing["sendStart"]),
        wait=_phase(header_end - timing["sendEnd"]),
        receive=_phase((draft.finished - timing["requestTime"]) * 1000 - header_end))


def _phase(value: float) -> float:
    return round(max(value, 0.0), 3)


def security(response: Params) -> Security | None:
    """TLS as the browser saw it."""
    details = response.get("securityDetails")
    if not details:
        return None
    return Security(protocol=details["protocol"], cipher=details["cipher"], subject=details["subjectName"],
                    issuer=details["issuer"], valid_from=datetime.fromtimestamp(details["validFrom"], UTC),
                    valid_to=datetime.fromtimestamp(details["validTo"], UTC))


def response_record(draft: Draft, limits: Limits) -> Response | None:
    """The answer; the status and the headers of the wire win over the browser's own view."""
    response = draft.response
    if response is None and draft.response_extra is None:
        return None
    seen = response or {}
    extra = draft.response_extra or {}
    headers, raw = header_lines(extra, seen.get("headers", {}), limits)
    status = extra.get("statusCode", seen.get("status", 0))
    first_line = extra.get("headersText", "").split("\r\n")[0].split(" ", 2)
    return Response(
        status=status, status_text=first_line[2] if len(first_line) == 3 else seen.get("statusText", ""),
        protocol=seen.get("protocol") or first_line[0].lower() or "unknown", headers=headers,
        header_source="wire" if raw else "parsed", mime_type=seen.get("mimeType", ""),
        body=draft.body, encoded_bytes=None if draft.encoded_bytes is None else int(draft.encoded_bytes))


def initiator(params: Params) -> Initiator:
    """What made the browser ask; the innermost script frame where there is one."""
    made = params.get("initiator", {})
    frames = made.get("stack", {}).get("callFrames", [])
    url = made.get("url") or (frames[0]["url"] if frames else None)
    line = made.get("lineNumber", frames[0]["lineNumber"] if frames else None)
    return Initiator(type=made.get("type", "other"), url=url or None, line=None if line is None else int(line) + 1)


def exchange(requests: Requests, draft: Draft, dials: Dials, start: float, wall: float) -> Exchange:
    """One hop as a record; `start`: load's start on the browser's clock, `wall`: offset to the epoch (seconds)."""
    sent, seen = draft.request, draft.response or {}
    began = datetime.fromtimestamp(sent["timestamp"] + wall, UTC)
    host, port = endpoint(sent["request"]["url"])
    dial = dials.find(host, port, began, seen.get("connectionId")) if seen and not draft.from_cache else None
    hidden = dials.failed(host, port, began) if draft.error in PROXY_ERRORS else None
    dial = dial or hidden
    refused = hidden is not None and hidden.verdict == "refused"
    response = response_record(draft, requests.limits)
    remote = f"[{dial.address}]:{port}" if dial and dial.address and ":" in dial.address else \
        f"{dial.address}:{port}" if dial and dial.address else None
    return Exchange(
        id=f"E{draft.number}", url=sent["request"]["url"] + sent["request"].get("urlFragment", ""),
        method=sent["request"]["method"], resource_type=(sent.get("type") or "other").lower(),
        main_document=requests.is_main(draft), hop=draft.hop, started_at=began,
        started_ms=round((sent["timestamp"] - start) * 1000, 3),
        duration_ms=None if draft.finished is None else round((draft.finished - sent["timestamp"]) * 1000, 3),
        request_headers=header_lines(draft.request_extra, sent["request"].get("headers", {}), requests.limits)[0],
        request_body=_posted(sent["request"]), response=response, error=draft.error,
        guard_error=hidden.error if hidden else None,
        blocked=f"policy: {hidden.rule}" if hidden and refused else draft.blocked, canceled=draft.canceled,
        from_cache=draft.from_cache or bool(seen.get("fromDiskCache")),
        from_service_worker=bool(seen.get("fromServiceWorker")), remote_address=remote,
        connection_reused=seen.get("connectionReused"), dial=None if dial is None else dial.id,
        initiator=initiator(sent), timings=timings(draft, dial), security=security(seen))


def endpoint(url: str) -> tuple[str, int]:
    """Host without brackets and port that a URL leads to."""
    scheme, _, rest = url.partition("://")
    authority = rest.split("/", 1)[0].split("?", 1)[0].split("#", 1)[0].rpartition("@")[2]
    host, port = authority, ""
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        port = port.lstrip(":")
    elif ":" in authority:
        host, _, port = authority.rpartition(":")
    return host, int(port) if port.isdigit() else (443 if scheme in ("https", "wss") else 80)


def _posted(request: Params) -> Body | None:
    text = request.get("postData")
    if text is None:
        return Body(size=0, dropped="not-retained") if request.get("hasPostData") else None
    return Body(size=len(text.encode("utf-8", "replace")), text=text)
