"""A page that a browser saved as MHTML (RFC 2557). In: bytes. Out: a Part with the source of its document."""

import email
import email.errors
import email.message
import email.utils
import re
from datetime import UTC, datetime
from email.policy import compat32
from typing import Final

from capture.content import to_text
from capture.errors import BadInput
from capture.importers.fields import OLDEST
from capture.importers.given import bad
from capture.importers.part import Part
from capture.importers.saved import without_embedded
from capture.policy import canonical

SOURCE_CHARS: Final = 10_000_000
"""Longest document that is decoded, characters."""
PARTS: Final = 5_000
"""Parts of one file; more are no saved page."""
_MAKER: Final = re.compile(r"saved by ([^>]{1,60})", re.IGNORECASE)


def part(name: str, data: bytes) -> Part:
    """The document; raises BadInput when there is none."""
    if data.count(b"\n--") > 2 * PARTS:
        raise bad(name, f"the MHTML file has more than {PARTS:,} parts")
    try:
        message = email.message_from_bytes(data, policy=compat32)
        leaves = [each for each in message.walk() if not each.is_multipart()]
        pages = [each for each in leaves if each.get_content_type() == "text/html"]
        url = _url(message, pages)
        document = next((each for each in pages if each.get("content-location") == url), pages[0] if pages else None)
        raw = document.get_payload(decode=True) if document is not None else None
        made = _MAKER.search(str(message.get("from", "")))
        saved = _date(str(message.get("date", "")))
    except (RecursionError, ValueError, TypeError, LookupError, AttributeError, email.errors.MessageError):
        # The parser of the standard library trips over headers of hostile make in many ways.
        raise bad(name, "the MHTML file is damaged") from None
    if document is None or not isinstance(raw, bytes) or not raw.strip():
        raise bad(name, "the MHTML file holds no page; it may be cut off")
    more = len(leaves) - 1
    notes = (f"Of the saved page only the document is kept, of {more + 1} parts in all.",) if more else ()
    text, inside = without_embedded(to_text(raw, str(document.get("content-type", "")), SOURCE_CHARS))
    return Part(name=name, format="mhtml", source=text, url=url, recorded_at=saved,
                creator=made[1].strip() if made else None, notes=(*notes, *inside))


def _url(message: email.message.Message, pages: list[email.message.Message]) -> str | None:
    """The address of the document: of the whole file by its own word, else of its first page."""
    places = [message.get("snapshot-content-location"), message.get("content-location")]
    places += [page.get("content-location") for page in pages[:1]]
    for place in places:
        text = "".join(str(place or "").split())
        try:
            canonical(text)
        except BadInput:
            continue
        return text
    return None


def _date(text: str) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found.astimezone(UTC) if found.tzinfo is not None and OLDEST <= found.year < 9999 else None
