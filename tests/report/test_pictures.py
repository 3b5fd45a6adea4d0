"""Pictures are made small, anew, and never trusted."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from report.diagnosis import PictureRegion
from report.pictures import HEIGHT, WIDTH, shown
from tests.report.examples import EXAMPLES
from tests.report.parts import picture, screenshot


def test_a_picture_is_encoded_anew_and_small(tmp_path: Path) -> None:
    example = EXAMPLES["cloudflare_522"]()
    found = shown(example.seal(tmp_path), example.evidence, [])
    assert len(found) == 1
    assert found[0].jpeg.startswith(b"\xff\xd8")
    assert len(found[0].jpeg) < 300_000
    assert (found[0].width, found[0].height) == (1280, 800)


def test_a_wide_and_tall_picture_is_scaled_and_cut(tmp_path: Path) -> None:
    example = EXAMPLES["healthy"]()
    example.files = {"screenshot.png": picture("x", (), (1400, 6_000))}
    problems: list[str] = []
    found = shown(example.seal(tmp_path), example.evidence, problems)
    assert (found[0].width, found[0].height) == (WIDTH, HEIGHT)
    assert "the whole is in the bundle" in found[0].caption


def test_the_lenient_picture_follows_the_visitors(tmp_path: Path) -> None:
    example = EXAMPLES["expired"]()
    captions = [p.caption for p in shown(example.seal(tmp_path), example.evidence, [])]
    assert len(captions) == 2
    assert "lenient" in captions[1]


def test_the_whole_page_is_shown_when_it_is_taller_than_the_window(tmp_path: Path) -> None:
    example = EXAMPLES["long_host"]()
    found = shown(example.seal(tmp_path), example.evidence, [])
    assert [p.tall for p in found] == [False, True]


def test_what_decided_is_boxed_on_the_window_and_on_the_whole_page(tmp_path: Path) -> None:
    example = EXAMPLES["long_host"]()
    decided = PictureRegion(tag="heading", x=80, y=60, width=200, height=60)
    window, whole = shown(example.seal(tmp_path), example.evidence, [], (decided,))
    assert window.pointer == "/pages/0/screenshot"
    assert whole.pointer == "/pages/0/screenshot_full"
    assert window.boxes[0].id.startswith("/pages/0/screenshot/")
    assert whole.boxes[0].id == ""
    assert window.boxes[0].left == whole.boxes[0].left
    assert window.boxes[0].top == 3 * whole.boxes[0].top
    assert "Boxed by us: heading." in window.caption


def test_only_the_strict_load_is_boxed(tmp_path: Path) -> None:
    example = EXAMPLES["expired"]()
    decided = PictureRegion(tag="heading", x=80, y=60, width=200, height=60)
    strict, lenient = shown(example.seal(tmp_path), example.evidence, [], (decided,))
    assert strict.boxes
    assert not lenient.boxes
    assert "Boxed" not in lenient.caption


def test_the_picture_itself_is_not_drawn_upon(tmp_path: Path) -> None:
    example = EXAMPLES["cloudflare_522"]()
    bundle = example.seal(tmp_path)
    decided = PictureRegion(tag="heading", x=80, y=60, width=200, height=60)
    assert shown(bundle, example.evidence, [], (decided,))[0].jpeg == shown(bundle, example.evidence, [])[0].jpeg


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"GIF89a" + b"\0" * 50])
def test_a_picture_that_cannot_be_read_is_a_warning(tmp_path: Path, data: bytes) -> None:
    example = EXAMPLES["healthy"]()
    example.files = {"screenshot.png": data}
    problems: list[str] = []
    assert shown(example.seal(tmp_path), example.evidence, problems) == []
    assert problems
    assert "screenshot.png" in problems[0]


def test_a_picture_bomb_is_a_warning(tmp_path: Path) -> None:
    example = EXAMPLES["healthy"]()
    head = struct.pack(">4sIIBBBBB", b"IHDR", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = picture("x", ())
    example.files = {"screenshot.png": bomb[:12] + head + struct.pack(">I", zlib.crc32(head)) + bomb[33:]}
    problems: list[str] = []
    assert shown(example.seal(tmp_path), example.evidence, problems) == []
    assert "Bomb" in problems[0]


def test_transparency_becomes_paper(tmp_path: Path) -> None:
    example = EXAMPLES["healthy"]()
    out = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(out, "PNG")
    example.files = {"screenshot.png": out.getvalue()}
    found = shown(example.seal(tmp_path), example.evidence, [])
    assert Image.open(io.BytesIO(found[0].jpeg)).getpixel((5, 5)) == (255, 255, 255)
    assert screenshot(out.getvalue()).width == 40
