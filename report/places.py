"""What a pointer into the evidence leads to, in words. In: the evidence, a pointer (RFC 6901). Out: a few words."""

from capture.record.evidence import Evidence
from capture.record.page import Exchange, PageLoad
from report.text import short

_OF_PAGE = {"title": "title of the page", "text": "text of the page", "error": "how the load ended",
            "ended": "how the load ended", "screenshot": "picture", "screenshot_full": "picture of the whole page",
            "source": "source of the saved page"}
_OF_EXCHANGE = {"error": "failure of", "guard_error": "failure of", "duration_ms": "time of", "security": "TLS of",
                "from_service_worker": "who answered"}
_RESOLVERS = {"system": "the system’s resolver"}
_HEADER_CHARS = 60


def place(pointer: str, evidence: Evidence) -> str:
    """For example "header cf-ray of E1" or "answer of 192.0.2.53"; empty where there is no word for it."""
    try:
        return _words(evidence, pointer.split("/")[1:])
    except (IndexError, ValueError):
        return ""  # the diagnosis speaks of other evidence; the pointer itself is shown


def _words(evidence: Evidence, parts: list[str]) -> str:
    match parts:
        case ["pages", page, *rest]:
            return _of_page(evidence.pages[int(page)], rest)
        case ["dns", "answers", number, *_] if evidence.dns:
            answer = evidence.dns.answers[int(number)]
            return f"{answer.type} answer of {_RESOLVERS.get(answer.resolver, answer.resolver)}"
        case ["dns", *_]:
            return "addresses of the name"
        case ["dials", number, *_]:
            return f"connection {evidence.dials[int(number)].id}"
        case ["tcp", number, *_]:
            return f"connect to {(evidence.tcp or ())[int(number)].address}"
        case ["tls", number, *rest]:
            what = "certificate from" if rest[:1] == ["chain"] else "handshake with"
            return f"{what} {(evidence.tls or ())[int(number)].address}"
        case ["plain_http", number, *rest]:
            return _of_plain(evidence, int(number), rest)
        case ["vantage", *_]:
            return "vantage point"
        case ["imported", "files", number, *_] if evidence.imported:
            return f"file {short(evidence.imported.files[int(number)].name, _HEADER_CHARS)}"
    return ""


def _of_page(load: PageLoad, parts: list[str]) -> str:
    of = "" if load.label in ("strict", "imported") else f", {load.label} load"
    match parts:
        case ["exchanges", number, *rest]:
            return _of_exchange(load.exchanges[int(number)], rest) + of
        case ["console", number, *_]:
            return f"console, line {int(number) + 1}{of}"
        case [name, *_] if name in _OF_PAGE:
            return _OF_PAGE[name] + of
    return ""


def _of_exchange(exchange: Exchange, parts: list[str]) -> str:
    match parts:
        case ["response", "headers", number, *_] if exchange.response:
            return f"header {short(exchange.response.headers[int(number)].name, _HEADER_CHARS)} of {exchange.id}"
        case ["request_headers", number, *_]:
            return f"request header {short(exchange.request_headers[int(number)].name, _HEADER_CHARS)} of {exchange.id}"
        case ["response", "status", *_]:
            return f"status of {exchange.id}"
        case ["response", "body", *_]:
            return f"source of {exchange.id}"
        case [name, *_] if name in _OF_EXCHANGE:
            return f"{_OF_EXCHANGE[name]} {exchange.id}"
    return exchange.id


def _of_plain(evidence: Evidence, number: int, parts: list[str]) -> str:
    probe = (evidence.plain_http or ())[number]
    of = f"the request without a browser ({probe.protocol}, {probe.family})"
    match parts:
        case ["hops", hop, "headers", line, *_]:
            return f"header {short(probe.hops[int(hop)].headers[int(line)].name, _HEADER_CHARS)} of {of}"
        case ["hops", _, "status", *_]:
            return f"status of {of}"
    return of
