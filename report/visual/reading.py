"""Reads codes and ids off lines of text. In: a pattern made for the page's text. Out: the value as shown.

Readers lose spaces and mix up letters and digits, so a pattern made for exact text is loosened first.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from report.patterns import token
from report.signatures import Extract

_SPACES: Final = r"\s{0,9}"
_DIGITS: Final = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1", "|": "1"})
_WORD: Final = re.compile(r"[0-9A-Za-z|]*[0-9][0-9A-Za-z|]*")
_STATUS: Final = re.compile(r"(?<![\d.])([45]\d\d)(?![\d.])")


@cache
def loosened(pattern: str) -> re.Pattern[str]:
    """A pattern that allows for lost spaces, broken lines and another letter case."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        kind, end = token(pattern, at)
        part, at = pattern[at:end], end
        if part in (r"\b", r"\A", r"\Z", "^", "$"):
            continue
        if kind in ("many", "optional") and out and out[-1] == _SPACES:
            continue
        if part in (" ", r"\s"):
            part = _SPACES
        elif part == "<" and out and out[-1] == ">":
            part = _SPACES + part
        out.append(part)
    text = "".join(out)
    return re.compile(text if text.startswith("(?i)") else f"(?i){text}")


def value(pattern: str | Extract, lines: Sequence[str]) -> str | None:
    """The first group of the first hit; None when there is none.

    Tried first as read, then with letters that look like digits read as digits, in words that have a digit.
    """
    wanted = loosened(pattern.pattern) if isinstance(pattern, Extract) else re.compile(pattern)
    text = "\n".join(lines)
    found = wanted.search(text) or wanted.search(_WORD.sub(lambda word: word[0].translate(_DIGITS), text))
    return found[1] if found else None


def status(lines: Sequence[str]) -> int | None:
    """The status that the page speaks of: the first number from 400 to 599 that stands alone among the first lines."""
    found = next((match for line in lines[:8] if (match := _STATUS.search(line))), None)
    return int(found[1]) if found else None
