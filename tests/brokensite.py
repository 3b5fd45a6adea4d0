"""A web server that is broken in every way we must be able to tell apart. In: a row's name. Out: raw bytes on a socket.

The rows are those of the table of what Chromium reports; each is a small function that writes what it pleases.
As a program (`python -m tests.brokensite`) it prints its base address and serves until its input closes.
"""

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Self

from tests.listening import streams

FOREVER_S = 3600.0


@dataclass(frozen=True)
class Visit:
    """One request: its head as received, and the stream to answer on."""

    name: str
    """First segment of the path."""
    rest: str
    """What follows the first segment, without slash and query."""
    head: bytes
    """Request line and header lines as received."""
    base: str
    """The site's base address."""
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Writes bytes and waits until they are on their way."""
        self.writer.write(data)
        await self.writer.drain()


Row = Callable[[Visit], Awaitable[None]]


def answer(status: str, *lines: str, body: bytes = b"", length: int | None = None) -> bytes:
    """A whole answer; its Content-Length is true unless given, and -1 leaves it out."""
    head = [f"HTTP/1.1 {status}", *lines]
    if length != -1:
        head.append(f"Content-Length: {len(body) if length is None else length}")
    return ("\r\n".join([*head, "Connection: close"]) + "\r\n\r\n").encode("latin-1") + body


def page(text: str) -> bytes:
    """A small HTML page."""
    return f"<!doctype html><html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>\n".encode()


def says(data: bytes) -> Row:
    """A row that sends the same bytes to everyone and closes."""

    async def row(visit: Visit) -> None:
        await visit.send(data)

    return row


def stalls(data: bytes) -> Row:
    """A row that sends some bytes and then keeps the connection open without a word."""

    async def row(visit: Visit) -> None:
        await visit.send(data)
        await asyncio.sleep(FOREVER_S)

    return row


def redirects(location: str) -> Row:
    """A row that sends a 302 to a location, which may name the site's {base}."""

    async def row(visit: Visit) -> None:
        await visit.send(answer("302 Found", f"Location: {location.format(base=visit.base)}"))

    return row


def redirects_times(count: int) -> Row:
    """A row that redirects to itself COUNT times and then to the good page."""

    async def row(visit: Visit) -> None:
        done = int(visit.rest or 0) + 1
        target = f"/{visit.name}/{done}" if done < count else "/ok"
        await visit.send(answer("302 Found", f"Location: {target}"))

    return row


async def reset(visit: Visit) -> None:
    """Ends the connection with RST: a socket that lingers for zero seconds is not closed politely."""
    visit.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    visit.writer.transport.abort()


async def basic(visit: Visit) -> None:
    """Wants a user and a password, and takes any."""
    if b"\r\nauthorization: basic " in visit.head.lower():
        await visit.send(answer("200 OK", HTML, body=page("Signed in")))
    else:
        await visit.send(
            answer("401 Unauthorized", 'WWW-Authenticate: Basic realm="staff"', HTML, body=page("Sign in"))
        )


async def cookie_wall(visit: Visit) -> None:
    """Redirects to itself until the cookie that it sets comes back."""
    if b"seen=y3scookie0815" in visit.head:
        await visit.send(answer("200 OK", HTML, body=page("Let in")))
    else:
        cookie = "Set-Cookie: seen=y3scookie0815; Path=/; HttpOnly"
        await visit.send(answer("302 Found", cookie, "Location: /cookie-wall"))


async def drip(visit: Visit) -> None:
    """Sends one byte of the body every fifth of a second, for ever."""
    await visit.send(answer("200 OK", HTML, length=-1) + page("Slow"))
    while True:
        await asyncio.sleep(0.2)
        await visit.send(b".")


async def endless(visit: Visit) -> None:
    """Sends chunks for ever."""
    await visit.send(CHUNKED + chunk(page("Endless")))
    block = chunk(b"x" * 65_535 + b"\n")
    while True:
        await visit.send(block)
        await asyncio.sleep(0.001)


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


HTML = "Content-Type: text/html; charset=utf-8"
CHUNKED = answer("200 OK", HTML, "Transfer-Encoding: chunked", length=-1)
GZIP = "Content-Encoding: gzip"
ZIPPED = gzip.compress(page("Zipped") * 40, mtime=0)
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n"
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)
ODD_HEADERS = (
    b"HTTP/1.1 200 OK\r\nx-FIRST: 1\r\nContent-Type: text/html\r\nX-Twice: a\r\nx-first: 2\r\nX-twice: b\r\n"
    b"VIA: 1.1 one\r\nvia: 1.1 two\r\nX-Empty:\r\nX-Spaces:   wide   \r\nX-Latin: caf\xe9\r\n"
    b"content-LENGTH: 3\r\nConnection: close\r\n\r\nok\n"
)
ASCII_HEADERS = ODD_HEADERS.replace(b"caf\xe9", b"cafe")

ROWS: dict[str, Row] = {
    "ok": says(answer("200 OK", HTML, "Server: brokensite", body=page("All is well"))),
    "empty-500": says(answer("500 Internal Server Error", HTML)),
    "empty-404": says(answer("404 Not Found", HTML)),
    "basic-401": basic,
    "no-content-204": says(answer("204 No Content", length=-1)),
    "reset-content-205": says(answer("205 Reset Content")),
    "not-modified-304": says(answer("304 Not Modified", 'ETag: "x"', length=-1)),
    "download": says(
        answer(
            "200 OK", "Content-Type: text/plain", 'Content-Disposition: attachment; filename="a.txt"', body=b"file\n"
        )
    ),
    "pdf": says(answer("200 OK", "Content-Type: application/pdf", body=PDF)),
    "redirect-loop": redirects("/redirect-loop"),
    "redirect-21": redirects_times(21),
    "redirect-19": redirects_times(19),
    "redirect-no-location": says(answer("302 Found", HTML, body=page("Moved, but where?"))),
    "redirect-to-file": redirects("file:///etc/hostname"),
    "redirect-to-data": redirects("data:text/html,hello"),
    "redirect-to-javascript": redirects("javascript:alert(1)"),
    "redirect-bad-location": redirects("http://[bad"),
    "redirect-unsafe-port": redirects("http://127.0.0.1:6000/"),
    "cookie-wall": cookie_wall,
    "redirect-ok": redirects("{base}/ok"),
    "garbage": says(b"\x00\x01\xfe\xff\x80garbage\x07\x1b[31m\r\n\x00" + bytes(range(128, 256))),
    "ssh-banner": says(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    "http-0.9": says(page("No head at all")),
    "empty-reply": says(b""),
    "early-hints-only-103": says(HINT),
    "early-hints": says(HINT + HINT + answer("200 OK", HTML, body=page("Hinted"))),
    "reset": reset,
    "truncated-chunk": says(CHUNKED + chunk(page("Cut off")) + b"400\r\nonly this"),
    "bad-chunk-size": says(CHUNKED + b"zz\r\n" + page("Bad chunk") + b"\r\n0\r\n\r\n"),
    "length-too-long": says(answer("200 OK", HTML, body=page("Too long"), length=5000)),
    "length-too-short": says(answer("200 OK", HTML, body=page("Too short"), length=20)),
    "two-lengths": says(answer("200 OK", HTML, "Content-Length: 20", body=page("Two lengths"))),
    "two-locations": says(answer("302 Found", "Location: /ok", "Location: /empty-404")),
    "two-dispositions": says(
        answer("200 OK", HTML, "Content-Disposition: inline", "Content-Disposition: attachment", body=page("Both"))
    ),
    "huge-headers": says(
        answer("200 OK", HTML, *[f"X-Big-{n}: {'b' * 4000}" for n in range(80)], body=page("Big head"))
    ),
    "nul-in-header": says(answer("200 OK", HTML, "X-Nul: a\0b", body=page("Nul"))),
    "gzip": says(answer("200 OK", HTML, GZIP, body=ZIPPED)),
    "bad-gzip": says(answer("200 OK", HTML, GZIP, body=b"this is not gzip")),
    "bad-br": says(answer("200 OK", HTML, "Content-Encoding: br", body=b"\xffthis is not brotli")),
    "truncated-gzip": says(answer("200 OK", HTML, GZIP, body=ZIPPED[: len(ZIPPED) // 2])),
    "unknown-encoding": says(answer("200 OK", HTML, "Content-Encoding: rot13", body=b"uryyb\n")),
    "status-999": says(answer("999 Request Denied", HTML, body=page("Denied"))),
    "status-42": says(answer("42 Odd", HTML, body=page("Odd"))),
    "never-answers": stalls(b""),
    "half-header": stalls(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "drip": drip,
    "endless": endless,
    "utf-16": says(
        answer("200 OK", "Content-Type: text/html; charset=utf-16", body=page("Größe").decode().encode("utf-16"))
    ),
    "latin-1-no-charset": says(
        answer("200 OK", "Content-Type: text/html", body=page("Größe").decode().encode("latin-1"))
    ),
    "until-close": says(answer("200 OK", HTML, body=page("Until close"), length=-1)),
    "chunked": says(CHUNKED + chunk(page("Chunked")) + b"0\r\nX-Trailer: t\r\n\r\n"),
    "headers": says(ODD_HEADERS),
    "ascii-headers": says(ASCII_HEADERS),
    "set-cookie": says(
        answer("200 OK", HTML, "Set-Cookie: sid=s3cretvalue0815; HttpOnly", "Set-Cookie: lang=en", body=page("Cookies"))
    ),
}
"""Every row by name; the path `/NAME` serves it."""

MISSING = says(answer("404 Not Found", HTML, body=page("No such row")))


class Server:
    """What both sites share: a listening socket whose connections end with it."""

    scheme = "http"

    def __init__(self, host: str = "127.0.0.1") -> None:
        """HOST is the address to listen on; the port is the system's choice."""
        self.host = host
        self.port = 0
        self._running = contextlib.AsyncExitStack()

    @property
    def base(self) -> str:
        """Base address, without trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def url(self, name: str) -> str:
        """Address of a row."""
        return f"{self.base}/{name}"

    def tls(self) -> ssl.SSLContext | None:
        """The TLS side, when there is one."""
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one connection."""
        raise NotImplementedError  # every site answers in its own way

    async def __aenter__(self) -> Self:
        self.port = await self._running.enter_async_context(streams(self.serve, self.host, tls=self.tls()))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()


class BrokenSite(Server):
    """Serves every row under its name."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        """HOST is the address to listen on."""
        super().__init__(host)
        self.seen: list[Visit] = []
        """Every request, in order."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads one request head and lets its row answer."""
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode("latin-1").partition("?")[0]
        name, _, rest = path.lstrip("/").partition("/")
        visit = Visit(name or "ok", rest, head, self.base, writer)
        self.seen.append(visit)
        await ROWS.get(visit.name, MISSING)(visit)


@contextlib.contextmanager
def in_thread(server: Server) -> Iterator[Server]:
    """Runs a site in a thread of its own, for callers that have no event loop."""
    ready = threading.Event()
    stop = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with server:
            ready.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    if not ready.wait(60):
        raise RuntimeError("the site did not start")
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)


if __name__ == "__main__":
    with in_thread(BrokenSite()) as site:
        sys.stdout.write(f"{site.base}\n" + "".join(f"  {site.url(name)}\n" for name in ROWS))
        sys.stdout.flush()
        sys.stdin.read()
