"""Whom a picture speaks for. In: a Picture, the lines read off it, looks and phrases. Out: Claims, the surest first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from report.diagnosis import Certainty
from report.signatures import Extract, Vendor
from report.visual.looks import Look, looks
from report.visual.ocr import Line, Text
from report.visual.phrases import Condition, Phrase, fold, phrases
from report.visual.picture import Box, Picture, rgb

ARTICLE: Final = 330
"""Text from which on a page is an article that may quote error pages, in heights of a line (report/visual/ocr.py); its
words name nobody surely."""
STRONG: Final = 24
"""Letters that no page has by chance."""
COVERED: Final = 0.1
"""Share of a page's letters from which on a short phrase is the page and not a part of it."""
FORM: Final = 40
"""What a line of a known form counts, in letters."""
LAYOUT: Final = 20
"""What a layout or a colour that fits counts, in letters."""
ORDER: Final[tuple[Certainty, ...]] = ("undetermined", "possible", "likely")


@dataclass(frozen=True)
class Region:
    """A part of the picture that decided, pixels from the upper left corner."""

    tag: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Claim:
    """One vendor that a picture speaks for."""

    slug: str
    certainty: Certainty
    weight: int
    """How much was read and seen, in letters."""
    rule: str
    """The look or signature."""
    boxes: tuple[Region, ...]
    seen: str
    """What was read, as it was read; else what was seen."""
    code: Extract | str | None
    request_id: Extract | str | None


@dataclass(frozen=True)
class Page:
    """The lines of a picture, ready to be searched."""

    text: Text

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines, as they were read."""
        return self.text.lines

    @property
    def article(self) -> bool:
        """Whether it has more text than pages that products write themselves."""
        return self.text.length > ARTICLE

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """Each line, folded."""
        return tuple(fold(line.text).replace("\n", "") for line in self.lines)

    @cached_property
    def run(self) -> str:
        """All lines as one run, so that words may be broken over lines."""
        return "".join(self.folded)

    def words(self, wanted: str) -> tuple[Line, ...]:
        """The lines over which folded words run; empty when they are not there."""
        at = self.run.find(wanted)
        return self._between(at, at + len(wanted)) if at >= 0 else ()

    def holds(self, condition: Condition) -> tuple[Line, ...]:
        """The lines that show a piece of a signature; empty when none does."""
        if condition.anchored:
            return next(((line,) for line, text in zip(self.lines, self.folded, strict=True)
                         if condition.pattern.search(text)), ())
        found = condition.pattern.search(self.run)
        return self._between(*found.span()) if found else ()

    def form(self, pattern: str) -> tuple[Line, ...]:
        """The first line that has this form, as it was read."""
        return next(((line,) for line in self.lines if re.search(pattern, line.text)), ())

    def _between(self, start: int, end: int) -> tuple[Line, ...]:
        found, at = [], 0
        for line, text in zip(self.lines, self.folded, strict=True):
            if at < end and at + len(text) > start:
                found.append(line)
            at += len(text)
        return tuple(found)


def claims(picture: Picture, text: Text, known: tuple[Vendor, ...]) -> list[Claim]:
    """Every vendor that the picture speaks for, the surest first."""
    page = Page(text)
    slugs = {vendor.slug for vendor in known}
    found = [claim for slug, entry in looks() if slug in slugs and (claim := _seen(slug, entry, picture, page))]
    found += _spoken(page, known)
    return sorted(found, key=lambda claim: (ORDER.index(claim.certainty), claim.weight), reverse=True)


def spoken_for(page: Page, known: tuple[Vendor, ...]) -> set[str]:
    """Slugs of the vendors whose own words stand on a page, whatever else stands there."""
    by_look = {slug for slug, entry in looks() if (entry.words or entry.reads)
               and all([*map(page.words, entry.folded), *map(page.form, entry.reads)])}
    return by_look | {claim.slug for claim in _spoken(page, known)}


def _seen(slug: str, entry: Look, picture: Picture, page: Page) -> Claim | None:
    """What a look says: its colours must fit; then its words, or the layout alone."""
    if not entry.coloured(picture):
        return None
    laid_out = entry.laid_out(picture)
    hits = [page.words(words) for words in entry.folded] + [page.form(pattern) for pattern in entry.reads]
    if hits and all(hits):
        fits = laid_out or bool(entry.colours) or entry.drawing is None
        certainty: Certainty = entry.certainty if fits and not page.article else "possible"
        weight = sum(map(len, entry.folded)) + FORM * len(entry.reads) + LAYOUT * (len(entry.colours) + laid_out)
        lines = tuple(dict.fromkeys(line for hit in hits for line in hit))
        boxes = (_region(entry, picture), *_boxes(lines)) if entry.colours or laid_out else _boxes(lines, entry.tag)
        return Claim(slug, certainty, weight, entry.id, boxes, _said(lines), entry.code, entry.request_id)
    if entry.alone and laid_out:
        return Claim(slug, entry.alone, 0, entry.id, (_region(entry, picture),), f"layout: {entry.tag}", None, None)
    return None


def _spoken(page: Page, known: tuple[Vendor, ...]) -> Iterator[Claim]:
    """What the readable parts of signatures say."""
    for phrase in phrases(known) if page.lines else ():
        hits = [page.holds(condition) for condition in phrase.conditions]
        if all(hits):
            lines = tuple(dict.fromkeys(line for hit, condition in zip(hits, phrase.conditions, strict=True)
                                        if condition.weight for line in hit))
            yield Claim(phrase.vendor.slug, _certainty(phrase, page), phrase.weight, phrase.signature.id,
                        _boxes(lines), _said(lines), phrase.signature.vendor_code, phrase.signature.request_id)


def _certainty(phrase: Phrase, page: Page) -> Certainty:
    """Likely when the words are the vendor's alone, are all that was asked for, and are the page's own."""
    covered = phrase.weight / max(1, len(page.run))
    enough = phrase.weight >= STRONG or (covered >= COVERED and (phrase.named or phrase.weight >= STRONG / 2))
    sure = phrase.firm and phrase.unique and phrase.signature.certainty in ("proven", "likely")
    return "likely" if sure and enough and not page.article else "possible"


def _region(entry: Look, picture: Picture) -> Region:
    box: Box | None = picture.where(rgb(entry.region)) if entry.region else picture.content
    return Region(entry.tag, *(box or (0, 0, *picture.size)))


def _boxes(lines: tuple[Line, ...], tag: str = "words") -> tuple[Region, ...]:
    return tuple(Region(tag, *line.box) for line in lines)


def _said(lines: tuple[Line, ...]) -> str:
    return " … ".join(line.text for line in lines)
