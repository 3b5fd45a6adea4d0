"""A screenshot that somebody handed in. In: PNG, JPEG or WebP. Out: the same pixels as a PNG that we made.

What else the file held (place, camera, comments, a second picture) is not taken over.
"""

import hashlib
import io
import warnings
from datetime import datetime
from typing import Final

from PIL import Image, ImageOps

from capture.importers.given import bad
from capture.importers.part import Part
from capture.record.evidence import Evidence, Imported, ImportedFile
from capture.record.page import PageLoad, Screenshot
from capture.record.request import RequestRecord, StepRecord
from capture.steps.vantage import VERSION

PIXELS: Final = 50_000_000
"""Largest picture that is decoded."""
FORMATS: Final = ("PNG", "JPEG", "WEBP")
_BAD: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning, OSError, SyntaxError, ValueError,
               OverflowError, EOFError)
"""What Pillow raises for pictures that are damaged or too large."""
_MODES: Final = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})


def part(name: str, data: bytes) -> Part:
    """The picture; raises BadInput when it cannot be read or is too large."""
    return Part(name=name, format="picture", picture=encoded_anew(name, data),
                notes=("Nothing in a picture is masked: it shows what it shows.",))


def encoded_anew(name: str, data: bytes) -> bytes:
    """The first picture of a file as PNG, upright as its file says; raises BadInput."""
    out = io.BytesIO()
    with _opened(name, data) as image:
        try:
            upright = ImageOps.exif_transpose(image)
            plain = upright if upright.mode in _MODES else upright.convert("RGB")
            plain.info.clear()
            plain.save(out, "PNG", compress_level=3)
        except _BAD as error:
            raise bad(name, f"the picture is damaged ({type(error).__name__})") from None
    return out.getvalue()


def _opened(name: str, data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > PIXELS:
                raise bad(name, f"the picture has {image.width:,} x {image.height:,} pixels, and at most {PIXELS:,} "
                                "are read")
            image.load()
    except _BAD as error:
        raise bad(name, f"the picture is damaged ({type(error).__name__})") from None
    return image


def evidence(name: str, data: bytes, now: datetime) -> Evidence:
    """The least evidence around one picture that stays where it is; `now` is when it was handed in. Raises BadInput."""
    with _opened(name, data) as image:
        width, height = image.size
    digest = hashlib.sha256(data).hexdigest()
    shot = Screenshot(path=name, width=width, height=height, at=now, sha256=digest)
    load = PageLoad(label="imported", started_at=now, ended="load", screenshot=shot)
    file = ImportedFile(name=name, format="picture", size=len(data), sha256=digest)
    return Evidence(id=digest[:16], request=RequestRecord(url=name), started_at=now, finished_at=now,
                    outcome="complete", steps=(StepRecord(name="import", status="done"),), pages=(load,),
                    imported=Imported(tool=f"gatewitness {VERSION}", at=now, clock="unknown", files=(file,)),
                    redaction_ruleset="none")
