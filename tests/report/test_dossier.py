"""A bundle becomes a dossier, again and again the same."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from capture.record import codec
from capture.record.bundle import Bundle, BundleError
from report.diagnosis import Diagnosis
from report.dossier import FILES, Dossier, build, prepare
from report.sealed import ReportManifest
from report.verify import verify
from tests.report.examples import EXAMPLES
from tests.report.parts import screenshot


def report_files(directory: Path) -> set[str]:
    report = directory / "report"
    return {path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file()}


def test_all_files_are_made_and_sealed(dossier: Dossier, bundle_dir: Path) -> None:
    assert {name for name in dossier.paths if not name.startswith("packs/")} == {*FILES, "manifest.json"}
    assert report_files(bundle_dir) == set(dossier.paths)
    sealed = codec.load(ReportManifest, dossier.paths["manifest.json"].read_bytes())
    assert {file.path for file in sealed.files} == set(dossier.paths) - {"manifest.json"}
    assert sealed.bundle_fingerprint == Bundle(bundle_dir).manifest.fingerprint
    assert verify(bundle_dir) == []


def test_the_bundle_itself_is_not_touched(tmp_path: Path) -> None:
    EXAMPLES["healthy"]().seal(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    build(tmp_path, pdf=False)
    assert all(path.read_bytes() == data for path, data in before.items())


def test_the_diagnosis_is_written_as_it_is_returned(dossier: Dossier) -> None:
    written = codec.load(Diagnosis, dossier.paths["diagnosis.json"].read_bytes())
    assert written == dossier.diagnosis
    assert set(json.loads(dossier.paths["diagnosis.json"].read_bytes())) >= {
        "verdict",
        "evidence_sha256",
        "rules_version",
    }


def test_an_ordinary_dossier_is_small(dossier: Dossier) -> None:
    assert dossier.paths["dossier.html"].stat().st_size < 1_500_000


def test_a_tall_page_stays_within_reason(tmp_path: Path) -> None:
    example = EXAMPLES["healthy"]()
    blotches = Image.effect_noise((320, 1250), 90).resize((1280, 5_000)).convert("RGB")
    photo = io.BytesIO()
    blotches.save(photo, "PNG")
    page = example.evidence.pages[0]
    page = page.model_copy(update={"screenshot_full": screenshot(photo.getvalue(), "screenshot-full.png")})
    example.evidence = example.evidence.model_copy(update={"pages": (page,)})
    example.files["screenshot-full.png"] = photo.getvalue()
    example.seal(tmp_path)
    size = build(tmp_path, pdf=False).paths["dossier.html"].stat().st_size
    assert 500_000 < size < 6_000_000


def test_an_older_report_is_replaced(tmp_path: Path) -> None:
    EXAMPLES["healthy"]().seal(tmp_path)
    build(tmp_path, pdf=False)
    (tmp_path / "report" / "dossier.pdf").write_bytes(b"old")
    (tmp_path / "report" / "packs").mkdir()
    made = build(tmp_path, pdf=False)
    assert "dossier.pdf" not in made.paths
    assert report_files(tmp_path) == set(made.paths)
    assert verify(tmp_path) == []


def test_the_same_bundle_gives_the_same_files(tmp_path: Path) -> None:
    EXAMPLES["expired"]().seal(tmp_path)
    first = {name: path.read_bytes() for name, path in build(tmp_path, pdf=False).paths.items()}
    second = {name: path.read_bytes() for name, path in build(tmp_path, pdf=False).paths.items()}
    assert first == second


def test_the_bag_carries_the_date_given(tmp_path: Path) -> None:
    EXAMPLES["healthy"]().seal(tmp_path)
    plain = build(tmp_path, pdf=False).paths["dossier.zip"].read_bytes()
    later = build(tmp_path, pdf=False, now=datetime(2027, 1, 2, tzinfo=UTC)).paths["dossier.zip"].read_bytes()
    assert plain != later


def test_a_directory_without_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a bundle"):
        build(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_report_directory_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    EXAMPLES["healthy"]().seal(tmp_path / "bundle")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "keep").touch()
    (tmp_path / "bundle" / "report").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="symbolic link"):
        build(tmp_path / "bundle", pdf=False)
    assert (tmp_path / "elsewhere" / "keep").exists()


def test_a_changed_bundle_is_a_warning(tmp_path: Path) -> None:
    EXAMPLES["healthy"]().seal(tmp_path)
    (tmp_path / "page.har").write_bytes(b"{}")
    assert build(tmp_path, pdf=False).warnings == ("page.har is no longer what was sealed.",)


def test_a_worker_started_ahead_is_ended_even_when_nothing_is_built(tmp_path: Path) -> None:
    worker = prepare()
    process = worker._process
    with pytest.raises(BundleError):
        build(tmp_path, worker=worker)
    assert process is not None
    assert process.returncode is not None


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_diagnosed_and_verified(name: str, tmp_path: Path) -> None:
    EXAMPLES[name]().seal(tmp_path)
    made = build(tmp_path, pdf=False)
    assert made.warnings == ()
    assert made.diagnosis.verdict.summary in made.paths["diagnosis.json"].read_text()
    assert verify(tmp_path) == []
    assert verify(made.paths["dossier.zip"]) == []


def test_what_is_too_large_to_attach_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("report.dossier.ATTACHED_BYTES", 200)
    EXAMPLES["healthy"]().seal(tmp_path)
    made = build(tmp_path)
    assert made.warnings == ("evidence.json is too large to be attached to the PDF; it is in dossier.zip.",)
    assert "too large to be attached" in made.paths["dossier.html"].read_text()
