"""Files from somebody else's browser: from bytes to a sealed bundle, or one sentence and nothing on disk."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture.errors import BadInput, CaptureError
from capture.importers import Options, Upload, bring
from capture.record import seal
from tests.builders import NOW
from tests.capture.importers import files, talks
from tests.capture.importers.files import PAGE, URL, har, mhtml, packed, png, upload

EVERY: dict[str, Any] = {**{name: make() for name, make in files.DIALECTS.items()},
         "zip": packed({"har.har": files.playwright()[0], **files.playwright()[1]}), "png": png(),
         "jpeg": png(kind="JPEG"), "webp": png(kind="WEBP"), "html": PAGE, "mhtml": mhtml(), "curl": talks.ANSWERED,
         "curl-failed": talks.REFUSED, "utf-16": json.dumps(files.chrome()).encode("utf-16")}


@pytest.mark.parametrize("name", EVERY)
def test_every_kind_of_file_becomes_a_sealed_bundle(name: str, tmp_path: Path) -> None:
    bundle = bring([upload(EVERY[name], name)], tmp_path / "case", Options(now=NOW))
    present = {file.path: (lambda path=file.path: bundle.read(path)) for file in bundle.manifest.files}
    on_disk = {str(path.relative_to(bundle.directory)) for path in bundle.directory.rglob("*") if path.is_file()}
    assert seal.differences(bundle.manifest, present) == []
    assert on_disk == {*present, "manifest.json"}
    assert bundle.evidence.imported is not None
    assert json.loads(bundle.read("page.har"))["log"]["creator"]["name"] == "gatewitness"


def test_bodies_beside_the_har_are_found(tmp_path: Path) -> None:
    load = bring([upload(EVERY["zip"], "trace.zip")], tmp_path / "case").evidence.pages[0]
    response = load.exchanges[0].response
    assert response is not None
    assert response.body is not None
    assert response.body.text == PAGE


BAD = {"nothing": [], "empty": [Upload("a", b"")], "unknown": [Upload("a", b"hello")],
       "one of two": [upload(PAGE), Upload("b", b"\0")], "broken": [Upload("a.har", b'{"log": {')],
       "cut": [Upload("a.png", png()[:30])],
       "bomb": [Upload("a.zip", packed({"har.har": har(comment="0" * 30_000_000)}))],
       "no document": [Upload("a.mhtml", b"Content-Type: multipart/related; boundary=x\r\n\r\n")]}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_taken_is_one_sentence_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        bring(BAD[name], tmp_path / "case")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_empty_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(CaptureError, match="not an empty directory"):
        bring([upload(PAGE)], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("capture.record.bundle.BundleWriter.seal", full)
    with pytest.raises(CaptureError, match="No space left"):
        bring([upload(files.chrome())], tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["capture.importers.har.part", "capture.importers.case.write"])
def test_files_that_do_not_fit_into_memory_are_refused(place: str, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    def large(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(place, large)
    with pytest.raises(BadInput, match="memory"):
        bring([upload(files.chrome())], tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="only http"):
        bring([upload(PAGE)], tmp_path / "case", Options(url="javascript:alert(1)"))


def test_an_address_loses_its_password(tmp_path: Path) -> None:
    made = bring([Upload("a.png", png())], tmp_path / "case", Options(url="https://alice:Tr0ub4dor@shop.example/"))
    assert made.evidence.request.url == "https://shop.example/"


def _attempt(data: bytes, directory: Path) -> None:
    """Either a bundle that can be read, or one sentence and nothing."""
    said = ""
    try:
        assert bring([Upload("x", data)], directory / "case", Options(url=URL)).evidence.pages
    except BadInput as error:
        said = str(error)
    assert "\n" not in said
    assert (directory / "case").exists() is not bool(said)
    shutil.rmtree(directory / "case", ignore_errors=True)


fuzzed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
wholes = st.sampled_from([upload(content).data for content in EVERY.values()])


@fuzzed
@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_are_a_bundle_or_a_sentence(data: bytes, tmp_path: Path) -> None:
    _attempt(data, tmp_path)


@fuzzed
@given(data=wholes, share=st.floats(0, 1), at=st.floats(0, 1), junk=st.binary(max_size=8))
def test_files_that_were_cut_and_damaged_are_a_bundle_or_a_sentence(data: bytes, share: float, at: float, junk: bytes,
                                                                    tmp_path: Path) -> None:
    cut = data[:int(share * len(data))]
    place = int(at * len(cut))
    _attempt(cut[:place] + junk + cut[place + len(junk):], tmp_path)


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
values = st.recursive(scalars, lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)), max_leaves=8)


@fuzzed
@given(value=values, path=st.sampled_from([
    ("log", "entries", 0, "request", "headers"), ("log", "entries", 0, "response", "content"), ("log", "entries", 0),
    ("log", "entries", 0, "request", "url"), ("log", "entries", 0, "response"), ("log", "pages"), ("log", "creator"),
    ("log", "entries", 0, "timings"), ("log", "entries", 0, "startedDateTime"), ("log", "entries"), ("log", "browser"),
    ("log", "entries", 0, "response", "headers", 0, "value"), ("log", "entries", 0, "request", "postData"),
    ("log", "entries", 0, "response", "content", "text"), ("log", "entries", 0, "serverIPAddress")]))
def test_any_value_anywhere_in_a_har_is_a_bundle_or_a_sentence(value: Any, path: tuple[Any, ...],
                                                               tmp_path: Path) -> None:
    made: Any = files.firefox()
    place = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    _attempt(json.dumps(made).encode(), tmp_path)


TALKS = (talks.ANSWERED, talks.REDIRECTED, talks.PROXIED, talks.REFUSED, talks.BOTH)
talk_lines = st.sampled_from([line for text in TALKS for line in text.splitlines()])


@fuzzed
@given(lines=st.lists(st.one_of(talk_lines, st.text(max_size=30)), max_size=40))
def test_any_lines_of_curl_are_a_bundle_or_a_sentence(lines: list[str], tmp_path: Path) -> None:
    text = "\n".join(["* Connected to shop.example (192.0.2.10) port 80", *lines])
    _attempt(text.encode("utf-8", "replace"), tmp_path)
