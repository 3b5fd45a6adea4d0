"""Bytes to text."""

import codecs

import pytest

from capture.errors import BadInput
from capture.importers.texts import clean, json_of, text_of

TEXT = '{"log": "Grüße"}'


@pytest.mark.parametrize("data", [
    TEXT.encode(), codecs.BOM_UTF8 + TEXT.encode(), codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
    codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), TEXT.encode("utf-16-le"), TEXT.encode("utf-16-be"),
    TEXT.encode("cp1252")])
def test_every_encoding_that_files_come_in_is_read(data: bytes) -> None:
    assert text_of(data) == TEXT


@pytest.mark.parametrize("data", [b"\0\1\2\3" * 99, b"PK\0\0\0\0\0\0\0\0abcdef", b"a\0"])
def test_bytes_that_are_no_text_are_none(data: bytes) -> None:
    assert text_of(data) is None


def test_a_file_that_ends_inside_a_character_is_still_utf_8() -> None:
    assert text_of("Grüße é".encode()[:-1]) == "Grüße \ufffd"


def test_half_a_wide_character_is_replaced() -> None:
    assert text_of(codecs.BOM_UTF16_LE + "ab".encode("utf-16-le") + b"\0") == "ab\ufffd"


def test_infinity_is_null_and_surrogates_are_replaced() -> None:
    assert json_of("x", "[NaN, Infinity, 1]") == [None, None, 1]
    assert clean("a\ud800b") == "a?b"


def test_bad_json_is_one_sentence_with_its_place() -> None:
    with pytest.raises(BadInput, match=r"^x: its JSON cannot be read \(line 2, column 1\); it may be cut off$"):
        json_of("x", '{"a": [\n')
