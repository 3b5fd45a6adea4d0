"""What is handed in, and its bounds."""

import pytest

from capture.errors import BadInput
from capture.importers import given
from capture.importers.given import Upload, bare_name, bounded


@pytest.mark.parametrize(("name", "bare"), [
    ("shop.har", "shop.har"), ("/etc/passwd", "passwd"), ("C:\\Users\\me\\a.har", "a.har"), ("../../a.har", "a.har"),
    ("a\x1b[31m\r\n.har", "a[31m.har"), ("gpj.\u202ehar", "gpj.har"), ("", "file"), ("dir/", "file"), ("\0", "file")])
def test_a_name_loses_directories_and_what_hides(name: str, bare: str) -> None:
    assert bare_name(name) == bare


def test_a_long_name_keeps_its_end() -> None:
    assert bare_name("a" * 500 + ".har") == "a" * (given.NAME_CHARS - 4) + ".har"


def test_bounds_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "FILE_BYTES", 1_000_000)
    monkeypatch.setattr(given, "ALL_BYTES", 1_500_000)
    for files, words in (((), "no file"), ([Upload("a", b"x")] * 21, "too many"), ([Upload("a", b"")], "empty"),
                         ([Upload("a", b"x" * 1_000_001)], "larger than 1 MB"),
                         ([Upload("a", b"x" * 900_000)] * 2, "together")):
        with pytest.raises(BadInput, match=words):
            bounded(tuple(files))
    assert [file.name for file in bounded((Upload("x/a", b"1"), Upload("b", b"2")))] == ["a", "b"]
