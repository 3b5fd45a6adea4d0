"""Structured fields of HTTP (RFC 8941), as far as intermediaries use them. In: a header line. Out: the members of the
list in it, each with its parameters; a member that is not well-formed is left out, the others stand.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 8_000
"""Characters of a line that are read."""

_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){0,4000})"')
_TOKEN = re.compile(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]{0,200}")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,3})?")
_BYTES = re.compile(r":[A-Za-z0-9+/=]{0,2000}:")
_BOOLEAN = re.compile(r"\?[01]")
_KEY = re.compile(r"[a-z*][a-z0-9_.*-]{0,100}")
_BLANK = re.compile(r"[ \t]*")
_BARE: Final = (_STRING, _NUMBER, _TOKEN, _BYTES, _BOOLEAN)


@dataclass(frozen=True)
class Item:
    """A bare item and its parameters, everything as text; true is "?1"."""

    value: str
    parameters: dict[str, str]


class _Malformed(ValueError):
    """What stands here is not allowed here."""


def items(line: str) -> list[Item]:
    """The members of a list of items (section 3.1)."""
    return [found for part in _split(line[:LONGEST]) if (found := _item(part)) is not None]


def _split(line: str) -> Iterator[str]:
    """The parts between the commas that stand outside strings."""
    start, quoted, at = 0, False, 0
    while at < len(line):
        if line[at] == "\\" and quoted:
            at += 1
        elif line[at] == '"':
            quoted = not quoted
        elif line[at] == "," and not quoted:
            yield line[start:at]
            start = at + 1
        at += 1
    yield line[start:]


def _item(text: str) -> Item | None:
    text = text.strip(" \t")
    parameters: dict[str, str] = {}
    try:
        value, at = _bare(text, 0)
        while at < len(text):
            name, at = _parameter(text, at)
            parameters[name], at = _bare(text, at + 1) if text[at : at + 1] == "=" else ("?1", at)
    except _Malformed:
        return None
    return Item(value, parameters)


def _bare(text: str, at: int) -> tuple[str, int]:
    """The value that starts here, and where it ends."""
    for kind in _BARE:
        if found := kind.match(text, at):
            return (re.sub(r"\\(.)", r"\1", found[1]) if kind is _STRING else found[0]), found.end()
    raise _Malformed


def _parameter(text: str, at: int) -> tuple[str, int]:
    """The key of the parameter that starts here with its semicolon, and where it ends."""
    if text[at] != ";" or not (found := _KEY.match(text, _after_blank(text, at + 1))):
        raise _Malformed
    return found[0], found.end()


def _after_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
