"""Letters to the people who can repair it. In: evidence, diagnosis, manifest. Out: text, ready to send but for a name.

One page each, in the order in which support asks. What a page or a user supplied is one line and, in the Markdown
form, escaped, by the environment itself. A letter never says more than the certainty allows.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from capture.record.evidence import Evidence
from capture.record.seal import Manifest
from report import text
from report.diagnosis import Certainty, Diagnosis, SupportFact, Verdict
from report.markup import markdown
from report.playbooks import steps_for
from report.rules.verdict import span
from report.signatures import Vendor, vendors
from report.view import View, view
from report.wording import REPAIR

Form = Literal["md", "txt"]
Kind = Literal["owner", "vendor"]

FACTS: Final = 12
"""Most facts in a letter; all of them are in the dossier."""
FACT_CHARS: Final = 600
SENTENCE_CHARS: Final = 400
STEPS: Final = 5
"""Most steps that a letter proposes; the playbook has all of them."""
OPEN_LINES: Final = 3
"""Most explanations that are not excluded, and most lines about what is not known."""
LEADS: Final[dict[Certainty, str]] = {
    "proven": "The recorded evidence is clear.",
    "likely": "The recorded evidence points one way, but does not prove it.",
    "possible": "What follows is one explanation that fits, and no more than that.",
    "undetermined": "The recorded evidence does not tell where the fault lies."}
QUESTIONS: Final[dict[str, str]] = {
    "below": "Could you tell me whether this connection reached {vendor}, and what it met there?",
    "origin": "Could you tell me from your logs of this request which address you asked behind you, what came back, "
              "and after how long? I do not take {vendor} for the cause; your logs are where the cause can be seen.",
    "edge": "Could you look this request up and tell me why it was answered so, and whether the reason lies with "
            "{vendor} or with a setting of this site?",
    "rule": "Could you tell me which rule held this request off, and whether it was meant to? Nothing may be broken.",
    "client": "Could you tell me whether {vendor} gave this answer itself or passed it on from behind, and why?",
    "unknown": "Could you tell me from your logs whether {vendor} made this answer, or passed on what came from "
               "behind?"}
"""What is asked of a vendor."""
RULES: Final = frozenset({"client.blocked", "client.challenged", "client.rate-limited", "client.forbidden"})
"""Faults that a rule for visitors makes."""
_TO_THE_OWNER: Final = (
    ("the site's owner or hoster", "you or your hoster"), ("the site's owner, hoster", "you, your hoster"),
    ("the site's owner, its", "you, your"), ("the site's owner", "you"), ("The site's owner", "You"),
    ("The site's", "Your"), ("the site's", "your"))
"""What the diagnosis says of the owner, said to the owner."""
_SAME_FACTS: Final = re.compile(r"^(?:Time|How often|Seen|Recent changes)\b", re.IGNORECASE)
_ONLY_FOR: Final = re.compile(r"for (\d{3,4}):")
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
    host: str
    what: str
    """What came back."""
    answered: bool
    failed_before: str
    """Name of the failure when no answer came; empty when none was recorded."""
    reporter: str
    """Who reported it."""
    day: str
    moment: str
    """When, UTC."""
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
    repairer: str
    """What the next text is, as surely as the verdict allows."""
    repair: str
    steps: tuple[str, ...]
    others: tuple[str, ...]
    """Explanations that were not excluded, each with what would decide it."""
    unknown: tuple[str, ...]
    case: str
    fingerprint: str
    question: str
    vendor: str
    """Name of the vendor whose support is addressed; empty when there is none."""
    vendor_who: str
    vendor_where: str
    vendor_asks: str
    vendor_tells: str
    """How its service tells more; empty when that is not known."""
    deadline: str
    """Before when the vendor should be asked; empty when it is not known how long its logs last."""
    log_time: str
    """How long its logs last."""


def addressee(diagnosis: Diagnosis, known: tuple[Vendor, ...] | None = None) -> Vendor | None:
    """Whose support can help: the page's writer, else the innermost edge on the path; None when none is known.

    The innermost, because a platform behind a CDN is the CDN's customer, not the site's owner. `known` are the vendors
    to choose from, by default ours.
    """
    helpful = {vendor.slug: vendor for vendor in (vendors() if known is None else known) if vendor.support}
    if diagnosis.verdict.generator in helpful:
        return helpful[diagnosis.verdict.generator or ""]
    path = [hop.vendor for hop in diagnosis.hops if hop.layer in ("cdn", "load-balancer", "platform")]
    return next((helpful[slug] for slug in reversed(path) if slug in helpful), None)


def letter(evidence: Evidence, diagnosis: Diagnosis, manifest: Manifest, vendor: Vendor | None = None) -> Letter:
    """Puts together what both letters say; `vendor` is the addressee, if there is one."""
    shown = view(evidence, diagnosis, manifest, paper=True)
    verdict, started = diagnosis.verdict, evidence.started_at
    told = vendor.support if vendor else None
    failure = _failure(shown)
    id_ = f", {verdict.request_id}" if verdict.request_id else ""
    what = shown.what if verdict.status is not None else failure or "not loaded"
    return Letter(
        subject=f"{shown.host}: {what} on {started:%Y-%m-%d} at {started:%H:%M} UTC{id_}",
        host=shown.host, what=shown.what, answered=verdict.status is not None, failed_before=failure,
        reporter="the file handed in" if evidence.imported else "the browser",
        day=_day(started), moment=f"{started:%Y-%m-%d %H:%M:%S} UTC", local=shown.local,
        lead=LEADS[verdict.certainty], summary=verdict.summary, warning=diagnosis.warning or "",
        facts=_facts(diagnosis, failure), frequency=_frequency(evidence, diagnosis),
        seen=evidence.request.seen or "", note=evidence.request.note or "",
        repairer=REPAIR[verdict.certainty], repair=_to_the_owner(diagnosis.repair),
        steps=_steps(evidence, diagnosis), others=_others(diagnosis), unknown=diagnosis.unknowns[:OPEN_LINES],
        case=manifest.case, fingerprint=manifest.fingerprint,
        question=QUESTIONS[_question(verdict)].format(vendor=vendor.name if vendor else "it"),
        vendor=vendor.name if vendor else "", vendor_who=(told.who if told else None) or "its customer",
        vendor_where=told.where if told else "",
        vendor_asks=_asks(told.asks if told else (), verdict).replace("HOST", shown.host),
        vendor_tells=_hint(told.debug if told else None).replace("HOST", shown.host),
        deadline=_deadline(started, told.log_hours) if told and told.log_hours else "",
        log_time=span(told.log_hours) if told and told.log_hours else "")


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def _deadline(started: datetime, hours: int) -> str:
    end = started + timedelta(hours=hours)
    return f"{_day(end)}, {end:%H:%M} UTC"


def _question(verdict: Verdict) -> str:
    """Which question fits: never one that presumes what the evidence does not tell."""
    if verdict.status is None:
        return "below"
    if verdict.certainty in ("possible", "undetermined"):
        return "unknown"
    if verdict.fault_code in RULES:
        return "rule"
    return "origin" if verdict.fault_side in ("dns", "tls", "network") else verdict.fault_side


def _asks(asks: tuple[str, ...], verdict: Verdict) -> str:
    """What support asks for first; what it asks for with another code than this is left out."""
    codes = {verdict.vendor_code, str(verdict.status)}
    return ", ".join(ask for ask in asks if not (only := _ONLY_FOR.match(ask)) or only[1] in codes)


def _hint(debug: str | None) -> str:
    return re.sub(r"^the (?:owner|operator): ", "", debug or "")


def _to_the_owner(words: str) -> str:
    for about, to in _TO_THE_OWNER:
        words = words.replace(about, to)
    return words


def _steps(evidence: Evidence, diagnosis: Diagnosis) -> tuple[str, ...]:
    """The first steps of the playbook that are not a visitor's; what keeps evidence comes before what destroys it."""
    steps = (shown.step for shown in steps_for(evidence, diagnosis) if not shown.after)
    return tuple(step.title for step in steps if step.who != "visitor")[:STEPS]


def _failure(shown: View) -> str:
    main = shown.main
    last = shown.documents[-1] if shown.documents else None
    return (last and (last.guard_error or last.error)) or (main.error if main else None) or ""


def _facts(diagnosis: Diagnosis, failure: str) -> tuple[SupportFact, ...]:
    """The facts for support; what the letter says elsewhere, and a code that only repeats the status, is left out."""
    status = str(diagnosis.verdict.status)
    return tuple(fact for fact in diagnosis.support if not _SAME_FACTS.match(fact.label)
                 and not (fact.label == "Vendor's code" and fact.value == status)
                 and not (fact.label == "Status" and fact.value in (failure, "no answer")))[:FACTS]


def _frequency(evidence: Evidence, diagnosis: Diagnosis) -> str:
    """What is known of how often it fails: one load, and how many plain requests ended in the same way."""
    ends = [probe.hops[-1].status for probe in evidence.plain_http or () if probe.hops]
    if evidence.imported:
        return "not known; the files show one load."
    loads = "one load by a browser" if evidence.pages else "no load by a browser"
    if not ends:
        return f"not known; this is {loads}."
    same = sum(1 for status in ends if status == diagnosis.verdict.status)
    return f"{loads}, and {same} of {len(ends)} requests without a browser at the same time ended the same way."


def _others(diagnosis: Diagnosis) -> tuple[str, ...]:
    return tuple(other.sentence + (f" {_would_tell(other.decided_by)}" if other.decided_by else "")
                 for other in diagnosis.alternatives[:OPEN_LINES])


def _would_tell(decided_by: str) -> str:
    """What would decide it, as a sentence: it is told as a noun, with or without a full stop."""
    words = f"{decided_by[:1].upper()}{decided_by[1:].rstrip('. ')}"
    return f"{words}{',' if ',' in words else ''} would tell."


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
    line: Callable[[str, int], str] = markdown.words if form == "md" else _plain

    def finalize(value: Any) -> Any:
        return line(value, SENTENCE_CHARS) if isinstance(value, str) and not isinstance(value, Markup) else value

    folder = Path(__file__).parent / "templates" / "letters"
    # Autoescape is HTML's; here `finalize` escapes, and Markup marks what it has done with.
    made = Environment(loader=FileSystemLoader(folder), finalize=finalize, undefined=StrictUndefined, trim_blocks=True,
                       lstrip_blocks=True, auto_reload=False, autoescape=False)
    made.filters["code"] = lambda value: Markup(markdown.code(value, FACT_CHARS) if form == "md"
                                                else _plain(value, FACT_CHARS))
    made.filters["strong"] = lambda value: Markup(f"**{line(value, 90)}**" if form == "md" else line(value, 90))
    return made


def _plain(value: str, limit: int) -> str:
    return " ".join(text.short(value, limit).split())
