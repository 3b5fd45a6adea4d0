"""What is measured of a picture."""

import io

import pytest
from PIL import Image, ImageDraw

from report.visual.picture import MAX_PIXELS, TALLEST, WIDEST, BadPicture, read


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def drawn(width: int = 400, height: int = 300) -> Image.Image:
    image = Image.new("RGB", (width, height), "#0e1e25")
    ImageDraw.Draw(image).rectangle((100, 50, 299, 149), fill="#ffffff")
    return image


def test_background_shares_and_content_are_measured() -> None:
    seen = read(png(drawn()))
    assert seen.background == (14, 30, 37)
    assert seen.share((255, 255, 255)) == pytest.approx(20_000 / 120_000, abs=0.01)
    assert seen.content == (100, 50, 200, 100)


def test_a_large_picture_is_looked_at_smaller_and_only_at_its_top() -> None:
    seen = read(png(drawn(WIDEST * 2, TALLEST * 3)))
    assert (seen.image.size, seen.size) == ((WIDEST, TALLEST), (WIDEST * 2, TALLEST * 3))
    assert seen.content is not None
    assert abs(seen.content[0] - 100) <= 2


def test_what_is_transparent_counts_as_paper() -> None:
    assert read(png(Image.new("RGBA", (50, 50), (0, 0, 0, 0)))).background == (255, 255, 255)


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    bomb = png(Image.new("1", (10_000, MAX_PIXELS // 10_000 + 1)))
    with pytest.raises(BadPicture, match="pixels"):
        read(bomb)


def test_the_hash_does_not_depend_on_where_the_content_stands() -> None:
    moved = Image.new("RGB", (640, 480), "#0e1e25")
    moved.paste(drawn().crop((90, 40, 310, 160)), (37, 201))
    assert read(png(moved)).fingerprint == read(png(drawn())).fingerprint


def test_a_window_in_which_nothing_was_drawn_is_blank() -> None:
    seen = read(png(Image.new("RGB", (300, 200), "white")))
    assert (seen.blank, seen.fingerprint) == (True, None)
