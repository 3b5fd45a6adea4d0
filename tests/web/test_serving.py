"""Files of cases as answers: nothing in them can act, and nothing keeps them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.web.pages.made import Bundles, add
from tests.web.serving import Served
from web import create_app
from web.errors import NotFound
from web.serving import member
from web.store.files import Folder


def answer(service: Served, bundles: Bundles, name: str) -> tuple[str, dict[str, str], bytes]:
    case = add(service, bundles)
    got = service.browser().get(f"/cases/{case.id}/files/{name}", buffered=True)
    assert got.status_code == 200
    return str(case.number), dict(got.headers), got.data


def test_the_dossier_runs_its_own_script_and_no_other_in_an_origin_of_its_own(
    service: Served, bundles: Bundles
) -> None:
    number, headers, data = answer(service, bundles, "dossier.html")
    policy = headers["Content-Security-Policy"]
    script = re.search(rb"sha256-[A-Za-z0-9+/]{43}=", data)
    assert script is not None
    assert policy.startswith("sandbox allow-scripts allow-downloads; default-src 'none';")
    assert f"script-src '{script[0].decode()}';" in policy
    assert "allow-same-origin" not in policy
    assert "frame-ancestors 'self'" in policy
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Disposition"] == f"inline; filename={number}-dossier.html"


@pytest.mark.parametrize(("name", "kind"), [
    ("dossier.pdf", "application/pdf"), ("dossier.zip", "application/zip"), ("page.har", "application/json"),
    ("evidence.json", "application/json"), ("summary.md", "text/markdown; charset=utf-8"),
    ("packs/owner/dossier.html", "application/octet-stream")])
def test_everything_else_is_for_saving(service: Served, bundles: Bundles, name: str, kind: str) -> None:
    number, headers, _ = answer(service, bundles, name)
    assert headers["Content-Type"] == kind
    assert headers["Content-Disposition"] == f"attachment; filename={number}-{name.rpartition('/')[2]}"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"
    assert headers["X-Frame-Options"] == "DENY"


def test_a_picture_is_shown_and_nothing_but_a_picture(service: Served, bundles: Bundles) -> None:
    _, headers, data = answer(service, bundles, "screenshot.png")
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"].startswith("inline")
    assert headers["Content-Security-Policy"].startswith("sandbox;")
    assert data.startswith(b"\x89PNG")


def test_the_data_directory_may_be_named_from_where_the_service_starts(
    service: Served, bundles: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = add(service, bundles)
    monkeypatch.chdir(service.files.cases.parent.parent)
    files = Folder(Path(service.files.cases.parent.name))
    app = create_app(service.config, service.database, files, service.key)
    browser = replace(service, files=files, app=app).browser()
    for name in ("dossier.html", "dossier.pdf", "screenshot.png"):
        assert browser.get(f"/cases/{case.id}/files/{name}", buffered=True).status_code == 200


@pytest.mark.parametrize("name", ["dossier.html", "dossier.pdf", "screenshot.png", "page.har"])
def test_nothing_is_guessed_kept_or_told_to_others(service: Served, bundles: Bundles, name: str) -> None:
    _, headers, _ = answer(service, bundles, name)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Robots-Tag"] == "noindex, noarchive"


def test_a_dossier_without_a_script_of_its_own_gets_none(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    path = service.files.path(case.id, "report/dossier.html")
    path.write_bytes(b"<p>text</p>" + b" " * 2_000 + b"script-src 'sha256-" + b"A" * 43 + b"='")
    got = service.browser().get(f"/cases/{case.id}/files/dossier.html", buffered=True)
    assert "script-src 'none'" in got.headers["Content-Security-Policy"]


def test_a_file_of_the_report_needs_no_directory_and_what_the_bundle_names_comes_first(
    service: Served, bundles: Bundles
) -> None:
    case = add(service, bundles)
    directory = service.files.directory(case.id)
    assert member(service.files, case.id, "dossier.html") == directory / "report" / "dossier.html"
    assert member(service.files, case.id, "report/dossier.html") == directory / "report" / "dossier.html"
    assert member(service.files, case.id, "manifest.json") == directory / "manifest.json"


@pytest.mark.parametrize("name", ["../gatewitness.sqlite3", "report/../../x", "/etc/passwd", "nothing", "report", ""])
def test_other_names_are_nothing(service: Served, bundles: Bundles, name: str) -> None:
    case = add(service, bundles)
    with pytest.raises(NotFound):
        member(service.files, case.id, name)
