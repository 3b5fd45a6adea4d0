"""A page that a browser saved as one HTML file. In: its text. Out: a Part with the source, and whose page it was when.

SingleFile (https://github.com/gildas-lormand/SingleFile), monolith and the browsers' own "save as" write the address
into a comment at the top; each in its own way.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from capture.errors import BadInput
from capture.importers.fields import moment
from capture.importers.part import Part
from capture.policy import canonical

_HEAD: Final = 8_192
_EMBEDDED: Final = re.compile(r"(data:[\w.+/-]{1,60}(?:;[\w.=-]{1,60}){0,4},)[A-Za-z0-9+/=%_.~-]{500,}+")
"""A file inside the page (RFC 2397); short ones stay."""
_COMMENT: Final = re.compile(r"<!--(.{0,4000}?)-->", re.DOTALL)
_SINGLEFILE: Final = re.compile(r"Page saved with SingleFile", re.IGNORECASE)
_SINGLEFILE_URL: Final = re.compile(r"^\s*url:\s*(\S+)", re.MULTILINE)
_SINGLEFILE_DATE: Final = re.compile(r"^\s*saved date:\s*([^\n]{1,100})", re.MULTILINE)
_JS_DATE: Final = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT([+-])(\d{2})(\d{2})")
"""Date.prototype.toString (https://tc39.es/ecma262/#sec-date.prototype.tostring)."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MARK: Final = re.compile(r"saved from url=\((\d{4})\)")
"""The mark of the web that browsers write; the number is the length of the address."""
_MONOLITH: Final = re.compile(r"Saved from (\S+) at (\S+) using (monolith v?\S+)")


def part(name: str, text: str) -> Part:
    """The saved page."""
    source, notes = without_embedded(text)
    told = next((told for comment in _COMMENT.findall(text[:_HEAD]) if (told := _told(name, comment))), None)
    return replace(told or Part(name=name, format="html"), source=source, notes=notes)


def without_embedded(text: str) -> tuple[str, tuple[str, ...]]:
    """The source without the pictures and fonts inside it, and a note that says so."""
    source, count = _EMBEDDED.subn(r"\1", text)
    return source, (f"{count:,} files inside the page (pictures, fonts) are left out.",) if count else ()


def _told(name: str, comment: str) -> Part | None:
    """What the comment says; None when it is any other comment."""
    if _SINGLEFILE.search(comment):
        url, date = _SINGLEFILE_URL.search(comment), _SINGLEFILE_DATE.search(comment)
        return Part(name=name, format="singlefile", creator="SingleFile", url=_address(url[1]) if url else None,
                    recorded_at=_js_date(date[1]) or moment(date[1]) if date else None)
    if marked := _MARK.search(comment):
        return Part(name=name, format="html", url=_address(comment[marked.end():marked.end() + int(marked[1])]))
    if made := _MONOLITH.search(comment):
        return Part(name=name, format="html", url=_address(made[1]), creator=made[3], recorded_at=moment(made[2]))
    return None


def _js_date(text: str) -> datetime | None:
    found = _JS_DATE.search(text)
    if found is None or found[1] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(found[group]) for group in (2, 3, 4, 5, 6))
    offset = timedelta(hours=int(found[8]), minutes=int(found[9])) * (-1 if found[7] == "-" else 1)
    try:
        zone = timezone(offset)
        return datetime(year, _MONTHS.index(found[1]) + 1, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _address(text: str) -> str | None:
    """The address when it is one of the web."""
    try:
        canonical(text.strip())
    except BadInput:
        return None
    return text.strip()
