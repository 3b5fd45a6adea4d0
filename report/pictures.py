"""Pictures made fit for a dossier. In: the screenshots of a bundle. Out: small JPEGs, encoded anew by us."""

import io
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image

from capture.record.bundle import Bundle, BundleError
from capture.record.evidence import Evidence
from capture.record.page import PageLoad, Screenshot
from report.boxes import Box
from report.boxes import boxes as boxes_of
from report.diagnosis import Diagnosis, PictureRegion
from report.units import moment
from report.view import LOADS, screenshot_shown

WIDTH: Final = 1280
"""Widest picture, pixels."""
HEIGHT: Final = 5_000
"""Tallest picture, pixels, after scaling; what is below is in the bundle."""
QUALITY: Final = 82
"""JPEG quality; text of 12 pixels stays clean from about 80 on when colours are not subsampled."""
_UNREADABLE: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning, OSError, SyntaxError, ValueError)


@dataclass(frozen=True)
class Shown:
    """One picture of the dossier."""

    jpeg: bytes
    width: int
    height: int
    caption: str
    tall: bool
    """The whole page, too tall for a sheet of paper."""
    pointer: str
    """Where its record stands in evidence.json."""
    boxes: tuple[Box, ...]
    """Around what decided."""


def witness(bundle: Bundle) -> bytes | None:
    """The window of the load that counts, as it was taken, for the diagnosis; None when there is none to be read."""
    shot = next((page.screenshot for page in bundle.evidence.pages if page.label in ("strict", "imported")), None)
    try:
        return bundle.read(shot.path) if shot else None
    except BundleError:
        return None  # `shown` and `verify` name the file that is gone


def regions(diagnosis: Diagnosis) -> tuple[PictureRegion, ...]:
    """The parts of the window on which the diagnosis rests."""
    cites = (cite for found in diagnosis.findings for cite in found.cites)
    return tuple(dict.fromkeys(cite.region for cite in cites if cite.region))


def shown(bundle: Bundle, evidence: Evidence, problems: list[str], decided: tuple[PictureRegion, ...] = ()
          ) -> list[Shown]:
    """What the visitor saw first, then the other pictures; a picture that cannot be read is added to `problems`.

    What `decided` are parts of the strict load's window; they are boxed there and on its whole page.
    """
    first = screenshot_shown(evidence)
    wanted: list[tuple[PageLoad, Screenshot, bool]] = [(*first, False)] if first else []
    wanted += [(page, page.screenshot, False) for page in evidence.pages
               if page.screenshot and first and page is not first[0]]
    wanted += [(page, page.screenshot_full, True) for page in evidence.pages
               if page.screenshot_full and page.screenshot and page.screenshot_full.height > page.screenshot.height]
    found = []
    for page, shot, tall in wanted:
        pointer = f"/pages/{evidence.pages.index(page)}/screenshot{'_full' if tall else ''}"
        try:
            found.append(_small(bundle.read(shot.path), _caption(page, shot, tall), tall, pointer,
                                decided if _same_pixels(page, shot) else ()))
        except _UNREADABLE as error:
            problems.append(f"The picture {shot.path} cannot be shown: {type(error).__name__}.")
    return found


def _same_pixels(page: PageLoad, shot: Screenshot) -> bool:
    """Whether the regions of the strict load's window lie at the same place of this picture."""
    return page.label in ("strict", "imported") and page.screenshot is not None and shot.width == page.screenshot.width


def _small(data: bytes, caption: str, tall: bool, pointer: str, decided: tuple[PictureRegion, ...]) -> Shown:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
        image.load()
    scale = min(1.0, WIDTH / image.width)
    if image.height * scale > HEIGHT:
        caption += f" Shown to {HEIGHT:,} pixels; the whole is in the bundle."
    kept = _opaque(image.crop((0, 0, image.width, min(image.height, round(HEIGHT / scale)))))
    # In the pixels of the picture as it was taken; a second drawing of the same boxes is no place to be led to.
    boxes = boxes_of(decided, kept.width, kept.height, "" if tall else pointer)
    if scale < 1:
        kept = kept.resize((WIDTH, max(1, round(kept.height * scale))), Image.Resampling.LANCZOS)
    if boxes:
        caption += f" Boxed by us: {', '.join(box.tag for box in boxes if box.tag)}."
    out = io.BytesIO()
    kept.save(out, "JPEG", quality=QUALITY, subsampling=0)
    return Shown(out.getvalue(), kept.width, kept.height, caption, tall, pointer, boxes)


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "P", "PA"):
        image = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        return paper
    return image.convert("RGB")


def _caption(page: PageLoad, shot: Screenshot, tall: bool) -> str:
    what = "Whole page" if tall else "Window"
    taller = shot.cut_at_px and shot.page_height_px
    cut = f" The page was taller than the picture ({shot.page_height_px:,} px)." if taller else ""
    blank = " Nearly all of it has one colour." if shot.blank else ""
    label = "" if page.label == "strict" else f", {LOADS[page.label]}"
    if page.label == "imported":
        return f"Picture {shot.width} × {shot.height}, handed in {moment(shot.at)}.{blank}"
    return f"{what} {shot.width} × {shot.height}, {moment(shot.at)}{label}.{cut}{blank}"
