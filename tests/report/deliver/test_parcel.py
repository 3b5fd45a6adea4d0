"""What is sent is what was sealed and masked, and says what it is."""

import shutil
from pathlib import Path

import pytest

from capture.record import codec
from capture.record.bundle import BundleError
from report.deliver.base import BadTarget
from report.deliver.parcel import parcel, smaller
from report.dossier import build
from report.fingerprint import LENGTH
from report.markup.markdown import markdown
from report.verify import verify
from tests.report.examples import EXAMPLES


@pytest.fixture
def copy(bundle_dir: Path, tmp_path: Path) -> Path:
    """A bundle that may be changed."""
    return Path(shutil.copytree(bundle_dir, tmp_path / "case"))


def test_it_holds_title_text_files_and_the_verdict(bundle_dir: Path, tmp_path: Path) -> None:
    sent = parcel(bundle_dir, tmp_path)
    assert sent.title == "shop.example: 522 (Cloudflare)"
    assert sent.case.startswith("GW-")
    assert len(sent.failure) == LENGTH
    assert markdown(sent.blocks) == (bundle_dir / "report" / "summary.md").read_text()
    assert sent.offers["dossier.pdf"].read() == (bundle_dir / "report" / "dossier.pdf").read_bytes()
    assert (sent.facts["status"], sent.facts["vendor"]) == (522, "cloudflare")
    assert {"dossier.pdf", "dossier.html", "page.har", "screenshot"} <= sent.offers.keys()


def test_a_working_page_is_its_own_failure(tmp_path: Path) -> None:
    EXAMPLES["healthy"]().seal(tmp_path / "case")
    build(tmp_path / "case", pdf=False)
    sent = parcel(tmp_path / "case", tmp_path / "scratch")
    assert sent.failure == sent.case
    assert "dossier.pdf" not in sent.offers


def test_a_bundle_that_keeps_secrets_is_sent_to_nobody(tmp_path: Path) -> None:
    example = EXAMPLES["healthy"]()
    case = tmp_path / "case"
    example.seal(case)
    build(case, pdf=False)
    before = (case / "evidence.json").read_bytes()
    evidence = codec.load_evidence(before).model_copy(update={"redaction_ruleset": "none"})
    (case / "evidence.json").write_bytes(codec.dump(evidence))
    with pytest.raises(BadTarget, match="without masking"):
        parcel(case, tmp_path)


@pytest.mark.parametrize("name", ["page.har", "evidence.json", "report/dossier.html", "report/dossier.pdf"])
def test_what_was_changed_is_sent_to_nobody(copy: Path, tmp_path: Path, name: str) -> None:
    with (copy / name).open("ab") as stream:
        stream.write(b" ")
    assert verify(copy)
    with pytest.raises(BadTarget, match="not what was sealed"):
        parcel(copy, tmp_path)


def test_without_a_dossier_there_is_nothing_to_send(copy: Path, tmp_path: Path) -> None:
    shutil.rmtree(copy / "report")
    with pytest.raises(BadTarget, match="gatewitness report"):
        parcel(copy, tmp_path)
    with pytest.raises(BundleError):
        parcel(tmp_path / "nothing", tmp_path)


def test_the_smaller_dossier_is_the_same_with_smaller_pictures(long_dossier: object, bundle_dir: Path) -> None:
    whole = (bundle_dir / "report" / "dossier.html").read_text()
    small = smaller(whole)
    assert small is not None
    assert len(small) < len(whole)
    assert small.count("data:image/jpeg;base64,") == whole.count("data:image/jpeg;base64,")
    assert small.partition("data:image")[0] == whole.partition("data:image")[0]
    assert smaller("<p>nothing to see</p>") is None
