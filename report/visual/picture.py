"""One picture, measured. In: the bytes of a PNG, JPEG or WebP. Out: size, colours with their shares, where the content
is, and a perceptual hash of it.

Everything is measured on the upper part, at one scale, so that a picture costs the same however large it is.
"""

import io
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from PIL import Image, ImageChops

MAX_PIXELS: Final = 50_000_000
"""Largest picture that is decoded."""
TALLEST: Final = 2_000
"""Only so many pixels from the top are looked at."""
WIDEST: Final = 1_920
"""Wider pictures are made smaller before they are looked at."""
SMALL: Final = 640
"""Width at which colours are counted."""
NEAR: Final = 14
"""Greatest difference in a channel at which two colours are the same; re-encoding changes colours a little."""
CELL: Final = 8
"""Side of the squares of which an area consists, pixels; letters fill none."""
HASH_SIDE: Final = 16
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_BAD: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning, OSError, SyntaxError, ValueError)

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels."""
Rgb = tuple[int, int, int]


class BadPicture(ValueError):
    """The bytes are no picture that can be read; the message says why."""


def rgb(text: str) -> Rgb:
    """A colour as "#rrggbb". Raises ValueError."""
    value = int(text.removeprefix("#"), 16)
    return value >> 16, value >> 8 & 255, value & 255


def distance(one: int, other: int) -> int:
    """How many bits of two hashes differ."""
    return (one ^ other).bit_count()


@dataclass(frozen=True)
class Picture:
    """The upper part of a picture, without transparency."""

    image: Image.Image
    """At most WIDEST x TALLEST."""
    scale: float
    """Pixels of the original for one pixel of `image`."""
    size: tuple[int, int]
    """Width and height of the original, pixels."""

    @cached_property
    def small(self) -> Image.Image:
        """The picture at the width at which colours are counted; nearest neighbour, so that no colour is made up."""
        width = min(SMALL, self.image.width)
        height = max(1, round(self.image.height * width / self.image.width))
        return self.image.resize((width, height), Image.Resampling.NEAREST)

    @cached_property
    def colours(self) -> tuple[tuple[float, Rgb], ...]:
        """Share of every colour, the most frequent first."""
        counted = self.small.getcolors(self.small.width * self.small.height) or []
        whole = self.small.width * self.small.height
        found = [(count / whole, value) for count, value in counted if isinstance(value, tuple)]
        return tuple((share, (value[0], value[1], value[2])) for share, value in sorted(found, reverse=True))

    @property
    def background(self) -> Rgb:
        """The most frequent colour."""
        return self.colours[0][1]

    def share(self, wanted: Rgb) -> float:
        """Share of all pixels that have nearly this colour."""
        return sum(share for share, value in self.colours if all(abs(a - b) <= NEAR for a, b in zip(value, wanted,
                                                                                                 strict=True)))

    @cached_property
    def content(self) -> Box | None:
        """Where something else than the background is, in pixels of the original; None when nothing is."""
        return self._box(_differing(self.image, self.background))

    def where(self, wanted: Rgb) -> Box | None:
        """The smallest box around areas of nearly this colour, else around its dots, in pixels of the original."""
        mask = ImageChops.invert(_differing(self.image, wanted))
        areas = mask.reduce(CELL).point([0] * 128 + [255] * 128)
        return self._box(areas, CELL) or self._box(mask)

    def _box(self, mask: Image.Image, cell: int = 1) -> Box | None:
        found = mask.getbbox()
        if found is None:
            return None
        left, top, right, bottom = (round(edge * cell * self.scale) for edge in found)
        right, bottom = min(right, self.size[0]), min(bottom, self.size[1])
        return left, top, max(1, right - left), max(1, bottom - top)

    @property
    def blank(self) -> bool:
        """It has nearly one colour only: a window in which nothing was drawn."""
        return self.content is None or self.content[2] * self.content[3] < 100

    @cached_property
    def fingerprint(self) -> tuple[int, float] | None:
        """Difference hash of the content (256 bits: is each cell darker than its right neighbour), and the content's
        width through its height; None when blank."""
        if self.content is None or self.blank:
            return None
        x, y, width, height = (edge / self.scale for edge in self.content)
        cut = self.image.crop((int(x), int(y), int(x + width) + 1, int(y + height) + 1)).convert("L")
        cells = cut.resize((HASH_SIDE + 1, HASH_SIDE), Image.Resampling.BOX).tobytes()
        bits = 0
        for row in range(HASH_SIDE):
            start = row * (HASH_SIDE + 1)
            for at in range(start, start + HASH_SIDE):
                bits = bits << 1 | (cells[at] + 2 < cells[at + 1])
        return bits, width / height


def _differing(image: Image.Image, colour: Rgb) -> Image.Image:
    """White where a pixel differs from a colour by more than NEAR in any channel."""
    difference = ImageChops.difference(image, Image.new("RGB", image.size, colour))
    red, green, blue = difference.split()
    greatest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return greatest.point([0] * (NEAR + 1) + [255] * (255 - NEAR))


def read(data: bytes) -> Picture:
    """The upper part of a picture. Raises BadPicture when it cannot be read or is larger than MAX_PIXELS."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise BadPicture(f"the picture has {image.width} x {image.height} pixels; "
                                 f"at most {MAX_PIXELS:,} are read")
            image.load()
    except BadPicture:
        raise
    except _BAD as error:
        raise BadPicture(f"this is no PNG, JPEG or WebP picture that can be read: {type(error).__name__}") from error
    size = image.size
    scale = max(1.0, image.width / WIDEST)
    upper = _opaque(image.crop((0, 0, image.width, min(image.height, round(TALLEST * scale)))))
    if scale > 1:
        upper = upper.resize((WIDEST, max(1, round(upper.height / scale))), Image.Resampling.LANCZOS)
    return Picture(upper, scale, size)


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "P", "PA"):
        seen = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(seen, mask=seen.getchannel("A"))
        return paper
    return image.convert("RGB")
