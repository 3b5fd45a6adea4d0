"""One plain request and its answer. In: an address, a protocol, a family. Out: a PlainHop, however far it came."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from capture import content, http1
from capture.context import Context
from capture.http1 import Answer
from capture.policy import literal
from capture.record.base import Header
from capture.record.network import Dial, PlainHop
from capture.steps import reach

if TYPE_CHECKING:
    from capture.guard import Opened

Protocol = Literal["http/1.1", "h2"]
Family = Literal["ipv4", "ipv6"]

ADDRESSES = 3
"""Addresses of one family that are tried before the family counts as unreachable."""
AGENT = "Mozilla/5.0 (compatible; gatewitness)"
"""User-Agent when the request names none."""
ERROR_BY_LIMIT = {"headers_bytes": "headers-too-big"}
"""Limits that leave no answer, in the record's words; a body that is cut is an answer."""


@dataclass
class Hop:
    """One request in the making."""

    url: str
    """Canonical address, unmasked."""
    family: Family
    protocol: Protocol
    """What is offered; HTTP/1.1 is spoken all the same where TLS does not agree on h2."""
    answer: Answer
    cookies: str = ""
    """What earlier hops at the same scheme and host have set, as a Cookie field says it."""
    address: str | None = None
    dial: int | None = None
    spoken: Protocol = "http/1.1"
    """What was agreed on."""
    sent: Sequence[Header] = field(default_factory=tuple)
    """Header lines, unmasked."""
    first_bytes: bytes = b""
    """What came instead of TLS."""

    @property
    def scheme(self) -> str:
        """http or https."""
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        """Name or literal without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def authority(self) -> str:
        """Host field."""
        return urlsplit(self.url).netloc

    @property
    def port(self) -> int:
        """TCP port."""
        return urlsplit(self.url).port or (443 if self.scheme == "https" else 80)


async def perform(context: Context, hop: Hop, *, only_h2: bool = False) -> bool:
    """Asks and fills the hop within limits.probe_s; false when h2 was wanted and is not spoken (nothing was asked)."""
    opened: Opened | None = None
    try:
        async with asyncio.timeout(context.limits.probe_s):
            opened = await _open(context, hop)
            if opened is None or opened.reader is None or opened.writer is None:
                return not only_h2
            return await _talk(context, hop, opened, only_h2)
    except TimeoutError:
        hop.answer.error = "timed-out"
        return not only_h2 or hop.spoken == "h2"
    finally:
        if opened is not None:
            await opened.close()


async def _open(context: Context, hop: Hop) -> "Opened | None":
    """Dials the family's addresses in turn; a name that policy refuses is not even resolved."""
    if context.policy.refuse_name(hop.host):
        opened = await context.guard.open(hop.host, hop.port, "plain-http")
        hop.dial, hop.answer.error = opened.dial, "policy"
        return opened
    resolution = await context.resolver.addresses(hop.host)
    addresses = [address for address in resolution.addresses if family_of(address) == hop.family]
    if not addresses:
        bad = resolution.rcode if not resolution.addresses else None
        hop.answer.error = f"name: {bad or f'no {hop.family} address'}"
    for hop.address in addresses[:ADDRESSES]:
        opened = await context.guard.open(hop.host, hop.port, "plain-http", address=hop.address)
        hop.dial = opened.dial
        if opened.writer is not None:
            return opened
        hop.answer.error = _unconnected(context.guard.dials()[opened.dial])
    return None


async def _talk(context: Context, hop: Hop, opened: "Opened", only_h2: bool) -> bool:
    assert opened.reader is not None
    assert opened.writer is not None
    hop.answer.error = None
    reader, writer = opened.reader, opened.writer
    hop.sent = _headers(context, hop)
    if hop.scheme == "https":
        return await _talk_tls(hop, reader, writer, only_h2)
    hop.answer.started = time.perf_counter()
    writer.write(_request(hop))
    await http1.read(lambda: reader.read(content.BLOCK), hop.answer)
    return True


async def _talk_tls(hop: Hop, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, only_h2: bool) -> bool:
    from capture import http2
    from capture.tls_stream import TlsFailure, TlsStream, lenient_client

    offered = ("h2", "http/1.1") if hop.protocol == "h2" else ("http/1.1",)
    stream = TlsStream(lenient_client(offered), reader, writer, None if literal(hop.host) else hop.host)
    try:
        await stream.handshake()
        hop.spoken = "h2" if stream.alpn() == "h2" else "http/1.1"
        if only_h2 and hop.spoken != "h2":
            return False
        hop.answer.started = time.perf_counter()
        if hop.spoken == "h2":
            await http2.get(stream, hop.authority, target(hop.url), hop.sent, hop.answer)
        else:
            await stream.write(_request(hop))
            await http1.read(stream.read, hop.answer)
    except TlsFailure as failure:
        hop.first_bytes = stream.first_bytes if failure.kind == "not-tls" else b""
        hop.answer.error = f"tls: {failure}"
    except ConnectionError:
        hop.answer.error = "reset"
    return not only_h2 or hop.spoken == "h2"


def _headers(context: Context, hop: Hop) -> list[Header]:
    """What is sent: the request's own fields win, and go to the page's host alone, never from https down to http."""
    ours = [
        Header(name="Host", value=hop.authority),
        Header(name="User-Agent", value=context.request.user_agent or AGENT),
        Header(name="Accept", value="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        Header(name="Accept-Language", value=context.request.locale),
        Header(name="Accept-Encoding", value="gzip, deflate"),
        Header(name="Connection", value="close"),
        *([Header(name="Cookie", value=hop.cookies)] if hop.cookies else []),
    ]
    downgraded = context.scheme == "https" and hop.scheme == "http"
    theirs = list(context.request.headers) if hop.host == context.host and not downgraded else []
    named = {header.name.lower() for header in theirs}
    return [header for header in ours if header.name.lower() not in named] + theirs


def target(url: str) -> str:
    """Path and query as they stand in the request line."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _request(hop: Hop) -> bytes:
    return _head(target(hop.url), hop.sent).encode("utf-8") + b"\r\n\r\n"


def _head(path: str, headers: Sequence[Header]) -> str:
    return "\r\n".join([f"GET {path} HTTP/1.1", *(f"{header.name}: {header.value}" for header in headers)])


def family_of(address: str) -> Family:
    """ipv6 for an address with colons."""
    return "ipv6" if ":" in address else "ipv4"


def _unconnected(dial: Dial) -> str:
    return reach.outcome(dial) if reach.outcome(dial) != "failed" else f"failed: {dial.errno or dial.error}"


def record(context: Context, hop: Hop) -> PlainHop:
    """The hop as it is kept: every secret masked, every limit applied and noted."""
    answer, mask = hop.answer, context.redactor
    url = mask.url(hop.url, "plain request")
    text, decode_error = _body(context, answer)
    if answer.stopped_by == "body_bytes":
        context.hit("body_bytes", f"a plain answer was not read further after {context.limits.body_bytes:,} bytes")
    elif answer.stopped_by:
        context.hit(
            answer.stopped_by, f"a plain answer's head was not read beyond {context.limits.headers_bytes:,} bytes"
        )
    # A head that is whole speaks for itself; what stands in the way of one is shown as it came.
    raw = hop.first_bytes or (bytes(answer.received) if answer.status is None else b"")
    version = " HTTP/1.1" if hop.spoken == "http/1.1" else " HTTP/2"
    return PlainHop(
        url=url,
        address=hop.address,
        request_head=_head(target(url), mask.headers(hop.sent, "plain request")).replace(" HTTP/1.1", version, 1),
        status=answer.status,
        status_line=None if answer.status_line is None else mask.text(answer.status_line, "plain answer"),
        headers=mask.headers((_cut(context, header) for header in answer.headers), "plain answer"),
        informational=tuple(answer.informational),
        body_bytes=answer.body_bytes,
        body_sha256=answer.digest.hexdigest() if answer.body_bytes is not None else None,
        text=text,
        framing=answer.framing,
        declared_bytes=answer.declared,
        decode_error=decode_error,
        first_byte_ms=_ms(answer.started, answer.first_byte_at),
        duration_ms=_ms(answer.started, time.perf_counter()),
        error=answer.error or ERROR_BY_LIMIT.get(answer.stopped_by or ""),
        first_bytes=mask.text(_escaped(raw), "plain answer") if raw else None,
        dial=hop.dial,
    )


def _cut(context: Context, header: Header) -> Header:
    limit = context.limits.header_bytes
    if len(header.value) <= limit:
        return header
    context.hit("header_bytes", f"a header value of a plain answer was cut after {limit:,} bytes")
    return header.model_copy(update={"value": header.value[:limit]})


def _body(context: Context, answer: Answer) -> tuple[str | None, str | None]:
    """Decoded, masked text, and why the content coding could not be undone."""
    limits = context.limits
    codings = [part.strip().lower() for value in answer.values("content-encoding") for part in value.split(",")]
    whole = answer.stopped_by is None and answer.framing in ("ok", "surplus", "until-close")
    data, error = content.undo(bytes(answer.body), codings, limits.body_bytes, whole)
    kind = next(iter(answer.values("content-type")), "")
    if not answer.body_bytes or not content.is_textual(kind, data) or (error and not data):
        return None, error
    if len(data) > limits.text_chars:
        context.hit("text_chars", f"the text of a plain answer was cut after {limits.text_chars:,} characters")
    text = content.to_text(data, kind, limits.text_chars)
    masked, _ = context.redactor.body(text.encode("utf-8", "replace"), content.media_type(kind), "plain answer body")
    return masked.decode("utf-8", "replace"), error


def _escaped(data: bytes) -> str:
    return data[:200].decode("latin-1").encode("unicode_escape").decode("ascii")


def _ms(began: float | None, ended: float | None) -> float | None:
    return None if began is None or ended is None else round((ended - began) * 1000, 3)
