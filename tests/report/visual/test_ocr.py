"""The reader of words."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from report.visual import ocr
from report.visual.picture import Picture, read

PICTURES = Path(__file__).parents[1] / "pictures"


def test_lines_come_with_their_places_in_the_original() -> None:
    found = ocr.text(read((PICTURES / "cloudflare.diagram-retina.png").read_bytes())).lines
    headline = next(line for line in found if "timed" in line.text)
    assert 0 < headline.box[0] < 200
    assert headline.box[3] > 60


def test_short_lines_are_read_first_and_the_rest_is_only_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.new("RGB", (900, 200), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(22)
    pen.text((20, 20), "one very long line of many words that costs more than all the others together", "black", font)
    pen.text((20, 120), "Gateway", "black", font)
    monkeypatch.setattr(ocr, "BUDGET", 10.0)
    found = ocr.text(Picture(image, 1.0, image.size))
    assert [line.text for line in found.lines] == ["Gateway"]
    assert found.length > 20


def test_an_empty_picture_has_no_lines() -> None:
    image = Image.new("RGB", (200, 200), "white")
    assert ocr.text(Picture(image, 1.0, image.size)) == ocr.Text()
