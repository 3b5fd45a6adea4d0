"""A screenshot alone: whose page it shows, what can be read, and when it must not name anybody."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from report.visual import BadPicture, look

PICTURES = Path(__file__).with_name("pictures")


def picture(name: str) -> bytes:
    return (PICTURES / f"{name}.png").read_bytes()


def encoded(image: Image.Image, kind: str = "PNG", **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(("name", "vendor"), [
    ("akamai.page", "akamai"), ("cloudfront.page", "cloudfront"), ("f5-bigip.rejected", "f5-bigip"),
    ("java-spring-app.whitelabel", "java-spring-app"), ("litespeed.number-alone", "litespeed"),
    ("modsecurity.page", "modsecurity"), ("netlify.card", "netlify"), ("nextjs-app.error", "nextjs-app"),
    ("nginx.page", "nginx"), ("openresty.page", "openresty"), ("squid.page-old", "squid")])
def test_the_vendor_is_named_from_the_picture_alone(name: str, vendor: str) -> None:
    assert look(picture(name)).vendor == vendor


@pytest.mark.parametrize("window", ["", "-retina", "-phone", "-small", "-wide"])
def test_the_three_icon_page_is_known_in_every_window(window: str) -> None:
    seen = look(picture(f"cloudflare.diagram{window}"))
    assert (seen.vendor, seen.certainty, seen.code) == ("cloudflare", "likely", "522")


def test_it_is_known_by_its_colours_without_reading_a_word() -> None:
    seen = look(picture("cloudflare.diagram"), ocr=False)
    assert (seen.vendor, seen.certainty, seen.words) == ("cloudflare", "likely", ())


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 70}), ("WEBP", {"quality": 80})])
def test_it_is_known_after_being_encoded_anew(kind: str, options: dict[str, int]) -> None:
    image = Image.open(io.BytesIO(picture("cloudflare.diagram"))).convert("RGB")
    assert look(encoded(image, kind, **options)).vendor == "cloudflare"


def test_it_is_known_inside_a_browser_s_frame() -> None:
    framed = Image.new("RGB", (1300, 920), "#202124")
    framed.paste(Image.open(io.BytesIO(picture("cloudflare.diagram"))).convert("RGB"), (10, 110))
    seen = look(encoded(framed))
    assert (seen.vendor, seen.certainty) == ("cloudflare", "likely")


def test_a_dark_page_is_known_too() -> None:
    assert look(picture("nextjs-app.error-dark")).vendor == "nextjs-app"


def test_the_request_id_is_read_off_the_picture() -> None:
    assert look(picture("akamai.page")).request_id == "11.a1b2c3d4.1700000000.e5f60718"


def test_the_boxes_say_where_it_stands() -> None:
    seen = look(picture("cloudflare.diagram"))
    band = seen.boxes[0]
    assert (band.tag, band.x, band.width) == ("diagram", 0, 1280)
    assert 100 < band.y < 300 < band.y + band.height < 600


@pytest.mark.parametrize("name", ["article", "imitation", "own-page", "blank"])
def test_nobody_is_accused_for_a_page_that_speaks_of_errors_or_imitates_one(name: str) -> None:
    assert look(picture(name)).certainty not in ("likely", "proven")


def test_a_blank_picture_says_nothing() -> None:
    seen = look(picture("blank"), ocr=True)
    assert (seen.blank, seen.vendor, seen.words) == (True, None, ())


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(BadPicture, match="no PNG, JPEG or WebP"):
        look(data)


def test_models_are_loaded_only_when_words_are_read() -> None:
    code = ("import sys; from report.visual import look; look(open(sys.argv[1], 'rb').read(), ocr=False);"
            "print([m for m in ('numpy', 'cv2', 'onnxruntime') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code, str(PICTURES / "nginx.page.png")], capture_output=True,
                          text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]"
