"""The picture as its own witness. In: a screenshot alone. Out: who made the page that it shows, and what can be read.

Nothing else is looked at: neither headers nor text. A picture never proves anything, because whoever can draw a page
can draw another's; the best it says is "likely".
"""

from collections.abc import Iterable
from dataclasses import dataclass

from report.diagnosis import Certainty
from report.signatures import Extract, Vendor, vendors
from report.visual import ocr as reader
from report.visual.claims import Region, claims
from report.visual.ocr import Line
from report.visual.picture import BadPicture, read
from report.visual.reading import status, value

__all__ = ["BadPicture", "Line", "Region", "Sight", "look"]


@dataclass(frozen=True)
class Sight:
    """What a picture shows."""

    size: tuple[int, int]
    """Width and height, pixels."""
    blank: bool
    """It shows nothing."""
    vendor: str | None = None
    """Slug of the one who made the page; None when the picture does not tell."""
    certainty: Certainty = "undetermined"
    """likely at most."""
    rule: str | None = None
    """The look or signature that decided."""
    status: int | None = None
    """Status that the page speaks of."""
    code: str | None = None
    """Code that the vendor prints."""
    request_id: str | None = None
    """Id to quote to support."""
    boxes: tuple[Region, ...] = ()
    """The deciding regions, the first one first."""
    words: tuple[Line, ...] = ()
    """Lines read, in reading order; empty when none were read."""
    seen: str = ""
    """What decided: words as read, or what was seen of layout and colour."""


def look(png: bytes, *, ocr: bool | None = None, known: tuple[Vendor, ...] | None = None) -> Sight:
    """What a screenshot (PNG, JPEG or WebP) shows. Raises BadPicture when it cannot be read.

    `ocr`: whether to read its words; None means yes, unless nothing is drawn in it. `known` are the vendors, by default
    all that come with this program.
    """
    picture = read(png)
    if picture.blank:
        return Sight(picture.size, True)
    text = reader.Text() if ocr is False else reader.text(picture)
    found = claims(picture, text, vendors() if known is None else known)
    texts = [line.text for line in text.lines]
    if not found:
        return Sight(picture.size, False, words=text.lines, status=status(texts))
    best = found[0]
    own = [claim for claim in found if claim.slug == best.slug]
    rival = any(claim.slug != best.slug and claim.certainty == best.certainty and claim.weight > 0.8 * best.weight
                for claim in found)
    return Sight(
        picture.size, False, best.slug, "possible" if rival else best.certainty, best.rule, status(texts),
        _value((claim.code for claim in own), texts), _value((claim.request_id for claim in own), texts),
        best.boxes, text.lines, best.seen)


def _value(patterns: Iterable[Extract | str | None], texts: list[str]) -> str | None:
    """The first of these values that can be read."""
    return next((found for pattern in patterns if pattern and (found := value(pattern, texts))), None)
