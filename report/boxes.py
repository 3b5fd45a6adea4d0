"""Boxes around the parts of a picture on which a diagnosis rests. In: regions in pixels. Out: boxes in per cent.

They are drawn over the picture by the style sheet, so that they stay sharp at every size, in light, dark and print, and
so that a citation can lead to each of them.
"""

from dataclasses import dataclass
from typing import Final, Literal

from report.diagnosis import PictureRegion

_AIR: Final = 4
"""Pixels of the picture between what decided and the line around it."""
_ROOM: Final = 12.0
"""Per cent of the height that a tag needs above or below a box."""
_HALF: Final = 50.0


@dataclass(frozen=True)
class Box:
    """One box, in per cent of the picture from its upper left corner."""

    id: str
    """Where citations of it lead; empty where it is drawn once more."""
    tag: str
    """What it is, in a word or two; empty where another box says so already."""
    left: float
    top: float
    width: float
    height: float
    tag_side: Literal["above", "below", "inside"]
    """Where the tag has room."""
    tag_end: bool
    """The tag ends where the box ends, because it would leave the picture on the right."""


def region_id(pointer: str, region: PictureRegion) -> str:
    """Where a citation of this part of the picture at `pointer` leads (the form of W3C Media Fragments, 4.2.2)."""
    return f"{pointer}/xywh={region.x},{region.y},{region.width},{region.height}"


def boxes(regions: tuple[PictureRegion, ...], width: int, height: int, pointer: str) -> tuple[Box, ...]:
    """The boxes on a picture of so many pixels; what lies outside of it is left out. Each tag is given once."""
    made: list[Box] = []
    named: set[str] = set()
    for region in regions:
        left, top = max(0, region.x - _AIR), max(0, region.y - _AIR)
        right, bottom = min(width, region.x + region.width + _AIR), min(height, region.y + region.height + _AIR)
        if right <= left or bottom <= top:
            continue
        tag = "" if region.tag in named else region.tag
        named.add(region.tag)
        first, last = 100 * top / height, 100 * bottom / height
        made.append(Box(
            region_id(pointer, region) if pointer else "", tag, 100 * left / width, first,
            100 * (right - left) / width, last - first,
            "above" if first >= _ROOM else "below" if last <= 100 - _ROOM else "inside", 100 * left / width > _HALF))
    return tuple(made)
