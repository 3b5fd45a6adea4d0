"""Rules about the answered document: who wrote it, whether it is an error, which fault it tells of.

In: Facts with an answered document. Out: a Reading, and the findings that it rests on.
"""

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from report.diagnosis import Certainty, Citation, Finding, Layer
from report.facts import SURENESS, Facts, finding, weakest
from report.faults import FAULTS, by_status
from report.limits import supports_timeout
from report.matching import Document, Match, by_service_worker, extract, says
from report.patterns import Pattern
from report.rules.announced import announced
from report.rules.requests import failed
from report.rules.standards import PROXY_ERRORS
from report.signatures import Vendor

_WORDS: Final = {
    kind: tuple(Pattern(text) for text in texts)
    for kind, texts in tomllib.loads(
        Path(__file__).parents[1].joinpath("data", "pages.toml").read_text(encoding="utf-8")
    ).items()
}
SOFT_CHARS: Final = 1_200
"""A page with more text than this is an article, not an error."""
_DRESSED = re.compile(
    r"<style\b|<link\b[^>]{0,200}stylesheet|<img\b|<svg\b|\sstyle=|<script\b[^>]{0,200}\ssrc=", re.IGNORECASE
)
_WROTE: Final[dict[Certainty, str]] = {
    "proven": "wrote", "likely": "probably wrote", "possible": "may have written", "undetermined": "may have written"}
_RELAYS: Final = ("cdn", "load-balancer", "reverse-proxy")
REQUEST_FAILED: Final = "app.request-failed"
_PURPOSE: Final = {
    "blocked": ", which refuses the request", "challenged": ", which asks the visitor for a proof",
    "maintenance": ", which announces maintenance", "welcome": ", which is what it shows before a site is set up"}


@dataclass(frozen=True)
class Reading:
    """What the answered document says."""

    is_error: bool
    shows: str
    """What the writer's signature shows; "unknown" when nobody was recognised, "page" for a page that is no error."""
    writer: Match | None
    generator: str | None
    layer: Layer
    certainty: Certainty
    """About the writer."""
    fault: str | None
    fault_certainty: Certainty
    """Cap of the certainty about the cause."""
    vendor_code: str | None
    findings: tuple[Finding, ...]

    @property
    def who(self) -> str:
        """Name of the writer in a sentence."""
        if self.writer:
            return self.writer.vendor.name
        return "The site" if self.generator == "custom-app" else "The server"


def read(facts: Facts, page: Document) -> Reading:
    """The reading of an answered document."""
    written = _writers(facts)
    reading = _by_vendor(facts, page, written) if written else _by_nobody(facts, page)
    if reading.is_error and by_service_worker(facts.evidence) and page.pointers["status"].startswith("/pages/"):
        return replace(reading, fault="app.service-worker", fault_certainty="undetermined", certainty="undetermined")
    return reading


def _writers(facts: Facts) -> list[Match]:
    """Signatures that say who wrote the page, the surest and most exact first; a redirection is no page."""
    if facts.page and 300 <= facts.page.status < 400:
        return []
    claims = [found for found in facts.matches if found.signature.shows != "presence" and not _quoted(facts, found)]
    return sorted(claims, key=lambda found: (-SURENESS.index(found.signature.certainty), -len(found.cites)))


def _quoted(facts: Facts, found: Match) -> bool:
    """Words or markup alone on a long page that was answered with success: an article that quotes an error page. What
    an application prints into its own page is no quotation.
    """
    page, places = facts.page, found.signature.patterns
    if page is None or page.status >= 300 or len(page.text.strip()) <= SOFT_CHARS:
        return False
    if any(place.startswith("header:") for place in places):
        return False
    return "body" not in places or found.vendor.layer != "app"


def _by_vendor(facts: Facts, page: Document, written: list[Match]) -> Reading:
    best = written[0]
    vendor, signature = best.vendor, best.signature
    rivals = [other for other in written if other.vendor != vendor and other.signature.certainty == signature.certainty]
    certainty = weakest(signature.certainty, facts.at_most, *(("possible",) if rivals else ()))
    own = [found for found in written if found.vendor == vendor]
    if signature.shows == "welcome":
        return Reading(
            False, "welcome", best, vendor.slug, "none", certainty, None, "proven", None, (_written(best, certainty),)
        )
    code, code_cites = _vendor_code(page, own)
    fault, cap, cites = _fault(facts, page, own, code)
    cites = [*cites, *code_cites]
    layer: Layer = signature.layer or vendor.layer
    if layer in ("app", "platform", "database") and _is_database(page) and not 400 <= _status(page) < 500:
        layer, fault = "database", "app.database"
    found = [_written(best, certainty)]
    if fault:
        found.insert(
            0,
            finding(
                facts, fault, [*cites, *best.cites], layer=layer, who=vendor.name, certainty=weakest(cap, certainty)
            ),
        )
    is_error = signature.shows != "challenged"
    return Reading(is_error, signature.shows, best, vendor.slug, layer, certainty, fault, cap, code, tuple(found))


def _written(best: Match, certainty: Certainty) -> Finding:
    """Who wrote the page, and by which signature one knows."""
    shows = best.signature.shows
    return Finding(
        code=f"{best.vendor.slug}.{shows}",
        layer=best.signature.layer or best.vendor.layer,
        certainty=certainty,
        sentence=f"{best.vendor.name} {_WROTE[certainty]} this page{_PURPOSE.get(shows, '')}.",
        cites=best.cites,
        parameters={"signature": best.signature.id, "source": best.signature.source},
    )


def _vendor_code(page: Document, own: list[Match]) -> tuple[str | None, list[Citation]]:
    """The code that the vendor prints."""
    for found in own:
        wanted = found.signature.vendor_code
        if isinstance(wanted, str):
            return wanted, list(found.cites[:1])
        if wanted and (value := extract(page, wanted)):
            return value[1], []
    return None, []


def _fault(
    facts: Facts, page: Document, own: list[Match], code: str | None
) -> tuple[str | None, Certainty, list[Citation]]:
    """Which fault the page tells of: its own words, else its code, else Proxy-Status, else its status."""
    vendor = own[0].vendor
    named = next((found for found in own if found.signature.fault), None)
    if named and named.signature.fault:
        return named.signature.fault, _cap(named.signature.fault), list(named.cites)
    if reason := _reason(facts, page, vendor):
        return reason
    if code and (meaning := vendor.codes.get(code)):
        return meaning.fault, meaning.certainty or _cap(meaning.fault), []
    if standard := _proxy_status(facts, page):
        return standard[0], _cap(standard[0]), [standard[1]]
    status = _status(page)
    shows = {"blocked": "client.blocked", "challenged": "client.challenged", "maintenance": "app.maintenance"}
    fault = shows.get(own[0].signature.shows) or vendor.status.get(str(status)) or by_status(status)
    if fault is None and vendor.layer == "app":
        fault = "app.error"
    if fault == "app.error" and vendor.layer in _RELAYS:
        fault = "origin.internal"  # what an application answers, a relay passes on; this page is its own
    return fault, _cap(fault) if fault else "proven", facts.status_cites()


def _cap(fault: str) -> Certainty:
    """Whoever answers knows for certain what it refuses or lacks; of what stands behind, it tells what it saw."""
    return "proven" if FAULTS[fault].side in ("client", "edge") else "likely"


def _reason(facts: Facts, page: Document, vendor: Vendor) -> tuple[str, Certainty, list[Citation]] | None:
    """The fault that the vendor's own words name; a long wait is a hint that a time limit ended."""
    for reason in vendor.reason:
        pointer = says(page, reason.place, reason.says)
        if pointer is None:
            continue
        cites = [facts.citer.cite(pointer, reason.says)]
        if reason.slow and (wait := facts.wait) and supports_timeout(facts.path, wait[1] / 1000):
            return reason.slow, "possible", [*cites, facts.citer.cite(wait[0])]
        return reason.fault, _cap(reason.fault), cites
    return None


def _proxy_status(facts: Facts, page: Document) -> tuple[str, Citation] | None:
    """The fault that an intermediary names by RFC 9209; the one nearest the origin, which came first, saw the cause."""
    for pointer, member in announced(page, "proxy-status"):
        kind = PROXY_ERRORS.get(member.parameters.get("error", ""))
        if kind and kind.fault:
            return kind.fault, facts.citer.cite(pointer)
    return None


def _status(page: Document) -> int:
    """The status that counts: the page's own when an error page came with success (a soft error)."""
    return page.status if page.status >= 400 else page.printed_status or page.status


def _is_database(page: Document) -> bool:
    return any(
        pattern.search(page.text, page.folded["text"]) or pattern.search(page.title, page.folded["title"])
        for pattern in _WORDS["database"]
    )


def _by_nobody(facts: Facts, page: Document) -> Reading:
    """No signature holds: a page in order, a soft error, a site's own error page, or one whose writer is unknown."""
    soft = _soft(facts, page) if page.status < 400 else None
    if page.status < 400 and not soft:
        return _in_order(facts, page)
    fault, cap, cites = _unwritten_fault(facts, page, soft)
    custom = soft is not None or _is_custom(page)
    layer: Layer = "database" if fault == "app.database" else FAULTS[fault].layer or "app"
    certainty: Certainty = "possible" if custom else "undetermined"
    who = "The site" if custom else "The server"
    found = finding(facts, fault, cites, layer=layer, who=who, certainty=weakest(cap, "possible"))
    return Reading(
        True, "unknown", None, "custom-app" if custom else None, layer, certainty, fault, cap, None, (found,)
    )


def _in_order(facts: Facts, page: Document) -> Reading:
    """A page that shows no error that is known; requests of its own script that failed make that doubtful, and with
    words of trouble on it they are the error.
    """
    doubtful, broken = _doubtful(facts, page), failed(facts)
    if not broken:
        sure: Certainty = "possible" if doubtful else "likely"
        return Reading(False, "page", None, None, "none", sure, None, "proven", None, ())
    more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
    found = finding(facts, REQUEST_FAILED, [cite for cite, _ in broken[:5]], layer="app", detail=broken[0][1] + more,
                    certainty="possible")
    if page.text.strip() and doubtful:
        return Reading(
            True, "unknown", None, "custom-app", "app", "possible", REQUEST_FAILED, "possible", None, (found,)
        )
    return Reading(False, "page", None, None, "none", "possible", None, "proven", None, (found,))


def _doubtful(facts: Facts, page: Document) -> bool:
    """Nothing to read, or a short page with a word of trouble: it may be an error page that nobody knows."""
    text = page.text.strip()
    if not text and not page.body:
        return True
    words = (_first(facts, page, place, "trouble") for place in ("title", "text"))
    return len(text) <= SOFT_CHARS and any(words)


def _unwritten_fault(facts: Facts, page: Document, soft: Citation | None) -> tuple[str, Certainty, list[Citation]]:
    status = facts.status_cites()
    if standard := _proxy_status(facts, page):
        return standard[0], "proven", [standard[1], *status]
    if _is_database(page):
        return "app.database", "possible", [facts.citer.cite(page.pointers["text"], page.text[:80]), *status]
    if (soft or page.status == 503) and _first(facts, page, "text", "maintenance"):
        return "app.maintenance", "possible", [soft] if soft else status
    if soft is None:
        return by_status(page.status) or "app.error", "possible", status
    usual = next((fault for kind, fault in (("refused", "client.forbidden"), ("server", "app.error"))
                  if _first(facts, page, "title", kind) or _first(facts, page, "text", kind)), None)
    return usual or by_status(_status(page)) or "client.not-found", "possible", [soft, *status]


def _is_custom(page: Document) -> bool:
    """A page that somebody designed: products that answer for themselves do not dress their pages unrecognised."""
    return (
        "<" in page.body and "html" in page.mime and bool(_DRESSED.search(page.body)) and len(page.text.strip()) >= 10
    )


def _soft(facts: Facts, page: Document) -> Citation | None:
    """Words of an error on a short page that was answered with success and is not about errors."""
    text = " ".join(page.text.split())
    if page.status >= 300 or not 0 < len(text) <= SOFT_CHARS or "<article" in page.folded["body"]:
        return None
    if _first(facts, page, "title", "about_title") or _first(facts, page, "text", "about_text"):
        return None
    return _first(facts, page, "title", "soft_title") or _first(facts, page, "text", "soft_text")


def _first(facts: Facts, page: Document, place: str, kind: str) -> Citation | None:
    value = page.title if place == "title" else page.text
    for pattern in _WORDS[kind]:
        if found := pattern.search(value, page.folded[place]):
            return facts.citer.cite(page.pointers[place], found[0])
    return None
