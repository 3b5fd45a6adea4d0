"""Matches one answered document against all signatures.

In: the evidence. Out: a Document (what the answer consisted of, and where each part stands in the evidence) and the
Matches of every signature that holds, with citations and the values that the signature reads off.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from capture.record.base import Header
from capture.record.evidence import Evidence
from capture.record.page import Exchange, PageLoad, Response
from report.citing import Citer
from report.diagnosis import Citation
from report.patterns import Pattern
from report.signatures import Extract, Signature, Vendor

KEPT_CHARS = 65_536
"""Signatures look at this much of a body and of a text; pages that products write themselves are smaller."""

UNSEEN = re.compile(
    r"<(script|style|title|noscript|iframe|svg)\b.*?</\1\s{0,5}>|<!--.*?-->|<[^>]{0,2000}>", re.IGNORECASE | re.DOTALL
)
"""What a window does not show of a body."""
_INJECTED = re.compile(
    r"<script\b[^>]{0,300}(?:cloudflareinsights\.com|/cdn-cgi/)[^>]{0,600}>\s{0,9}</script>\s{0,9}"
    r"|<script\b[^>]{0,100}>[^<]{0,200}__CF\$cv\$params[^<]{0,4000}</script>\s{0,9}",
    re.IGNORECASE,
)
"""What relays put into the pages of others."""
_PRINTED = re.compile(r"^\D{0,60}?\b([45]\d\d)\b")
_TITLE = re.compile(r"<title\b[^>]{0,200}>([^<]{0,2000})", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """The answer that became the page, and where its parts stand in the evidence."""

    url: str
    status: int
    """0 when it is not known, as of a saved page."""
    headers: tuple[Header, ...]
    body: str
    """Empty when there was none, or when none was kept (then `body_known` is false)."""
    body_known: bool
    title: str
    text: str
    cnames: tuple[str, ...]
    issuers: tuple[str, ...]
    mime: str
    pointers: dict[str, str]
    """Pointer by place: url, status, headers, title, text, body, cname, issuer."""

    @cached_property
    def printed_status(self) -> int:
        """The number of an error that title or first words print; 0 when they print none."""
        code = _PRINTED.search(self.title) or _PRINTED.search(self.text[:200])
        return int(code[1]) if code else 0

    @property
    def told_status(self) -> int:
        """The status, or of a saved page the number that it prints; 0 when there is none."""
        return self.status or self.printed_status

    @cached_property
    def folded(self) -> dict[str, str]:
        """Text in lower case by place, for the first, cheap look."""
        return {"title": self.title.lower(), "text": self.text.lower(), "body": self.body.lower()}

    @cached_property
    def flat(self) -> str:
        """The text in lower case, every run of white space as one space."""
        return " ".join(self.folded["text"].split())

    @cached_property
    def names(self) -> frozenset[str]:
        """Header names in lower case."""
        return frozenset(header.name.lower() for header in self.headers)

    def lines(self, name: str) -> Iterator[tuple[str, str]]:
        """(pointer, value) of every line of a header."""
        for number, header in enumerate(self.headers):
            if header.name.lower() == name:
                yield f"{self.pointers['headers']}/{number}/value", header.value

    def header(self, name: str) -> str | None:
        """The first line of a header."""
        return next((value for _, value in self.lines(name)), None)


@dataclass(frozen=True)
class Match:
    """A signature that holds."""

    vendor: Vendor
    signature: Signature
    cites: tuple[Citation, ...]


def strict_load(evidence: Evidence) -> tuple[int, PageLoad] | None:
    """Position and record of the load that counts: the strict one, or the first that was imported."""
    return next(((at, page) for at, page in enumerate(evidence.pages) if page.label in ("strict", "imported")), None)


def main_exchange(load: PageLoad) -> tuple[int, Exchange] | None:
    """Position and record of the exchange that gave the document, or that failed last.

    A page that reloads itself may fail when one of our limits ends it; then its last answer is what was shown.
    """
    last = next(((at, each) for at, each in enumerate(load.exchanges) if each.id == load.main_exchange), None)
    if last is None or last[1].response:
        return last
    before = [(at, each) for at, each in enumerate(load.exchanges) if each.main_document and each.url == last[1].url]
    return next((found for found in reversed(before) if found[1].response), last)


def by_service_worker(evidence: Evidence) -> str | None:
    """Pointer of the fact that the page's own service worker answered the strict load, and no server."""
    strict = strict_load(evidence)
    found = main_exchange(strict[1]) if strict else None
    if not strict or not found or not found[1].from_service_worker:
        return None
    return f"/pages/{strict[0]}/exchanges/{found[0]}/from_service_worker"


def document(evidence: Evidence) -> Document | None:
    """The answer seen by the strict load; else by the request without a browser; None when nobody got an answer.

    Where the page's own service worker answered, the request without a browser is the better witness. Where the browser
    looked and failed, its failure is the fact.
    """
    seen = _from_browser(evidence)
    if strict_load(evidence) and not by_service_worker(evidence):
        return seen or _from_saved(evidence)
    return _from_plain(evidence) or seen


def _from_browser(evidence: Evidence) -> Document | None:
    strict = strict_load(evidence)
    found = main_exchange(strict[1]) if strict else None
    if not strict or not found or not found[1].response:
        return None
    (at, load), (number, each), answer = strict, found, found[1].response
    base = f"/pages/{at}/exchanges/{number}"
    pointers = {"url": f"{base}/url", "status": f"{base}/response/status", "headers": f"{base}/response/headers"}
    body, where = _body(evidence, answer, base)
    if body is None and load.source:
        body, where = load.source, f"/pages/{at}/source"
    if body:
        pointers["body"] = where
    # Where the answer had no body, the text shown is the browser's own.
    title, text = (load.title or "", load.text or "") if body != "" else ("", "")
    pointers |= {"title": f"/pages/{at}/title"} if title else {}
    pointers |= {"text": f"/pages/{at}/text"} if text else {}
    issuers = (each.security.issuer,) if each.security else ()
    pointers |= {"issuer": f"{base}/security/issuer"} if issuers else {}
    return _document(
        evidence,
        each.url,
        answer.status,
        answer.headers,
        body,
        (title, text),
        issuers,
        answer.mime_type,
        pointers,
    )


def _from_saved(evidence: Evidence) -> Document | None:
    """A saved page that was handed in: its source is all that is known of the answer."""
    found = strict_load(evidence)
    if found is None or found[1].source is None or found[1].main_exchange is not None:
        return None
    at, load = found
    url = f"/pages/{at}/final_url" if load.final_url else "/request/url"
    pointers = {"url": url, "body": f"/pages/{at}/source"}
    return _document(evidence, load.final_url or evidence.request.url, 0, (), load.source, ("", ""), (), "text/html",
                     pointers)


def _body(evidence: Evidence, answer: Response, base: str) -> tuple[str | None, str]:
    """The body and where it stands: as the browser kept it, else as the request without it got it with the same status.

    None when nobody kept it; empty only when there was none.
    """
    if answer.body and answer.body.text:
        return answer.body.text, f"{base}/response/body/text"
    if answer.body and answer.body.size == 0:
        return "", ""
    for at, plain in enumerate(evidence.plain_http or ()):
        last = len(plain.hops) - 1
        if last >= 0 and plain.hops[last].status == answer.status:
            if text := plain.hops[last].text:
                return text, f"/plain_http/{at}/hops/{last}/text"
            if plain.hops[last].body_bytes == 0:
                return "", ""
    empty = any(line.name.lower() == "content-length" and line.value.strip() == "0" for line in answer.headers)
    return ("" if empty else None), ""


def _from_plain(evidence: Evidence) -> Document | None:
    for at, plain in enumerate(evidence.plain_http or ()):
        last = len(plain.hops) - 1
        hop = plain.hops[last] if plain.hops else None
        if hop and hop.status is not None:
            base = f"/plain_http/{at}/hops/{last}"
            pointers = {"url": f"{base}/url", "status": f"{base}/status", "headers": f"{base}/headers"}
            pointers |= {"body": f"{base}/text"} if hop.text else {}
            kinds = [line.value.split(";")[0].strip() for line in hop.headers if line.name.lower() == "content-type"]
            return _document(
                evidence,
                hop.url,
                hop.status,
                hop.headers,
                hop.text,
                ("", ""),
                (),
                kinds[0] if kinds else "",
                pointers,
            )
    return None


def _document(
    evidence: Evidence,
    url: str,
    status: int,
    headers: tuple[Header, ...],
    kept: str | None,
    seen: tuple[str, str],
    issuers: tuple[str, ...],
    mime: str,
    pointers: dict[str, str],
) -> Document:
    body = _INJECTED.sub("", (kept or "")[:KEPT_CHARS]).lstrip("\ufeff \t\r\n")
    title, text = seen
    if not title and (head := _TITLE.search(body)):
        title, pointers["title"] = " ".join(html.unescape(head[1]).split()), pointers["body"]
    if not text and body:
        text, pointers["text"] = html.unescape(UNSEEN.sub(" ", body)) if "<" in body else body, pointers["body"]
    cnames = []
    for number, answer in enumerate(evidence.dns.answers if evidence.dns else ()):
        for position, record in enumerate(answer.records):
            if record.type == "CNAME":
                cnames.append(record.data)
                pointers.setdefault(f"cname:{record.data}", f"/dns/answers/{number}/records/{position}/data")
    return Document(
        url, status, headers, body, kept is not None, title, text[:KEPT_CHARS], tuple(cnames), issuers, mime, pointers
    )


def match(page: Document, known: tuple[Vendor, ...], citer: Citer) -> tuple[Match, ...]:
    """Every signature that holds, in the order of the vendors' slugs and of each file."""
    found = []
    for vendor in known:
        for signature in vendor.signature:
            cites = _holds(signature, page, citer)
            if cites is not None:
                found.append(Match(vendor, signature, cites))
    return tuple(found)


def _holds(signature: Signature, page: Document, citer: Citer) -> tuple[Citation, ...] | None:
    """Citations of all conditions; None when one does not hold."""
    if not signature.allows(page.status, markup=page.body.startswith("<")):
        return None
    if any(name in page.names for name in signature.header_absent):
        return None
    if signature.empty_body and (page.body or not page.body_known):
        return None
    if signature.body_unknown and (page.body_known or page.text.strip()):
        return None
    hits: list[tuple[str, str]] = []
    for place, patterns in signature.patterns.items():
        for pattern in patterns:
            hit = _find(page, place, pattern)
            if hit is None:
                return None
            hits.append(hit)
    if any(pattern.search(page.body, page.folded["body"]) for pattern in signature.absent_patterns):
        return None
    cites = [citer.cite(pointer, part) for pointer, part in hits]
    if signature.statuses and page.status:
        cites.append(citer.cite(page.pointers["status"]))
    return tuple({(cite.pointer, cite.excerpt): cite for cite in cites}.values())


def _find(page: Document, place: str, pattern: Pattern) -> tuple[str, str] | None:
    """(pointer, part that matched) of the first hit at a place."""
    for pointer, value, folded in _values(page, place):
        if found := pattern.search(value, folded):
            return pointer, found[0].strip() or value
    return None


def _values(page: Document, place: str) -> Iterator[tuple[str, str, str]]:
    """(pointer, value, value in lower case) of everything at a place."""
    if place in page.folded:
        value = getattr(page, place)
        if value:
            yield page.pointers[place], value, page.folded[place]
    elif place == "url":
        yield page.pointers["url"], page.url, page.url.lower()
    elif place == "cname":
        yield from ((page.pointers[f"cname:{name}"], name, name.lower()) for name in page.cnames)
    elif place == "issuer":
        yield from ((page.pointers["issuer"], issuer, issuer.lower()) for issuer in page.issuers)
    elif place == "cookie":
        for pointer, line in page.lines("set-cookie"):
            name = line.partition("=")[0].strip()
            yield pointer, name, name.lower()
    else:
        yield from ((pointer, value, value.lower()) for pointer, value in page.lines(place.removeprefix("header:")))


def says(page: Document, place: str, words: str) -> str | None:
    """Pointer of the value at a place that contains these words; letter case and white space do not matter."""
    wanted = " ".join(words.lower().split())
    for pointer, _, folded in _values(page, place):
        if wanted in (page.flat if place == "text" else " ".join(folded.split())):
            return pointer
    return None


def extract(page: Document, wanted: Extract) -> tuple[str, str] | None:
    """(pointer, value) that an extract reads off the page; entities are decoded."""
    for pointer, value, folded in _values(page, wanted.place):
        if found := wanted.compiled.search(value, folded):
            return pointer, html.unescape(found[1])
    return None
