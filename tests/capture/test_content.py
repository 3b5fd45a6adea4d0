"""Content codings undone and character sets told."""

import gzip
import zlib

import pytest

from capture import content

TEXT = b"plain text, twice " * 2


@pytest.mark.parametrize(
    ("coded", "codings"),
    [
        (TEXT, []),
        (TEXT, ["identity"]),
        (gzip.compress(TEXT, mtime=0), ["gzip"]),
        (gzip.compress(TEXT, mtime=0), ["x-gzip"]),
        (zlib.compress(TEXT), ["deflate"]),
        (zlib.compress(TEXT)[2:-4], ["deflate"]),
        (gzip.compress(zlib.compress(TEXT), mtime=0), ["deflate", "gzip"]),
        (gzip.compress(TEXT, mtime=0) + b"trailing", ["gzip"]),
    ],
)
def test_known_codings_are_undone(coded: bytes, codings: list[str]) -> None:
    assert content.undo(coded, codings, 1000, whole=True) == (TEXT, None)


def test_an_empty_body_is_no_broken_coding() -> None:
    assert content.undo(b"", ["gzip"], 1000, whole=True) == (b"", None)


def test_a_cut_stream_is_only_blamed_when_the_body_was_whole() -> None:
    cut = gzip.compress(TEXT, mtime=0)[:-9]
    assert content.undo(cut, ["gzip"], 1000, whole=True)[1] == "gzip: truncated"
    assert content.undo(cut, ["gzip"], 1000, whole=False)[1] is None


def test_a_bomb_stops_at_the_limit() -> None:
    bomb = gzip.compress(bytes(5_000_000))
    data, error = content.undo(bomb, ["gzip"], 100_000, whole=True)
    assert (len(data), error) == (100_000, None)


@pytest.mark.parametrize(
    ("raw", "kind", "text"),
    [
        ("grün".encode(), "text/html", "grün"),
        ("grün".encode("latin-1"), "text/html", "grün"),
        ("grün".encode("latin-1"), 'text/html; charset="ISO-8859-1"', "grün"),
        ("grün".encode("utf-16"), "text/html", "grün"),
        (b"\xef\xbb\xbfmark", "text/html; charset=latin-1", "mark"),
        ("東京".encode("shift_jis"), "text/html; charset=Shift_JIS", "東京"),
        (b"plain", "text/html; charset=no-such-thing", "plain"),
        (b"zlib", "text/html; charset=zlib", "zlib"),
        (b"xn--a", "text/html; charset=punycode", "xn--a"),
        (b"cut \xe2\x82", "text/html", "cut \ufffd"),
    ],
)
def test_text_is_read_by_mark_then_label_then_guess(raw: bytes, kind: str, text: str) -> None:
    assert content.to_text(raw, kind, 100) == text


def test_text_is_cut_at_the_limit() -> None:
    assert content.to_text(b"abcdef", "text/plain", 3) == "abc"


@pytest.mark.parametrize(
    ("kind", "body", "textual"),
    [
        ("text/html; charset=utf-8", b"", True),
        ("application/problem+json", b"", True),
        ("application/xhtml+xml", b"", True),
        ("image/png", b"text", False),
        ("application/pdf", b"text", False),
        ("", b"text", True),
        ("", b"a\0b", False),
    ],
)
def test_what_is_meant_to_be_read_is_told_by_its_type(kind: str, body: bytes, textual: bool) -> None:
    assert content.is_textual(kind, body) is textual
