"""One entry of a HAR, in whatever dialect. In: the entry as JSON. Out: a Call; nothing in it is masked yet.

Base: http://www.softwareishard.com/blog/har-12-spec/ . Dialects, read 2026-02: Chromium front_end/models/har, Firefox
devtools/client/netmonitor/src/har, WebKit Controllers/HARBuilder.js, Playwright server/har, Charles, Fiddler.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from ipaddress import ip_address
from typing import Final
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit

from capture.content import media_type
from capture.importers import har_body
from capture.importers.failures import error_of
from capture.importers.fields import Json, count, duration, epoch, moment, number, obj, objs, string
from capture.importers.part import Call, Content
from capture.record.base import Header
from capture.record.page import Exchange, Initiator, Response, Security, Timings

WEB: Final = ("http://", "https://", "ws://", "wss://")
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
OWN_PAGES: Final = ("fiddler - ",)
"""How the reason phrases begin of answers that the recording proxy made up itself: no server gave them."""
URL_CHARS: Final = 32_768
_VERSIONS: Final = {"2": "h2", "2.0": "h2", "3": "h3", "3.0": "h3", "1.1": "http/1.1", "1.0": "http/1.0",
                    "0.9": "http/0.9"}
_VERSION: Final = re.compile(r"(?:http/|h)(\d(?:\.\d)?)", re.IGNORECASE)
_CACHES: Final = {"disk cache", "memory cache"}
_TYPES: Final = {"iframe": "iframe", "frame": "iframe", "script": "script", "style": "stylesheet", "image": "image",
                 "font": "font", "empty": "fetch", "document": "document", "video": "media", "audio": "media"}
"""Sec-Fetch-Dest to the type of a resource (https://w3c.github.io/webappsec-fetch-metadata/)."""
_FORM: Final = "application/x-www-form-urlencoded"
Attachment = Callable[[str], bytes | None]


@dataclass(frozen=True, eq=False)
class Entry:
    """An entry, looked at as far as is needed to choose between entries."""

    raw: Json
    position: int
    """In the file, from 0."""

    @cached_property
    def request(self) -> Json:
        """Its request."""
        return obj(self.raw, "request")

    @cached_property
    def response(self) -> Json:
        """Its response."""
        return obj(self.raw, "response")

    @cached_property
    def url(self) -> str:
        """Address, as written."""
        return string(self.request, "url", URL_CHARS)

    @property
    def is_web(self) -> bool:
        """It asks for a web address; a proxy's tunnel (CONNECT) does not."""
        return self.url.startswith(WEB) and string(self.request, "method") != "CONNECT"

    @cached_property
    def bare_url(self) -> str:
        """Address without fragment."""
        return urldefrag(self.url).url if "#" in self.url else self.url

    @cached_property
    def page(self) -> str:
        """Id of the page that it belongs to; empty when it names none."""
        return string(self.raw, "pageref")

    @cached_property
    def started(self) -> datetime | None:
        """When it began."""
        return moment(string(self.raw, "startedDateTime"))

    @cached_property
    def asked(self) -> dict[str, str]:
        """Request headers by lower-case name, the last of each."""
        return {string(line, "name").lower(): string(line, "value") for line in objs(self.request, "headers")}

    @cached_property
    def status(self) -> int | None:
        """Status of the answer; None when none came. Playwright writes -1, the others 0."""
        found = count(self.response, "status")
        made_up = string(self.response, "statusText").lower().startswith(OWN_PAGES)
        failed = string(self.response, "_charlesStatus").upper() == "FAILED"
        return found if found and found < 1_000 and not made_up and not failed else None

    @cached_property
    def error(self) -> str | None:
        """Why there is no answer, or no whole one."""
        said = [string(self.response, key) for key in ("_error", "_failureText", "_errorMessage")]
        said += [string(self.raw, "_error"), string(self.raw, "_errorMessage")]
        text = string(self.response, "statusText")
        said += [text] if self.status is None and text.lower().startswith(OWN_PAGES) else []
        return error_of(next((each for each in said if each), ""))

    @cached_property
    def blocked(self) -> str | None:
        """Why the browser did not send it, in its own word or number."""
        keys = ("_blockedReason", "_blocked_reason", "blockedReason")
        said = next((found for where in (self.raw, self.response, self.request) for key in keys
                     if (found := string(where, key, 100)) not in ("", "0")), None)
        return said or ("client" if self.error == "net::ERR_BLOCKED_BY_CLIENT" else None)

    @cached_property
    def given_up(self) -> bool:
        """The page or the user gave it up."""
        return self.raw.get("_wasAborted") is True or self.error == "net::ERR_ABORTED"

    @property
    def failed(self) -> bool:
        """It got an error, or nothing, and nobody gave it up or blocked it."""
        if self.given_up or self.blocked:
            return False
        return self.status is None or self.status >= 400

    @cached_property
    def target(self) -> str | None:
        """Where it was redirected to, without fragment."""
        if self.status not in REDIRECTS:
            return None
        lines = objs(self.response, "headers")
        sent = next((string(line, "value") for line in lines if string(line, "name").lower() == "location"), "")
        try:
            return urldefrag(urljoin(self.url, sent or string(self.response, "redirectURL"))).url
        except ValueError:
            return None

    @cached_property
    def sure(self) -> bool:
        """The browser itself says what the request was for."""
        return "sec-fetch-dest" in self.asked

    @cached_property
    def navigates(self) -> bool:
        """It asks for a document: by Sec-Fetch-Dest, by the browser's own word, or by what it accepts."""
        if self.asked.get("sec-purpose", self.asked.get("purpose", "")).startswith("prefetch"):
            return False
        if self.sure:
            return self.asked["sec-fetch-dest"] == "document"
        named = string(self.raw, "_resourceType")
        if named:
            return named == "document"
        return "text/html" in self.asked.get("accept", "") and "x-requested-with" not in self.asked

    def kind(self) -> str:
        """Type of the resource, in the words of our records."""
        named = string(self.raw, "_resourceType", 30).lower()
        dest = _TYPES.get(self.asked.get("sec-fetch-dest", ""))
        return named or dest or ("document" if self.navigates else "other")


def call(entry: Entry, number_: int, start: datetime, attachment: Attachment, chain: dict[int, int]) -> Call:
    """The entry as a Call; `start` is the load's, `chain` gives the hop of each entry that belongs to the document."""
    began = entry.started or start
    exchange = Exchange(
        id=f"E{number_}", url=entry.url, method=string(entry.request, "method", 40).upper() or "GET",
        resource_type=entry.kind(), main_document=entry.position in chain, hop=chain.get(entry.position, 0),
        started_at=began, started_ms=max(0.0, round((began - start).total_seconds() * 1000, 3)),
        duration_ms=duration(entry.raw, "time"), request_headers=_headers(entry.request),
        response=_response(entry), error=entry.error, blocked=entry.blocked, canceled=entry.given_up,
        from_cache=_from_cache(entry), from_service_worker=_from_worker(entry), remote_address=_address(entry),
        initiator=_initiator(entry), timings=_timings(entry), security=_security(entry))
    cookies = [string(each, "value") for side in (entry.request, entry.response) for each in objs(side, "cookies")]
    return Call(exchange, _posted(entry), har_body.answer(entry.response, attachment) if exchange.response else None,
                tuple(value for value in cookies if value))


def _headers(message: Json) -> tuple[Header, ...]:
    """Header lines without HTTP/2's pseudo headers, which repeat method, address and status; a line each."""
    lines = []
    for line in objs(message, "headers"):
        name = string(line, "name", 400).strip()
        if name and not name.startswith(":"):
            lines += [Header(name=name, value=value.strip()) for value in string(line, "value").split("\n")]
    return tuple(lines)


def _response(entry: Entry) -> Response | None:
    if entry.status is None:
        return None
    response, headers = entry.response, _headers(entry.response)
    named = string(obj(response, "content"), "mimeType", 200) or next(
        (line.value for line in headers if line.name.lower() == "content-type"), "")
    sizes = (count(response, "headersSize"), count(response, "bodySize"))
    whole = None if None in sizes else sum(size or 0 for size in sizes)
    moved = count(response, "_transferSize")
    return Response(
        status=entry.status, status_text=string(response, "statusText", 400), protocol=protocol(entry),
        headers=headers, header_source="parsed", mime_type=named.partition(";")[0].strip().lower(),
        encoded_bytes=moved if moved is not None else whole)


def protocol(entry: Entry) -> str:
    """The protocol in the words of our records; the answer's own word comes first."""
    for side in (entry.response, entry.request):
        found = _VERSION.match(string(side, "httpVersion", 40))
        if found and found[1] in _VERSIONS:
            return _VERSIONS[found[1]]
    return "unknown"


def _posted(entry: Entry) -> Content | None:
    """The body of the request: its text, else its parameters put together again, else only its size."""
    data = obj(entry.request, "postData")
    mime = string(data, "mimeType", 200) or entry.asked.get("content-type", "")
    size = count(entry.request, "bodySize") or 0
    text = string(data, "text")
    params = [(string(each, "name"), string(each, "value")) for each in objs(data, "params")]
    if not text and params:
        # Charles takes JSON for the name of a parameter.
        packed = [name + value for name, value in params if name.lstrip()[:1] in ("{", "[")]
        text, mime = (packed[0], "application/json") if packed else (urlencode(params), _FORM)
    if text:
        if string(data, "encoding").lower() == "base64":
            sent = har_body.decoded(text)
            return Content(sent, len(sent or b"") or size, mime)
        return Content(text.encode(), len(text.encode()), media_type(mime))
    return Content(None, size, mime) if size else None


def _from_cache(entry: Entry) -> bool:
    return bool(string(entry.raw, "_fromCache")) or string(entry.raw, "_fetchType").lower() in _CACHES


def _from_worker(entry: Entry) -> bool:
    word = string(entry.raw, "_fetchType").lower()
    return entry.response.get("_fetchedViaServiceWorker") is True or word == "service worker"


def _address(entry: Entry) -> str | None:
    """IP address and port that answered, by the browser's word."""
    text = string(entry.raw, "serverIPAddress", 100).strip()
    text = text.partition(":")[0] if text.count(":") == 1 else text.strip("[]")
    try:
        address = ip_address(text)
        parts = urlsplit(entry.url)
        usual = parts.port or (443 if parts.scheme in ("https", "wss") else 80)
    except ValueError:
        return None
    port = count(entry.raw, "_serverPort") or usual
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def _initiator(entry: Entry) -> Initiator | None:
    made = obj(entry.raw, "_initiator")
    if not made:
        return None
    frames = objs(obj(made, "stack"), "callFrames")
    url = string(made, "url", URL_CHARS) or (string(frames[0], "url", URL_CHARS) if frames else "")
    line = count(made if "lineNumber" in made else frames[0] if frames else {}, "lineNumber")
    return Initiator(type=string(made, "type", 40) or "other", url=url or None, line=None if line is None else line + 1)


def _timings(entry: Entry) -> Timings | None:
    given = obj(entry.raw, "timings")
    found = {name: duration(given, name) for name in Timings.model_fields}
    return Timings(**found) if any(found.values()) else None


def _security(entry: Entry) -> Security | None:
    """Playwright's _securityDetails; the others say nothing of certificates."""
    given = obj(entry.raw, "_securityDetails")
    begins, ends = (epoch(number(given, key)) for key in ("validFrom", "validTo"))
    if begins is None or ends is None or not string(given, "protocol"):
        return None
    return Security(protocol=string(given, "protocol", 40), subject=string(given, "subjectName", 400),
                    issuer=string(given, "issuer", 400), valid_from=begins, valid_to=ends)
