"""Cases and their progress in words. In: rows of the store, a diagnosis. Out: short texts for the templates.

No word is surer than the evidence: the sentences are the diagnosis' own, and every colour has a sign beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal

from report import view, wording
from report.diagnosis import Diagnosis
from web.store.tables import Case, Delivery, Event

OPEN_STATES: Final = ("queued", "running")
"""States in which a case still changes by itself."""
STATES: Final[Mapping[str, str]] = {
    "queued": "waiting", "running": "running", "done": "done", "cut-short": "cut short", "failed": "our failure",
    "refused": "refused", "cancelled": "cancelled"}
WITHOUT_DOSSIER: Final[Mapping[str, str]] = {
    "failed": "The capture failed, and that is our fault, not the site’s.",
    "refused": "This address may not be captured.",
    "cancelled": "The capture was cancelled."}
"""The sentence over a case that has no dossier."""
SOURCES: Final[Mapping[str, str]] = {
    "form": "Asked for", "api": "Asked for through the API", "recheck": "Re-check asked for",
    "monitor": "Asked for by a monitor", "import": "Handed in as files"}
STEPS: Final[Mapping[str, str]] = {
    "vantage": "Where this looks from", "dns": "Name (DNS)", "tcp": "Connections (TCP)", "tls": "Certificates (TLS)",
    "plain_http": "Requests without a browser", "page": "The page in a real browser"}
DOSSIER: Final = "dossier"
"""The last line of the live page; no event tells of it, it begins when every step has ended."""
STEP_STATES: Final[Mapping[str, str]] = {
    "done": "✓ done", "failed": "× could not look", "timed-out": "– took too long", "cut-short": "– cut short",
    "skipped": "– not needed", "running": "under way", "waiting": "waiting"}


DELIVERED: Final[Mapping[str, str]] = {
    "written": "delivered", "created": "delivered as a new ticket",
    "seen again": "delivered as one line: the failure had been told there", "there already": "was there already"}
"""What came of a delivery."""
DELIVERIES: Final[Mapping[str, str]] = {
    "queued": "waiting", "sending": "being sent", "failed": "failed", "cancelled": "cancelled"}
"""States of a delivery that has not arrived."""


@dataclass(frozen=True)
class Sign:
    """A mark, its colour and its word."""

    mark: str
    kind: Literal["good", "bad", "quiet"]
    word: str


def sign(case: Case) -> Sign:
    """What came of a case, at a glance."""
    if case.state in OPEN_STATES:
        return Sign("…", "quiet", STATES[case.state])
    if case.summary is None:
        return Sign("–", "quiet", STATES[case.state])
    if case.certainty == "undetermined":
        return Sign("?", "quiet", "cannot tell")
    if case.is_error_page or case.fault_code:
        return Sign("×", "bad", "fails")
    return Sign("✓", "good", "works")


def delivery(row: Delivery) -> Sign:
    """How far a delivery is."""
    if row.state == "delivered":
        return Sign("✓", "good", DELIVERED.get(row.what or "", "delivered"))
    if row.state == "failed":
        return Sign("×", "bad", DELIVERIES["failed"])
    word = "being cancelled" if row.cancel_asked and row.state == "sending" else DELIVERIES.get(row.state, row.state)
    return Sign("…" if row.state in ("queued", "sending") else "–", "quiet", word)


def title(case: Case) -> str:
    """The sentence that stands for a case."""
    if case.summary:
        return case.summary
    return f"{case.host or 'Files'}: {STATES[case.state]}"


def asked(case: Case) -> str:
    """Which way a case came, before the time at which it did."""
    return SOURCES.get(case.source, "Asked for")


def without_dossier(case: Case) -> str:
    """The sentence over a case that has no dossier."""
    if case.state == "failed" and case.kind == "import":
        return "No dossier could be made of these files."
    return WITHOUT_DOSSIER.get(case.state, "There is no dossier.")


def facts(case: Case) -> str:
    """What is known of a verdict, in a few words: status, vendor and its code, side, certainty."""
    side = view.SIDES.get(case.fault_side or "unknown", "") if case.fault_code else ""  # type: ignore[call-overload]
    code = case.vendor_code if case.vendor_code != str(case.status) else None
    found = [str(case.status) if case.status else "", case.generator or "", code or "", side,
             wording.CERTAINTIES.get(case.certainty, "")]  # type: ignore[call-overload]
    return " · ".join(part for part in found if part)


@dataclass(frozen=True)
class Head:
    """The head of a case page."""

    what: str
    """What came back, for example "522 Connection timed out"."""
    written: str
    """How sure the writer is: "written by", "probably written by"."""
    written_by: str
    """Empty when not known."""
    lies: str
    caused: str
    """Where the cause lies; empty when nothing failed or it is not known."""
    certainty: str
    failed: bool


def head(diagnosis: Diagnosis) -> Head:
    """The second line of a dossier's first page."""
    verdict, failed = diagnosis.verdict, view.has_failed(diagnosis)
    return Head(what=status(verdict.status), written=wording.WRITTEN[wording.writer_certainty(diagnosis)],
                written_by=view.generator_name(diagnosis), lies=wording.CAUSED[verdict.certainty],
                caused=view.SIDES[verdict.fault_side] if failed else "",
                certainty=wording.CERTAINTIES[verdict.certainty], failed=failed)


def status(code: int | None) -> str:
    """A status with its registered phrase."""
    if code is None:
        return "No HTTP answer"
    return f"{code} {HTTPStatus(code).phrase}" if code in set(HTTPStatus) else str(code)


def state(name: str, reason: str | None = None) -> str:
    """A state as the live page says it."""
    word = STATES.get(name, name).capitalize()
    return f"{word}: {reason}" if reason else word


@dataclass(frozen=True)
class Step:
    """One line of the live page."""

    name: str
    title: str
    state: str
    """waiting, running, or how it ended."""
    words: str
    """The same for people, with the reason."""


@dataclass(frozen=True)
class Progress:
    """What is known of a running case."""

    state: str
    steps: tuple[Step, ...]
    picture: bool
    """Whether the screenshot is there already."""
    last: int
    """Id of the last event, for going on from there."""


def progress(case: Case, events: Iterable[Event]) -> Progress:
    """The state of the live page after these events; an attempt that begins anew takes its lines back."""
    steps, picture, last = begun(case, "queued"), False, 0
    for event in events:
        last = event.id
        if event.kind == "state":
            steps, picture = begun(case, str(event.data.get("state"))), False
        elif event.kind == "picture":
            picture = True
        else:
            found = told(event)
            steps[found.name] = found
            steps |= {DOSSIER: step(DOSSIER, "running")} if _has_all(steps) else {}
    return Progress(case.state, (*(s for s in steps.values() if s.name != DOSSIER), steps[DOSSIER]), picture, last)


def begun(case: Case, state: str) -> dict[str, Step]:
    """The lines of the live page at the begin of a state: all steps of a capture run side by side, the dossier after
    them; an import has nothing but its dossier."""
    now = "running" if state == "running" else "waiting"
    steps = {name: step(name, now) for name in STEPS if case.kind == "capture"}
    return {**steps, DOSSIER: step(DOSSIER, "waiting" if steps else now)}


def _has_all(steps: Mapping[str, Step]) -> bool:
    return all(found.state not in ("waiting", "running") for name, found in steps.items() if name != DOSSIER)


def step(name: str, state: str, reason: str | None = None, duration_ms: float | None = None) -> Step:
    """One step in words."""
    words = STEP_STATES.get(state, state)
    if state == "done" and duration_ms is not None:
        words += f", {duration_ms / 1000:.1f} s"
    title = "The dossier" if name == DOSSIER else STEPS.get(name, name.replace("_", " ").capitalize())
    return Step(name, title, state, f"{words}: {reason}" if reason else words)


def told(event: Event) -> Step:
    """The step that an event speaks of."""
    data: Mapping[str, Any] = event.data
    return step(str(data.get("name", "")), str(data.get("status", "running")), data.get("reason"),
                data.get("duration_ms"))
