"""A bundle on disk: nothing that was there is touched, every file is there whole or not at all."""

import errno
import os
import stat
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from capture.record import codec, seal
from capture.record.bundle import Bundle, BundleError, BundleWriter, write_file
from tests import builders


def everything(directory: Path) -> dict[str, bytes | None]:
    """Every path below a directory, with the content of files."""
    return {path.relative_to(directory).as_posix(): path.read_bytes() if path.is_file() else None
            for path in directory.rglob("*")}


def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)


def test_a_directory_that_does_not_exist_is_made_with_its_parents(tmp_path: Path) -> None:
    BundleWriter(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    assert BundleWriter(tmp_path).directory == tmp_path


def test_a_directory_with_something_in_it_is_refused_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("mine")
    before = everything(tmp_path)
    with pytest.raises(BundleError, match="is not an empty directory; nothing was written"):
        BundleWriter(tmp_path)
    assert everything(tmp_path) == before


def test_a_file_in_the_place_of_the_directory_is_refused_and_not_touched(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("mine")
    with pytest.raises(BundleError, match="is not an empty directory"):
        BundleWriter(place)
    with pytest.raises(BundleError, match="cannot use"):
        BundleWriter(place / "below")
    assert place.read_text() == "mine"


def test_whoever_listens_hears_of_every_file_when_it_is_there(tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []
    writer = BundleWriter(tmp_path, lambda path: heard.append((path, (tmp_path / path).read_bytes())))
    writer.add("screenshot.png", b"picture")
    writer.artifact(b"body", "txt")
    writer.artifact(b"body", "txt")
    assert heard[0] == ("screenshot.png", b"picture")
    assert [data for _, data in heard] == [b"picture", b"body"]


def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(BundleError):
        BundleWriter(tmp_path / "link")
    assert not (tmp_path / "gone").exists()


def test_a_directory_that_may_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(BundleError, match="is not writable"):
        BundleWriter(tmp_path)


def test_a_refused_directory_leaves_no_new_parents_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(BundleError):
        BundleWriter(tmp_path / "a" / "b")
    assert everything(tmp_path) == {}


def test_a_parent_that_cannot_be_made_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuses)
    with pytest.raises(BundleError, match=r"cannot use .*: Permission denied"):
        BundleWriter(tmp_path / "new")


def test_a_file_is_written_below_new_directories(tmp_path: Path) -> None:
    assert BundleWriter(tmp_path).add("a/b/c.bin", b"data") == "a/b/c.bin"
    assert everything(tmp_path) == {"a": None, "a/b": None, "a/b/c.bin": b"data"}


def test_a_write_that_fails_leaves_neither_the_file_nor_a_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                     ) -> None:
    full_disk(monkeypatch)
    with pytest.raises(BundleError, match=r"cannot write .*: No space left on device"):
        write_file(tmp_path / "file", b"data")
    assert everything(tmp_path) == {}


def test_a_write_that_fails_leaves_the_old_content_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "file", b"old")
    full_disk(monkeypatch)
    with pytest.raises(BundleError):
        write_file(tmp_path / "file", b"new")
    assert everything(tmp_path) == {"file": b"old"}


def test_a_file_appears_under_its_name_only_when_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                  ) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append((tmp_path / "file").exists()))
    write_file(tmp_path / "file", b"data")
    assert seen == [False]


def test_a_directory_in_the_place_of_a_parent_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BundleError, match="cannot write"):
        write_file(tmp_path / "file" / "below", b"data")


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    writer = BundleWriter(tmp_path)
    first, second = writer.artifact(b"same", "txt"), writer.artifact(b"same", "txt")
    assert first == second == f"artifacts/{seal.entry('', b'same').sha256}.txt"
    assert writer.artifact(b"other", "txt") != first
    assert len(list((tmp_path / "artifacts").iterdir())) == 2


def test_a_sealed_bundle_is_as_its_manifest_says(tmp_path: Path) -> None:
    writer = BundleWriter(tmp_path)
    writer.add("page.har", b"har")
    writer.artifact(b"body", "html")
    evidence = builders.answered(502)
    bundle = writer.seal(evidence)
    present = {path: partial(bytes, data) for path, data in everything(tmp_path).items()
               if data is not None and path != seal.MANIFEST}
    assert seal.differences(bundle.manifest, present) == []
    assert set(present) == {"page.har", "evidence.json", writer.artifact(b"body", "html")}
    assert bundle.evidence == evidence
    assert Bundle(tmp_path).read("page.har") == b"har"


def test_what_fails_before_the_manifest_is_no_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = BundleWriter(tmp_path)
    full_disk(monkeypatch)
    with pytest.raises(BundleError):
        writer.seal(builders.answered(200))
    with pytest.raises(BundleError, match="is not a bundle"):
        Bundle(tmp_path)


@pytest.mark.parametrize("missing", ["evidence.json", seal.MANIFEST])
def test_a_directory_without_its_two_main_files_is_no_bundle(missing: str, tmp_path: Path) -> None:
    BundleWriter(tmp_path).seal(builders.answered(200))
    (tmp_path / missing).unlink()
    with pytest.raises(BundleError, match="is not a bundle"):
        Bundle(tmp_path)


def test_a_manifest_that_cannot_be_read_names_its_field(tmp_path: Path) -> None:
    BundleWriter(tmp_path).seal(builders.answered(200))
    (tmp_path / seal.MANIFEST).write_bytes(b'{"schema_version": 1}')
    with pytest.raises(codec.UnreadableRecord, match="Manifest: field case"):
        _ = Bundle(tmp_path).manifest


@pytest.mark.parametrize("path", ["../outside", "a/../../outside", "link", "/etc/hostname"])
def test_nothing_outside_the_bundle_is_read(path: str, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("not yours")
    place = tmp_path / "bundle"
    BundleWriter(place).seal(builders.answered(200))
    (place / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(BundleError, match="outside the bundle"):
        Bundle(place).read(path)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    BundleWriter(tmp_path).seal(builders.answered(200))
    with pytest.raises(BundleError, match="cannot read artifacts/none: No such file"):
        Bundle(tmp_path).read("artifacts/none")


def test_to_discard_leaves_what_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "neighbour").write_text("mine")
    writer = BundleWriter(tmp_path / "a" / "b")
    writer.add("artifacts/x.bin", b"1")
    (writer.directory / "artifacts" / "link").symlink_to(tmp_path / "neighbour")
    writer.discard()
    assert everything(tmp_path) == {"neighbour": b"mine"}


def test_to_discard_keeps_an_empty_directory_that_was_given(tmp_path: Path) -> None:
    mode = stat.S_IMODE(tmp_path.stat().st_mode)
    writer = BundleWriter(tmp_path)
    writer.add("artifacts/x.bin", b"1")
    writer.discard()
    assert everything(tmp_path) == {}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == mode
