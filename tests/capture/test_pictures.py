"""Pictures of a page: blank or not, one or many tiles, cut at the limit and told so."""

import base64
import hashlib
import io
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image, ImageDraw, UnidentifiedImageError

from capture import pictures
from capture.devtools import DevTools
from capture.pictures import Size, is_blank
from capture.record.request import Limits, Viewport
from tests.contexts import context

COLOURS = ("#c00000", "#00c000", "#0000c0", "#c0c000")


def png(width: int, height: int, colour: str = "white") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(stream, "PNG")
    return stream.getvalue()


class FakeDevTools:
    """Pictures whatever it is asked for; every picture has another colour."""

    def __init__(self, page_width: float = 200, page_height: float = 100) -> None:
        self.page = {"width": page_width, "height": page_height}
        self.asked: list[dict[str, Any]] = []

    async def call(self, method: str, session: str, *, timeout: float, **params: Any) -> dict[str, Any]:
        """Answers Page.getLayoutMetrics and Page.captureScreenshot."""
        if method == "Page.getLayoutMetrics":
            return {"cssContentSize": self.page}
        clip = params.get("clip") or {"width": 200, "height": 100}
        colour = COLOURS[len(self.asked) % len(COLOURS)]
        self.asked.append(params)
        return {"data": base64.b64encode(png(clip["width"], clip["height"], colour)).decode()}


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


async def test_the_size_of_a_page_is_in_whole_pixels() -> None:
    fake = cast(DevTools, FakeDevTools(199.6, 100.4))
    assert await pictures.page_size(fake, "S", 1.0) == Size(200, 100)


async def test_the_window_is_pictured_as_it_is(tmp_path: Path) -> None:
    ctx, fake = context(tmp_path), FakeDevTools()
    shot = await pictures.viewport(ctx, cast(DevTools, fake), "S", "screenshot.png")
    data = (ctx.writer.directory / "screenshot.png").read_bytes()
    assert (shot.path, shot.width, shot.height, shot.blank) == ("screenshot.png", 200, 100, True)
    assert shot.sha256 == hashlib.sha256(data).hexdigest() == ctx.writer.entries["screenshot.png"].sha256
    assert [asked["format"] for asked in fake.asked] == ["png"]


async def test_a_page_of_one_tile_is_kept_as_the_browser_drew_it(tmp_path: Path) -> None:
    ctx, fake = context(tmp_path, viewport=Viewport(width=120, height=100)), FakeDevTools()
    shot = await pictures.full(ctx, cast(DevTools, fake), "S", "full.png", Size(120, 700))
    assert (shot.width, shot.height, shot.page_height_px, shot.cut_at_px) == (120, 700, 700, None)
    assert fake.asked[0]["clip"] == {"x": 0, "y": 0, "width": 120, "height": 700, "scale": 1}
    assert fake.asked[0]["captureBeyondViewport"]
    assert ctx.limits_hit == []


async def test_a_tall_page_is_put_together_from_tiles_without_gap_or_overlap(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "TILE_PX", 100)
    ctx, fake = context(tmp_path, viewport=Viewport(width=120, height=100)), FakeDevTools()
    shot = await pictures.full(ctx, cast(DevTools, fake), "S", "full.png", Size(120, 250))
    image = opened(ctx.writer.directory / "full.png")
    assert image.size == (shot.width, shot.height) == (120, 250)
    assert [(ask["clip"]["y"], ask["clip"]["height"]) for ask in fake.asked] == [(0, 100), (100, 100), (200, 50)]
    rows = [image.getpixel((60, y)) for y in (0, 99, 100, 199, 200, 249)]
    assert rows[0] == rows[1] == (0xC0, 0, 0)
    assert rows[2] == rows[3] == (0, 0xC0, 0)
    assert rows[4] == rows[5] == (0, 0, 0xC0)


async def test_a_page_past_the_limit_is_cut_and_the_dossier_says_so(tmp_path: Path) -> None:
    ctx = context(tmp_path, limits=Limits(screenshot_height_px=300), viewport=Viewport(width=120, height=100))
    shot = await pictures.full(ctx, cast(DevTools, FakeDevTools()), "S", "full.png", Size(120, 200_000))
    assert (shot.height, shot.cut_at_px, shot.page_height_px) == (300, 300, 200_000)
    assert [(hit.limit, hit.sentence) for hit in ctx.limits_hit] == [
        ("screenshot_height_px", "the full-page picture ends at 300 of 200,000 pixels")]


async def test_a_page_as_tall_as_the_limit_is_not_cut(tmp_path: Path) -> None:
    ctx = context(tmp_path, limits=Limits(screenshot_height_px=300), viewport=Viewport(width=120, height=100))
    shot = await pictures.full(ctx, cast(DevTools, FakeDevTools()), "S", "full.png", Size(120, 300))
    assert (shot.cut_at_px, ctx.limits_hit) == (None, [])


@pytest.mark.parametrize("colour", ["white", "black", "#123456"])
def test_one_colour_shows_nothing(colour: str) -> None:
    assert is_blank(Image.new("RGB", (400, 300), colour))


def test_a_few_stray_pixels_show_nothing_either() -> None:
    image = Image.new("RGB", (1280, 800), "white")
    ImageDraw.Draw(image).point([(0, 0), (5, 5), (9, 9)], fill="black")
    assert is_blank(image)


@pytest.mark.parametrize("text", ["ok", "502 Bad Gateway"])
def test_a_short_word_is_something(text: str) -> None:
    image = Image.new("RGB", (1280, 800), "white")
    ImageDraw.Draw(image).text((8, 8), text, fill="black")
    assert not is_blank(image)


def test_what_is_no_picture_is_not_kept(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    with pytest.raises(UnidentifiedImageError):
        pictures.keep(ctx, "screenshot.png", b"GIF89a")
    assert ctx.writer.entries == {}
