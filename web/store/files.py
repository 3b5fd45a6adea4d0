"""The files of cases on disk. In: directories that workers filled. Out: cases, whole or not at all, and safe paths.

    cases/<id>/            a bundle and its report, published once, never changed
    tmp/<id>.<fence>/      where the holder of that fence works
    uploads/<id>/          what came with an import, until its job has ended

A worker has parsed hostile pages: what it left is looked at before it is published. Nothing but regular files, none of
them with a second name elsewhere, is taken.
"""

import contextlib
import math
import os
import shutil
import stat
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from capture.record import codec, seal
from capture.record.bundle import REPORT, Bundle, BundleError
from report.sealed import ReportManifest
from web.errors import NotFound
from web.store import ids

ORPHAN_S: Final = 3600.0
"""Age from which an upload without a job is left over, seconds."""
PICTURE: Final = "screenshot.png"


class Unpublishable(Exception):
    """What a worker left is not a case; the message says why in one sentence."""


class Folder:
    """The data directory's part that holds files. Case ids are checked in every function."""

    def __init__(self, data: Path) -> None:
        """`data`: the data directory; `prepare` makes what is missing in it."""
        data = data.absolute()  # Flask takes other paths as seen from the package, not from where the service started
        self.cases, self.tmp, self.uploads = data / "cases", data / "tmp", data / "uploads"
        self._from_before: frozenset[str] = frozenset()

    def prepare(self) -> None:
        """Makes the directories, for nobody but us; call it once, before anything else works with them."""
        for directory in (self.cases.parent, self.cases, self.tmp, self.uploads):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._from_before = frozenset(path.name for path in self.uploads.iterdir())

    def free_bytes(self) -> int:
        """Free space for new cases, bytes."""
        return shutil.disk_usage(self.cases).free

    def staging(self, case_id: str, fence: int) -> Path:
        """A new empty directory to work in."""
        directory = self.staged_directory(case_id, fence)
        _remove(directory)
        directory.mkdir(mode=0o700, parents=True)
        return directory

    def staged_directory(self, case_id: str, fence: int) -> Path:
        """Where the holder of that fence works, whether or not it is there."""
        return self.tmp / f"{_checked(case_id)}.{fence:d}"

    def picture(self, case_id: str, fence: int) -> Path:
        """The screenshot of a capture that is still running; raises NotFound while there is none."""
        with contextlib.suppress(OSError):
            return _regular(self.staged_directory(case_id, fence), PICTURE)
        raise NotFound("there is no picture yet")

    def is_published(self, case_id: str) -> bool:
        """Whether the files of the case are in their place."""
        return self.directory(case_id).is_dir()

    def directory(self, case_id: str) -> Path:
        """Where the case is, or will be."""
        return self.cases / _checked(case_id)

    def flush(self, case_id: str, fence: int) -> Path | None:
        """Makes what was staged safe against a loss of power, before it is published.

        None when nothing was staged. Raises Unpublishable when there is something that no worker of ours writes.
        """
        directory = self.staged_directory(case_id, fence)
        if not directory.is_dir():
            return None
        for path in _checked_tree(directory):
            _sync(path)
        _sync(directory)
        return directory

    def publish(self, case_id: str, fence: int) -> Path:
        """Moves what was staged and flushed to its place, in one step; call it while the fence is held.

        A case that is there already stays: it was published before the row could say so, and the first evidence counts.
        """
        target, staged = self.directory(case_id), self.staged_directory(case_id, fence)
        if target.is_dir():
            _remove(staged)
            return target
        if not staged.is_dir():
            raise Unpublishable("nothing was made")
        staged.rename(target)
        _sync(self.cases)
        _sync(self.tmp)
        return target

    def discard(self, case_id: str, fence: int) -> None:
        """Removes what was staged."""
        _remove(self.staged_directory(case_id, fence))

    def names(self, case_id: str) -> list[seal.FileEntry]:
        """Every file of the case that its manifests list, and the manifests; raises NotFound."""
        with contextlib.suppress(BundleError, codec.UnreadableRecord, OSError):
            bundle = Bundle(self.directory(case_id))
            found = [*bundle.manifest.files, _entry(bundle, seal.MANIFEST)]
            inner = f"{REPORT}/{seal.MANIFEST}"
            if (bundle.directory / inner).is_file():
                report = codec.load(ReportManifest, bundle.read(inner))
                found += [file.model_copy(update={"path": f"{REPORT}/{file.path}"}) for file in report.files]
                found.append(_entry(bundle, inner))
            return found
        raise NotFound("there are no files of this case")

    def path(self, case_id: str, name: str) -> Path:
        """The file of that name, as the manifests spell it, for example `report/dossier.html`.

        Raises NotFound for every other name and for everything that is not a regular file inside the case.
        """
        if any(file.path == name for file in self.names(case_id)):
            with contextlib.suppress(OSError, ValueError):
                return _regular(self.directory(case_id), name)
        raise NotFound("there is no such file in this case")

    def delete(self, case_id: str) -> None:
        """Removes all files of a case."""
        _remove(self.directory(case_id))
        self.forget_uploads(case_id)
        _sync(self.cases)

    def keep_uploads(self, case_id: str, uploads: Sequence[bytes]) -> list[Path]:
        """Keeps what was uploaded, safely, until `forget_uploads`; the files are named 0, 1 and so on."""
        directory = self.uploads / _checked(case_id)
        directory.mkdir(mode=0o700)
        paths = [directory / str(number) for number in range(len(uploads))]
        for path, data in zip(paths, uploads, strict=True):
            path.write_bytes(data)
            _sync(path)
        _sync(directory)
        _sync(self.uploads)
        return paths

    def upload(self, case_id: str, number: int) -> Path:
        """One file that was uploaded; raises NotFound when it was erased."""
        with contextlib.suppress(OSError):
            return _regular(self.uploads / _checked(case_id), str(number))
        raise NotFound("what was uploaded is not there any more")

    def forget_uploads(self, case_id: str) -> None:
        """Erases what was uploaded."""
        _remove(self.uploads / _checked(case_id))

    def staged(self) -> set[tuple[str, int]]:
        """Case and fence of every directory that somebody works or worked in."""
        return {(name, int(fence)) for name, _, fence in (path.name.partition(".") for path in self.tmp.iterdir())
                if ids.valid(name) and fence.isdecimal()}

    def published(self) -> set[str]:
        """Cases whose files are in their place."""
        return {path.name for path in self.cases.iterdir() if ids.valid(path.name)}

    def uploaded(self, older_than_s: float = ORPHAN_S) -> set[str]:
        """Cases with uploads that have lain for that long, or since before `prepare`: nobody is handing them in now."""
        before = time.time() - older_than_s
        return {path.name for path in self.uploads.iterdir() if ids.valid(path.name)
                and (path.name in self._from_before or _changed_at(path) <= before)}

    def sweep(self, staged: Collection[tuple[str, int]], uploads: Collection[str], cases: Collection[str]) -> None:
        """Removes what was left over; what is, only the database knows (`publishing.sweep`)."""
        for case_id, fence in staged:
            self.discard(case_id, fence)
        for case_id in uploads:
            self.forget_uploads(case_id)
        for case_id in cases:
            self.delete(case_id)


@contextlib.contextmanager
def still_there() -> Iterator[None]:
    """Around the reading of a file that was found just now: raises NotFound when it has been moved or erased since."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("this file is not there any more") from None


def _checked(case_id: str) -> str:
    if not ids.valid(case_id):
        raise NotFound("there is no such case")
    return case_id


def _entry(bundle: Bundle, name: str) -> seal.FileEntry:
    return seal.entry(name, bundle.read(name))


def _regular(directory: Path, name: str) -> Path:
    """The regular file of a relative name; raises OSError, also when a link is on the way."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts):
        raise FileNotFoundError(name)
    path = directory
    for part in parts[:-1]:
        path /= part
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise FileNotFoundError(name)
    path /= parts[-1]
    if not stat.S_ISREG(path.lstat().st_mode):
        raise FileNotFoundError(name)
    return path


def _checked_tree(directory: Path) -> Iterator[Path]:
    """Everything below, files before the directories they are in."""
    for root, directories, files in os.walk(directory, topdown=False):
        for name in (*files, *directories):
            path = Path(root, name)
            seen = path.lstat()
            if not (stat.S_ISDIR(seen.st_mode) or (stat.S_ISREG(seen.st_mode) and seen.st_nlink == 1)):
                raise Unpublishable(f"{path.relative_to(directory)} is not a regular file of its own")
            yield path


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    """Removes a directory with everything in it, also what others remove at the same time."""
    while path.exists():
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path)


def _changed_at(path: Path) -> float:
    """Seconds since the epoch; never, when it has just been erased."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime
    return math.inf
