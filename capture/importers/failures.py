"""Failures in the words of many clients, in Chromium's names. In: what was said. Out: net::ERR_*, or the words.

The words are data (`capture/data/failures.toml`).
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

_OURS: Final = re.compile(r"net::ERR_[A-Z0-9_]{1,80}")
_LONGEST: Final = 400


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parents[1] / "data" / "failures.toml").read_text("utf-8"))


def name_of(said: str) -> str | None:
    """Chromium's name of the failure; None when the words are not known."""
    if found := _OURS.search(said):
        return found[0]
    lower = said[:_LONGEST].lower()
    return next((entry["error"] for entry in _data()["failure"] if all(word in lower for word in entry["says"])), None)


def exit_name(status: int) -> str | None:
    """The name of the failure that curl's exit status stands for."""
    found = _data()["curl"].get(str(status))
    return found if isinstance(found, str) else None


def error_of(said: str) -> str | None:
    """The name of the failure, else the client's own words; None when it said nothing."""
    said = " ".join(said.split())
    return name_of(said) or said[:_LONGEST] or None


def problems_of(said: str) -> tuple[str, ...]:
    """What is wrong with a certificate, in the words of our records."""
    lower = said.lower()
    found = next((entry["name"] for entry in _data()["problem"] if entry["says"] in lower), None)
    return (found,) if found else ()
