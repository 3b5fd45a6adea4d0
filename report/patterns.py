"""Regular expressions that cannot blow up: checked when they are read, compiled when they are first needed.

In: the text of a pattern as a signature gives it. Out: a Pattern with a `search`. Refused are quantifiers without an
upper bound, repeated groups, and bare or-lists of words; a literal that every hit must contain is found beforehand, so
that most patterns are decided by one substring search.
"""

import re
from functools import cache, cached_property
from typing import Final

GREATEST_REPEAT: Final = 600
"""Highest upper bound of a quantifier."""
_QUANTIFIER = re.compile(r"\{(\d{0,5})(,?)(\d{0,5})\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_GROUP = re.compile(r"\((?:\?(?:[aimsx]+\)|:|=|!|<=|<!|P<\w+>))?")
_SINGLE: Final = {"?": "optional", ")": "close", "|": "or", ".": "class", "^": "class", "$": "class"}
_CLASS_ESCAPES: Final = "dDwWsSbBAZnrt"


class BadPattern(ValueError):
    """A pattern that is not allowed in a signature; the message says why."""


class Pattern:
    """One checked pattern. Raises BadPattern when it is not allowed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.hint = _hint(text)

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The compiled expression."""
        return re.compile(self.text)

    def search(self, haystack: str, folded: str) -> re.Match[str] | None:
        """The first hit in a text; `folded` is the same text in lower case."""
        if self.hint and self.hint not in folded:
            return None
        return self.compiled.search(haystack)


@cache
def _hint(text: str) -> str:
    """Longest literal outside groups, in lower case, that every hit contains; empty when there is none."""
    if len(text) < 3:
        raise BadPattern(f"pattern {text!r} is too short to mean anything")
    runs, run, depth, at = [], "", 0, 0
    while at < len(text):
        kind, end = token(text, at)
        part = text[at:end]
        if kind == "or" and depth == 0:
            raise BadPattern(f"pattern {text!r} is an or-list; write one signature for each alternative")
        if kind == "many":
            if text[at - 1] == ")":
                raise BadPattern(f"pattern {text!r} repeats a group; write it out")
        if kind in ("many", "optional"):
            run = run[:-1]
        if kind == "literal" and depth == 0:
            run += part[-1]
        elif kind != "literal":
            runs.append(run)
            run = ""
        depth += {"open": 1, "close": -1}.get(kind, 0)
        at = end
    return max([*runs, run], key=len).lower()


def token(text: str, at: int) -> tuple[str, int]:
    """Kind and end of the token that starts here: literal, class, many, optional, open, close, or."""
    char = text[at]
    if char == "\\":
        if text[at + 1 : at + 2].isalnum() and text[at + 1] not in _CLASS_ESCAPES:
            raise BadPattern(f"pattern {text!r}: write the character itself instead of \\{text[at + 1]}")
        return ("class" if text[at + 1 : at + 2] in _CLASS_ESCAPES else "literal"), at + 2
    if char in "*+":
        raise BadPattern(f"pattern {text!r} has a quantifier without upper bound; write {{0,n}}")
    if char == "{" and (bounds := _QUANTIFIER.match(text, at)):
        if (bounds[2] and not bounds[3]) or int(bounds[3] or bounds[1] or 0) > GREATEST_REPEAT:
            raise BadPattern(f"pattern {text!r}: the upper bound of a quantifier must be at most {GREATEST_REPEAT}")
        return "many", bounds.end()
    if char == "[" and (cls := _CLASS.match(text, at)):
        return "class", cls.end()
    if char == "(" and (group := _GROUP.match(text, at)):
        return ("class" if group[0].endswith(")") else "open"), group.end()
    return _SINGLE.get(char, "literal"), at + 1
