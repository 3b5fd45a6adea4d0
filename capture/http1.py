"""Reads one HTTP/1.x answer. In: a source of bytes. Out: an Answer that says what came, however broken it is."""

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from capture.record.base import Header
from capture.record.request import Limits

Source = Callable[[], Awaitable[bytes]]
"""Gives the next bytes as they arrive, empty at the end; raises OSError when the connection breaks."""

Framing = Literal["ok", "truncated", "surplus", "bad-chunk", "until-close", "none"]

SURPLUS_WAIT_S = 0.2
"""How long bytes after the declared end are waited for."""

STATUS_LINE = re.compile(rb"HTTP/\d+(?:\.\d+)?[ \t]+(\d{1,6})(?:[ \t].*)?", re.DOTALL)
BODILESS = (204, 304)
"""Statuses whose answers have no body (RFC 9112 section 6.3)."""


class NotHttp(Exception):
    """What came does not begin like an HTTP answer."""


class TooBig(Exception):
    """A limit stopped the reading; the message is the limit's name."""


class Closed(Exception):
    """The peer ended the connection before the message was whole."""


@dataclass
class Answer:
    """What has arrived so far; filled while reading, so that a deadline leaves what came."""

    limits: Limits
    started: float | None = None
    """When the request was sent, performance counter."""
    received: bytearray = field(default_factory=bytearray)
    """The first bytes, for an answer that turns out not to be HTTP."""
    first_byte_at: float | None = None
    """When the first byte came, performance counter."""
    status: int | None = None
    """Status code of a head that came whole."""
    status_line: str | None = None
    headers: list[Header] = field(default_factory=list)
    informational: list[int] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    body_bytes: int | None = None
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    framing: Framing | None = None
    declared: int | None = None
    error: str | None = None
    stopped_by: str | None = None
    """The limit that ended the reading."""

    def arrived(self, data: bytes) -> None:
        """Notes raw bytes as they came."""
        if data and self.first_byte_at is None:
            self.first_byte_at = time.perf_counter()
        self.received += data[: max(0, 200 - len(self.received))]

    def keep(self, data: bytes) -> None:
        """Notes bytes of the body; raises TooBig past the limit."""
        self.body_bytes = (self.body_bytes or 0) + len(data)
        self.digest.update(data)
        self.body += data
        if self.body_bytes > self.limits.body_bytes:
            raise TooBig("body_bytes")

    def values(self, name: str) -> list[str]:
        """Values of a header field, in order."""
        return [header.value for header in self.headers if header.name.lower() == name]


class Incoming:
    """Bytes that have arrived and were not yet understood."""

    def __init__(self, source: Source, answer: Answer) -> None:
        """Reads from the source and tells the answer what came."""
        self.buffer = bytearray()
        self._source = source
        self._answer = answer

    async def more(self) -> bool:
        """Waits for more bytes; false when there are none to come."""
        data = await self._source()
        self._answer.arrived(data)
        self.buffer += data
        return bool(data)

    def take(self, count: int) -> bytes:
        """Takes bytes that are there."""
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    async def line(self, longest: int) -> bytes:
        """Takes one line without its end; raises Closed, and TooBig for a line that does not end."""
        searched = 0
        while (end := self.buffer.find(b"\n", searched)) < 0:
            if len(self.buffer) > longest:
                raise TooBig("headers_bytes")
            searched = len(self.buffer)
            if not await self.more():
                raise Closed
        line = self.take(end + 1)[:-1]
        return line.removesuffix(b"\r")


async def read(source: Source, answer: Answer) -> None:
    """Reads until the message ends, breaks its framing, hits a limit or the connection ends.

    Everything is put into the answer; only a cancellation comes out.
    """
    incoming = Incoming(source, answer)
    try:
        await _final_head(incoming, answer)
        await _body(incoming, answer)
    except NotHttp:
        answer.error = "not-http"
    except TooBig as limit:
        answer.stopped_by = str(limit)
    except Closed:
        # Before the head is whole there is no answer; after it, the framing tells that the body was cut.
        answer.error = "closed" if answer.framing is None else None
    except ConnectionError:
        answer.error = "reset"
    except OSError as error:
        answer.error = f"failed: {error.strerror or error}"


async def _final_head(incoming: Incoming, answer: Answer) -> None:
    """Reads heads until one is not informational (RFC 9110 section 15.2); 101 ends HTTP and is final."""
    while True:
        await _looks_like_http(incoming)
        line = await incoming.line(answer.limits.headers_bytes)
        match = STATUS_LINE.fullmatch(line)
        if match is None:
            raise NotHttp
        status = int(match[1])
        interim = 100 <= status < 200 and status != 101
        if not interim:
            answer.status_line = text(line)
        headers: list[Header] = [] if interim else answer.headers
        await _header_lines(incoming, headers, answer.limits.headers_bytes)
        if not interim:
            answer.status = status
            return
        answer.informational.append(status)
        if len(answer.informational) > 20:
            raise TooBig("headers_bytes")


async def _looks_like_http(incoming: Incoming) -> None:
    while len(incoming.buffer) < 5:
        if not b"HTTP/".startswith(incoming.buffer):
            raise NotHttp
        if not await incoming.more():
            raise Closed if not incoming.buffer else NotHttp
    if not incoming.buffer.startswith(b"HTTP/"):
        raise NotHttp


async def _header_lines(incoming: Incoming, headers: list[Header], longest: int) -> None:
    """Reads header lines into the list; a line that is folded (RFC 9112 section 5.2) is joined to the one before."""
    size = 0
    while line := await incoming.line(longest):
        size += len(line)
        if size > longest:
            raise TooBig("headers_bytes")
        if line[:1] in b" \t" and headers:
            before = headers.pop()
            headers.append(Header(name=before.name, value=f"{before.value} {text(line).strip()}"))
            continue
        name, _, value = text(line).partition(":")
        headers.append(Header(name=name, value=value.strip(" \t")))


async def _body(incoming: Incoming, answer: Answer) -> None:
    """Reads the body by the rules of RFC 9112 section 6.3."""
    answer.keep(b"")
    codings = [part.strip().lower() for value in answer.values("transfer-encoding") for part in value.split(",")]
    lengths = [value.strip() for value in answer.values("content-length") if re.fullmatch(r"\s*\d{1,18}\s*", value)]
    answer.declared = int(lengths[0]) if lengths else None
    if answer.status in BODILESS or answer.status == 101:
        answer.framing = "none"
        await _surplus(incoming, answer)
    elif codings[-1:] == ["chunked"]:
        await _chunks(incoming, answer)
    elif answer.declared is not None and not codings:
        await _counted(incoming, answer, answer.declared)
        await _surplus(incoming, answer)
    else:
        await _until_close(incoming, answer)


async def _counted(incoming: Incoming, answer: Answer, count: int) -> None:
    while count:
        if not incoming.buffer and not await _more_body(incoming, answer):
            raise Closed
        data = incoming.take(min(count, len(incoming.buffer)))
        count -= len(data)
        answer.keep(data)
    answer.framing = "ok"


async def _until_close(incoming: Incoming, answer: Answer) -> None:
    answer.keep(incoming.take(len(incoming.buffer)))
    while await _more_body(incoming, answer):
        answer.keep(incoming.take(len(incoming.buffer)))
    answer.framing = "until-close"


async def _chunks(incoming: Incoming, answer: Answer) -> None:
    """Reads chunks (RFC 9112 section 7.1); extensions and trailers are passed over."""
    while True:
        line = await _chunk_line(incoming, answer)
        size = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", size):
            answer.framing = "bad-chunk"
            return
        if int(size, 16) == 0:
            break
        await _counted(incoming, answer, int(size, 16))
        answer.framing = None
        if await _chunk_line(incoming, answer):
            answer.framing = "bad-chunk"
            return
    while await _chunk_line(incoming, answer):
        pass
    answer.framing = "ok"
    await _surplus(incoming, answer)


async def _chunk_line(incoming: Incoming, answer: Answer) -> bytes:
    try:
        return await incoming.line(answer.limits.header_bytes)
    except (Closed, ConnectionError):
        answer.framing = "truncated"
        raise
    except TooBig:
        return b"endless"


async def _more_body(incoming: Incoming, answer: Answer) -> bool:
    """More bytes of a body; a body that ends or breaks where more was promised is truncated."""
    try:
        more = await incoming.more()
    except ConnectionError:
        answer.framing = "truncated"
        raise
    if not more:
        answer.framing = "truncated"
    return more


async def _surplus(incoming: Incoming, answer: Answer) -> None:
    """Looks whether bytes follow the end; what breaks after the end does not matter any more."""
    try:
        async with asyncio.timeout(SURPLUS_WAIT_S):
            if incoming.buffer or await incoming.more():
                answer.framing = "surplus"
    except (TimeoutError, OSError):
        return


def text(raw: bytes) -> str:
    """Header bytes as text, one character a byte, so that nothing is lost."""
    return raw.decode("latin-1")
