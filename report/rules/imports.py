"""Facts that were handed in. In: evidence. Out: how sure one can be of them at most, and what they cannot prove.

A file can be edited, cut, or made by hand, its clock can be wrong, and nobody here was there: what it shows is at most
likely, however clear it looks.
"""

from typing import Final

from capture.record.evidence import Evidence
from report.diagnosis import Certainty, Finding
from report.text import short

AT_MOST: Final[Certainty] = "likely"
NAMED: Final = 2
"""Files that are named in a sentence."""
UNKNOWN: Final = "What the site answers now, and to others, the files do not tell; a capture of the address would."
NO_BROWSER: Final = " It was curl that asked, and no browser: sites often turn it away where they let people in."


def at_most(evidence: Evidence) -> Certainty:
    """How sure anything can be that rests on this evidence."""
    return AT_MOST if evidence.imported else "proven"


def capped(evidence: Evidence, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings, none surer than the evidence allows."""
    if evidence.imported is None:
        return findings
    return tuple(found if found.certainty != "proven" else found.model_copy(update={"certainty": AT_MOST})
                 for found in findings)


def warning(evidence: Evidence, otherwise: str | None) -> str | None:
    """What must be known before the facts are used; `otherwise` is what is said of a capture's own browser."""
    if evidence.imported is None:
        return otherwise
    told = (f"These facts were handed in ({names(evidence)}) and not captured here: that they are complete and "
            "unchanged, and that their clock was right, cannot be proved.")
    by_curl = any(file.format == "curl" for file in evidence.imported.files[:1])
    return told + NO_BROWSER if otherwise and by_curl else told


def unknowns(evidence: Evidence) -> tuple[str, ...]:
    """What no file can tell, and what was left out of these."""
    if evidence.imported is None:
        return ()
    return (UNKNOWN, *(f"{short(file.name, 60)}: {note}" for file in evidence.imported.files for note in file.notes))


def names(evidence: Evidence) -> str:
    """The files by name, the first few."""
    files = evidence.imported.files if evidence.imported else ()
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return ", ".join(short(file.name, 40) for file in files[:NAMED]) + more
