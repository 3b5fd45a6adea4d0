"""Pictures made fit for a dossier. In: the screenshots of a bundle. Out: small JPEGs, encoded anew by us."""

import io
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from capture.record.bundle import Bundle, BundleError
from capture.record.evidence import Evidence
from capture.record.page import PageLoad, Screenshot
from report.diagnosis import Diagnosis, PictureRegion
from report.units import moment
from report.view import LOADS, screenshot_shown

WIDTH: Final = 1280
"""Widest picture, pixels."""
HEIGHT: Final = 5_000
"""Tallest picture, pixels, after scaling; what is below is in the bundle."""
QUALITY: Final = 82
"""JPEG quality; text of 12 pixels stays clean from about 80 on when colours are not subsampled."""

MARK: Final = "#b3142b"
"""Colour of the boxes around what decided."""
TAG_PX: Final = 18

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


def witness(bundle: Bundle) -> bytes | None:
    """The strict load's window as it was taken, for the diagnosis; None when there is none to be read."""
    shot = next((page.screenshot for page in bundle.evidence.pages if page.label == "strict"), None)
    try:
        return bundle.read(shot.path) if shot else None
    except BundleError:
        return None  # `shown` and `verify` name the file that is gone


def regions(diagnosis: Diagnosis) -> tuple[PictureRegion, ...]:
    """The parts of the window on which the diagnosis rests."""
    cites = (cite for found in diagnosis.findings for cite in found.cites)
    return tuple(dict.fromkeys(cite.region for cite in cites if cite.region))


def shown(bundle: Bundle, evidence: Evidence, problems: list[str], boxes: tuple[PictureRegion, ...] = ()
          ) -> list[Shown]:
    """What the visitor saw first, then the other pictures; a picture that cannot be read is added to `problems`.

    `boxes` are drawn on the strict load's window.
    """
    first = screenshot_shown(evidence)
    wanted: list[tuple[PageLoad, Screenshot, bool]] = [(*first, False)] if first else []
    wanted += [(page, page.screenshot, False) for page in evidence.pages
               if page.screenshot and first and page is not first[0]]
    wanted += [(page, page.screenshot_full, True) for page in evidence.pages
               if page.screenshot_full and page.screenshot and page.screenshot_full.height > page.screenshot.height]
    found = []
    for page, shot, tall in wanted:
        try:
            boxed = boxes if page.label == "strict" and not tall else ()
            found.append(_small(bundle.read(shot.path), _caption(page, shot, tall), tall, boxed))
        except _UNREADABLE as error:
            problems.append(f"The picture {shot.path} cannot be shown: {type(error).__name__}.")
    return found


def _small(data: bytes, caption: str, tall: bool, boxes: tuple[PictureRegion, ...]) -> Shown:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
        image.load()
    scale = min(1.0, WIDTH / image.width)
    if image.height * scale > HEIGHT:
        caption += f" Shown to {HEIGHT:,} pixels; the whole is in the bundle."
    kept = _opaque(image.crop((0, 0, image.width, min(image.height, round(HEIGHT / scale)))))
    if scale < 1:
        kept = kept.resize((WIDTH, max(1, round(kept.height * scale))), Image.Resampling.LANCZOS)
    if boxes:
        _mark(kept, boxes, scale)
        caption += " Boxes, drawn by us: what the picture itself shows."
    out = io.BytesIO()
    kept.save(out, "JPEG", quality=QUALITY, subsampling=0)
    return Shown(out.getvalue(), kept.width, kept.height, caption, tall)


def _mark(image: Image.Image, boxes: tuple[PictureRegion, ...], scale: float) -> None:
    """Draws the regions, each tag once."""
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(TAG_PX)
    named = set()
    for box in boxes:
        left, top = max(0, box.x * scale - 4), max(0, box.y * scale - 4)
        right = min(image.width - 1, (box.x + box.width) * scale + 4)
        bottom = min(image.height - 1, (box.y + box.height) * scale + 4)
        if right <= left or bottom <= top:
            continue
        pen.rectangle((left, top, right, bottom), outline=MARK, width=3)
        if box.tag not in named:
            named.add(box.tag)
            place = (left + 5, max(0, top - TAG_PX - 4))
            pen.rectangle(pen.textbbox(place, box.tag, font=font), fill=MARK, outline=MARK, width=3)
            pen.text(place, box.tag, fill="white", font=font)


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
    return f"{what} {shot.width} × {shot.height}, {moment(shot.at)}{label}.{cut}{blank}"
