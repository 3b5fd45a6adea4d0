"""What a file holds, made fit to be kept."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from capture.importers.masking import Masker
from capture.importers.part import Part
from capture.record.bundle import BundleWriter
from capture.record.page import Body, Exchange
from capture.record.request import Limits
from capture.redact import Redactor
from tests.capture.importers.files import PAGE, entry, har, named, read

SESSION = "8f14e45fceea167a5a36dedd4bea2543"


class Kept:
    """The exchanges of a HAR as they are kept, and every byte that was written."""

    def __init__(self, directory: Path, *entries: dict[str, Any], limits: Limits | None = None, left: int = 10**7
                 ) -> None:
        part: Part = read(har(*entries))
        self.masker = Masker(Redactor(), limits or Limits(), left=left)
        self.masker.learn([part])
        writer = BundleWriter(directory / "bundle")
        self.exchanges: tuple[Exchange, ...] = self.masker.calls(part, writer)
        self.files = {path.name: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
        self.everything = b"".join(self.files.values()) + b"".join(e.model_dump_json().encode() for e in self.exchanges)

    def body(self, number: int = 0) -> Body:
        """Body of an answer."""
        response = self.exchanges[number].response
        assert response is not None
        assert response.body is not None
        return response.body


def test_a_body_is_kept_with_its_text_where_it_is_the_document(tmp_path: Path) -> None:
    kept = Kept(tmp_path, entry(), entry("https://shop.example/x", 500, '{"a": 1}', request={"headers": []}))
    assert (kept.body().text, kept.body().masked) == (PAGE, False)
    assert kept.body(1).text is None
    assert kept.files[Path(kept.body(1).artifact or "").name] == b'{"a": 1}'


@pytest.mark.parametrize("mime", ["text/html", "image/png", "application/octet-stream", "", "text/html; charset=utf-16",
                                  "application/json; charset=utf-16le", "nonsense"])
def test_a_session_is_masked_whatever_the_body_calls_itself(tmp_path: Path, mime: str) -> None:
    cookie = named(("Cookie", f"sid={SESSION}"), ("Accept", "text/html"))
    made = entry(body=f"<p>{SESSION}</p>", request={"headers": cookie}, content={"mimeType": mime})
    kept = Kept(tmp_path, made)
    assert SESSION.encode() not in kept.everything
    assert kept.body().masked


def test_a_wide_body_in_base64_becomes_utf_8_and_is_masked(tmp_path: Path) -> None:
    text = f'{{"password": "Tr0ub4dor-3", "name": "Grüße {SESSION}"}}'
    packed = base64.b64encode(text.encode("utf-16")).decode()
    made = entry(body=packed, content={"encoding": "base64", "mimeType": "application/json"},
                 request={"headers": named(("Cookie", f"sid={SESSION}"), ("Accept", "text/html"))})
    kept = Kept(tmp_path, made)
    assert "Grüße" in (kept.body().text or "")
    assert not any(form in kept.everything for form in (b"Tr0ub4dor", SESSION.encode(), SESSION.encode("utf-16-le")))


def test_a_secret_that_a_later_answer_tells_is_masked_in_an_earlier_one(tmp_path: Path) -> None:
    token = "Zx81kQpL0vB7mN3sWd5e"
    kept = Kept(tmp_path, entry(body=f"<p>{token}</p>"),
                entry("https://shop.example/login", 200, json.dumps({"access_token": token}), request={"headers": []}))
    assert token.encode() not in kept.everything


@pytest.mark.parametrize(("mime", "text"), [
    ("application/x-www-form-urlencoded", "user=alice&password=abc12&x=1"), ("text/plain", "user=alice&password=abc12"),
    ("", "password=abc12"), ("application/json", '{"user": "alice", "password": "abc12"}'),
    ("multipart/form-data; boundary=x",
     '--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nabc12\r\n--x--\r\n')])
def test_what_was_posted_is_kept_without_its_password(tmp_path: Path, mime: str, text: str) -> None:
    posted = {"method": "POST", "postData": {"mimeType": mime, "text": text}, "headers": []}
    kept = Kept(tmp_path, entry(request=posted))
    sent = kept.exchanges[0].request_body
    assert sent is not None
    assert sent.text is not None
    assert "abc12" not in sent.text
    assert "password" in sent.text


def test_bodies_that_are_no_text_are_not_kept(tmp_path: Path) -> None:
    packed = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256))).decode()
    kept = Kept(tmp_path, entry("https://shop.example/x.png", 200, packed, content={"encoding": "base64",
                                                                                   "mimeType": "image/png"}))
    assert (kept.body().dropped, kept.body().artifact, kept.files) == ("binary", None, {})


def test_past_the_budget_what_is_judged_and_what_failed_is_kept(tmp_path: Path) -> None:
    big = "x" * 2_000
    api: dict[str, Any] = {"headers": []}
    kept = Kept(tmp_path, entry("https://shop.example/a.js", 200, big + big[:900], request=api),
                entry("https://shop.example/api", 500, "failed", request=api), entry(body=PAGE + big[:500]), left=3_000)
    assert kept.body(2).text is not None
    assert kept.body(1).artifact is not None
    assert kept.body(0).dropped == "budget"
    assert [hit.limit for hit in kept.masker.limits_hit()] == ["bodies_bytes"]


def test_limits_are_kept_and_said(tmp_path: Path) -> None:
    limits = Limits(body_bytes=50, header_bytes=10, headers_bytes=100, text_chars=20)
    long = named(("X-Long", "y" * 30), ("X-More", "z" * 200), ("X-Last", "1"))
    kept = Kept(tmp_path, entry(response={"headers": long}), limits=limits)
    answer = kept.exchanges[0].response
    assert answer is not None
    assert [(line.name, line.value) for line in answer.headers] == [("X-Long", "y" * 10)]
    assert {hit.limit for hit in kept.masker.limits_hit()} == {"headers_bytes"}
    assert len(kept.body().text or "") == 20


def test_a_saved_page_is_cut_and_masked() -> None:
    masker = Masker(Redactor(), Limits(body_bytes=60, text_chars=20))
    data, text = masker.source('<input type=password value="hunter22">' + "x" * 99)
    assert (b"hunter22" in data, len(text)) == (False, 20)
    assert [hit.limit for hit in masker.limits_hit()] == ["body_bytes"]


def test_the_ledger_counts_every_secret_once(tmp_path: Path) -> None:
    kept = Kept(tmp_path, entry(request={"headers": named(("Authorization", "Bearer abcdefghij0123456789"))}))
    assert [(line.kind, line.count) for line in kept.masker.redactor.ledger()] == [("authorization", 1)]
