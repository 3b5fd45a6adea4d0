"""Every fault that can be named: where it lies, what it means in plain words, who can repair it, what to do next.

In: report/data/faults/*.toml. Out: FAULTS, by code. Sentences are templates over `who` (the writer of the page),
`host`, `status` and `detail`.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from capture.record.base import Record
from report.diagnosis import Alternative, Certainty, FaultSide, Layer


class Fault(Record):
    """One kind of failure."""

    side: FaultSide
    """Where the cause lies."""
    layer: Layer | None = None
    """Layer that failed when no page came at all; absent for faults that a page tells of."""
    handoff: tuple[str, str] | None = None
    """The two hops between which the request was lost; "writer" stands for the layer of the page's writer."""
    certainty: Certainty
    """At most this sure, however sure the writer is."""
    sentence: Annotated[str, Field(min_length=10)]
    """What happened."""
    repair: Annotated[str, Field(min_length=10)]
    """Who can repair it."""
    next: Annotated[tuple[str, ...], Field(min_length=3, max_length=3)]
    """What to do next, in order of risk."""
    alternatives: tuple[Alternative, ...] = ()
    """What else it may be, and what would decide it."""
    unknown: str | None = None
    """What is not known from a page like this."""


def _load() -> dict[str, Fault]:
    found: dict[str, Fault] = {}
    for path in sorted(Path(__file__).parent.glob("data/faults/*.toml")):
        for code, fault in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found[code] = Fault.model_validate(fault)
    return found


FAULTS: Final = _load()
"""Faults by code."""

BY_STATUS: Final = {
    400: "client.bad-request",
    401: "client.unauthorized",
    403: "client.forbidden",
    404: "client.not-found",
    405: "client.bad-request",
    407: "client.unauthorized",
    408: "client.request-timeout",
    410: "client.not-found",
    421: "edge.unknown-host",
    429: "client.rate-limited",
    451: "client.forbidden",
    501: "client.bad-request",
    502: "origin.bad-gateway",
    503: "origin.unavailable",
    504: "origin.response-timeout",
}
"""What a status means when nothing tells more (RFC 9110 section 15, RFC 6585)."""


def by_status(status: int) -> str | None:
    """The usual fault of a status code; None when the code is not an error."""
    if status < 400:
        return None
    return BY_STATUS.get(status, "client.bad-request" if status < 500 else "app.error")
