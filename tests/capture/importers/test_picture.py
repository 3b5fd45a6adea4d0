"""A screenshot that somebody handed in."""

import io
import struct
import zlib

import pytest
from PIL import Image

from capture.errors import BadInput
from capture.importers import picture
from tests.builders import NOW
from tests.capture.importers.files import png


def image(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=["PNG"])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_every_format_becomes_a_png_of_the_same_size(kind: str) -> None:
    made = picture.part("seen", png(31, 17, "red", kind)).picture
    assert made is not None
    assert image(made).size == (31, 17)
    red, green, blue = image(made).convert("RGB").getpixel((5, 5))  # type: ignore[misc]  # of RGB it is three numbers
    assert red > 240 and max(green, blue) < 15  # noqa: PT018 - one colour


def test_what_else_the_file_held_is_not_taken_over() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E], exif[0x8825] = "at home, secret-place", {1: "N", 2: (52.0, 30.0, 0.0)}
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=exif, comment=b"secret-comment")
    made = picture.encoded_anew("seen", out.getvalue())
    assert image(made).info == {}
    assert b"secret" not in made


def test_a_picture_taken_sideways_is_set_upright() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(out, "JPEG", exif=exif)
    assert image(picture.encoded_anew("seen", out.getvalue())).size == (10, 20)


def test_only_the_first_of_several_pictures_is_taken() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("white", "black")]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    made = image(picture.encoded_anew("seen", out.getvalue()))
    assert (getattr(made, "n_frames", 1), made.convert("L").getpixel((4, 4))) == (1, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixel_is_taken(mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (5, 5)).save(out, "PNG")
    assert image(picture.encoded_anew("seen", out.getvalue())).size == (5, 5)


def claiming(width: int, height: int) -> bytes:
    """A PNG that says it is so large and holds next to nothing."""
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(10_000, 5_001), (65_000, 65_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    with pytest.raises(BadInput, match=r"pixels|DecompressionBomb"):
        picture.part("seen", claiming(width, height))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_that_is_cut_off_is_refused(kind: str) -> None:
    whole = png(200, 200, "blue", kind)
    for end in (12, len(whole) // 2, len(whole) - len(whole) // 4):
        with pytest.raises(BadInput, match="damaged"):
            picture.part("seen", whole[:end])


def test_a_format_that_only_pretends_is_refused() -> None:
    with pytest.raises(BadInput):
        picture.part("seen", b"\x89PNG\r\n\x1a\n" + png(kind="GIF"))


def test_the_least_evidence_around_a_picture_says_that_it_was_handed_in() -> None:
    made = picture.evidence("seen.png", png(31, 17), NOW)
    assert made.imported is not None
    assert (made.imported.clock, made.imported.files[0].format, made.imported.files[0].size) == (
        "unknown", "picture", len(png(31, 17)))
    shot = made.pages[0].screenshot
    assert shot is not None
    assert (shot.width, shot.height, made.vantage) == (31, 17, None)
