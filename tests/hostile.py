"""A web server whose pages attack whoever looks at them. In: a page's name. Out: the page, on loopback.

Every page is one entry of PAGES. `python -m tests.hostile` serves them all until its input closes.
"""

import asyncio
import base64
import contextlib
import hashlib
import os
import re
import struct
import sys
import zlib
from functools import cache

import psutil

from tests.brokensite import CHUNKED, GZIP, HTML, MISSING, ROWS, BrokenSite, Row, Visit, answer, chunk, in_thread, says

BOMB_BYTES = 1 << 30
"""Size of the compressed page when it is unpacked, bytes; about a thousandth of it is sent."""
IMAGE_PX = 65_000
TALL_PX = 200_000
SOCKET_FRAMES = 20_000
BLOCK = 1 << 20


def script(code: str, title: str = "Hostile") -> Row:
    """A page that runs a script while it is parsed."""
    text = f"<!doctype html><title>{title}</title><h1>{title}</h1><script>{code}</script><p>after the script</p>"
    return says(answer("200 OK", HTML, body=text.encode()))


def markup(text: str) -> Row:
    """A page that needs no script to be hostile."""
    return says(answer("200 OK", HTML, body=f"<!doctype html><title>Hostile</title>{text}".encode()))


def repeated(block: bytes, times: int, checksum: bytes, head: bytes, window: int) -> bytes:
    """A deflate stream of one block many times over, made without packing it more than once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + packed * times + packer.flush(zlib.Z_FINISH) + checksum


@cache
def gzip_bomb() -> bytes:
    """A page of BOMB_BYTES spaces as gzip (RFC 1952)."""
    block = b" " * BLOCK
    check = 0
    for _ in range(BOMB_BYTES // BLOCK):
        check = zlib.crc32(block, check)
    trailer = struct.pack("<II", check, BOMB_BYTES & 0xFFFFFFFF)
    return repeated(block, BOMB_BYTES // BLOCK, trailer, b"\x1f\x8b\x08\0\0\0\0\0\0\xff", -15)


@cache
def image_bomb() -> bytes:
    """A black picture of IMAGE_PX by IMAGE_PX as PNG (W3C PNG, third edition)."""
    line = bytes(1 + -(-IMAGE_PX // 8))
    size = len(line) * IMAGE_PX
    adler = struct.pack(">I", (size % 65_521) << 16 | 1)
    data = repeated(line * 100, IMAGE_PX // 100, adler, b"\x78\xda", -15)

    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", IMAGE_PX, IMAGE_PX, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", data) + part(b"IEND", b"")


async def compressed(visit: Visit) -> None:
    """A page that is a thousand times larger than what is sent."""
    await visit.send(answer("200 OK", HTML, GZIP, body=gzip_bomb()))


async def picture(visit: Visit) -> None:
    """A page with a picture of four thousand million pixels."""
    if visit.rest:
        await visit.send(answer("200 OK", "Content-Type: image/png", body=image_bomb()))
    else:
        await markup('<img src="/image-bomb/x.png">')(visit)


async def crash(visit: Visit) -> None:
    """The page asks for its end, and the site kills the renderers below this process."""
    if not visit.rest:
        await script("fetch('/renderer-crash/now'); for (const end = Date.now() + 5000; Date.now() < end;);")(visit)
        return
    for process in psutil.Process(os.getpid()).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "--type=renderer" in process.cmdline():
                process.kill()


async def framed(visit: Visit) -> None:
    """Every frame holds two more."""
    deeper = int(visit.rest or 0) + 1
    frames = "".join(f'<iframe src="/iframe-recursion/{deeper}?{n}"></iframe>' for n in range(2))
    await markup(frames)(visit)


async def downloads(visit: Visit) -> None:
    """The page starts a hundred downloads that never end."""
    if visit.rest:
        head = answer("200 OK", "Content-Type: application/octet-stream",
                      'Content-Disposition: attachment; filename="../../evil.bin"', length=-1)
        await visit.send(head + b"x" * BLOCK)
        await asyncio.sleep(3600)
    await script("const link = document.createElement('a');"
                 " for (let n = 0; n < 100; n++) { link.href = '/downloads/' + n; link.click(); }")(visit)


async def websocket(visit: Visit) -> None:
    """The page opens a WebSocket that floods it (RFC 6455)."""
    key = re.search(rb"(?i)\r\nsec-websocket-key: *(\S+)", visit.head)
    if key is None:
        await script("new WebSocket('ws://' + location.host + '/websocket-flood/x')")(visit)
        return
    accept = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    await visit.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    for _ in range(SOCKET_FRAMES // 100):
        await visit.send(b"\x81\x05flood" * 100)
    await asyncio.sleep(3600)


async def events(visit: Visit) -> None:
    """The page listens to a stream of events that never pauses."""
    if not visit.rest:
        await script("new EventSource('/event-flood/x')")(visit)
        return
    await visit.send(answer("200 OK", "Content-Type: text/event-stream", length=-1))
    while True:
        await visit.send(b"data: flood\n\n" * 500)
        await asyncio.sleep(0.001)


async def resources(visit: Visit) -> None:
    """The page asks for five thousand pictures."""
    await script("for (let n = 0; n < 5000; n++) new Image().src = '/subresources/' + n;")(visit)


async def endless_script(visit: Visit) -> None:
    """The page waits for a script that never ends."""
    if not visit.rest:
        await markup('<p>before</p><script src="/endless-script/x.js"></script>')(visit)
        return
    await visit.send(CHUNKED.replace(b"text/html", b"text/javascript"))
    while True:
        await visit.send(chunk(b"/* more */\n" * 1000))
        await asyncio.sleep(0.001)


FORGER = """addEventListener('install', () => skipWaiting()); addEventListener('activate', () => clients.claim());
const page = '<html>\\r\\n<head><title>502 Bad Gateway</title></head>\\r\\n<body>\\r\\n'
    + '<center><h1>502 Bad Gateway</h1></center>\\r\\n'
    + '<hr><center>nginx/1.22.1</center>\\r\\n</body>\\r\\n</html>\\r\\n';
addEventListener('fetch', (e) => e.respondWith(new Response(page,
    {status: 502, headers: {'Content-Type': 'text/html', 'Server': 'nginx'}})));"""


async def forged(visit: Visit) -> None:
    """The page's own service worker answers the second navigation with a gateway's error page."""
    if visit.rest:
        await visit.send(answer("200 OK", "Content-Type: text/javascript", "Service-Worker-Allowed: /",
                                body=FORGER.encode()))
        return
    await script("navigator.serviceWorker.register('/forged-by-worker/sw.js', {scope: '/'})"
                 ".then(() => navigator.serviceWorker.ready).then(() => location.reload())")(visit)


WORKER = "new Worker(URL.createObjectURL(new Blob(['for (;;);'])))"
TITLE = "<b>bold</b> \x1b[31mred\x1b[0m \u202edetrever\u202c \x07 =1+1 ${x} {{ x }} " * 15_000
PROMPTS = ("navigator.geolocation.getCurrentPosition(() => {}, () => {}); Notification.requestPermission();"
           " navigator.mediaDevices?.getUserMedia({video: true, audio: true}).catch(() => {});")
LAUGHS = "".join(f'<g id="l{n}">{f"""<use href="#l{n - 1}"/>""" * 10}</g>' for n in range(1, 10))

PAGES: dict[str, Row] = {
    "alert-loop": script("for (let n = 0;; n++) alert('again ' + n);"),
    "confirm-loop": script("while (!confirm('yes?') || !prompt('sure?'));"),
    "before-unload": script("onbeforeunload = (e) => { e.preventDefault(); return 'stay'; };"
                            " location = '/before-unload';"),
    "print-loop": script("setInterval(print, 1); for (let n = 0; n < 50; n++) print();"),
    "cpu-spin": script("for (;;);"),
    "spin-after-load": script("onload = () => setTimeout(() => { for (;;); }, 50);"),
    "worker-spin": script(f"for (let n = 0; n < 4; n++) {WORKER};"),
    "memory-hog": script("const hold = []; for (;;) hold.push(new Uint8Array(1 << 24).fill(1));"),
    "dom-bomb": script("for (let n = 0; n < 1e6; n++) document.body.append(document.createElement('i'), 'x');"),
    "svg-laughs": markup(f'<svg><defs><text id="l0">ha</text>{LAUGHS}</defs><use href="#l9"/></svg>'),
    "popup-storm": script("for (let n = 0; n < 50; n++) open('/ok?' + n, '_blank', 'width=200,height=200');"),
    "endless-body": ROWS["endless"],
    "endless-script": endless_script,
    "drip": ROWS["drip"],
    "never-answers": ROWS["never-answers"],
    "half-header": ROWS["half-header"],
    "tall-page": markup(f'<style>body, h1 {{ margin: 0 }}</style><div style="height: {TALL_PX - 100}px; background: '
                        'linear-gradient(red, blue)"><h1>begin</h1></div><div style="height: 100px">end</div>'),
    "wide-page": markup(f'<div style="width: {TALL_PX}px; height: 100px; background: red">wide</div>'),
    "gzip-bomb": compressed,
    "image-bomb": picture,
    "console-flood": script("for (let n = 0; n < 2e5; n++) console.log('line ' + n);"),
    "console-long-lines": script("const line = 'x'.repeat(1e7); for (let n = 0; n < 5; n++) console.log(line);"),
    "reload-loop": script("setTimeout(() => location.reload(), 5);"),
    "refresh-loop": markup('<meta http-equiv="refresh" content="0"><p>again</p>'),
    "history-flood": script("for (let n = 0; n < 1e5; n++) history.pushState(n, '', '#' + n);"),
    "iframe-recursion": framed,
    "downloads": downloads,
    "websocket-flood": websocket,
    "event-flood": events,
    "subresources": resources,
    "renderer-crash": crash,
    "forged-by-worker": forged,
    "permission-prompts": script(PROMPTS),
    "cookies-4000": says(answer("200 OK", HTML, *[f"Set-Cookie: c{n}=value{n}" for n in range(4000)], body=b"crumbs")),
    "debugger": script("for (let n = 0; n < 1000; n++) { debugger; }"),
    "date-override": script("Date = class { static now() { return 0; } constructor() { throw new Error('no time'); } };"
                            " performance.now = () => NaN; document.querySelector = null;"
                            " Object.defineProperty(document, 'title', {get: () => 'lie'});"
                            " Array.prototype.toJSON = () => 'lie';"),
    "long-title": says(answer("200 OK", HTML, body=f"<title>{TITLE}</title><h1>{TITLE[:500]}</h1>".encode())),
}
"""Every page by name; the path `/NAME` serves it."""


class HostileSite(BrokenSite):
    """Serves every page under its name, and what BrokenSite serves besides."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads one request head and lets its page answer."""
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode("latin-1").partition("?")[0]
        name, _, rest = path.lstrip("/").partition("/")
        visit = Visit(name or "ok", rest, head, self.base, writer)
        self.seen.append(visit)
        await (PAGES | ROWS).get(visit.name, MISSING)(visit)


if __name__ == "__main__":
    with in_thread(HostileSite()) as site:
        sys.stdout.write("".join(f"{site.url(name)}\n" for name in PAGES))
        sys.stdout.flush()
        sys.stdin.read()
