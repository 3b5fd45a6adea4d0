"""Whether a bundle is still what was sealed. In: a bundle directory or a dossier.zip. Out: each difference, by name."""

import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from capture.record import codec, seal
from capture.record.base import Record
from capture.record.bundle import EVIDENCE, REPORT, BundleError
from capture.record.seal import MANIFEST
from report.bag import encoded_path
from report.sealed import ReportManifest

MAX_MEMBERS: Final = 20_000
MAX_BYTES: Final = 2 << 30
"""Largest dossier.zip that is looked into: files, and bytes when unpacked."""
_LINE: Final = re.compile(r"([0-9a-f]{64})  (\S.*)")
_TAGS: Final = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt")

Files = Mapping[str, Callable[[], bytes]]
R = TypeVar("R", bound=Record)


def verify(path: Path) -> list[str]:
    """One sentence for every difference from what was sealed; empty when there is none.

    A directory is checked against the manifest of the bundle and that of its report; a ZIP against the manifests of
    the bag as well. Raises BundleError when the path holds neither.
    """
    if path.is_dir():
        if not (path / MANIFEST).is_file() and not (path / EVIDENCE).is_file():
            raise BundleError(f"{path} is not a bundle: it has neither {MANIFEST} nor {EVIDENCE}")
        return _check_directory(path)
    if not path.is_file():
        raise BundleError(f"{path} does not exist")
    if not zipfile.is_zipfile(path):
        raise BundleError(f"{path} is neither a bundle directory nor a ZIP")
    return _check_zip(path)


def _check_directory(directory: Path) -> list[str]:
    found: list[str] = []
    files: dict[str, Callable[[], bytes]] = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            found.append(f"{name}: not a regular file")
        elif path.is_file():
            files[name] = path.read_bytes
    prefix = f"{REPORT}/"
    report = {name.removeprefix(prefix): read for name, read in files.items() if name.startswith(prefix)}
    facts = {name: read for name, read in files.items() if not name.startswith(prefix)}
    differences, bundle = _check_facts(facts)
    return found + differences + ([f"{prefix}{line}" for line in _check_report(report, bundle)] if report else [])


def _check_facts(facts: Files) -> tuple[list[str], seal.Manifest | None]:
    sealed, problem = _sealed(facts, seal.Manifest)
    if sealed is None:
        return [problem], None
    return [*filter(None, [problem]), *seal.differences(sealed, _without_manifest(facts))], sealed


def _check_report(report: Files, bundle: seal.Manifest | None) -> list[str]:
    sealed, problem = _sealed(report, ReportManifest)
    if sealed is None:
        return [problem]
    found = [problem] if problem else []
    if bundle and (sealed.bundle_fingerprint, sealed.case) != (bundle.fingerprint, bundle.case):
        found.append(f"{MANIFEST}: the report was made from another bundle ({sealed.case})")
    return found + seal.differences(sealed.own(), _without_manifest(report))


def _sealed(files: Files, kind: type[R]) -> tuple[R | None, str]:
    """The manifest among these files, and what is wrong with it."""
    if MANIFEST not in files:
        return None, f"{MANIFEST}: missing"
    data = files[MANIFEST]()
    try:
        record = codec.load(kind, data)
    except codec.UnreadableRecord as error:
        return None, f"{MANIFEST}: unreadable: {error}"
    same = codec.dump(record) == data
    return record, "" if same else f"{MANIFEST}: changed (not in the form in which it was written)"


def _without_manifest(files: Files) -> Files:
    return {name: read for name, read in files.items() if name != MANIFEST}


def _check_zip(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            unsafe = _unsafe(archive.infolist())
            return unsafe or _check_bag(archive)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        return [f"{path.name}: damaged: {error}"]


def _unsafe(members: list[zipfile.ZipInfo]) -> list[str]:
    """Why this ZIP is not looked into; empty when it may be."""
    names = [member.filename for member in members]
    found = []
    if len(members) > MAX_MEMBERS:
        return [f"more than {MAX_MEMBERS:,} files"]
    if sum(member.file_size for member in members) > MAX_BYTES:
        return [f"more than {MAX_BYTES >> 30} GiB when unpacked"]
    for member in members:
        parts = PurePosixPath(member.filename).parts
        if member.filename.startswith("/") or ".." in parts or "\\" in member.filename or len(parts) < 2:
            found.append(f"{member.filename}: a path that a bag does not have")
        elif member.is_dir() or (member.external_attr >> 16) & 0o170000 not in (0, 0o100000):
            found.append(f"{member.filename}: not a regular file")
        elif member.flag_bits & 1:
            found.append(f"{member.filename}: encrypted")
    found += [f"{name}: twice in the ZIP" for name in sorted(set(names)) if names.count(name) > 1]
    if len({name.partition("/")[0] for name in names}) != 1:
        found.append("the ZIP does not hold exactly one bag")
    return found


def _check_bag(archive: zipfile.ZipFile) -> list[str]:
    top = archive.namelist()[0].partition("/")[0]
    files = {name.removeprefix(f"{top}/"): partial(_member, archive, name) for name in archive.namelist()}
    broken = [line for name, read in files.items() if (line := _unreadable(name, read))]
    if broken:
        return broken
    payload = {name: read for name, read in files.items() if name.startswith("data/")}
    tags = {name: read for name, read in files.items() if name not in payload and name != "tagmanifest-sha256.txt"}
    found = _check_list("tagmanifest-sha256.txt", files, tags) + _check_list("manifest-sha256.txt", files, payload)
    found += [f"{name}: missing" for name in _TAGS if name not in files and f"{name}: missing" not in found]
    facts = {name.removeprefix("data/"): read for name, read in payload.items()
             if not name.startswith(f"data/{REPORT}/")}
    differences, sealed = _check_facts(facts)
    if sealed and sealed.case != top:
        found.append(f"{top}: the bag is not named for its case {sealed.case}")
    # The manifest of the bag has named the same file already.
    known = {line.partition(":")[0] for line in found}
    return found + [line for line in differences if f"data/{line.partition(':')[0]}" not in known]


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as stream:
        return stream.read(archive.getinfo(name).file_size + 1)


def _unreadable(name: str, read: Callable[[], bytes]) -> str:
    try:
        read()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error) as error:
        return f"{name}: damaged in the ZIP: {error}"
    return ""


def _check_list(name: str, files: Files, listed: Files) -> list[str]:
    """Compares files with a checksum list of the bag."""
    if name not in files:
        return [f"{name}: missing"]
    wanted: dict[str, str] = {}
    for number, line in enumerate(files[name]().decode("utf-8", "replace").splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in wanted:
            return [f"{name}: line {number} is not a checksum line"]
        wanted[match[2]] = match[1]
    present = {encoded_path(path): read for path, read in listed.items()}
    found = [f"{path}: missing" for path in wanted if path not in present]
    for path, read in present.items():
        if path not in wanted:
            found.append(f"{path}: not in {name}")
        elif seal.entry(path, read()).sha256 != wanted[path]:
            found.append(f"{path}: changed")
    return found
