"""What a dossier shows, in the order in which it shows it. In: evidence, diagnosis, manifest. Out: a View.

Pure: no clock, no disk. Text stays as it was found; the templates make it visible and escape it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta, timezone
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from capture.record.evidence import Evidence
from capture.record.network import Dial, PlainHop, PlainHttp
from capture.record.page import ConsoleEntry, Exchange, LoadLabel, PageLoad, Screenshot
from capture.record.request import StepRecord
from capture.record.seal import FileEntry, Manifest
from report import wording
from report.boxes import Box
from report.diagnosis import Diagnosis, FaultSide
from report.signatures import vendors
from report.units import header_value, milliseconds, moment, size
from report.waterfall import Waterfall, failed_request, waterfalls

FACT_LINES: Final = 14
STEP_LINES: Final = 10
"""Lines on the first page for the facts that support asks for, and for the next steps; the rest follows after it."""
FACT_CHARS: Final = 96
STEP_CHARS: Final = 150
"""Longest fact and step on the first page; the whole follows after it when it is longer."""
DENSE_LINES: Final = 21
"""Lines of text from which on the first page is set in smaller type on paper."""
PAPER_LINES: Final = 60
SCREEN_LINES: Final = 1_000
"""Lines of the console, of the dial log and of the list of files in the PDF and on the screen."""
MESSAGES: Final = 10
"""Documents, and failed requests, whose headers are shown verbatim."""

SIDES: Final[dict[FaultSide, str]] = {
    "client": "on the visitor's side", "dns": "in DNS", "tls": "in TLS", "network": "in the network",
    "edge": "at the edge", "origin": "at the origin", "unknown": ""}
LOADS: Final = {"strict": "strict load", "lenient": "lenient load (TLS errors ignored)",
                "native": "the browser's own page for this failure", "imported": "imported load"}

WHEN: Final = {None: "captured", "files": "recorded, by the file’s clock,",
              "server": "answered, by the server’s clock,", "unknown": "handed in"}
"""Whose word a time is."""
SOURCES: Final = {"console": "page", "exception": "uncaught error", "log": "browser", "issue": "DevTools issue"}


@dataclass(frozen=True)
class Picture:
    """A picture to show, already small enough."""

    source: str
    """Address of the picture: a data: URL, or a name for the PDF renderer."""
    width: int
    height: int
    """Pixels."""
    caption: str
    """What it is and when it was taken."""
    pointer: str = ""
    """Where its record stands in evidence.json."""
    boxes: tuple[Box, ...] = ()
    """Around what decided."""

    def fitting(self, height: int) -> int:
        """Widest that it may be drawn so that it is no taller than this; both in CSS pixels."""
        return max(1, min(self.width, self.width * height // max(1, self.height)))


@dataclass(frozen=True)
class Message:
    """One exchange whose headers are shown verbatim."""

    pointer: str
    """Where it stands in evidence.json."""
    exchange: Exchange
    load: LoadLabel
    """The load that it belongs to."""


@dataclass(frozen=True)
class Console:
    """The console of one load."""

    pointer: str
    """Where the load stands in evidence.json."""
    load: LoadLabel
    entries: tuple[ConsoleEntry, ...]
    left_out: int
    """Lines that are not listed or were only counted."""


@dataclass(frozen=True)
class Text:
    """A text of the page, to look citations up in."""

    pointer: str
    """Where it stands in evidence.json."""
    title: str
    """What it is."""
    text: str


@dataclass(frozen=True)
class View:
    """Everything the templates need."""

    evidence: Evidence
    diagnosis: Diagnosis
    manifest: Manifest
    host: str
    facts_first: int
    """How many of the facts for support are on the first page."""
    steps_first: int
    """How many of the next steps are on the first page."""
    when: str
    """What the next time is the time of."""
    captured: str
    """When, UTC."""
    proves: str
    proves_not: str
    """What the dossier proves, and what not."""
    local: str
    """The same in the vantage's own time zone; empty when unknown."""
    what: str
    """What came back, for example "522 Connection timed out" or "No answer"."""
    written_by: str
    """Who wrote the page, as a name; empty when unknown."""
    written: str
    """How sure that is: "written by", "probably written by" ..."""
    caused: str
    """Where the cause lies, in words; empty when nothing failed or when it is not known."""
    lies: str
    """How sure that is: "the cause lies", "the cause probably lies" ..."""
    certainty: str
    dense: bool
    """The first page has so much to say that it needs smaller type on paper."""
    failed: bool
    """Something failed or stood before the page, or it cannot be told."""
    main: PageLoad | None
    """The load that the dossier speaks of."""
    main_pointer: str
    """Where it stands in evidence.json."""
    documents: tuple[Exchange, ...]
    """The document and the redirects before it."""
    falls: tuple[Waterfall, ...]
    """Requests of each load."""
    messages: tuple[Message, ...]
    """Exchanges whose headers are shown verbatim."""
    texts: tuple[Text, ...]
    """What the page says and what its document is."""
    probes: tuple[tuple[str, tuple[str, ...]], ...]
    """Plain requests side by side: label, one value a request."""
    probe_answers: tuple[tuple[str, str, PlainHop], ...]
    """Their last answers, those with the same header lines together: label, pointer of the first, that one."""
    consoles: tuple[Console, ...]
    """Console of each load that has one."""
    dials: tuple[Dial, ...]
    dials_left_out: int
    files: tuple[FileEntry, ...]
    files_left_out: int
    unfinished: tuple[StepRecord, ...]
    """Steps that did not end as done."""
    no_picture: str
    """Why there is no picture."""


def view(evidence: Evidence, diagnosis: Diagnosis, manifest: Manifest, *, paper: bool) -> View:
    """Puts together what the templates need; `paper` leaves out what a PDF does not list."""
    main = main_load(evidence)
    exchanges = main.exchanges if main else ()
    documents = tuple(e for e in exchanges if e.main_document)
    most = PAPER_LINES if paper else SCREEN_LINES
    dials = tuple(sorted(evidence.dials, key=lambda d: d.verdict == "allowed"))
    dials = evidence.dials if len(dials) <= most else dials[:most]
    verdict, failed = diagnosis.verdict, has_failed(diagnosis)
    return View(
        evidence=evidence, diagnosis=diagnosis, manifest=manifest, host=host_of(evidence.request.url),
        facts_first=fitting(tuple(f.value[:FACT_CHARS] for f in diagnosis.support), FACT_LINES, 34),
        steps_first=fitting(tuple(step[:STEP_CHARS] for step in diagnosis.next_steps), STEP_LINES, 40),
        when=WHEN[evidence.imported.clock if evidence.imported else None], captured=moment(evidence.started_at),
        proves=wording.proves(evidence), proves_not=wording.proves_not(evidence),
        local=local_time(evidence), what=what_came(diagnosis, main),
        written_by=generator_name(diagnosis), written=wording.WRITTEN[wording.writer_certainty(diagnosis)],
        caused=SIDES[verdict.fault_side] if failed else "", lies=wording.CAUSED[verdict.certainty],
        certainty=wording.CERTAINTIES[verdict.certainty], dense=is_dense(evidence, diagnosis), failed=failed, main=main,
        main_pointer=f"/pages/{evidence.pages.index(main)}" if main else "/pages",
        documents=documents, falls=waterfalls(evidence, paper=paper), messages=messages(evidence),
        texts=texts(evidence), probes=probe_table(evidence.plain_http or ()),
        probe_answers=probe_answers(evidence.plain_http or ()), consoles=consoles(evidence, most),
        dials=dials, dials_left_out=len(evidence.dials) - len(dials), files=manifest.files[:most],
        files_left_out=len(manifest.files) - len(manifest.files[:most]),
        unfinished=tuple(s for s in evidence.steps if s.status != "done"),
        no_picture=why_no_picture(evidence, main))


def has_failed(diagnosis: Diagnosis) -> bool:
    """Whether something failed or stood before the page, or it cannot be told."""
    verdict = diagnosis.verdict
    return verdict.is_error_page or verdict.certainty == "undetermined" or any(
        (verdict.interstitial, verdict.fault_code, any(hop.state == "faulty" for hop in diagnosis.hops)))


def fitting(texts: tuple[str, ...], lines: int, chars_a_line: int) -> int:
    """How many of these texts fit into so many lines; at least one."""
    used = count = 0
    for text in texts:
        used += 1 + len(text) // chars_a_line
        if count and used > lines:
            break
        count += 1
    return count


def is_dense(evidence: Evidence, diagnosis: Diagnosis) -> bool:
    """Whether the first page would not fit on one sheet in the larger type."""
    facts = sum(1 + len(f.value[:FACT_CHARS]) // 30 for f in diagnosis.support)
    steps = sum(1 + len(step[:STEP_CHARS]) // 34 for step in diagnosis.next_steps)
    cards = max(steps, len(diagnosis.repair) // 28, len(diagnosis.send or "") // 28)
    head = len(diagnosis.verdict.summary) // 44 + len(diagnosis.warning or "") // 80
    extra = 3 * (evidence.outcome == "cut-short") + 3 * bool(evidence.request.allow_networks)
    extra += 2 * (len(diagnosis.hops) > 7)
    return facts + cards + head + extra > DENSE_LINES


def main_load(evidence: Evidence) -> PageLoad | None:
    """The strict load, or the first there is."""
    return next((p for p in evidence.pages if p.label == "strict"), evidence.pages[0] if evidence.pages else None)


def screenshot_shown(evidence: Evidence) -> tuple[PageLoad, Screenshot] | None:
    """What the visitor saw: the browser's own page when the document failed below HTTP, else the strict load's."""
    shots = {page.label: (page, page.screenshot) for page in reversed(evidence.pages) if page.screenshot}
    return next((shots[label] for label in ("native", "strict", "lenient", "imported") if label in shots), None)


def host_of(url: str) -> str:
    """Host and unusual port of an address; the address itself when it has none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or url
    except ValueError:
        return url


def local_time(evidence: Evidence) -> str:
    """Start by the wall clock of the vantage, with the name of its zone; empty when unknown or the same as UTC."""
    vantage = evidence.vantage
    if vantage is None or vantage.utc_offset in ("+00:00", "Z") or len(vantage.utc_offset) != 6:
        return ""
    sign = -1 if vantage.utc_offset[0] == "-" else 1
    hours, _, minutes = vantage.utc_offset[1:].partition(":")
    zone = timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))
    return f"{evidence.started_at.astimezone(zone):%H:%M:%S} {vantage.timezone}"


def what_came(diagnosis: Diagnosis, main: PageLoad | None) -> str:
    """The status with its phrase as sent (or as registered), or that no answer came."""
    status = diagnosis.verdict.status
    if status is None and main is not None and main.label == "imported" and main.main_exchange is None:
        return "A saved page" if main.source else "A picture"
    if status is None:
        return "No HTTP answer"
    sent = next((e.response.status_text for e in reversed(main.exchanges if main else ())
                 if e.main_document and e.response and e.response.status == status), "")
    return f"{status} {sent or _phrase(status)}".strip()


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else ""


def generator_name(diagnosis: Diagnosis) -> str:
    """The generator's name as the hops spell it, else as its file does, else its slug."""
    slug = diagnosis.verdict.generator
    if slug is None:
        return ""
    named = next((hop.name for hop in diagnosis.hops if hop.vendor == slug), None)
    return named or next((vendor.name for vendor in vendors() if vendor.slug == slug), slug)


def messages(evidence: Evidence) -> tuple[Message, ...]:
    """Whose headers are shown, load by load: the document and the redirects before it, then the first failed ones."""
    found = []
    for number, load in enumerate(evidence.pages):
        every = [Message(f"/pages/{number}/exchanges/{i}", e, load.label) for i, e in enumerate(load.exchanges)]
        failed = [m for m in every if failed_request(m.exchange) and not m.exchange.main_document]
        failed.sort(key=lambda m: m.exchange.started_ms)
        found += [*[m for m in every if m.exchange.main_document][:MESSAGES], *failed[:MESSAGES]]
    return tuple(found)


def texts(evidence: Evidence) -> tuple[Text, ...]:
    """What each load shows as text and the source of its document; what is empty is left out."""
    found = []
    for number, load in enumerate(evidence.pages):
        of = f", {LOADS[load.label]}" if len(evidence.pages) > 1 else ""
        found += [(f"/pages/{number}/text", f"Text shown{of}", load.text),
                  (f"/pages/{number}/source", f"Source of the saved page{of}", load.source)]
        found += [(f"/pages/{number}/exchanges/{i}/response/body/text", f"Source of {e.id}{of}", e.response.body.text)
                  for i, e in enumerate(load.exchanges) if e.main_document and e.response and e.response.body]
    return tuple(Text(pointer, title, text) for pointer, title, text in found if text and text.strip())


def consoles(evidence: Evidence, most: int) -> tuple[Console, ...]:
    """The console of each load, at most so many lines of it."""
    return tuple(Console(f"/pages/{number}", load.label, load.console[:most],
                         max(len(load.console) - most, 0) + load.console_dropped)
                 for number, load in enumerate(evidence.pages) if load.console)


def probe_table(probes: tuple[PlainHttp, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What the plain requests got, one line a fact; lines in which none has a value are left out."""
    ends = [probe.hops[-1] if probe.hops else None for probe in probes]
    lines: list[tuple[str, list[str]]] = [
        ("Answer", [(str(h.status) if h.status is not None else h.error or "no answer") if h else "–" for h in ends]),
        ("Error", [h.error or "" if h and h.status is not None else "" for h in ends]),
        ("Address in the end", [h.url if h else "" for h in ends]),
        ("Answered by", [h.address or "" if h else "" for h in ends]),
        ("Redirects", [str(len(p.hops) - 1) if len(p.hops) > 1 else "" for p in probes]),
        ("Server", [header_value(h.headers, "server") if h else "" for h in ends]),
        ("Via", [header_value(h.headers, "via") if h else "" for h in ends]),
        ("Body", [size(h.body_bytes) if h and h.body_bytes is not None else "" for h in ends]),
        ("Body SHA-256", [f"{h.body_sha256[:16]}…" if h and h.body_sha256 else "" for h in ends]),
        ("Framing", [h.framing or "" if h else "" for h in ends]),
        ("First byte after", [milliseconds(h.first_byte_ms) if h and h.first_byte_ms else "" for h in ends]),
        ("Ended after", [milliseconds(h.duration_ms) if h and h.duration_ms else "" for h in ends])]
    return tuple((label, tuple(value or "–" for value in values)) for label, values in lines if any(values))


def probe_answers(probes: tuple[PlainHttp, ...]) -> tuple[tuple[str, str, PlainHop], ...]:
    """The last answer of each plain request; those with the same status and header lines are one."""
    groups: dict[tuple[object, ...], tuple[list[str], str, PlainHop]] = {}
    for number, probe in enumerate(probes):
        if probe.hops:
            end, pointer = probe.hops[-1], f"/plain_http/{number}/hops/{len(probe.hops) - 1}"
            key = (end.status, end.error, end.first_bytes, end.headers)
            groups.setdefault(key, ([], pointer, end))[0].append(f"{probe.protocol}, {probe.family}")
    return tuple(("; ".join(labels), pointer, end) for labels, pointer, end in groups.values())


def why_no_picture(evidence: Evidence, main: PageLoad | None) -> str:
    """Why no picture was taken, one sentence."""
    step = next((s for s in evidence.steps if s.name == "page"), None)
    if step is not None and step.reason:
        return step.reason
    if evidence.imported:
        return "No picture was handed in."
    if main is None:
        return "No browser load was recorded."
    return {"no-content": "The answer had no content to show.", "download": "The address gave a download, not a page.",
            "crashed": "The page crashed the browser's renderer."}.get(main.ended, "No picture was recorded.")


def cut(texts: Iterable[str], shown: int, chars: int) -> bool:
    """Whether the first page leaves out any of these texts or a part of one."""
    return any(i >= shown or len(text) > chars for i, text in enumerate(texts))


def contents(shown: View, more_pictures: int, notices: list[str],
             advice: Mapping[str, object] | None = None) -> list[tuple[str, str]]:
    """The sections after the first page: file name of the template, title. Only where there is something to show;
    `advice` is what there is of playbook, letters and reproduction."""
    evidence, diagnosis, advice = shown.evidence, shown.diagnosis, advice or {}
    probed = any(probe.hops for probe in evidence.plain_http or ())
    sections: list[tuple[str, str, object]] = [
        ("steps", "Next steps", cut(diagnosis.next_steps, shown.steps_first, STEP_CHARS)),
        ("facts", "Facts for support, in full",
         cut((f.value for f in diagnosis.support), shown.facts_first, FACT_CHARS)),
        ("findings", "Findings and what they rest on", diagnosis.findings),
        ("open", "What stays open", diagnosis.alternatives or diagnosis.unknowns),
        ("hops", "The path, hop by hop", any(h.evidence_for or h.evidence_against for h in diagnosis.hops)),
        ("request", "The request", True),
        ("redirects", "Redirect chain", len(shown.documents) > 1),
        ("requests", "Requests", shown.falls),
        ("headers", "Headers, verbatim", shown.messages),
        ("probes", "Without a browser", probed),
        ("console", "Console", shown.consoles),
        ("texts", "What the page says", shown.texts),
        ("tls", "TLS", evidence.tls),
        ("dns", "DNS, by resolver", evidence.dns and (evidence.dns.answers or evidence.dns.source == "hosts-file")),
        ("connections", "Connections", evidence.dials or evidence.tcp),
        ("pictures", "Further pictures", more_pictures),
        ("gaps", "Limits and gaps", evidence.limits_hit or shown.unfinished or notices),
        ("vantage", "Vantage point", evidence.vantage),
        ("imported", "Where this comes from", evidence.imported),
        ("playbook", "Playbook, in the order of risk", advice.get("playbook")),
        ("letters", "Letters", advice.get("letters")),
        ("reproduction", "Reproduction", advice.get("reproduction")),
        ("redactions", "What was masked", evidence.redactions),
        ("custody", "Custody", True)]
    return [(name, title) for name, title, shown_when in sections if shown_when]
