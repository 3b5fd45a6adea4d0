"""Files of cases: published whole or not at all, found only by the names of their manifests."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.record import codec, seal
from report.verify import verify
from tests.web.store.made import fill
from web.errors import NotFound
from web.store import ids
from web.store.files import Folder, Unpublishable

CASE = "0123456789ABCDEFGHJKMNPQRS"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "data")
    made.prepare()
    return made


@pytest.fixture
def published(folder: Folder) -> Folder:
    """A folder with one case in it."""
    fill(folder.staging(CASE, 1))
    folder.flush(CASE, 1)
    folder.publish(CASE, 1)
    return folder


@pytest.fixture(scope="module")
def one_case(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The same for tests that only read."""
    made = Folder(tmp_path_factory.mktemp("data"))
    made.prepare()
    fill(made.staging(CASE, 1))
    made.publish(CASE, 1)
    return made


def test_the_directories_are_ours_alone_and_made_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.prepare()
    (folder.cases / "kept").mkdir()
    folder.prepare()
    assert (folder.cases / "kept").is_dir()
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "data", folder.cases, folder.tmp, folder.uploads)
            ] == [0o700] * 4


def test_a_case_is_published_as_it_was_sealed(published: Folder) -> None:
    assert published.is_published(CASE)
    assert verify(published.directory(CASE)) == []
    assert list(published.tmp.iterdir()) == []


def test_what_is_not_published_is_not_there(folder: Folder) -> None:
    fill(folder.staging(CASE, 1))
    assert not folder.is_published(CASE)
    for ask in (lambda: folder.names(CASE), lambda: folder.path(CASE, "evidence.json")):
        with pytest.raises(NotFound):
            ask()


def test_staging_is_empty_even_after_a_crash(folder: Folder) -> None:
    (folder.staging(CASE, 1) / "rest").write_text("of a crash")
    assert list(folder.staging(CASE, 1).iterdir()) == []


def test_the_first_published_evidence_counts(published: Folder) -> None:
    """A second publication happens only when a crash came between the move and the row."""
    before = (published.directory(CASE) / "manifest.json").read_bytes()
    (published.staging(CASE, 2) / "evidence.json").write_text("another")
    assert published.publish(CASE, 2) == published.directory(CASE)
    assert published.publish(CASE, 1) == published.directory(CASE), "the same fence again"
    assert (published.directory(CASE) / "manifest.json").read_bytes() == before
    assert list(published.tmp.iterdir()) == []


def test_nothing_cannot_be_published(folder: Folder) -> None:
    assert folder.flush(CASE, 1) is None
    with pytest.raises(Unpublishable):
        folder.publish(CASE, 1)
    assert not folder.is_published(CASE)


def test_files_are_flushed_before_they_are_moved(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file and every directory, and after the move both directories that it changed."""
    log: list[tuple[str, str]] = []
    really_fsync, really_rename = os.fsync, Path.rename

    def fsync(handle: int) -> None:
        log.append(("fsync", os.readlink(f"/proc/self/fd/{handle}")))
        really_fsync(handle)

    def rename(path: Path, to: Path) -> Path:
        log.append(("rename", str(path)))
        return really_rename(path, to)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    directory = folder.staging(CASE, 1)
    fill(directory)
    expected = {str(directory), *map(str, directory.rglob("*"))}
    log.clear()
    folder.flush(CASE, 1)
    folder.publish(CASE, 1)
    at = log.index(("rename", str(directory)))
    assert {path for kind, path in log[:at]} == expected
    assert log[at + 1:] == [("fsync", str(folder.cases)), ("fsync", str(folder.tmp))]


def link(directory: Path, secret: Path) -> None:
    (directory / "evil.txt").symlink_to(secret)


def linked_directory(directory: Path, secret: Path) -> None:
    (directory / "evil").symlink_to(secret.parent)


def second_name(directory: Path, secret: Path) -> None:
    (directory / "evil.txt").hardlink_to(secret)


def pipe(directory: Path, secret: Path) -> None:
    os.mkfifo(directory / "evil.txt")


def a_socket(directory: Path, secret: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    here = os.open(directory, os.O_PATH)
    listening.bind(f"/proc/self/fd/{here}/evil.sock")
    os.close(here)
    listening.close()


@pytest.mark.parametrize("evil", [link, linked_directory, second_name, pipe, a_socket])
def test_a_worker_that_was_taken_over_cannot_publish_our_files(folder: Folder, evil: Callable[[Path, Path], None],
                                                               tmp_path: Path) -> None:
    secret = tmp_path / "data" / "instance.key"
    secret.write_text("secret")
    directory = folder.staging(CASE, 1)
    fill(directory)
    evil(directory / "report", secret)
    with pytest.raises(Unpublishable, match=r"report/evil\S* is not a regular file of its own"):
        folder.flush(CASE, 1)
    assert not folder.is_published(CASE)


def test_names_are_those_of_the_manifests(one_case: Folder) -> None:
    names = {file.path for file in one_case.names(CASE)}
    assert names == {"evidence.json", "screenshot.png", "manifest.json", "report/diagnosis.json",
                     "report/packs/owner/letter.md", "report/manifest.json"}
    for file in one_case.names(CASE):
        path = one_case.path(CASE, file.path)
        assert (path.stat().st_size, seal.entry("", path.read_bytes()).sha256) == (file.size, file.sha256)


@pytest.mark.parametrize("name", [
    "", "/", ".", "..", "report", "report/", "report//diagnosis.json", "./evidence.json", "evidence.json/",
    "../instance.key", "report/../evidence.json", "report/../../../instance.key", "/etc/passwd", "//etc/passwd",
    "evidence.json\0", "evidence.json\0.png", "report\\diagnosis.json", "..\\instance.key", "EVIDENCE.JSON",
    "evidence.json ", "%2e%2e/instance.key", "notthere.txt", "a" * 5000, "\ud800", "evidence.json\n"])
def test_every_other_name_is_not_found(one_case: Folder, name: str) -> None:
    with pytest.raises(NotFound):
        one_case.path(CASE, name)


@given(st.text(st.sampled_from("./\\\0 aevidnc.jso%2e~"), max_size=30))
def test_no_name_leads_outside(one_case: Folder, name: str) -> None:
    try:
        path = one_case.path(CASE, name)
    except NotFound:
        return
    assert path.resolve().is_relative_to(one_case.directory(CASE).resolve())


@pytest.mark.parametrize("case_id", ["", "..", "../tmp", "x", CASE.lower(), CASE + "/", "/" + CASE, CASE + "\0",
                                     "." + CASE])
def test_every_other_case_is_not_found(one_case: Folder, case_id: str) -> None:
    for ask in (lambda: one_case.path(case_id, "evidence.json"), lambda: one_case.names(case_id),
                lambda: one_case.directory(case_id), lambda: one_case.staging(case_id, 1),
                lambda: one_case.delete(case_id), lambda: one_case.keep_uploads(case_id, [b""]),
                lambda: one_case.upload(case_id, 0), lambda: one_case.picture(case_id, 1)):
        with pytest.raises(NotFound):
            ask()


@pytest.mark.parametrize("name", ["../instance.key", "link.txt", "linked/instance.key", "/etc/passwd", "report"])
def test_a_manifest_that_lies_leads_nowhere(folder: Folder, tmp_path: Path, name: str) -> None:
    """The manifest was written by the worker, too: that a name stands there is not enough."""
    (tmp_path / "data" / "instance.key").write_text("secret")
    directory = folder.staging(CASE, 1)
    fill(directory)
    (directory / "link.txt").symlink_to(tmp_path / "data" / "instance.key")
    (directory / "linked").symlink_to(tmp_path / "data")
    listed = codec.load(seal.Manifest, (directory / "manifest.json").read_bytes()).files
    lying = seal.manifest([*listed, seal.FileEntry(path=name, size=1, sha256="0" * 64)])
    (directory / "manifest.json").write_bytes(codec.dump(lying))
    folder.publish(CASE, 1)
    assert name in {file.path for file in folder.names(CASE)}
    with pytest.raises(NotFound):
        folder.path(CASE, name)


def test_the_picture_is_there_while_the_capture_runs(folder: Folder) -> None:
    with pytest.raises(NotFound):
        folder.picture(CASE, 3)
    directory = folder.staging(CASE, 3)
    with pytest.raises(NotFound):
        folder.picture(CASE, 3)
    (directory / "screenshot.png").write_bytes(b"png")
    assert folder.picture(CASE, 3).read_bytes() == b"png"
    (directory / "screenshot.png").unlink()
    (directory / "screenshot.png").symlink_to("/etc/passwd")
    with pytest.raises(NotFound):
        folder.picture(CASE, 3)


def test_uploads_are_kept_until_they_are_forgotten(folder: Folder) -> None:
    folder.keep_uploads(CASE, [b"first", b"second"])
    assert [folder.upload(CASE, number).read_bytes() for number in (0, 1)] == [b"first", b"second"]
    with pytest.raises(NotFound):
        folder.upload(CASE, 2)
    folder.forget_uploads(CASE)
    folder.forget_uploads(CASE)
    with pytest.raises(NotFound):
        folder.upload(CASE, 0)


def test_deleting_leaves_nothing_and_can_be_repeated(published: Folder) -> None:
    published.keep_uploads(CASE, [b"x"])
    published.delete(CASE)
    published.delete(CASE)
    assert not published.is_published(CASE)
    assert [list(place.iterdir()) for place in (published.cases, published.tmp, published.uploads)] == [[], [], []]


def test_what_is_no_case_is_not_listed(folder: Folder) -> None:
    for place in (folder.cases, folder.tmp, folder.uploads):
        (place / "lost+found").mkdir()
        (place / ".nfs0001").write_text("")
    folder.staging(CASE, 7)
    assert (folder.staged(), folder.published(), folder.uploaded(0)) == ({(CASE, 7)}, set(), set())


def test_free_space_is_that_of_the_disk(folder: Folder) -> None:
    disk = os.statvfs(folder.cases)
    assert 0 < folder.free_bytes() <= disk.f_blocks * disk.f_frsize


def test_what_two_delete_at_once_is_gone(published: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    rmtree = shutil.rmtree

    def overtaken(path: Path) -> None:
        monkeypatch.setattr(shutil, "rmtree", rmtree)
        raise FileNotFoundError(path)

    monkeypatch.setattr(shutil, "rmtree", overtaken)
    published.delete(CASE)
    assert not published.is_published(CASE)


def test_an_upload_that_is_erased_while_all_are_listed_is_not_listed(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.keep_uploads(CASE, [b"x"])

    valid = ids.valid

    def and_then_it_goes(name: str) -> bool:
        monkeypatch.setattr(ids, "valid", valid)
        folder.forget_uploads(CASE)
        return valid(name)

    monkeypatch.setattr(ids, "valid", and_then_it_goes)
    assert folder.uploaded(0) == set()
