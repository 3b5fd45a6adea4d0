"""Small files as browsers, proxies and curl write them, made here from the formats' descriptions.

In: the few facts that a test is about. Out: HARs as dicts in each dialect, archives, pictures, saved pages.
"""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from capture.importers.given import Options, Upload
from capture.importers.har import part
from capture.importers.part import Part
from capture.record.base import Header
from tests.builders import NOW

Json = dict[str, Any]
URL = "https://shop.example/checkout"
PAGE = "<!doctype html><title>502 Bad Gateway</title><center><h1>502 Bad Gateway</h1></center><hr>"


def named(*pairs: tuple[str, str]) -> list[Json]:
    """Header lines, cookies or parameters as HAR writes them."""
    return [{"name": name, "value": value} for name, value in pairs]


def entry(url: str = URL, status: int = 502, body: str | None = PAGE, **given: Any) -> Json:
    """One plain entry of HAR 1.2; `request`, `response` and `content` are merged into theirs."""
    content: Json = {"size": len(body or ""), "mimeType": "text/html; charset=utf-8"}
    content |= {"text": body} if body is not None else {}
    request: Json = {"method": "GET", "url": url, "httpVersion": "HTTP/1.1", "cookies": [],
                     "headers": named(("Host", "shop.example"), ("Accept", "text/html,*/*;q=0.8")),
                     "queryString": [], "headersSize": 120, "bodySize": 0}
    response: Json = {"status": status, "statusText": "Bad Gateway", "httpVersion": "HTTP/1.1", "cookies": [],
                      "headers": named(("Server", "nginx"), ("Content-Type", "text/html; charset=utf-8")),
                      "content": content | given.pop("content", {}), "redirectURL": "", "headersSize": 90,
                      "bodySize": len(body or "")}
    made: Json = {"startedDateTime": "2026-03-04T05:06:07.891Z", "time": 120.5, "cache": {},
                  "timings": {"send": 0, "wait": 100, "receive": 20}}
    made |= {"request": request | given.pop("request", {}), "response": response | given.pop("response", {})}
    return made | given


def har(*entries: Json, creator: str = "Tool", version: str = "1", **log: Any) -> Json:
    """A HAR of these entries."""
    made = {"name": creator, "version": version}
    return {"log": {"version": "1.2", "creator": made, "entries": list(entries), **log}}


def chrome() -> Json:
    """Chromium DevTools: pseudo headers, _resourceType, -1 for what it does not know."""
    page = {"startedDateTime": "2026-03-04T05:06:07.891Z", "id": "page_3", "title": URL,
            "pageTimings": {"onContentLoad": 310.25, "onLoad": 402.5}}
    sent = named((":authority", "shop.example"), (":method", "GET"), (":path", "/checkout"), (":scheme", "https"),
                 ("accept", "text/html,*/*;q=0.8"), ("sec-fetch-dest", "document"), ("user-agent", "Mozilla/5.0"))
    document = entry(
        pageref="page_3", _connectionId="77", _initiator={"type": "other"}, _priority="VeryHigh",
        _resourceType="document", serverIPAddress="[2001:db8::7]", connection="443", time=-1,
        request={"httpVersion": "http/2.0", "headers": sent, "headersSize": -1},
        response={"httpVersion": "http/2.0", "statusText": "", "headersSize": -1, "bodySize": -1, "_transferSize": 777,
                  "_error": None, "_fetchedViaServiceWorker": False,
                  "headers": named(("content-type", "text/html"), ("set-cookie", "a=1\nb=2"))},
        timings={"blocked": -1, "dns": -1, "ssl": 12.5, "connect": 30.25, "send": 0.5, "wait": 80, "receive": 2,
                 "_blocked_queueing": 1.5})
    script = entry("https://shop.example/app.js", 200, "let x = 1", pageref="page_3", _resourceType="script",
                   _fromCache="disk", startedDateTime="2026-03-04T05:06:08.100Z",
                   _initiator={"type": "parser", "url": URL, "lineNumber": 4},
                   content={"mimeType": "text/javascript"})
    return har(document, script, creator="WebInspector", version="537.36", pages=[page])


def chrome_failed(error: str = "net::ERR_CONNECTION_REFUSED") -> Json:
    """Chromium: no answer, status 0 and _error."""
    empty = {"status": 0, "statusText": "", "httpVersion": "", "headers": [], "redirectURL": "", "bodySize": -1,
             "content": {"size": 0, "mimeType": "x-unknown"}, "_error": error}
    return har(entry(_resourceType="document", pageref="page_1", response=empty), creator="WebInspector")


def firefox() -> Json:
    """Firefox: a browser of its own, offsets in times, _securityState, connection is the port."""
    page = {"id": "page_1", "title": "502 Bad Gateway", "startedDateTime": "2026-03-04T06:06:07.891+01:00",
            "pageTimings": {"onContentLoad": -50, "onLoad": 400}}
    sent = named(("Host", "shop.example"), ("Accept", "text/html,*/*;q=0.8"), ("Sec-Fetch-Dest", "document"))
    document = entry(pageref="page_1", startedDateTime="2026-03-04T06:06:07.891+01:00", serverIPAddress="192.0.2.10",
                     connection="8443", _securityState="secure", request={"httpVersion": "HTTP/2", "headers": sent},
                     response={"httpVersion": "HTTP/2"}, timings={"blocked": 0, "dns": 3, "connect": 10, "ssl": 5,
                                                                  "send": 0, "wait": 70, "receive": 0})
    blocked: Json = {"pageref": "page_1", "startedDateTime": "2026-03-04T06:06:08.000+01:00", "_blockedReason": 3001,
                     "request": {"method": "GET", "url": "https://ads.example/t.js", "headers": [], "bodySize": 0},
                     "response": {"status": 0, "statusText": "", "content": {"size": -1}}, "timings": {}}
    return har(document, blocked, creator="Firefox", version="140.0", pages=[page],
               browser={"name": "Firefox", "version": "140.0"})


def safari() -> Json:
    """WebKit Web Inspector: failures in words, base64 bodies, _fetchType."""
    document = entry(pageref="page_0", _fetchType="Network Load", serverIPAddress="192.0.2.10",
                     content={"text": "PGgxPkJhZCBHYXRld2F5PC9oMT4=", "encoding": "base64", "compression": 0},
                     response={"httpVersion": "h2"})
    failed = entry("https://api.example/x", 0, None, pageref="page_0",
                   response={"headers": [], "_error": "A server with the specified hostname could not be found."})
    page = {"startedDateTime": "2026-03-04T05:06:07.891Z", "id": "page_0", "title": URL, "pageTimings": {}}
    return har(document, failed, creator="WebKit Web Inspector", version="1.0", pages=[page])


def charles() -> Json:
    """Charles Proxy: no pages, null where it knows nothing, JSON as the name of a parameter."""
    posted = {"mimeType": "application/json", "params": named(('{"password":"Tr0ub4dor"}', ""))}
    document = entry(response={"_charlesStatus": "COMPLETE", "statusText": None, "httpVersion": "HTTP/2.0"},
                     request={"method": "POST", "postData": posted, "bodySize": 24})
    failed = entry("https://api.example/x", 200, "", response={"_charlesStatus": "FAILED"})
    return har(document, failed, creator="Charles Proxy", version="4.6.4")


def fiddler() -> Json:
    """Fiddler: seven digits of a second, year 1, and answers of its own for failures."""
    document = entry(startedDateTime="2026-03-04T05:06:07.8912345+00:00", time=-62135596800000,
                     timings={"dns": -1, "connect": -1, "send": 0, "wait": -120, "receive": 0})
    failed = entry("https://api.example/x", 502, "[Fiddler] DNS Lookup failed", startedDateTime="0001-01-01T00:00:00",
                   response={"statusText": "Fiddler - DNS Lookup Failed"})
    return har(document, failed, creator="Fiddler", version="5.0.2", pages=[], comment="exported")


def playwright(body: str = PAGE) -> tuple[Json, dict[str, bytes]]:
    """Playwright: bodies as files, certificates, -1 for no answer; the HAR and the files beside it."""
    document = entry(
        body=None, pageref="page@1", _frameref="frame@1", _monotonicTime=1.5, serverIPAddress="192.0.2.10",
        _serverPort=8443, content={"_file": "6c1e.html"}, response={"httpVersion": "HTTP/2.0", "_transferSize": 512},
        _securityDetails={"protocol": "TLS 1.3", "subjectName": "shop.example", "issuer": "Example CA",
                          "validFrom": 1767225600, "validTo": 1798761600})
    failed = entry("https://api.example/x", -1, None, pageref="page@1",
                   response={"headers": [], "_failureText": "net::ERR_CONNECTION_RESET"}, _wasAborted=False)
    aborted = entry("https://api.example/y", -1, None, pageref="page@1", _wasAborted=True,
                    response={"headers": [], "_failureText": "net::ERR_ABORTED"})
    page = {"startedDateTime": "2026-03-04T05:06:07.891Z", "id": "page@1", "title": "502 Bad Gateway",
            "pageTimings": {"onContentLoad": 40, "onLoad": 60}}
    made = har(document, failed, aborted, creator="Playwright", version="1.60.0", pages=[page],
               browser={"name": "chromium", "version": "150.0"})
    return made, {"6c1e.html": body.encode()}


DIALECTS: dict[str, Callable[[], Json]] = {
    "chrome": chrome, "chrome-failed": chrome_failed, "firefox": firefox, "safari": safari, "charles": charles,
    "fiddler": fiddler, "playwright": lambda: playwright()[0]}


def read(made: Json, **options: Any) -> Part:
    """The HAR as the importer reads it."""
    return part("x.har", json.dumps(made), Options(**options), NOW)


def upload(content: Json | str | bytes, name: str = "file") -> Upload:
    """The content as a file."""
    data = json.dumps(content).encode() if isinstance(content, dict) else content
    return Upload(name, data.encode() if isinstance(data, str) else data)


def packed(members: Mapping[str, bytes | str | Json], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive; the same members give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), json.dumps(data) if isinstance(data, dict) else data, kind)
    return out.getvalue()


def png(width: int = 40, height: int = 30, colour: str = "white", kind: str = "PNG", **options: Any) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind, **options)
    return out.getvalue()


def mhtml(body: str = PAGE, **headers: str) -> bytes:
    """A page as Chromium saves it, quoted-printable, with a style beside it."""
    fields = {"From": "<Saved by Blink>", "Snapshot-Content-Location": URL, "Subject": "502 Bad Gateway",
              "Date": "Wed, 04 Mar 2026 05:06:07 +0000", "MIME-Version": "1.0"} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return (f'{head}Content-Type: multipart/related;\r\n\ttype="text/html";\r\n\tboundary="----Part"\r\n\r\n'
            "------Part\r\nContent-Type: text/html\r\nContent-ID: <frame@mhtml.blink>\r\n"
            f"Content-Transfer-Encoding: quoted-printable\r\nContent-Location: {URL}\r\n\r\n"
            f"{body.replace('=', '=3D')}\r\n------Part\r\nContent-Type: text/css\r\nContent-Location: cid:1\r\n\r\n"
            "body { margin: 0 }\r\n------Part--\r\n").encode()


def lines(headers: tuple[Header, ...]) -> list[tuple[str, str]]:
    """Header lines as pairs."""
    return [(line.name, line.value) for line in headers]
