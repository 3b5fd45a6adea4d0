"""Bodies of a HAR."""

import base64
import gzip
from typing import Any

import pytest

from capture.importers import har_body
from capture.importers.part import Content

Pairs = tuple[tuple[str, str], ...]


def answered(headers: Pairs = (), beside: dict[str, bytes] | None = None, **content: Any) -> Content:
    lines = [{"name": name, "value": value} for name, value in headers]
    return har_body.answer({"headers": lines, "content": content}, (beside or {}).get)


def test_text_and_base64_give_the_same_bytes() -> None:
    plain = answered(text="Grüße", mimeType="text/html")
    packed = answered(text=base64.b64encode("Grüße".encode()).decode(), encoding="base64", mimeType="text/html")
    assert plain == packed == Content("Grüße".encode(), 7, "text/html")


@pytest.mark.parametrize("text", ["PGgxPg", "PGgxPg==", "PGgx\nPg==\n", "PGgxPg="])
def test_base64_may_be_wrapped_or_cut(text: str) -> None:
    assert answered(text=text, encoding="base64").data == b"<h1>"


@pytest.mark.parametrize("text", ["\u00e9\u00e9\u00e9\u00e9", "<h1>not base64</h1>", "*"])
def test_what_calls_itself_base64_and_is_none_is_no_body(text: str) -> None:
    assert answered(text=text, encoding="base64").data is None


def test_a_body_that_is_still_compressed_is_unpacked_within_bounds() -> None:
    bomb = base64.b64encode(gzip.compress(b"a" * 40_000_000)).decode()
    made = answered((("Content-Encoding", "gzip"),), text=bomb, encoding="base64")
    assert made.data is not None
    assert len(made.data) == har_body.BODY_BYTES


def test_a_body_beside_the_har_is_found_and_a_missing_one_is_unknown() -> None:
    assert answered(beside={"a.html": b"<p>"}, _file="a.html").data == b"<p>"
    assert answered(beside={}, _file="a.html", size=0) == Content(None, 0, "", "not-retained")


@pytest.mark.parametrize(("content", "headers", "empty"), [
    ({"size": 0, "text": ""}, (), True), ({"size": 0}, (("Content-Length", "0"),), True), ({"size": 0}, (), False),
    ({}, (), False), ({"size": 0, "comment": "Bodies are not included."}, (), False), ({"size": 9}, (), False)])
def test_a_body_is_empty_only_where_the_file_says_so(content: dict[str, Any], headers: Pairs, empty: bool) -> None:
    assert (answered(headers, **content).data == b"") is empty


def test_a_huge_body_is_not_decoded() -> None:
    made = answered(text="A" * (2 * har_body.BODY_BYTES + 1), encoding="base64")
    assert (made.data, made.reason) == (None, "too-large")
