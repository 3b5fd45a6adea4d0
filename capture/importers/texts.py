"""Bytes to text and JSON, whatever encoded them. In: bytes of a file. Out: text that UTF-8 can spell, JSON values."""

import codecs
import json
from typing import Any, Final

from capture.importers.given import bad

MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LOOKED_AT: Final = 4_096


def text_of(data: bytes) -> str | None:
    """The text: by byte order mark, by where its zero bytes stand, as UTF-8, as windows-1252; None when it is none.

    What cannot be decoded is replaced.
    """
    for mark, name in MARKS:
        if data.startswith(mark):
            return data[len(mark):].decode(name, "replace")
    wide = _wide(data[:_LOOKED_AT])
    if wide:
        return data.decode(wide, "replace")
    if b"\0" in data[:_LOOKED_AT]:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        # A file that was cut off may end inside a character.
        return data.decode("utf-8" if error.start >= len(data) - 4 else "cp1252", "replace")


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: in text of this kind every other byte is zero."""
    for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = head[offset::2]
        if len(zeros) >= 8 and zeros.count(0) > 0.9 * len(zeros) and 0 not in head[1 - offset::2]:
            return name
    return None


def clean(text: str) -> str:
    """Text that has a form in UTF-8: lone surrogates, which JSON can spell, are replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def json_of(name: str, text: str) -> Any:
    """The JSON value; NaN and Infinity are read as null. Raises BadInput with one sentence."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except RecursionError:
        raise bad(name, "its JSON is nested too deeply to be a HAR") from None
    except ValueError as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise bad(name, f"its JSON cannot be read{place}; it may be cut off") from None
