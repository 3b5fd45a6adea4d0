"""Default time limits of products. In: the products in the path and how long an answer took. Out: the limits at which
the wait may have ended, and whether a wait supports a time-out at all.
"""

import tomllib
from collections.abc import Set
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from capture.record.base import Record

TOLERANCE_S: Final = 0.6
"""How far an answer may lie behind a limit: transfer and one retry of the name or the connection."""
LONG_S: Final = 5.0
"""A wait that no busy machine explains: limits are set in whole seconds, and few of them lower than this."""


class Limit(Record):
    """A product's default time limit."""

    slug: str
    seconds: Annotated[int, Field(gt=0)]
    name: str
    source: str


LIMITS: Final = tuple(
    Limit.model_validate(entry)
    for entry in tomllib.loads(Path(__file__).with_name("data").joinpath("timeouts.toml").read_text(encoding="utf-8"))[
        "limit"
    ]
)


def near(slugs: Set[str], seconds: float) -> list[Limit]:
    """The limits of these products at which a wait of so many seconds may have ended."""
    return [limit for limit in LIMITS if limit.slug in slugs and 0 <= seconds - limit.seconds <= TOLERANCE_S]


def supports_timeout(slugs: Set[str], seconds: float) -> bool:
    """Whether a wait speaks for a time limit: it is long, or ends at a default. A slow machine alone does not."""
    return seconds >= LONG_S or bool(near(slugs, seconds))
