"""Words that are no surer than the evidence. In: a certainty, the state of a hop, a diagnosis. Out: words for people.

Proven is, likely probably is, possible may be: whoever reads one line alone must not take a guess for a fact.
"""

from typing import Final

from capture.record.evidence import Evidence
from report.diagnosis import Certainty, Diagnosis, HopState

CERTAINTIES: Final[dict[Certainty, str]] = {
    "proven": "proven", "likely": "likely", "possible": "possible, not more", "undetermined": "cannot tell"}
WRITTEN: Final[dict[Certainty, str]] = {
    "proven": "written by", "likely": "probably written by", "possible": "possibly written by",
    "undetermined": "possibly written by"}
"""Before the name of who wrote the page."""
CAUSED: Final[dict[Certainty, str]] = {
    "proven": "the cause lies", "likely": "the cause probably lies", "possible": "the cause may lie",
    "undetermined": "the cause may lie"}
"""Before where the cause lies."""
REPAIR: Final[dict[Certainty, str]] = {
    "proven": "Who can repair it", "likely": "Who can repair it", "possible": "Who may be able to repair it",
    "undetermined": "Who may be able to repair it"}
"""Above who can repair it."""
_STATES: Final[dict[HopState, str]] = {
    "working": "✓ works", "undetermined": "? not known", "not-reached": "– not reached"}
_FAULTY: Final[dict[Certainty, str]] = {
    "proven": "× fails", "likely": "× probably fails", "possible": "× may fail", "undetermined": "× may fail"}


def proves(evidence: Evidence) -> str:
    """What a dossier proves, to be read after "This proves"."""
    if evidence.imported:
        return ("that files with these facts were handed in, and that what was kept of them has not changed since it "
                "was sealed")
    return ("that at this time, from this place, with this browser, these bytes were received, and that they have not "
            "changed since they were sealed")


def proves_not(evidence: Evidence) -> str:
    """What it does not prove, to be read after "It does not prove"."""
    if evidence.imported:
        return ("that the files are true, complete and unchanged, that their clock was right, what other visitors saw, "
                "nor who sealed this and when")
    return "what other visitors saw, nor who sealed it and when"


def state(hop: HopState, certainty: Certainty) -> str:
    """Sign and word of a hop's state; `certainty` is that of the verdict."""
    return _FAULTY[certainty] if hop == "faulty" else _STATES[hop]


def writer_certainty(diagnosis: Diagnosis) -> Certainty:
    """How sure it is who wrote the page: as its own finding says, unless the picture speaks against it."""
    verdict = diagnosis.verdict
    codes = {found.code: found.certainty for found in diagnosis.findings}
    own = (sure for code, sure in codes.items() if code.partition(".")[0] == verdict.generator)
    return verdict.certainty if "picture.disagrees" in codes else next(own, verdict.certainty)
