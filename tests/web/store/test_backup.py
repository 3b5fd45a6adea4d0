"""Copies: taken while the service runs, restored whole or not at all, and checked against seals and database."""

import contextlib
import io
import os
import shutil
import stat
import tarfile
import threading
from pathlib import Path

import pytest

from capture.errors import BadInput
from report.verify import verify
from tests.builders import answered
from tests.web.store.made import Store, fill, open_store
from web.store import backup, cases, jobs, publishing, secrets
from web.store.database import FILE
from web.store.submission import Upload


def published(store: Store, owner: str, status: int = 502) -> str:
    """A case with files."""
    store.submit(owner)
    with store.database.transaction() as db:
        job = jobs.claim(db, "w")
    assert job is not None
    fill(store.files.staging(job.case_id, job.fence), answered(status, [], "<h1>Error</h1>"))
    assert publishing.publish(store.database, store.files, job.case_id, job.fence)
    return job.case_id


def contents(directory: Path) -> dict[str, bytes]:
    files = filter(Path.is_file, directory.rglob("*"))
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def test_a_restored_copy_is_the_same_and_opens_what_was_sealed(store: Store, owner: str, tmp_path: Path) -> None:
    case_id = published(store, owner)
    sealed = store.key.seal(b"a request")
    target = tmp_path / "copy.tar"
    assert backup.write(store.config.data, target) == 1
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    again = tmp_path / "again"
    assert backup.restore(target, again) == 1
    assert contents(again / "cases") == contents(store.files.cases)
    assert secrets.load(again).open(sealed) == b"a request"
    assert stat.S_IMODE((again / "cases" / case_id).stat().st_mode) == 0o700
    assert list(backup.verify_all(again)) == []
    reopened = open_store(again)
    with reopened.database.reading() as db:
        assert cases.counts(db) == {"done": 1}
    reopened.database.close()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_waits_to_be_imported_is_copied_too(store: Store, owner: str, tmp_path: Path) -> None:
    case = store.submit(owner, url="", source="import", uploads=(Upload(name="page.har", data=b"{}"),))
    backup.write(store.config.data, tmp_path / "copy.tar")
    backup.restore(tmp_path / "copy.tar", tmp_path / "again")
    assert (tmp_path / "again" / "uploads" / case.id / "0").read_bytes() == b"{}"


def test_a_copy_taken_while_others_write_is_consistent(store: Store, owner: str, tmp_path: Path) -> None:
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            published(store, owner)

    writer = threading.Thread(target=busy)
    writer.start()
    try:
        copied = backup.write(store.config.data, tmp_path / "copy.tar")
    finally:
        stop.set()
        writer.join()
    assert backup.restore(tmp_path / "copy.tar", tmp_path / "again") == copied
    assert list(backup.verify_all(tmp_path / "again")) == []


def test_nothing_is_overwritten(store: Store, owner: str, tmp_path: Path) -> None:
    published(store, owner)
    target = tmp_path / "copy.tar"
    backup.write(store.config.data, target)
    data = target.read_bytes()
    with pytest.raises(BadInput, match="already there; nothing was written"):
        backup.write(store.config.data, target)
    with pytest.raises(BadInput, match="not an empty directory; nothing was written"):
        backup.restore(target, store.config.data)
    assert target.read_bytes() == data


def test_where_nothing_can_be_written_nothing_is_left(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written"):
        backup.write(store.config.data, tmp_path / "missing" / "copy.tar")
    with pytest.raises(BadInput, match="no data directory of gatewitness"):
        backup.write(tmp_path / "missing", tmp_path / "copy.tar")
    assert not (tmp_path / "copy.tar").exists()


def member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
           ) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(data)
    return info, data


HOSTILE = {
    "climbs": member("cases/../../out", b"x"),
    "absolute": member("/out", b"x"),
    "links": member("cases/a/evidence.json", kind=tarfile.SYMTYPE, link="/etc/passwd"),
    "hard-links": member("cases/a/evidence.json", kind=tarfile.LNKTYPE, link="instance.key"),
    "device": member("cases/a/null", kind=tarfile.CHRTYPE),
    "stranger": member("run", b"x"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_copy_with_something_foreign_in_it_is_refused_whole(store: Store, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "copy.tar"
    backup.write(store.config.data, target)
    info, data = HOSTILE[kind]
    with tarfile.open(target, "a") as archive:
        archive.addfile(info, io.BytesIO(data))
    with pytest.raises(BadInput, match=r"no whole copy made by `admin backup`"):
        backup.restore(target, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "flipped"])
def test_a_damaged_copy_is_refused_whole(store: Store, owner: str, tmp_path: Path, damage: str) -> None:
    published(store, owner)
    target = tmp_path / "copy.tar"
    backup.write(store.config.data, target)
    data = target.read_bytes()
    at = data.index(b"SQLite format 3") + 40
    target.write_bytes({"cut": data[:at], "empty": b"", "other": b"PK" + data[2:],
                        "flipped": data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]}[damage])
    with pytest.raises(BadInput, match="no whole copy"):
        backup.restore(target, tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir() if "again" in path.name) == []


def test_every_change_in_the_data_is_told(store: Store, owner: str) -> None:
    changed, missing, replaced, deleted = (published(store, owner, 500 + n) for n in range(4))
    (store.files.directory(changed) / "screenshot.png").write_bytes(b"another picture")
    shutil.rmtree(store.files.directory(missing))
    shutil.rmtree(store.files.directory(replaced))
    shutil.copytree(store.files.directory(deleted), store.files.directory(replaced))
    stranger = "0" * 26
    shutil.copytree(store.files.directory(deleted), store.files.directory(stranger))
    with store.database.transaction() as db:
        cases.tombstone(db, deleted, "ann", "asked to")
    told = list(backup.verify_all(store.config.data))
    assert {line.partition(":")[0] for line in told} == {changed, missing, replaced, deleted, stranger}
    assert f"{replaced}: manifest.json: not the one that the database knows" in told
    assert f"{deleted}: deleted, and its files are still there" in told
    assert f"{stranger}: files without a row" in told


def test_a_place_without_a_database_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"it has no {FILE}"):
        list(backup.verify_all(tmp_path / "nothing"))
    with contextlib.suppress(FileNotFoundError):
        assert os.listdir(tmp_path / "nothing") == []


def test_an_import_that_ends_while_it_is_copied_is_in_the_copy(
    store: Store, owner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = store.submit(owner, url="", source="import", uploads=(Upload(name="page.har", data=b"{}"),))
    with store.database.transaction() as db:
        job = jobs.claim(db, "w")
    assert job is not None
    copied = backup._copy_database

    def and_then_it_ends(source: Path, target: Path) -> None:
        copied(source, target)
        fill(store.files.staging(job.case_id, job.fence))
        assert publishing.publish(store.database, store.files, job.case_id, job.fence)

    monkeypatch.setattr(backup, "_copy_database", and_then_it_ends)
    assert backup.write(store.config.data, tmp_path / "copy.tar") == 1
    backup.restore(tmp_path / "copy.tar", tmp_path / "again")
    assert contents(tmp_path / "again" / "cases" / case.id) == contents(store.files.directory(case.id))
    assert list(backup.verify_all(tmp_path / "again")) == []


def test_a_case_that_is_deleted_while_it_is_copied_stops_nothing(
    store: Store, owner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, staying = (published(store, owner) for _ in range(2))
    add = tarfile.TarFile.add

    def too_late(archive: tarfile.TarFile, name: Path, arcname: str, recursive: bool = True) -> None:
        if arcname.startswith(f"cases/{going}/"):
            shutil.rmtree(store.files.directory(going), ignore_errors=True)
        add(archive, name, arcname, recursive)

    monkeypatch.setattr(tarfile.TarFile, "add", too_late)
    assert backup.write(store.config.data, tmp_path / "copy.tar") == 1
    backup.restore(tmp_path / "copy.tar", tmp_path / "again")
    assert [path.name for path in (tmp_path / "again" / "cases").iterdir()] == [staying]


def test_what_comes_and_goes_while_all_is_verified_is_no_difference(
    store: Store, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = published(store, owner)

    def meanwhile(directory: Path) -> list[str]:
        published(store, owner)
        with store.database.transaction() as db:
            cases.tombstone(db, going, "ann", "asked to")
        store.files.delete(going)
        return verify(directory)

    monkeypatch.setattr("web.store.backup.verify", meanwhile)
    assert list(backup.verify_all(store.config.data)) == []
