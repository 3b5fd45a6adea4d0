"""The dossier from Python: one function, no renderer before it is needed, private vendors too."""

import subprocess
import sys
from pathlib import Path

import pytest

from capture.record.bundle import BundleError
from report import build_dossier
from report.signatures import BadSignature
from report.verify import verify
from tests.report.examples import EXAMPLES

ROOT = Path(__file__).parents[1]


def test_a_bundle_is_made_into_a_dossier_again(tmp_path: Path) -> None:
    EXAMPLES["nginx_502"]().seal(tmp_path)
    first = {name: path.read_bytes() for name, path in build_dossier(str(tmp_path), pdf=False).paths.items()}
    made = build_dossier(tmp_path, pdf=False)
    assert made.diagnosis.verdict.fault_code == "origin.bad-gateway"
    assert made.warnings == ()
    assert {name: path.read_bytes() for name, path in made.paths.items()} == first
    assert "packs/owner/letter-owner.md" in first
    assert verify(tmp_path) == []


def test_what_is_no_bundle_and_a_bad_vendor_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        build_dossier(tmp_path, pdf=False)
    with pytest.raises(BadSignature, match=r"there is no \.toml file"):
        build_dossier(tmp_path, pdf=False, vendors=tmp_path)


def test_importing_it_loads_no_renderer() -> None:
    code = "import sys; from report import build_dossier; print([m for m in sys.modules if m.startswith('report.')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_guide_shows_it_as_it_is() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text()
    assert "from report import build_dossier" in guide
    assert 'build_dossier("gatewitness-BUNDLE")' in guide
