"""A page that tries every way out of the browser, and canaries that sing when one of them is open.

In: nothing. Out: the page's address, what arrived at the canaries, and the names that the guard's resolver was asked.
The site lives on SITE, the canaries on CANARIES: a policy that opens the first and not the second must keep them mute.
"""

import asyncio
import contextlib
import json
from collections.abc import Collection
from typing import Self

from tests.brokensite import HTML, Server, answer
from tests.dnsserver import DnsServer
from tests.listening import streams

LONGEST_S = 20.0
SITE = "127.0.0.2"
CANARIES = ("127.0.0.1", "::1")
ZONE = "canary.test"
"""Every vector also aims at VECTOR.canary.test, which resolves to the first canary."""

MARKUP = {
    "img": '<img src="{base}/x.png">',
    "srcset": '<img srcset="{base}/x.png 1x"><picture><source srcset="{base}/y.png"><img></picture>',
    "iframe": '<iframe src="{base}/x.html"></iframe>',
    "iframe-backslash": '<iframe src="{backslashed}\\x.html"></iframe>',
    "redirect": '<img src="/redirect?{base}/x.png">',
    "iframe-refresh": '<iframe srcdoc=\'<meta http-equiv="refresh" content="0;url={base}/">\'></iframe>',
    "script": '<script src="{base}/x.js"></script>',
    "module": '<script type="module" src="{base}/x.mjs"></script>',
    "stylesheet": '<link rel="stylesheet" href="{base}/x.css">',
    "css-import": "<style>@import url({base}/x.css);</style>",
    "css-url": '<style>.a {{ background: url({base}/x.png) }}</style><p class="a">a</p>',
    "css-font": '<style>@font-face {{ font-family: "{name}"; src: url({base}/x.woff2) }}</style>'
                '<p style="font-family: {name}">a</p>',
    "svg-image": '<svg><image href="{base}/x.png" width="9" height="9"/></svg>',
    "video": '<video src="{base}/x.mp4" poster="{base}/x.png" preload="auto"></video>',
    "audio": '<audio src="{base}/x.mp3" preload="auto"></audio>',
    "track": '<video preload="auto"><track default kind="subtitles" src="{base}/x.vtt"></video>',
    "object": '<object data="{base}/x.html" type="text/html"></object>',
    "embed": '<embed src="{base}/x.html" type="text/html">',
    "input-image": '<input type="image" src="{base}/x.png">',
    "background": '<table background="{base}/x.png"><tr><td>a</td></tr></table>',
    "prefetch": '<link rel="prefetch" href="{base}/x">',
    "preconnect": '<link rel="preconnect" href="{base}">',
    "dns-prefetch": '<link rel="dns-prefetch" href="{base}">',
    "preload": '<link rel="preload" as="image" href="{base}/x.png">',
    "modulepreload": '<link rel="modulepreload" href="{base}/x.mjs">',
    "icon": '<link rel="icon" href="{base}/x.ico">',
    "manifest": '<link rel="manifest" href="{base}/x.json">',
    "speculation": '<script type="speculationrules">{{"prefetch": [{{"source": "list", "urls": ["{base}/p"]}}],'
                   ' "prerender": [{{"source": "list", "urls": ["{base}/r"]}}]}}</script>',
    "form": '<iframe name="{name}"></iframe><form id="{name}" method="post" target="{name}" action="{base}/x">'
            "<input name=a></form><script>document.forms['{name}'].submit()</script>",
    "ping": '<a id="a-{name}" href="#" ping="{base}/x">a</a>'
            '<script>document.getElementById("a-{name}").click()</script>',
}
"""What needs no script, or hardly any. {base} is scheme, host and port of a canary, {backslashed} the same without
scheme and with the slashes turned round; {name} is unique in the page."""

SCRIPTS = {
    "fetch": "fetch('{base}/x', {{mode: 'no-cors'}})",
    "fetch-keepalive": "fetch('{base}/x', {{mode: 'no-cors', method: 'POST', body: 'x', keepalive: true}})",
    "xhr": "const x = new XMLHttpRequest(); x.open('GET', '{base}/x'); x.send()",
    "beacon": "navigator.sendBeacon('{base}/x', 'x')",
    "event-source": "new EventSource('{base}/x')",
    "websocket": "new WebSocket('{base}/x'.replace('http', 'ws'))",
    "window-open": "open('{base}/x')",
    "frame-location": "const f = document.body.appendChild(document.createElement('iframe'));"
                      " f.contentWindow.location = '{base}/x'",
    "worker": "new Worker(URL.createObjectURL(new Blob([`fetch('{base}/x', {{mode: 'no-cors'}});"
              " new WebSocket('{base}/y'.replace('http', 'ws')); new EventSource('{base}/z');`])))",
    "worker-import": "new Worker(URL.createObjectURL(new Blob([`importScripts('{base}/x.js')`])))",
    "shared-worker": "new SharedWorker(URL.createObjectURL(new Blob([`fetch('{base}/x', {{mode: 'no-cors'}})`])))",
    "web-transport": "new WebTransport('{base}/x'.replace('http:', 'https:'))",
    "stun": "peer(['stun:{host}:{udp}', 'stun:{host}:{tcp}?transport=tcp'])",
    "turn-udp": "peer(['turn:{host}:{udp}?transport=udp'])",
    "turn-tcp": "peer(['turn:{host}:{tcp}?transport=tcp'])",
    "turn-tls": "peer(['turns:{host}:{tcp}?transport=tcp'])",
    "background-fetch": "navigator.serviceWorker.ready.then(r => r.backgroundFetch.fetch('x', '{base}/x'))",
    "payment": "new PaymentRequest([{{supportedMethods: '{base}/pay'}}], {{total: {{label: 'a',"
               " amount: {{currency: 'EUR', value: '1'}}}}}}).canMakePayment()",
}
"""Statements; each one runs on its own, whatever becomes of the others."""

HEADERS = ("link-preload", "link-preconnect", "early-hints", "reporting", "report-to", "csp-report", "service-worker")
"""Vectors that the site's answers carry."""

VECTORS = (*MARKUP, *SCRIPTS, *HEADERS)

PEER = """function peer(urls) {
    const p = new RTCPeerConnection({iceServers: [{urls, username: 'u', credential: 'c'}], iceCandidatePoolSize: 2});
    p.createDataChannel('x');
    p.createOffer().then((offer) => p.setLocalDescription(offer));
}
"""


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, arrivals: list[str]) -> None:
        self.arrivals = arrivals

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.arrivals.append(f"udp {data[:60]!r}")


class CanarySite(Server):
    """The page at `base`, the canaries around it and the resolver for the guard."""

    def __init__(self, awaited: Collection[str] = ()) -> None:
        """Starts with `async with`. The page is not complete before the vectors in `awaited` have asked for a name, or
        LONGEST_S have passed."""
        super().__init__(SITE)
        self.awaited = frozenset(f"{vector}.{ZONE}" for vector in awaited)
        self.arrivals: list[str] = []
        """What reached a canary, in words; must stay empty."""
        self.tcp_port = self.udp_port = 0
        self.dns = DnsServer({f"{vector}.{ZONE}": (f"A {CANARIES[0]}",) for vector in VECTORS}, SITE)
        """The guard's resolver, and what it was asked."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for host in CANARIES:
            self.tcp_port = await self._running.enter_async_context(streams(self._sing, host, self.tcp_port))
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Udp(self.arrivals), local_addr=(CANARIES[0], 0))
        self.udp_port = self._datagrams.get_extra_info("sockname")[1]
        self.dns.__enter__()
        return await super().__aenter__()

    async def __aexit__(self, *error: object) -> None:
        self._datagrams.close()
        self.dns.__exit__(None, None, None)
        await super().__aexit__(*error)

    async def _sing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.arrivals.append("tcp connection")
        self.arrivals.append(f"tcp {(await reader.read(200))!r}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The page, the service worker that it installs, and a redirect to wherever the query says."""
        path, _, query = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].partition(b"?")
        if path == b"/":
            data = self._early_hints() + answer("200 OK", HTML, *self._headers(), body=self.page().encode())
        elif path == b"/sw.js":
            data = answer("200 OK", "Content-Type: text/javascript", body=self._worker().encode())
        elif path == b"/hold":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_S):
                    await self._tried()
            data = answer("204 No Content")
        elif path == b"/redirect":
            data = answer("302 Found", f"Location: {query.decode()}")
        else:
            data = answer("404 Not Found", HTML, body=b"nothing here")
        writer.write(data)
        await writer.drain()

    async def _tried(self) -> None:
        while not self.awaited <= {name for name, _ in self.dns.queries}:
            await asyncio.sleep(0.05)

    def bases(self, vector: str) -> list[str]:
        """Where a vector aims at."""
        hosts = [f"[{host}]" if ":" in host else host for host in (*CANARIES, f"{vector}.{ZONE}")]
        return [f"http://{host}:{self.tcp_port}" for host in hosts]

    def page(self) -> str:
        """Every vector of MARKUP and SCRIPTS at every canary."""
        parts = [text.format(base=base, name=f"{vector}-{n}", backslashed=base[5:].replace("/", "\\"))
                 for vector, text in MARKUP.items() for n, base in enumerate(self.bases(vector))]
        statements = [
            text.format(base=base, host=base[7:].rpartition(":")[0], tcp=self.tcp_port, udp=self.udp_port)
            for vector, text in SCRIPTS.items() for base in self.bases(vector)]
        guarded = "".join(f"try {{ {statement} }} catch (error) {{ }}\n" for statement in statements)
        return (f"<!doctype html><title>Canary</title><h1>Canary</h1>{''.join(parts)}<script>{PEER}"
                f"addEventListener('unhandledrejection', (e) => e.preventDefault());\n"
                f"navigator.serviceWorker?.register('/sw.js');\nfetch('/hold');\n{guarded}</script>")

    def _headers(self) -> list[str]:
        lines = []
        for n, base in enumerate(self.bases("link-preload")):
            lines.append(f"Link: <{base}/x.png>; rel=preload; as=image")
            lines.append(f"Link: <{self.bases('link-preconnect')[n]}>; rel=preconnect")
        endpoints = ", ".join(f'e{n}="{base}/r"' for n, base in enumerate(self.bases("reporting")))
        group = {"group": "default", "max_age": 60, "endpoints": [{"url": f"{b}/r"} for b in self.bases("report-to")]}
        policy = f"img-src 'none'; report-uri {' '.join(f'{base}/r' for base in self.bases('csp-report'))}"
        return [*lines, f"Reporting-Endpoints: {endpoints}", f"Report-To: {json.dumps(group)}",
                'NEL: {"report_to": "default", "max_age": 60, "failure_fraction": 1, "success_fraction": 1}',
                f"Content-Security-Policy-Report-Only: {policy}"]

    def _early_hints(self) -> bytes:
        links = "".join(f"Link: <{base}/x.css>; rel=preload; as=style\r\n" for base in self.bases("early-hints"))
        return f"HTTP/1.1 103 Early Hints\r\n{links}\r\n".encode()

    def _worker(self) -> str:
        bases = json.dumps(self.bases("service-worker"))
        return ("addEventListener('install', () => {"
                f" for (const base of {bases}) fetch(base + '/x', {{mode: 'no-cors'}}).catch(() => 0); }});")
