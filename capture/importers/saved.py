"""A page that a browser saved as one HTML file. In: its text. Out: a Part with the source, and whose page it was when.

SingleFile (https://github.com/gildas-lormand/SingleFile), monolith and the browsers' own "save as" write the address
into a comment at the top; each in its own way.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from capture.errors import BadInput
from capture.importers.fields import moment
from capture.importers.part import Part
from capture.policy import canonical

_HEAD: Final = 8_192
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
    for comment in _COMMENT.findall(text[:_HEAD]):
        if _SINGLEFILE.search(comment):
            return _singlefile(name, text, comment)
        if marked := _MARK.search(comment):
            return Part(name=name, format="html", source=text,
                        url=_address(comment[marked.end():marked.end() + int(marked[1])]))
        if made := _MONOLITH.search(comment):
            return Part(name=name, format="html", source=text, url=_address(made[1]), creator=made[3],
                        recorded_at=moment(made[2]))
    return Part(name=name, format="html", source=text)


def _singlefile(name: str, text: str, comment: str) -> Part:
    url, date = _SINGLEFILE_URL.search(comment), _SINGLEFILE_DATE.search(comment)
    return Part(name=name, format="singlefile", source=text, creator="SingleFile",
                url=_address(url[1]) if url else None,
                recorded_at=_js_date(date[1]) or moment(date[1]) if date else None)


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
