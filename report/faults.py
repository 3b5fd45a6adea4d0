"""Every fault that can be named: where it lies, what it means in plain words, who can repair it, what to do next.

In: report/data/faults/*.toml. Out: FAULTS, by code. Sentences are templates over `who` (the writer of the page),
`host`, `status` and `detail`; where the words depend on how sure it is, they stand as `[is|is probably|may be]`.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from capture.record.base import Record
from report.diagnosis import Alternative, Certainty, FaultSide, Layer

_FIRST: Final = re.compile(r"(?:^|(?<=[.?!] )){who}")
_CHOICE: Final = re.compile(r"\[([^\[\]]*)\]")
_FROM_THE_END: Final[dict[Certainty, int]] = {"proven": 3, "likely": 2, "possible": 1, "undetermined": 1}


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
    """What happened. `[a|b|c]` are the words when it is proven, likely, possible; a fault that can only be likely has
    two."""
    repair: Annotated[str, Field(min_length=10)]
    """Who can repair it."""
    next: Annotated[tuple[str, ...], Field(min_length=3, max_length=3)]
    """What to do next, in order of risk."""
    alternatives: tuple[Alternative, ...] = ()
    """What else it may be, and what would decide it."""
    unknown: str | None = None
    """What is not known from a page like this."""

    def told(self, certainty: Certainty, *, who: str, host: str, status: str = "", detail: str = "") -> str:
        """The sentence in the words of this certainty: proven is, likely probably is, possible may be."""
        def chosen(choice: re.Match[str]) -> str:
            words = choice[1].split("|")
            return words[max(0, len(words) - _FROM_THE_END[certainty])]

        return _CHOICE.sub(chosen, self.sentence).format(
            who=who, host=host, status=status, detail=detail or "no detail")


def filled(text: str, *, who: str, **words: str) -> str:
    """A text about a fault with its words put in; a writer without a name is another one inside a sentence."""
    inside = {"The server": "the server that answered", "The site": "the site"}.get(who, who)
    return _FIRST.sub("{first}", text).format(first=who, who=inside, **words)


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
    407: "network.login",
    408: "client.request-timeout",
    410: "client.not-found",
    421: "edge.unknown-host",
    429: "client.rate-limited",
    451: "client.forbidden",
    501: "client.bad-request",
    502: "origin.bad-gateway",
    503: "origin.unavailable",
    504: "origin.response-timeout",
    511: "network.login",
}
"""What a status means when nothing tells more (RFC 9110 section 15, RFC 6585)."""


def by_status(status: int) -> str | None:
    """The usual fault of a status code; None when the code is not an error."""
    if status < 400:
        return None
    return BY_STATUS.get(status, "client.bad-request" if status < 500 else "app.error")
