"""A screenshot that somebody handed in."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import gatewitness
from capture.errors import BadInput
from capture.importers.picture import evidence
from capture.record.codec import dump, load
from capture.record.evidence import Evidence
from report import imported
from report.diagnosis import Diagnosis
from report.visual import BadPicture
from tests.builders import NOW

PICTURES = Path(__file__).with_name("pictures")


def judged(name: str) -> Diagnosis:
    data = (PICTURES / f"{name}.png").read_bytes()
    return imported.diagnose(evidence(f"{name}.png", data, NOW), data)


def test_it_names_writer_code_id_and_side_but_proves_nothing() -> None:
    verdict = judged("cloudflare.diagram-phone").verdict
    assert (verdict.generator, verdict.layer, verdict.vendor_code, verdict.request_id, verdict.fault_code) == (
        "cloudflare", "cdn", "522", "9a0b1c2d3e4f5061", "origin.connect-timeout")
    assert (verdict.is_error_page, verdict.fault_side, verdict.certainty) == (True, "origin", "likely")


def test_every_claim_cites_a_region_of_the_picture() -> None:
    diagnosis = judged("nginx.page")
    assert diagnosis.findings
    for cite in (cite for found in diagnosis.findings for cite in found.cites):
        assert (cite.pointer, cite.region is not None) == ("/pages/0/screenshot", True)


@pytest.mark.parametrize("name", ["blank", "own-page"])
def test_a_picture_that_names_nobody_gives_no_verdict(name: str) -> None:
    verdict = judged(name).verdict
    assert (verdict.generator, verdict.is_error_page, verdict.certainty) == (None, False, "undetermined")


def test_its_evidence_can_be_written_and_read_again() -> None:
    made = evidence("seen.png", (PICTURES / "blank.png").read_bytes(), NOW)
    assert load(Evidence, dump(made)) == made


def test_the_command_line_takes_a_picture() -> None:
    done = CliRunner().invoke(gatewitness.app, ["diagnose", str(PICTURES / "nginx.page.png")])
    assert (done.exit_code, "nginx" in done.stdout, "certainty: likely" in done.stdout) == (0, True, True)


def test_a_file_that_is_no_picture_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    (tmp_path / "seen.png").write_bytes(b"no picture")
    with pytest.raises(BadPicture):
        imported.diagnose(evidence("seen.png", (PICTURES / "blank.png").read_bytes(), NOW), b"no picture")
    done = CliRunner().invoke(gatewitness.app, ["diagnose", str(tmp_path / "seen.png")])
    assert isinstance(done.exception, BadInput)
