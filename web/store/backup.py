"""Copies of everything that is kept, and whether it is still what was sealed. In: a data directory. Out: a tar file.

    backup.json            when, of which version, SHA-256 of the database
    gatewitness.sqlite3    a snapshot, taken while the service runs (https://sqlite.org/backup.html)
    instance.key           so that what was sealed opens again: the copy is as secret as the original
    cases/<id>/            every case of the snapshot
    uploads/<id>/          what waits to be imported
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

from sqlalchemy import select

from capture.errors import BadInput
from capture.record.bundle import BundleError
from capture.record.seal import MANIFEST
from report.verify import verify
from web.store import database, ids, migrations, secrets
from web.store.database import Database
from web.store.files import Folder
from web.store.tables import Case

ABOUT: Final = "backup.json"
CASES: Final = "cases"
UPLOADS: Final = "uploads"
FORMAT: Final = 1


def write(data: Path, target: Path) -> int:
    """Copies the data directory into a new tar file of mode 0600; returns how many cases it holds.

    May run beside the service. Raises BadInput with a sentence when there is nothing to copy or no place for the copy;
    no part of a copy is left then.
    """
    if not (data / database.FILE).is_file():
        raise BadInput(f"{data} is no data directory of gatewitness: it has no {database.FILE}")
    partial = target.with_name(f".{target.name}.{ids.new_id()}")  # of this copy alone, should there be two at once
    if target.exists():
        raise BadInput(f"{target} is already there; nothing was written")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            count = _fill(data, stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


def _fill(data: Path, stream: io.BufferedWriter) -> int:
    with tempfile.TemporaryDirectory(dir=data, prefix=".backup-") as place, \
            tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        snapshot = Path(place, database.FILE)
        _copy_database(data / database.FILE, snapshot)
        about = {"format": FORMAT, "at": datetime.now(UTC).isoformat(timespec="seconds"), "database": _sha256(snapshot)}
        _add_bytes(archive, ABOUT, json.dumps(about).encode())
        archive.add(snapshot, database.FILE)
        archive.add(data / secrets.FILE, secrets.FILE)
        for directory in sorted((data / UPLOADS).iterdir()):
            _add_directory(archive, directory, UPLOADS)
        return sum(_add_directory(archive, data / CASES / case_id, CASES) for case_id in _published(snapshot))


def _copy_database(source: Path, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as live, \
            contextlib.closing(sqlite3.connect(target)) as copy:
        live.backup(copy)


def _published(snapshot: Path) -> list[str]:
    """Cases with files; also those that may have got theirs since the snapshot, and have lost their uploads for it."""
    with contextlib.closing(sqlite3.connect(snapshot)) as copy:
        rows = copy.execute("SELECT id FROM cases WHERE deleted_at IS NULL AND (manifest_sha256 IS NOT NULL"
                            " OR state IN ('queued', 'running')) ORDER BY id")
        return [row[0] for row in rows]


def _add_directory(archive: tarfile.TarFile, directory: Path, parent: str) -> bool:
    """False for a case that was deleted since the snapshot; `verify_all` will tell of it."""
    if not directory.is_dir():
        return False
    try:
        for path in sorted(directory.rglob("*")):
            archive.add(path, f"{parent}/{directory.name}/{path.relative_to(directory).as_posix()}", recursive=False)
    except FileNotFoundError:  # at this very moment; no more than whole files were written
        return False
    return True


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    archive.addfile(member, io.BytesIO(data))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def restore(source: Path, data: Path) -> int:
    """Makes a data directory of a copy; returns how many cases it holds.

    The directory must be empty or not there: nothing is overwritten. Raises BadInput with a sentence when the copy is
    damaged or something else; nothing is left then.
    """
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise BadInput(f"{data} is not an empty directory; nothing was written")
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=data.parent, prefix=f".{data.name}-"))
    except OSError as error:
        raise BadInput(f"{data} cannot be written: {error.strerror or error}") from error
    try:
        count = _unpack(source, place)
        place.rename(data)
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError) as error:
        raise BadInput(f"{source} is no whole copy made by `admin backup`: {error}") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return count


def _unpack(source: Path, place: Path) -> int:
    Folder(place).prepare()
    with tarfile.open(source, "r:") as archive:
        for member in archive:
            _extract(archive, member, place)
    about = json.loads((place / ABOUT).read_bytes())
    if about["format"] != FORMAT or about["database"] != _sha256(place / database.FILE):
        raise tarfile.TarError("its database is not the one that was copied")
    (place / ABOUT).unlink()
    return sum(1 for _ in (place / CASES).iterdir())


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    """Directories and regular files of known places only, with rights of our own."""
    parts = PurePosixPath(member.name).parts
    inside = len(parts) > 1 and parts[0] in (CASES, UPLOADS) and ".." not in parts
    if not (inside or member.name in (ABOUT, database.FILE, secrets.FILE)):
        raise tarfile.TarError(f"{member.name!r} does not belong into it")
    if member.isdir():
        (place / member.name).mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    content = archive.extractfile(member) if member.isreg() else None
    if content is None:
        raise tarfile.TarError(f"{member.name!r} is neither a file nor a directory")
    path = place / member.name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        shutil.copyfileobj(content, stream)
        stream.flush()
        os.fsync(stream.fileno())


def verify_all(data: Path) -> Iterator[str]:
    """One sentence for everything in a data directory that is not as the database and the seals say.

    May run beside the service: what comes or goes meanwhile is no difference. Raises BadInput when there is no such
    directory.
    """
    if not (data / database.FILE).is_file():
        raise BadInput(f"{data} is no data directory of gatewitness: it has no {database.FILE}")
    kept, files = Database(data), Folder(data)
    try:
        migrations.upgrade(kept)
        there = files.published()  # before the rows, which are older than their files
        with kept.reading() as db:
            rows = list(db.execute(select(Case.id, Case.manifest_sha256, Case.deleted_at)))
        for case_id, sealed, deleted_at in rows:
            if deleted_at is not None:
                yield from [f"{case_id}: deleted, and its files are still there"] if files.is_published(case_id) else []
            elif sealed is not None:
                found = _differences(files.directory(case_id), sealed)
                yield from (f"{case_id}: {line}" for line in found if not _is_deleted(kept, case_id))
        yield from (f"{case_id}: files without a row" for case_id in sorted(there - {row[0] for row in rows}))
    finally:
        kept.close()


def _is_deleted(kept: Database, case_id: str) -> bool:
    with kept.reading() as db:
        return db.get_one(Case, case_id).deleted_at is not None


def _differences(directory: Path, sealed: str) -> list[str]:
    try:
        found = verify(directory)
        if not found and _sha256(directory / MANIFEST) != sealed:
            found = [f"{MANIFEST}: not the one that the database knows"]
    except (BundleError, OSError) as error:
        return [f"its files cannot be read: {error}"]
    return found
