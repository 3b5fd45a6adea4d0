"""Every change to a sealed bundle is found and named."""

import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from capture.record import codec, seal
from capture.record.bundle import Bundle, BundleError
from report.dossier import Dossier, build
from report.verify import verify
from tests.report.examples import EXAMPLES

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle with a report."""
    directory = tmp_path_factory.mktemp("sealed")
    example = EXAMPLES["nxdomain"]()
    example.files = {"artifacts/a%b.txt": b"hello"}
    example.seal(directory)
    build(directory, pdf=False)
    return directory


@pytest.fixture
def copy(sealed: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    shutil.copytree(sealed, tmp_path / "copy")
    return tmp_path / "copy"


NAMES = (
    "evidence.json",
    "page.har",
    "manifest.json",
    "artifacts/a%b.txt",
    *(f"report/{name}" for name in ("diagnosis.json", "dossier.html", "summary.md", "dossier.zip", "manifest.json")),
    *(f"report/packs/owner/{name}" for name in ("letter-owner.md", "dossier.html", "page.har", "headers.txt")),
    *(f"report/packs/owner/{name}" for name in ("reproduce.txt", "summary.md")),
)


def test_what_was_sealed_has_no_difference(sealed: Path) -> None:
    assert verify(sealed) == []
    assert verify(sealed / "report" / "dossier.zip") == []


def test_the_names_tested_are_all_there_are(sealed: Path) -> None:
    assert {p.relative_to(sealed).as_posix() for p in sealed.rglob("*") if p.is_file()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [0.0, 0.3, 0.5, 0.999])
def test_a_flipped_byte_is_found_in_every_file(copy: Path, name: str, place: float) -> None:
    data = bytearray((copy / name).read_bytes())
    data[int(place * len(data))] ^= 1
    (copy / name).write_bytes(data)
    found = verify(copy)
    assert found
    assert any(line.startswith(f"{name}:") for line in found)


@pytest.mark.parametrize("name", NAMES)
def test_a_removed_file_is_found(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert f"{name}: missing" in verify(copy)


@pytest.mark.parametrize("place", ["added.txt", "artifacts/added.txt", "report/added.txt", ".hidden"])
def test_an_added_file_is_found(copy: Path, place: str) -> None:
    (copy / place).write_text("x")
    assert verify(copy) == [f"{place}: not in the manifest"]


def test_a_renamed_file_is_found_twice(copy: Path) -> None:
    (copy / "page.har").rename(copy / "other.har")
    assert verify(copy) == ["page.har: missing", "other.har: not in the manifest"]


def test_a_link_is_no_file(copy: Path) -> None:
    data = copy / "page.har"
    data.rename(copy.parent / "page.har")
    data.symlink_to(copy.parent / "page.har")
    assert "page.har: not a regular file" in verify(copy)


def test_white_space_in_a_manifest_is_found(copy: Path) -> None:
    path = copy / "manifest.json"
    path.write_bytes(path.read_bytes() + b"\n")
    assert verify(copy) == ["manifest.json: changed (not in the form in which it was written)"]


def test_a_report_of_another_bundle_is_found(copy: Path, tmp_path: Path) -> None:
    EXAMPLES["healthy"]().seal(tmp_path / "other")
    shutil.copytree(copy / "report", tmp_path / "other" / "report")
    assert any("made from another bundle" in line for line in verify(tmp_path / "other"))


def test_a_bundle_without_report_is_whole(tmp_path: Path) -> None:
    EXAMPLES["healthy"]().seal(tmp_path)
    assert verify(tmp_path) == []


def test_what_is_no_bundle_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file", tmp_path / "nothing"):
        with pytest.raises(BundleError):
            verify(path)


def rezipped(source: Path, target: Path, change: Callable[[Files], object]) -> Path:
    with zipfile.ZipFile(source) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target


def members(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_a_changed_member_of_the_bag_is_found_whichever_it_is(sealed: Path, tmp_path: Path) -> None:
    source = sealed / "report" / "dossier.zip"
    for name in members(source):

        def flip(files: Files, name: str = name) -> None:
            files[name] = bytes([files[name][0] ^ 1]) + files[name][1:]

        found = verify(rezipped(source, tmp_path / "flipped.zip", flip))
        short = name.partition("/")[2].replace("%", "%25")
        # The last list vouches for the others, so a change in it shows as one of what it lists.
        assert any(line.startswith(short) or short.startswith("tagmanifest") for line in found), name


def test_a_removed_member_of_the_bag_is_found_whichever_it_is(sealed: Path, tmp_path: Path) -> None:
    source = sealed / "report" / "dossier.zip"
    for name in members(source):

        def drop(files: Files, name: str = name) -> None:
            del files[name]

        found = verify(rezipped(source, tmp_path / "less.zip", drop))
        assert f"{name.partition('/')[2].replace('%', '%25')}: missing" in found, name


@pytest.mark.parametrize("name", ["data/added.txt", "data/report/added.txt", "added.txt"])
def test_an_added_member_of_the_bag_is_found(sealed: Path, tmp_path: Path, name: str) -> None:
    source = sealed / "report" / "dossier.zip"
    top = members(source)[0].partition("/")[0]
    found = verify(rezipped(source, tmp_path / "more.zip", lambda files: files.update({f"{top}/{name}": b"x"})))
    assert any(line.startswith(f"{name}: not in") for line in found)


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "GW/../../up", "GW\\x", "C:\\x"])
def test_a_path_that_leads_outside_is_not_looked_into(sealed: Path, tmp_path: Path, name: str) -> None:
    source = sealed / "report" / "dossier.zip"
    found = verify(rezipped(source, tmp_path / "evil.zip", lambda files: files.update({name: b"x"})))
    assert any("a path that a bag does not have" in line for line in found)


def test_a_name_twice_is_found(sealed: Path, tmp_path: Path) -> None:
    target = tmp_path / "twice.zip"
    shutil.copy(sealed / "report" / "dossier.zip", target)
    name = members(target)[0]
    with zipfile.ZipFile(target, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(name, b"other")
    assert f"{name}: twice in the ZIP" in verify(target)


def test_a_zip_that_is_too_large_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("report.verify.MAX_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("GW/data/x", b"\0" * (2 << 20))
    assert "when unpacked" in verify(tmp_path / "bomb.zip")[0]


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("GW/data/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert verify(tmp_path / "link.zip") == ["GW/data/link: not a regular file"]


def test_a_damaged_zip_is_a_difference(sealed: Path, tmp_path: Path) -> None:
    data = bytearray((sealed / "report" / "dossier.zip").read_bytes())
    data[len(data) // 3] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(data)
    assert verify(tmp_path / "damaged.zip")


def test_the_usual_tools_verify_the_bag(dossier: Dossier, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(dossier.paths["dossier.zip"].read_bytes())) as archive:
        archive.extractall(tmp_path)
    text = re.sub(r"<[^>]+>", "", dossier.paths["dossier.html"].read_text())
    check = re.search(r"sha256sum --check .*", text)
    recount = re.search(r"find \. -type f.*", text)
    assert check is not None
    assert recount is not None
    (bag,) = tmp_path.iterdir()
    subprocess.run(unescape(check[0]), shell=True, check=True, cwd=bag)
    counted = subprocess.run(
        unescape(recount[0]), shell=True, check=True, cwd=bag / "data", capture_output=True, text=True
    )
    assert counted.stdout.split()[0] == Bundle(bag / "data").manifest.fingerprint


def test_the_bag_declares_itself(dossier: Dossier) -> None:
    with zipfile.ZipFile(dossier.paths["dossier.zip"]) as archive:
        names = archive.namelist()
        top = names[0].partition("/")[0]
        assert archive.read(f"{top}/bagit.txt") == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
        payload = [name for name in names if name.startswith(f"{top}/data/")]
        info = archive.read(f"{top}/bag-info.txt").decode()
        total = sum(archive.getinfo(name).file_size for name in payload)
        assert f"Payload-Oxum: {total}.{len(payload)}\n" in info
        assert "Bagging-Date: 2026-11-20\n" in info
        manifest = codec.load(seal.Manifest, archive.read(f"{top}/data/manifest.json"))
        assert top == manifest.case
        assert f"{top}/data/report/dossier.pdf" in names
