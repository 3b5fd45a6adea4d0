"""A bundle on disk: written once, sealed, then only read. In: bytes, an Evidence. Out: a directory with a manifest."""

import contextlib
import hashlib
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from capture.record import codec, seal
from capture.record.evidence import Evidence

EVIDENCE = "evidence.json"
REPORT = "report"
"""Directory of the reports inside a bundle; made later and sealed by a manifest of its own."""


class BundleError(OSError):
    """A bundle cannot be written or read; the message is one sentence for the user."""


def write_file(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Writes a file so that it is there whole or not at all; durable: also after the power fails.

    Raises BundleError with one sentence for the user.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            stream.write(data)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise BundleError(f"cannot write {path}: {error.strerror or error}") from error


def _flush(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    except OSError as error:
        raise BundleError(f"cannot write {path}: {error.strerror or error}") from error


class BundleWriter:
    """Collects the files of one capture in an empty directory and seals them."""

    def __init__(self, directory: Path, added: Callable[[str], None] = lambda path: None) -> None:
        """Claims the directory; raises BundleError when it cannot be made, written or is not empty.

        `added` is told the path of every file as soon as it is there.
        """
        self.directory = directory
        self._added = added
        self.entries: dict[str, seal.FileEntry] = {}
        self._made: list[Path] = []
        try:
            if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
                raise BundleError(f"{directory} is not an empty directory; nothing was written")
            self._made = [p for p in (directory, *directory.parents) if not p.exists()]
            directory.mkdir(parents=True, exist_ok=True)
            if not os.access(directory, os.W_OK | os.X_OK):
                self.discard()
                raise BundleError(f"{directory} is not writable")
        except BundleError:
            raise
        except OSError as error:
            raise BundleError(f"cannot use {directory}: {error.strerror or error}") from error

    def add(self, path: str, data: bytes) -> str:
        """Writes one file and returns its path inside the bundle."""
        write_file(self.directory / path, data, durable=False)
        self.entries[path] = seal.entry(path, data)
        self._added(path)
        return path

    def artifact(self, data: bytes, extension: str) -> str:
        """Keeps bytes under the name of their hash and returns the path; the same bytes are kept once."""
        path = f"artifacts/{hashlib.sha256(data).hexdigest()}.{extension}"
        return path if path in self.entries else self.add(path, data)

    def seal(self, evidence: Evidence) -> "Bundle":
        """Writes evidence and manifest; the manifest is there only when everything it lists is safely on disk."""
        self.add(EVIDENCE, codec.dump(evidence))
        for path in self.entries:
            _flush(self.directory / path)
        write_file(self.directory / seal.MANIFEST, codec.dump(seal.manifest(self.entries.values())))
        return Bundle(self.directory)

    def discard(self) -> None:
        """Removes everything this writer made; what was there before stays."""
        for path in sorted(self.directory.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        for path in self._made:
            path.rmdir()


class Bundle:
    """A sealed bundle, read only."""

    def __init__(self, directory: Path) -> None:
        """Opens a directory; raises BundleError when it holds no bundle."""
        self.directory = directory
        if not (directory / EVIDENCE).is_file() or not (directory / seal.MANIFEST).is_file():
            raise BundleError(f"{directory} is not a bundle: it has no {EVIDENCE} or no {seal.MANIFEST}")

    @cached_property
    def evidence(self) -> Evidence:
        """The facts; raises codec.UnreadableRecord."""
        return codec.load_evidence(self.read(EVIDENCE))

    @cached_property
    def manifest(self) -> seal.Manifest:
        """The sealed list of files; raises codec.UnreadableRecord."""
        return codec.load(seal.Manifest, self.read(seal.MANIFEST))

    def read(self, path: str) -> bytes:
        """The bytes of one file of the bundle; raises BundleError when it is missing or outside."""
        full = (self.directory / path).resolve()
        if not full.is_relative_to(self.directory.resolve()):
            raise BundleError(f"{path} lies outside the bundle")
        try:
            return full.read_bytes()
        except OSError as error:
            raise BundleError(f"cannot read {path}: {error.strerror or error}") from error
