"""Files, packs and the live picture: only what belongs to the case, only for who may see it."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.web.pages.made import Bundles, add, ask, begin, finish
from tests.web.serving import Served
from web.store.files import Folder


def test_a_pack_is_a_zip_of_its_letter_and_files(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    got = service.browser().get(f"/cases/{case.id}/packs/owner.zip", buffered=True)
    assert got.headers["Content-Disposition"] == f"attachment; filename={case.number}-owner.zip"
    assert got.headers["Content-Security-Policy"].startswith("sandbox")
    with zipfile.ZipFile(io.BytesIO(got.data)) as archive:
        names = set(archive.namelist())
        assert {"owner/letter-owner.md", "owner/dossier.html"} <= names
        assert all(name.startswith("owner/") for name in names)


@pytest.mark.parametrize("name", ["nobody", "..", "own", "owner/letter-owner.md"])
def test_a_pack_that_is_none_is_not_found(service: Served, bundles: Bundles, name: str) -> None:
    case = add(service, bundles)
    assert service.browser().get(f"/cases/{case.id}/packs/{name}.zip").status_code == 404


@pytest.mark.parametrize("name", [
    "..%2f..%2fgatewitness.sqlite3", "../../../etc/passwd", "report/../../../x", "%2fetc%2fpasswd", "nothing.txt",
    "dossier.html%00.png", "report\\dossier.html"])
def test_no_name_leads_out_of_the_case(service: Served, bundles: Bundles, name: str) -> None:
    case = add(service, bundles)
    assert service.browser().get(f"/cases/{case.id}/files/{name}", follow_redirects=True).status_code == 404


def test_the_picture_of_a_running_capture_is_there_as_soon_as_it_is_drawn(service: Served) -> None:
    case = ask(service)
    browser = service.browser()
    assert browser.get(f"/cases/{case.id}/picture").status_code == 404
    case_id, fence = begin(service)
    assert browser.get(f"/cases/{case.id}/picture").status_code == 404
    (service.files.staging(case_id, fence) / "screenshot.png").write_bytes(b"\x89PNG now")
    got = browser.get(f"/cases/{case.id}/picture", buffered=True)
    assert (got.data, got.headers["Content-Type"]) == (b"\x89PNG now", "image/png")
    assert got.headers["Cache-Control"] == "private, no-store"


def test_the_picture_stays_when_the_case_has_ended(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    assert service.browser().get(f"/cases/{case.id}/picture", buffered=True).data.startswith(b"\x89PNG")


def test_a_picture_that_is_published_while_it_is_asked_for_is_there(
    service: Served, bundles: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(service)
    running, _ = begin(service)
    found = Folder.picture

    def found_too_late(files: Folder, case_id: str, fence: int) -> Path:
        (files.staging(case_id, fence) / "screenshot.png").write_bytes(b"\x89PNG now")
        path = found(files, case_id, fence)
        finish(service, bundles, "cloudflare_522", case_id, fence)
        return path

    monkeypatch.setattr(Folder, "picture", found_too_late)
    got = service.browser().get(f"/cases/{running}/picture", buffered=True)
    assert (got.status_code, got.data) == (200, (bundles("cloudflare_522") / "screenshot.png").read_bytes())


@pytest.mark.parametrize("name", [
    "picture", "files/screenshot.png", "files/evidence.json", "files/report/dossier.html", "packs/owner.zip"])
def test_a_file_that_is_deleted_while_it_is_asked_for_is_not_found(
    service: Served, bundles: Bundles, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case = add(service, bundles)
    found = Folder.path

    def found_too_late(files: Folder, case_id: str, name: str) -> Path:
        path = found(files, case_id, name)
        files.delete(case_id)
        return path

    monkeypatch.setattr(Folder, "path", found_too_late)
    got = service.browser().get(f"/cases/{case.id}/{name}")
    assert (got.status_code, "our fault" in got.text) == (404, False)
