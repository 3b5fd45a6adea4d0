"""Letters to the people who can repair it. In: evidence, diagnosis, manifest. Out: text, ready to send but for a name.

One page each, in the order in which support asks. What a page or a user supplied is one line and, in the Markdown
form, escaped, by the environment itself. A letter never says more than the certainty allows.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from capture.record.evidence import Evidence
from capture.record.seal import Manifest
from report import text
from report.diagnosis import Certainty, Diagnosis, FaultSide, SupportFact
from report.signatures import Vendor, vendors
from report.view import View, view

Form = Literal["md", "txt"]
Kind = Literal["owner", "vendor"]

FACTS: Final = 12
"""Most facts in a letter; all of them are in the dossier."""
FACT_CHARS: Final = 600
SENTENCE_CHARS: Final = 400
OPEN_LINES: Final = 3
"""Most lines about what is not known."""
LEADS: Final[dict[Certainty, str]] = {
    "proven": "What the recorded evidence shows:",
    "likely": "What the evidence points to, though it does not prove it:",
    "possible": "One explanation that fits, no more than that:",
    "undetermined": "The evidence does not tell where the fault lies:"}
QUESTIONS: Final[dict[FaultSide, str]] = {
    "origin": "Could you tell me from your logs of this request which address you asked behind you, what came back, "
              "and after what time? I do not take {vendor} for the cause; your logs are where the cause can be seen.",
    "edge": "Could you look this request up and tell me why it was answered so, and whether the reason lies with "
            "{vendor} or with a setting of this site?",
    "client": "Could you tell me which rule held this request off, and whether it was meant to? Nothing may be broken.",
    "unknown": "Could you tell me from your logs whether {vendor} made this answer, or passed on what came from "
               "behind?"}
"""What is asked of a vendor; a fault of names or certificates behind it is asked like one of the origin."""
_SAME_FACTS: Final = re.compile(r"^(?:Time|Seen|Recent changes)\b", re.IGNORECASE)
_BLANK: Final = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Attached:
    """A file that goes with a letter."""

    name: str
    what: str
    """What it is, a few words."""


@dataclass(frozen=True)
class Letter:
    """What a letter says, in plain words and values as they were found."""

    subject: str
    url: str
    what: str
    """What came back."""
    answered: bool
    failed_before: str
    """Name of the failure when no answer came; empty when none was recorded."""
    day: str
    date: str
    time: str
    local: str
    """The same moment by the vantage's clock; empty when it is UTC."""
    lead: str
    """How sure the next sentence is."""
    summary: str
    warning: str
    facts: tuple[SupportFact, ...]
    frequency: str
    seen: str
    note: str
    repair: str
    steps: tuple[str, ...]
    unknown: tuple[str, ...]
    case: str
    fingerprint: str
    question: str
    vendor: str
    """Name of the vendor whose support is addressed; empty when there is none."""
    vendor_who: str
    vendor_where: str
    vendor_asks: str
    log_hours: int | None


def addressee(diagnosis: Diagnosis) -> Vendor | None:
    """Whose support can help: the page's writer, else the innermost edge on the path; None when none is known.

    The innermost, because a platform behind a CDN is the CDN's customer, not the site's owner.
    """
    known = {vendor.slug: vendor for vendor in vendors() if vendor.support}
    if diagnosis.verdict.generator in known:
        return known[diagnosis.verdict.generator or ""]
    path = [hop.vendor for hop in diagnosis.hops if hop.layer in ("cdn", "load-balancer", "platform")]
    return next((known[slug] for slug in reversed(path) if slug in known), None)


def letter(evidence: Evidence, diagnosis: Diagnosis, manifest: Manifest) -> Letter:
    """Puts together what both letters say."""
    shown = view(evidence, diagnosis, manifest, paper=True)
    vendor, verdict = addressee(diagnosis), diagnosis.verdict
    told = vendor.support if vendor else None
    started = evidence.started_at
    side: FaultSide = "origin" if verdict.fault_side in ("dns", "tls", "network") else verdict.fault_side
    id_ = f", {verdict.request_id}" if verdict.request_id else ""
    return Letter(
        subject=f"{shown.host}: {shown.what} on {started:%Y-%m-%d} at {started:%H:%M} UTC{id_}",
        url=evidence.request.url, what=shown.what, answered=verdict.status is not None,
        failed_before=_failure(shown), day=f"{started.day} {started:%B %Y}", date=f"{started:%Y-%m-%d}",
        time=f"{started:%H:%M:%S}", local=shown.local, lead=LEADS[verdict.certainty], summary=verdict.summary,
        warning=diagnosis.warning or "", facts=_facts(diagnosis), frequency=_frequency(evidence, diagnosis),
        seen=evidence.request.seen or "", note=evidence.request.note or "", repair=diagnosis.repair,
        steps=diagnosis.next_steps[:3], unknown=_unknown(diagnosis), case=manifest.case,
        fingerprint=manifest.fingerprint, question=QUESTIONS[side].format(vendor=vendor.name if vendor else "it"),
        vendor=vendor.name if vendor else "", vendor_who=(told.who if told else None) or "its customer",
        vendor_where=told.where if told else "",
        vendor_asks=", ".join(told.asks if told else ()).replace("HOST", shown.host),
        log_hours=told.log_hours if told else None)


def _failure(shown: View) -> str:
    main = shown.main
    last = shown.documents[-1] if shown.documents else None
    return (last and (last.guard_error or last.error)) or (main.error if main else None) or ""


def _facts(diagnosis: Diagnosis) -> tuple[SupportFact, ...]:
    """The facts for support; what the letter says elsewhere, and a code that only repeats the status, is left out."""
    status = str(diagnosis.verdict.status)
    return tuple(fact for fact in diagnosis.support if not _SAME_FACTS.match(fact.label)
                 and not (fact.label == "Vendor's code" and fact.value == status))[:FACTS]


def _frequency(evidence: Evidence, diagnosis: Diagnosis) -> str:
    """What is known of how often it fails: one load, and how many plain requests ended in the same way."""
    ends = [probe.hops[-1].status for probe in evidence.plain_http or () if probe.hops]
    loads = "one load by a browser" if evidence.pages else "no load by a browser"
    if not ends:
        return f"not known; this is {loads}."
    same = sum(1 for status in ends if status == diagnosis.verdict.status)
    return f"{loads}, and {same} of {len(ends)} requests without a browser at the same time ended the same way."


def _unknown(diagnosis: Diagnosis) -> tuple[str, ...]:
    others = [other.sentence + (f" Decided by: {other.decided_by}" if other.decided_by else "")
              for other in diagnosis.alternatives]
    return tuple([*(f"Not excluded: {line}" for line in others), *diagnosis.unknowns][:OPEN_LINES])


def write(kind: Kind, said: Letter, form: Form, attached: tuple[Attached, ...], left_out: tuple[str, ...] = ()) -> str:
    """The letter as text; `left_out` says which files were not attached, and why."""
    made = _environment(form).get_template(f"{kind}.txt").render(l=said, attached=attached, left_out=left_out)
    return _BLANK.sub("\n\n", made).strip() + "\n"


def prepare() -> None:
    """Compiles the templates ahead."""
    for kind in ("owner", "vendor"):
        _environment("txt").get_template(f"{kind}.txt")


@cache
def _environment(form: Form) -> Environment:
    """Templates in which every value is one visible line, and in Markdown an escaped one."""
    line: Callable[[str, int], str] = text.markdown if form == "md" else _plain

    def finalize(value: Any) -> Any:
        return line(value, SENTENCE_CHARS) if isinstance(value, str) and not isinstance(value, Markup) else value

    folder = Path(__file__).parent / "templates" / "letters"
    # Autoescape is HTML's; here `finalize` escapes, and Markup marks what it has done with.
    made = Environment(loader=FileSystemLoader(folder), finalize=finalize, undefined=StrictUndefined, trim_blocks=True,
                       lstrip_blocks=True, auto_reload=False, autoescape=False)
    made.filters["code"] = lambda value: Markup(text.markdown_code(value, FACT_CHARS) if form == "md"
                                                else _plain(value, FACT_CHARS))
    made.filters["strong"] = lambda value: Markup(f"**{line(value, 90)}**" if form == "md" else line(value, 90))
    return made


def _plain(value: str, limit: int) -> str:
    return " ".join(text.short(value, limit).split())
