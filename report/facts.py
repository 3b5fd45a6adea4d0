"""What every rule works on: the evidence, a way to cite it, the answered document, and the signatures that hold.

In: the evidence and the known vendors. Out: Facts, and `finding()`, the one way to build a Finding about a fault.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from capture.record.evidence import Evidence
from capture.record.page import Exchange, PageLoad
from report.citing import Citer
from report.diagnosis import Certainty, Citation, Finding, Layer
from report.faults import FAULTS
from report.matching import Document, Match, document, main_exchange, match, strict_load
from report.signatures import Vendor

NO_FAILURES = ("net::ERR_ABORTED", "net::ERR_HTTP_RESPONSE_CODE_FAILURE", "net::ERR_INVALID_AUTH_CREDENTIALS")
"""What the browser says although an answer came: it was no page, it had no body, it asked for credentials."""
SURENESS: tuple[Certainty, ...] = ("undetermined", "possible", "likely", "proven")


@dataclass(frozen=True)
class Facts:
    """One capture, ready for rules."""

    evidence: Evidence
    citer: Citer
    load: PageLoad | None
    """The strict load."""
    load_pointer: str
    exchange: Exchange | None
    """The exchange that gave the document, or failed last."""
    exchange_pointer: str
    page: Document | None
    """The answer; None when there was none."""
    matches: tuple[Match, ...]
    vendors: tuple[Vendor, ...]

    @property
    def host(self) -> str:
        """Host of the document that was answered or failed last."""
        url = self.page.url if self.page else self.exchange.url if self.exchange else self.evidence.request.url
        return urlsplit(url).hostname or ("the site" if self.evidence.imported else url)

    @property
    def https(self) -> bool:
        """Whether that document was asked for over TLS."""
        url = self.page.url if self.page else self.exchange.url if self.exchange else self.evidence.request.url
        return urlsplit(url).scheme == "https"

    @property
    def error(self) -> str | None:
        """Name of the failure of the document below HTTP; also when an answer began and then broke off."""
        if self.load is None or self.load.ended in ("download", "no-content"):
            return None
        seen = self.exchange
        if seen and seen.id != self.load.main_exchange:
            return None
        name = (seen.guard_error if seen else None) or self.load.error or (seen.error if seen else None)
        return None if self.page and name in NO_FAILURES else name

    @property
    def answered(self) -> str:
        """The status in a sentence about an error; an error that came with success is said to be one."""
        if self.page is None or not self.page.told_status:
            return ""
        told = str(self.page.told_status)
        if self.page.told_status >= 400:
            return told
        printed = self.page.printed_status
        return f"{told}, though the page {f'says {printed}' if printed else 'tells of an error'}"

    @property
    def at_most(self) -> Certainty:
        """How sure anything can be: what was handed in can have been made up."""
        return "likely" if self.evidence.imported else "proven"

    @property
    def path(self) -> frozenset[str]:
        """Slugs of everybody who left a mark on the answer."""
        return frozenset(found.vendor.slug for found in self.matches)

    @property
    def wait(self) -> tuple[str, float] | None:
        """Pointer and milliseconds of how long the answer took that became the page."""
        where = self.page.pointers.get("status", "").split("/") if self.page else []
        if where[1:2] == ["plain_http"]:
            at, hop = int(where[2]), int(where[4])
            took = (self.evidence.plain_http or ())[at].hops[hop].duration_ms
            return None if took is None else (f"/plain_http/{at}/hops/{hop}/duration_ms", took)
        if self.exchange is None or self.exchange.duration_ms is None:
            return None
        return f"{self.exchange_pointer}/duration_ms", self.exchange.duration_ms

    def status_cites(self) -> list[Citation]:
        """Where the status of the answer stands; nowhere when it is not known."""
        pointer = self.page.pointers.get("status") if self.page else None
        return [self.citer.cite(pointer)] if pointer else []

    def error_cites(self) -> list[Citation]:
        """Where that name stands."""
        found = []
        if self.exchange and self.exchange.guard_error:
            found.append(self.citer.cite(f"{self.exchange_pointer}/guard_error"))
        elif self.exchange and self.exchange.error:
            found.append(self.citer.cite(f"{self.exchange_pointer}/error"))
        if self.load and self.load.error:
            found.append(self.citer.cite(f"{self.load_pointer}/error"))
        return found

    def failed_dial(self) -> str | None:
        """Pointer of the dial behind the failure: the exchange's own, else the page's last that did not connect."""
        dials = self.evidence.dials
        if self.exchange and self.exchange.dial is not None:
            at = next((n for n, dial in enumerate(dials) if dial.id == self.exchange.dial), None)
            return None if at is None else f"/dials/{at}"
        bad = [
            n
            for n, dial in enumerate(dials)
            if dial.purpose == "page" and dial.verdict != "allowed" and dial.host == self.host
        ]
        return f"/dials/{bad[-1]}" if bad else None


def facts(evidence: Evidence, known: tuple[Vendor, ...]) -> Facts:
    """Looks once at everything that rules ask for."""
    citer = Citer(evidence)
    strict = strict_load(evidence)
    found = main_exchange(strict[1]) if strict else None
    page = document(evidence)
    load_pointer = f"/pages/{strict[0]}" if strict else ""
    return Facts(
        evidence,
        citer,
        strict[1] if strict else None,
        load_pointer,
        found[1] if found else None,
        f"{load_pointer}/exchanges/{found[0]}" if found else "",
        page,
        match(page, known, citer) if page else (),
        known,
    )


def weakest(*certainties: Certainty) -> Certainty:
    """The least sure of several."""
    return min(certainties, key=SURENESS.index)


def finding(
    facts: Facts,
    code: str,
    cites: list[Citation],
    *,
    layer: Layer | None = None,
    who: str = "The server",
    detail: str = "",
    certainty: Certainty | None = None,
) -> Finding:
    """A Finding about a fault of report/data/faults, in the fault's own words; never surer than the fault allows."""
    fault = FAULTS[code]
    sure = weakest(fault.certainty, certainty or fault.certainty, facts.at_most)
    return Finding(
        code=code,
        layer=layer or fault.layer or "none",
        sentence=fault.told(sure, who=who, host=facts.host, status=facts.answered, detail=detail),
        certainty=sure,
        parameters={key: value for key, value in {"host": facts.host, "detail": detail}.items() if value},
        cites=tuple({(cite.pointer, cite.excerpt): cite for cite in cites}.values()),
    )
