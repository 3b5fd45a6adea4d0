"""The picture as a witness beside the text.

In: Facts, the Reading of the page, and what the picture alone shows. Out: the Reading with its certainty kept, lowered
or (where the text names nobody) taken from the picture, and a finding that cites the regions of the picture.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from capture.record.evidence import Evidence
from report.diagnosis import Certainty, Citation, Finding, PictureRegion
from report.facts import SURENESS, Facts, weakest
from report.rules.page import Reading
from report.signatures import Vendor

if TYPE_CHECKING:
    from report.visual import Sight

SHOWS: Final[dict[Certainty, str]] = {
    "proven": "shows", "likely": "probably shows", "possible": "may show", "undetermined": "may show"}
"""How to say what a picture shows."""


def screenshot_pointer(evidence: Evidence) -> str | None:
    """Where the record of the picture stands that shows the answered document, or that was handed in."""
    return next((f"/pages/{at}/screenshot" for at, page in enumerate(evidence.pages)
                 if page.label in ("strict", "imported") and page.screenshot), None)


def sight(facts: Facts, png: bytes | None) -> "Sight | None":
    """What the picture shows; its words are read only where the page gave no text. None without a readable picture."""
    page = facts.page
    if png is None or page is None or screenshot_pointer(facts.evidence) is None:
        return None
    if page.body_known and not page.body:
        return None  # the window shows the browser's own page
    from report.visual import BadPicture, look  # loads Pillow, which a diagnosis without a picture does not need

    try:
        return look(png, ocr=not page.text.strip(), known=facts.vendors)
    except BadPicture:
        return None


def heard(facts: Facts, reading: Reading | None, seen: "Sight | None") -> Reading | None:
    """The reading after the picture was heard too. A picture that names nobody says nothing."""
    vendor = named(facts, seen)
    if reading is None or seen is None or vendor is None or seen.certainty == "undetermined":
        return reading
    found = finding(facts.evidence, vendor, seen)
    if reading.generator == vendor.slug:
        return replace(reading, findings=(*reading.findings, found))
    if reading.writer is None and reading.generator is None and reading.is_error:
        told = replace(reading, generator=vendor.slug, layer=vendor.layer, certainty=weakest(seen.certainty, "likely"))
        return replace(told, findings=(*reading.findings, found))
    if seen.certainty != "likely" or reading.generator is None:
        return reading
    against = found.model_copy(update={
        "code": "picture.disagrees",
        "sentence": f"Text and picture disagree: the picture alone {SHOWS[seen.certainty]} a page of {vendor.name}."})
    step_down: Certainty = SURENESS[max(0, SURENESS.index(reading.certainty) - 1)]
    return replace(reading, certainty=weakest(step_down, "possible"), findings=(*reading.findings, against))


def named(facts: Facts, seen: "Sight | None") -> Vendor | None:
    """The vendor that a picture names."""
    return next((vendor for vendor in facts.vendors if seen and vendor.slug == seen.vendor), None)


def finding(evidence: Evidence, vendor: Vendor, seen: "Sight") -> Finding:
    """What the picture shows, with the regions that it rests on."""
    pointer = screenshot_pointer(evidence) or "/pages"
    regions = [PictureRegion(tag=box.tag, x=box.x, y=box.y, width=box.width, height=box.height)
               for box in seen.boxes]
    told = {"rule": seen.rule, "code": seen.code, "request_id": seen.request_id,
            "status": str(seen.status) if seen.status else None}
    return Finding(
        code="picture.shows", layer=vendor.layer, certainty=seen.certainty,
        sentence=f"The picture alone {SHOWS[seen.certainty]} a page of {vendor.name}: {seen.seen}.",
        parameters={key: value for key, value in told.items() if value},
        cites=tuple(Citation(pointer=pointer, excerpt=seen.seen, region=region) for region in regions))
