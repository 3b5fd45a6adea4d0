"""What a file is, by its content."""

import pytest

from capture.errors import BadInput
from capture.importers.detect import kind_of
from capture.importers.given import Upload
from tests.capture.importers.files import har, mhtml, packed, png, upload

CURL = "*   Trying 192.0.2.1:80...\n* Connected to shop.example (192.0.2.1) port 80\n> GET / HTTP/1.1\n"


@pytest.mark.parametrize(("content", "kind"), [
    (har(), "json"), ("\ufeff\n  {}", "json"), ("[]", "json"), (png(), "picture"), (png(kind="JPEG"), "picture"),
    (png(kind="WEBP"), "picture"), (packed({"a": "b"}), "zip"), (mhtml(), "mhtml"),
    (mhtml().replace(b"\r", b""), "mhtml"),
    ("<!DOCTYPE html><p>x", "html"), ("<html>", "html"), ("<!-- saved -->\n<html>", "html"), ("<h1>502</h1>", "html"),
    ("HTTP/1.1 502 Bad Gateway\r\nServer: x\r\n\r\n", "curl"), ("HTTP/2 502 \n", "curl"), (CURL, "curl"),
    ("curl: (6) Could not resolve host: shop.example", "curl"), ("$ curl -v https://shop.example\n" + CURL, "curl"),
    ("< HTTP/1.1 502 Bad Gateway\n< Server: x\n<\n<html>", "curl"), (CURL.encode("utf-16"), "curl"),
    ("<html><pre>\n* Connected to shop.example (192.0.2.1) port 80\n</pre>", "html")])
def test_the_content_tells(content: dict[str, object] | str | bytes, kind: str) -> None:
    assert kind_of(upload(content)) == kind


def test_the_name_does_not() -> None:
    assert kind_of(Upload("page.har", png())) == "picture"
    assert kind_of(Upload("seen.png", b"{}")) == "json"


@pytest.mark.parametrize(("content", "words"), [
    (b"\x1f\x8b\x08", "unpack it first"), (b"%PDF-1.7", "PDF"), (b"GIF89a", "GIF"), (b"BM\0\0", "BMP"),
    (b"II*\0", "TIFF"), (b"bplist00", "web archive"), (b"\0\0\0\x18ftypheic", "HEIC"),
    (b"PK\x05\x06" + b"\0" * 18, "empty"), (b"Rar!\x1a", "RAR"),
    (b"just a sentence", "neither"), (b"\0\1\2\3", "neither"), (b"<svg></svg>", "neither"),
    (b"\x7fELF", "neither"), (b"   ", "neither")])
def test_what_cannot_be_taken_is_refused_with_a_way_out(content: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        kind_of(Upload("x", content))
