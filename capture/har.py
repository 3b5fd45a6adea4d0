"""Exchanges to HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/). In: the evidence. Out: the HAR as a dict.

Written by ourselves so that headers keep their order, case and duplicates and no time is invented; facts that HAR has
no field for are in fields that begin with an underscore. Unknown sizes are -1, as the format wants it.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from capture.record.base import Header, iso
from capture.record.evidence import Evidence
from capture.record.network import Dial
from capture.record.page import Body, Exchange, PageLoad, Response

EMBED_BYTES = 1_000_000
"""Text bodies up to this size are put into the HAR; larger ones stay in the bundle's artifacts."""
PROTOCOLS = {"h2": "HTTP/2", "h3": "HTTP/3", "http/1.1": "HTTP/1.1", "http/1.0": "HTTP/1.0", "http/0.9": "HTTP/0.9"}
HANDED_IN = "Made anew from files that were handed in."
Read = Callable[[str], bytes]


def har(evidence: Evidence, read: Read) -> dict[str, Any]:
    """The HAR of all loads; `read` gives the bytes of a file of the bundle."""
    name, _, version = _browser(evidence).partition("/")
    source = evidence.vantage or evidence.imported
    tool, _, tool_version = (source.tool if source else "gatewitness unknown").partition(" ")
    loads = [load for load in evidence.pages if load.label != "native"]
    named = list(zip(_names(loads), loads, strict=True))
    entries = [_entry(page, exchange, evidence, read) for page, load in named for exchange in load.exchanges]
    comment = "Secrets are masked; see the redaction ledger of the dossier."
    return {"log": {
        "version": "1.2", "creator": {"name": tool, "version": tool_version},
        "browser": {"name": name, "version": version}, "pages": [_page(page, load) for page, load in named],
        "entries": sorted(entries, key=lambda entry: entry["startedDateTime"]),
        "comment": f"{HANDED_IN} {comment}" if evidence.imported else comment}}


def _names(loads: list[PageLoad]) -> list[str]:
    """An id of its own for every load: its label, numbered where a label comes again."""
    labels = [load.label for load in loads]
    counts = [labels[:at].count(label) + 1 for at, label in enumerate(labels)]
    return [label if count == 1 else f"{label}-{count}" for label, count in zip(labels, counts, strict=True)]


def _browser(evidence: Evidence) -> str:
    """Product and version, with a slash; of an import by the files' own word."""
    if evidence.vantage:
        return evidence.vantage.browser
    files = evidence.imported.files if evidence.imported else ()
    named = next((file.browser or file.creator for file in files if file.browser or file.creator), None)
    return named.replace(" ", "/", 1) if named else "unknown/unknown" if files else "Chromium/unknown"


def _page(name: str, load: PageLoad) -> dict[str, Any]:
    page = {"id": name, "startedDateTime": iso(load.started_at), "title": load.title or load.final_url or "",
            "pageTimings": {"onContentLoad": _known(load.dom_content_loaded_ms), "onLoad": _known(load.load_ms)},
            "_ended": load.ended}
    return page | ({"_error": load.error} if load.error else {})


def _known(value: float | int | None) -> float | int:
    return -1 if value is None else value


def _entry(page: str, exchange: Exchange, evidence: Evidence, read: Read) -> dict[str, Any]:
    dial = evidence.dials[exchange.dial] if exchange.dial is not None else None
    entry: dict[str, Any] = {
        "pageref": page, "startedDateTime": iso(exchange.started_at), "time": _total(exchange),
        "request": _request(exchange), "response": _response(exchange, read), "cache": {},
        "timings": _timings(exchange), "_resourceType": exchange.resource_type,
        "_initiator": exchange.initiator.model_dump(exclude_none=True) if exchange.initiator else {}}
    if dial is not None and dial.address:
        entry["serverIPAddress"] = dial.address
        entry["connection"] = str(dial.id)
    extra = {"_error": exchange.guard_error or exchange.error, "_browserError": exchange.error,
             "_blocked": exchange.blocked, "_remote": exchange.remote_address,
             "_security": exchange.security.model_dump(mode="json") if exchange.security else None,
             "_guard": _guard(dial)}
    return entry | {key: value for key, value in extra.items() if value is not None}


def _guard(dial: Dial | None) -> dict[str, Any] | None:
    return None if dial is None else dial.model_dump(mode="json", exclude_none=True)


def _total(exchange: Exchange) -> float:
    """The sum of the phases, as HAR defines it (connect contains ssl); else what is known of the duration."""
    if exchange.timings is None:
        return exchange.duration_ms or 0
    phases = exchange.timings.model_dump(exclude={"ssl"}, exclude_none=True)
    return float(round(sum(phases.values()), 3))


def _timings(exchange: Exchange) -> dict[str, float]:
    timings = exchange.timings
    if timings is None:
        return {"blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": exchange.duration_ms or 0,
                "receive": 0}
    optional = {name: _known(getattr(timings, name)) for name in ("blocked", "dns", "connect", "ssl")}
    # HAR does not let these three be unknown.
    return optional | {name: getattr(timings, name) or 0 for name in ("send", "wait", "receive")}


def _pairs(headers: tuple[Header, ...]) -> list[dict[str, str]]:
    return [{"name": header.name, "value": header.value} for header in headers]


def _header_value(headers: tuple[Header, ...], name: str) -> str:
    return next((header.value for header in headers if header.name.lower() == name), "")


def _request(exchange: Exchange) -> dict[str, Any]:
    body = exchange.request_body
    version = exchange.response.protocol if exchange.response else ""
    query = parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)
    request: dict[str, Any] = {
        "method": exchange.method, "url": exchange.url.partition("#")[0],
        "httpVersion": PROTOCOLS.get(version, version),
        "cookies": _cookies(exchange.request_headers, "cookie"), "headers": _pairs(exchange.request_headers),
        "queryString": [{"name": name, "value": value} for name, value in query], "headersSize": -1,
        "bodySize": body.size if body else 0}
    if body is not None and body.text is not None:
        request["postData"] = {"mimeType": _header_value(exchange.request_headers, "content-type"), "params": [],
                               "text": body.text}
    return request


def _cookies(headers: tuple[Header, ...], name: str) -> list[dict[str, str]]:
    """The second copy of the cookies that HAR wants; their values are masked already."""
    values = [header.value for header in headers if header.name.lower() == name]
    parts = [part for value in values for part in (value.split(";") if name == "cookie" else value.split(";")[:1])]
    pairs = [part.strip().partition("=") for part in parts]
    return [{"name": key, "value": value} for key, _, value in pairs if key]


def _response(exchange: Exchange, read: Read) -> dict[str, Any]:
    response = exchange.response
    if response is None:
        return {"status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [], "redirectURL": "",
                "content": {"size": 0, "mimeType": "x-unknown"}, "headersSize": -1, "bodySize": -1,
                "_error": exchange.guard_error or exchange.error or "no answer"}
    return {
        "status": response.status, "statusText": response.status_text,
        "httpVersion": PROTOCOLS.get(response.protocol, response.protocol),
        "cookies": _cookies(response.headers, "set-cookie"), "headers": _pairs(response.headers),
        "redirectURL": _header_value(response.headers, "location"), "content": _content(response, read),
        "headersSize": -1, "bodySize": -1, "_transferSize": _known(response.encoded_bytes),
        "_headerSource": response.header_source}


def _content(response: Response, read: Read) -> dict[str, Any]:
    body = response.body
    mime = _header_value(response.headers, "content-type") or response.mime_type or "x-unknown"
    if body is None:
        return {"size": 0, "mimeType": mime}
    content: dict[str, Any] = {"size": body.size, "mimeType": mime}
    if body.sha256:
        content["_sha256"] = body.sha256
    if body.dropped:
        content["comment"] = f"not kept: {body.dropped}"
    elif body.artifact is not None:
        content |= {"_artifact": body.artifact} | _embedded(body, read)
    return content


def _embedded(body: Body, read: Read) -> dict[str, str]:
    if body.size > EMBED_BYTES or body.artifact is None or not body.artifact.endswith((".html", ".txt", ".json",
                                                                                      ".js", ".css", ".xml", ".svg")):
        return {}
    return {"text": read(body.artifact).decode("utf-8", "replace")}
