"""Citations that cannot be wrong: a pointer is looked up when it is cited, and the excerpt is cut out of what is there.

In: the evidence, a pointer (RFC 6901) and optionally the part that matters. Out: a Citation. The pointer is the one
that resolves in `evidence.json`; numbers and times are cited in the form in which they stand there.
"""

from datetime import datetime
from typing import Any

from capture.record.base import Record, iso
from capture.record.evidence import Evidence
from report.diagnosis import Citation

LONGEST = 240
"""Longest excerpt, characters."""


class NoSuchFact(LookupError):
    """A pointer leads to nothing in this evidence: a mistake in a rule."""


class Citer:
    """Makes citations of one evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def value(self, pointer: str) -> str:
        """What stands at a pointer, as text. Raises NoSuchFact when nothing does, or when it is not a single value."""
        here: Any = self._evidence
        for part in pointer.split("/")[1:]:
            here = _step(here, part, pointer)
        if here is None or isinstance(here, (Record, tuple, dict)):
            raise NoSuchFact(f"{pointer} is not a single value of this evidence")
        if isinstance(here, datetime):
            return iso(here)
        return {True: "true", False: "false"}[here] if isinstance(here, bool) else str(here)

    def cite(self, pointer: str, part: str | None = None) -> Citation:
        """A citation of the value at a pointer: of the part given when it occurs there, else of its beginning."""
        value = self.value(pointer)
        if part and part in value:
            return Citation(pointer=pointer, excerpt=part[:LONGEST])
        return Citation(pointer=pointer, excerpt=value[:LONGEST])


def _step(here: Any, part: str, pointer: str) -> Any:
    if isinstance(here, tuple) and part.isdigit() and int(part) < len(here):
        return here[int(part)]
    if isinstance(here, Record) and part in type(here).model_fields:
        return getattr(here, part)
    raise NoSuchFact(f"{pointer} leads to nothing at {part!r}")
