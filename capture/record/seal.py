"""Hashes over a bundle: the manifest, its fingerprint, the case number, and what differs from them."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from capture.record.base import Record

MANIFEST = "manifest.json"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class FileEntry(Record):
    """One file of the bundle."""

    path: str
    """Relative to the bundle, with forward slashes."""
    size: int
    """Bytes."""
    sha256: str
    """Hash of the file, hexadecimal."""


class Manifest(Record):
    """Every file of a bundle and the fingerprint over all of them."""

    schema_version: Literal[1] = 1
    """Version of this format."""
    case: str
    """Case number: the first 40 bits of the fingerprint, Crockford base 32."""
    fingerprint: str
    """SHA-256 of the text that `sha256sum` would print for the files sorted by path, hexadecimal."""
    files: tuple[FileEntry, ...]
    """Sorted by path."""


def entry(path: str, data: bytes) -> FileEntry:
    """The manifest's line for one file."""
    return FileEntry(path=path, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def checksum_text(files: Iterable[FileEntry]) -> str:
    """The form that `sha256sum --check` reads, sorted by path."""
    return "".join(f"{f.sha256}  {f.path}\n" for f in sorted(files, key=lambda f: f.path))


def fingerprint(files: Iterable[FileEntry]) -> str:
    """SHA-256 over the sorted checksum lines, hexadecimal."""
    return hashlib.sha256(checksum_text(files).encode()).hexdigest()


def case_number(digest: str) -> str:
    """The number printed on every page, for example GW-7K3F-22QD (base 32 of https://www.crockford.com/base32.html)."""
    value = int(digest[:10], 16)
    letters = "".join(_CROCKFORD[value >> shift & 31] for shift in range(35, -1, -5))
    return f"GW-{letters[:4]}-{letters[4:]}"


def manifest(files: Iterable[FileEntry]) -> Manifest:
    """The manifest of these files."""
    ordered = tuple(sorted(files, key=lambda f: f.path))
    digest = fingerprint(ordered)
    return Manifest(case=case_number(digest), fingerprint=digest, files=ordered)


def differences(sealed: Manifest, present: Mapping[str, Callable[[], bytes]]) -> list[str]:
    """One sentence for everything in which the files present differ from the sealed manifest; empty when nothing does.

    `present` gives, for each path found (the manifest itself left out), a function that reads the file.
    """
    found = []
    if fingerprint(sealed.files) != sealed.fingerprint:
        found.append(f"{MANIFEST}: the fingerprint does not belong to the list of files")
    if case_number(sealed.fingerprint) != sealed.case:
        found.append(f"{MANIFEST}: the case number does not belong to the fingerprint")
    paths = [f.path for f in sealed.files]
    if len(set(paths)) != len(paths):
        found.append(f"{MANIFEST}: a path is listed twice")
    for file in sealed.files:
        if file.path not in present:
            found.append(f"{file.path}: missing")
            continue
        actual = entry(file.path, present[file.path]())
        if actual.sha256 != file.sha256:
            found.append(f"{file.path}: changed (sealed {file.sha256[:12]}, {file.size} bytes; "
                         f"found {actual.sha256[:12]}, {actual.size} bytes)")
        elif actual.size != file.size:
            found.append(f"{file.path}: the sealed size is wrong")
    found += [f"{path}: not in the manifest" for path in sorted(set(present) - set(paths))]
    return found
