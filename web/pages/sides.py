"""Two verdicts side by side. In: the diagnoses of an earlier and a later capture. Out: rows, and what changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from report import view, wording
from report.diagnosis import Diagnosis, HopVerdict
from web.pages.words import status

Outcome = Literal["works", "fails", "unknown"]
_CHANGES: Final[dict[tuple[Outcome, Outcome], str]] = {
    ("fails", "works"): "The later capture shows no failure any more",
    ("works", "fails"): "The later capture fails, the earlier one did not",
    ("works", "works"): "Neither capture shows a failure"}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    label: str
    values: tuple[str, ...]
    differs: bool


def rows(before: Diagnosis, after: Diagnosis) -> tuple[Row, ...]:
    """The verdicts, then every hop that either of them has."""
    both = (before, after)
    found = [_row(label, *(tell(d) for d in both)) for label, tell in _TOLD.items()]
    names = dict.fromkeys(hop.name for d in both for hop in d.hops)
    for name in names:
        states = tuple(next((hop for hop in d.hops if hop.name == name), None) for d in both)
        texts = tuple(_hop(hop, d) for hop, d in zip(states, both, strict=True))
        found.append(Row(name, texts, len({hop.state if hop else "" for hop in states}) > 1))
    return tuple(row for row in found if any(row.values))


def outcome(diagnosis: Diagnosis) -> Outcome:
    """Whether the page worked, as far as the evidence says."""
    if diagnosis.verdict.certainty == "undetermined":
        return "unknown"
    return "fails" if view.has_failed(diagnosis) else "works"


def change(before: Diagnosis, after: Diagnosis) -> str:
    """What changed, in a sentence without its full stop; no surer than the two verdicts."""
    pair = (outcome(before), outcome(after))
    if pair == ("fails", "fails"):
        if _failure(before) != _failure(after):
            return "Both fail, in different ways"
        guessed = "possible" in (before.verdict.certainty, after.verdict.certainty)
        return "Both may show the same failure" if guessed else "Both show the same failure"
    return _CHANGES.get(pair, "The evidence does not decide whether something changed")


def _failure(diagnosis: Diagnosis) -> tuple[object, ...]:
    verdict = diagnosis.verdict
    return verdict.fault_code, verdict.generator, verdict.vendor_code, verdict.status, verdict.fault_side


def _row(label: str, *values: str) -> Row:
    return Row(label, values, len(set(values)) > 1)


def _hop(hop: HopVerdict | None, diagnosis: Diagnosis) -> str:
    if hop is None:
        return ""
    told = wording.state(hop.state, diagnosis.verdict.certainty)
    return f"{told} ({hop.detail})" if hop.detail and hop.detail != told[2:] else told


_TOLD: Final[Mapping[str, Callable[[Diagnosis], str]]] = {
    "Verdict": lambda d: d.verdict.summary,
    "Answer": lambda d: status(d.verdict.status),
    "Written by": view.generator_name,
    "Vendor’s code": lambda d: d.verdict.vendor_code or "",
    "Cause": lambda d: view.SIDES[d.verdict.fault_side] if view.has_failed(d) else "",
    "Fault": lambda d: d.verdict.fault_code or "",
    "Certainty": lambda d: wording.CERTAINTIES[d.verdict.certainty]}
