"""How vendors' pages look: one TOML file a vendor beside the signatures, read strictly.

In: report/looks/*.toml, and the hashes of their drawings in report/data/looks.json (made by `python -m bench.looks`).
Out: Looks. Words that signatures already know are not repeated here; a look adds what only a window shows.
"""

import datetime
import hashlib
import json
import re
import tomllib
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from capture.record.base import Record
from report.signatures import BadSignature, Slug, Text
from report.visual.phrases import fold
from report.visual.picture import Picture, Rgb, distance, rgb

LOOKS_DIR: Final = Path(__file__).parents[1] / "looks"
HASHES: Final = Path(__file__).parents[1] / "data" / "looks.json"
SAME: Final = 0.5
"""Hashes show the same layout when they differ in fewer bits than this share of the edges that the busier one has."""
TELLING: Final = 3
"""So many colours in their proportions say as much as a layout."""
RATIO: Final = 1.25
"""Greatest difference of proportions."""
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Look(Record):
    """What a window shows of one kind of page."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
    certainty: Literal["likely", "possible"] = "likely"
    """How sure it is when words and look both fit."""
    alone: Literal["likely", "possible"] | None = None
    """How sure the look is without a word read; absent: it names nobody by itself."""
    source: Text
    date: datetime.date
    words: tuple[Annotated[str, Field(min_length=3)], ...] = ()
    """Words that must all be there, plain; letter case, spaces and punctuation do not matter."""
    reads: tuple[Text, ...] = ()
    """Patterns for lines as they were read; spaces may be missing there."""
    code: str | None = None
    """Pattern whose first group is the vendor's code."""
    request_id: str | None = None
    """Pattern whose first group is the id to quote."""
    background: Colour | None = None
    """The most frequent colour."""
    colours: dict[Colour, tuple[Share, Share]] = Field(default_factory=dict)
    """Least and greatest share of the window by colour."""
    region: Colour | None = None
    """Colour of the part that decides, for the box drawn around it; absent: all content."""
    tag: str = "look"
    """What the box is called."""
    drawing: str | None = None
    """A page of ours with this layout, HTML; absent: the layout is not compared."""

    @field_validator("reads", "code", "request_id")
    @classmethod
    def _compiles(cls, patterns: tuple[str, ...] | str | None) -> tuple[str, ...] | str | None:
        for pattern in (patterns,) if isinstance(patterns, str) else patterns or ():
            re.compile(pattern)
        return patterns

    @model_validator(mode="after")
    def _says_something(self) -> "Look":
        if not (self.words or self.reads or (self.alone and self.drawing)):
            raise ValueError("a look needs words, or `alone` and a drawing")
        return self

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """The words as folded text shows them."""
        return tuple(fold(words) for words in self.words)

    @property
    def drawn(self) -> bool:
        """Whether it says anything about layout or colour."""
        return bool(self.background or self.colours or self.drawing)

    def coloured(self, picture: Picture) -> bool:
        """Whether the colours fit."""
        if self.background and not near(picture.background, rgb(self.background)):
            return False
        return all(low <= picture.share(rgb(colour)) <= high for colour, (low, high) in self.colours.items())

    def laid_out(self, picture: Picture) -> bool:
        """Whether the layout is that of the drawing at one of its window sizes; or colours that fit already say it."""
        if len(self.colours) >= TELLING:
            return True
        seen = picture.fingerprint
        return seen is not None and self.drawing is not None and any(
            distance(seen[0], bits) <= SAME * max(seen[0].bit_count(), bits.bit_count())
            and 1 / RATIO <= seen[1] / ratio <= RATIO for bits, ratio in hashes().get(self.id, ()))


class Looks(Record):
    """One file."""

    slug: Slug
    look: Annotated[tuple[Look, ...], Field(min_length=1)]


def near(one: Rgb, other: Rgb) -> bool:
    """Whether two colours are nearly the same."""
    return all(abs(a - b) <= 14 for a, b in zip(one, other, strict=True))


@cache
def looks(folder: Path = LOOKS_DIR) -> tuple[tuple[str, Look], ...]:
    """(vendor's slug, look) of every file, in their order. Raises BadSignature naming file and key."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        try:
            read = Looks.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except tomllib.TOMLDecodeError as error:
            raise BadSignature(f"{path.name}: {error}") from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise BadSignature(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        if read.slug != path.stem:
            raise BadSignature(f"{path.name}: slug: {read.slug!r} must be the file's name")
        found += [(read.slug, look) for look in read.look]
    return tuple(found)


def inputs() -> str:
    """SHA-256 over every drawing: what the hashes were made of."""
    drawings = [(look.id, look.drawing) for _, look in looks() if look.drawing]
    return hashlib.sha256(json.dumps(drawings).encode()).hexdigest()


@cache
def hashes() -> dict[str, tuple[tuple[int, float], ...]]:
    """(hash, proportion) of each drawing at each window size, by the look's id."""
    stored = json.loads(HASHES.read_text(encoding="utf-8"))["looks"]
    return {name: tuple((int(bits, 16), ratio) for bits, ratio in each) for name, each in stored.items()}
