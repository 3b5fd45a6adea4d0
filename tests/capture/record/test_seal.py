"""Hashes over a bundle: known values, the tool everyone has, and every way in which files can differ."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from capture.record import seal
from capture.record.seal import FileEntry, Manifest

FILES = {"evidence.json": b"{}\n", "artifacts/b.bin": b"\x00\x01", "artifacts/a.txt": b"", "page.har": b"har"}
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing (FIPS 180-4 example values)."""


def sealed(files: dict[str, bytes] = FILES) -> Manifest:
    return seal.manifest(seal.entry(path, data) for path, data in files.items())


def reading(files: dict[str, bytes]) -> dict[str, Callable[[], bytes]]:
    return {path: partial(bytes, data) for path, data in files.items()}


def test_an_entry_is_path_size_and_hash() -> None:
    assert seal.entry("a", b"") == FileEntry(path="a", size=0, sha256=EMPTY)
    assert seal.entry("b", b"abc").sha256 == hashlib.sha256(b"abc").hexdigest()


def test_the_list_of_hashes_is_one_that_sha256sum_reads(tmp_path: Path) -> None:
    program = shutil.which("sha256sum")
    assert program is not None
    for path, data in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    text = seal.checksum_text(sealed().files)
    done = subprocess.run([program, "--check", "--strict"], cwd=tmp_path, input=text, text=True, capture_output=True,
                          check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{path}: OK" for path in sorted(FILES)]


def test_the_fingerprint_is_the_hash_of_that_list_whatever_the_order_of_the_files() -> None:
    turned = dict(reversed(FILES.items()))
    assert sealed().fingerprint == sealed(turned).fingerprint
    assert sealed() == sealed(turned)
    assert sealed().fingerprint == hashlib.sha256(seal.checksum_text(sealed().files).encode()).hexdigest()
    assert [file.path for file in sealed().files] == sorted(FILES)


@pytest.mark.parametrize(("digest", "number"), [
    # e3b0c44298 = 11100 01110 11000 01100 01000 10000 10100 11000: W E R C 8 G M R
    (EMPTY, "GW-WERC-8GMR"),
    ("0" * 64, "GW-0000-0000"),
    ("f" * 64, "GW-ZZZZ-ZZZZ"),
    ("0000000001" + "f" * 54, "GW-0000-0001"),
    ("8000000000" + "f" * 54, "GW-G000-0000"),
])
def test_the_case_number_is_the_fingerprints_first_40_bits_in_letters_nobody_misreads(digest: str, number: str
                                                                                       ) -> None:
    assert seal.case_number(digest) == number


def test_the_manifest_bears_the_number_of_its_fingerprint() -> None:
    assert sealed().case == seal.case_number(sealed().fingerprint)


def test_an_untouched_bundle_has_no_differences() -> None:
    assert seal.differences(sealed(), reading(FILES)) == []


@pytest.mark.parametrize("path", FILES)
def test_every_file_that_is_changed_is_named(path: str) -> None:
    data = FILES[path]
    flipped = bytes([data[0] ^ 1]) + data[1:] if data else b"x"
    found = seal.differences(sealed(), reading(FILES | {path: flipped}))
    assert len(found) == 1
    assert found[0].startswith(f"{path}: changed")
    assert hashlib.sha256(flipped).hexdigest()[:12] in found[0]


def test_a_missing_file_is_named() -> None:
    assert seal.differences(sealed(), reading({p: d for p, d in FILES.items() if p != "page.har"})) == [
        "page.har: missing"]


def test_a_file_too_many_is_named() -> None:
    assert seal.differences(sealed(), reading(FILES | {"extra": b"", "artifacts/z": b""})) == [
        "artifacts/z: not in the manifest", "extra: not in the manifest"]


def test_a_renamed_file_is_missing_and_too_many() -> None:
    renamed = {("other.har" if path == "page.har" else path): data for path, data in FILES.items()}
    assert seal.differences(sealed(), reading(renamed)) == ["page.har: missing", "other.har: not in the manifest"]


def test_two_files_that_are_swapped_are_both_named() -> None:
    swapped = FILES | {"page.har": FILES["evidence.json"], "evidence.json": FILES["page.har"]}
    assert [line.split(":")[0] for line in seal.differences(sealed(), reading(swapped))] == [
        "evidence.json", "page.har"]


def test_a_path_that_is_listed_twice_is_told() -> None:
    twice = seal.manifest([*sealed().files, sealed().files[0]])
    assert seal.differences(twice, reading(FILES)) == ["manifest.json: a path is listed twice"]


def test_a_case_number_that_belongs_to_another_bundle_is_told() -> None:
    wrong = sealed().model_copy(update={"case": "GW-0000-0000"})
    assert seal.differences(wrong, reading(FILES)) == [
        "manifest.json: the case number does not belong to the fingerprint"]


def test_a_list_that_was_changed_together_with_its_file_is_told() -> None:
    other = FILES | {"page.har": b"forged"}
    forged = sealed().model_copy(update={"files": sealed(other).files})
    assert seal.differences(forged, reading(other)) == [
        "manifest.json: the fingerprint does not belong to the list of files"]


def test_a_size_that_was_changed_in_the_list_is_told() -> None:
    """The fingerprint is over hashes and paths; sizes are checked on their own."""
    files = tuple(file.model_copy(update={"size": file.size + 1}) if file.path == "page.har" else file
                  for file in sealed().files)
    forged = sealed().model_copy(update={"files": files})
    assert seal.differences(forged, reading(FILES)) == ["page.har: the sealed size is wrong"]
