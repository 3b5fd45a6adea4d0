"""A pack holds what its addressee takes, and its letter says what it holds."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from capture.record.bundle import Bundle
from report import letters, packs
from report.diagnose import diagnose
from report.dossier import Dossier, build
from report.packs import OWNER_BYTES, OWNER_TYPES, PASTED, UNKNOWN_TYPES, Taker, choose, takers, without_bodies
from report.signatures import BadSignature, Vendor, vendors, with_private
from report.view import has_failed
from tests.builders import answered
from tests.report.examples import EXAMPLES
from tests.report.parts import Example

ENTRY = {"request": {"url": "u", "postData": {"text": "a" * 90, "mimeType": "x"}},
         "response": {"status": 502, "content": {"size": 99, "text": "b" * 90, "encoding": "base64"}}}
HAR = json.dumps({"log": {"version": "1.2", "entries": [ENTRY]}}).encode()


def pack(dossier: Dossier, folder: str) -> dict[str, bytes]:
    start = f"packs/{folder}/"
    return {name.removeprefix(start): path.read_bytes() for name, path in dossier.paths.items()
            if name.startswith(start)}


def test_cloudflare_gets_no_pdf_and_no_zip(dossier: Dossier) -> None:
    files = pack(dossier, "cloudflare")
    assert set(files) == {*PASTED, "dossier.html", "page.har", "screenshot.png", "headers.txt", "reproduce.txt"}
    assert all(len(data) <= 20_000_000 for data in files.values())


def test_the_owner_gets_everything_and_the_letter_to_send_on(dossier: Dossier) -> None:
    assert set(pack(dossier, "owner")) == {
        *PASTED, "dossier.html", "dossier.pdf", "page.har", "screenshot.png", "headers.txt", "reproduce.txt"}


@pytest.mark.parametrize(("folder", "letter", "not_attached"), [
    ("owner", "letter-owner.md", {"letter-owner.md"}), ("cloudflare", "letter-owner.md", {"letter-owner.md"}),
    ("cloudflare", "letter-vendor.md", set(PASTED))])
def test_a_letter_names_exactly_the_files_that_go_with_it(
        folder: str, letter: str, not_attached: set[str], dossier: Dossier) -> None:
    files = pack(dossier, folder)
    named = {line.removeprefix("- ").split(":")[0].strip("`") for line in files[letter].decode().splitlines()
             if line.startswith("- ") and line.removeprefix("- ").split(":")[0].strip("`") in files}
    assert named == set(files) - not_attached


def test_copies_are_the_files_themselves(dossier: Dossier, bundle_dir: Path) -> None:
    files = pack(dossier, "cloudflare")
    assert files["dossier.html"] == dossier.paths["dossier.html"].read_bytes()
    assert files["page.har"] == (bundle_dir / "page.har").read_bytes()
    assert files["screenshot.png"] == (bundle_dir / "screenshot.png").read_bytes()


def test_the_dossier_shows_the_letters_of_the_packs(dossier: Dossier) -> None:
    bundle = Bundle(dossier.paths["dossier.html"].parent.parent)
    shown = packs.written(bundle.evidence, dossier.diagnosis, bundle.manifest)
    assert [letter.name for letter in shown] == ["packs/owner/letter-owner.md", "packs/cloudflare/letter-vendor.md"]
    for letter in shown:
        packed = dossier.paths[letter.name].read_text()
        assert re.sub(r"\\(.)", r"\1", packed.replace("`", "").replace("**", "")) == letter.text


def test_a_page_that_works_has_no_packs(tmp_path: Path) -> None:
    EXAMPLES["healthy"]().seal(tmp_path)
    made = build(tmp_path, pdf=False)
    assert not has_failed(made.diagnosis)
    assert not any(name.startswith("packs/") for name in made.paths)


@pytest.mark.parametrize("vendor", [vendor for vendor in vendors() if vendor.support], ids=lambda vendor: vendor.slug)
def test_no_vendor_is_sent_what_it_refuses(vendor: Vendor) -> None:
    taker = packs._taker(vendor)
    assert vendor.support is not None
    assert not set(taker.types) & set(vendor.support.refuses)
    assert taker.types
    assert set(taker.types) <= set(vendor.support.files or UNKNOWN_TYPES)
    assert taker.limit <= (vendor.support.file_bytes or OWNER_BYTES)


@pytest.mark.parametrize("vendor", [vendor for vendor in vendors() if vendor.support], ids=lambda vendor: vendor.slug)
def test_no_vendor_is_sent_more_than_it_takes(vendor: Vendor) -> None:
    taker = packs._taker(vendor)
    names = ("dossier.html", "dossier.pdf", "page.har", "screenshot.png", "headers.txt", "reproduce.txt")
    fits = choose(taker, dict.fromkeys(names, taker.limit))
    assert {file.name for file in fits.attached} == {name for name in names if taker.takes(name)}
    assert fits.attached
    too_large = choose(taker, dict.fromkeys(names, taker.limit + 1), taker.limit + 1)
    assert not too_large.attached
    assert len(too_large.left_out) == len(fits.attached)


def owner(limit: int) -> Taker:
    return Taker("owner", "the site's owner", "owner", OWNER_TYPES, limit)


def test_what_is_too_large_is_left_out_and_said() -> None:
    choice = choose(owner(1_000_000), {"dossier.html": 2_000_000, "page.har": 10})
    assert [file.name for file in choice.attached] == ["page.har"]
    assert choice.left_out == (
        "dossier.html is not attached: it is 2.0 MB, and 1.0 MB is the most that can be sent. Ask for it.",)


def test_a_large_har_goes_without_bodies_and_a_larger_one_not_at_all() -> None:
    small = choose(owner(1_000), {"page.har": 5_000}, 800)
    assert small.without_bodies
    assert "without bodies" in small.attached[0].what
    large = choose(owner(1_000), {"page.har": 5_000}, 2_000)
    assert not large.attached
    assert "page.har is not attached" in large.left_out[0]


def test_a_har_loses_its_bodies_and_nothing_else() -> None:
    entry = json.loads(without_bodies(HAR))["log"]["entries"][0]
    assert entry["response"] == {"status": 502, "content": {"size": 99, "comment": "left out of this copy"}}
    assert entry["request"]["postData"] == {"mimeType": "x", "comment": "left out of this copy"}
    assert without_bodies(b"no har") == b"no har"
    assert without_bodies(b'{"log": []}') == b'{"log": []}'


def test_a_pack_over_the_limit_is_made_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "OWNER_BYTES", 150_000)
    example = EXAMPLES["nginx_502"]()
    bundle = example.seal(tmp_path)
    big = HAR.replace(b"b" * 90, b"b" * 200_000)
    (tmp_path / "page.har").write_bytes(big)
    made = packs.make(bundle, build(tmp_path, pdf=False).diagnosis, {"dossier.html": b"x" * 200_000})
    assert len(made["packs/owner/page.har"]) < 1_000
    assert "packs/owner/dossier.html" not in made
    letter = made["packs/owner/letter-owner.md"].decode()
    assert "dossier.html is not attached" in letter
    assert "without bodies" in letter


PRIVATE = """
slug = "acme-proxy"
name = "Acme proxy"
layer = "reverse-proxy"
source = "https://wiki.acme.example/proxy"
date = 2026-11-20

[identity]
request_id = ["x-acme-id"]
label = "Acme id"

[support]
where = "the network team, net@acme.example"
who = "every employee"
asks = ["Acme id", "time in UTC"]
files = [".txt", ".har"]
file_bytes = 4_000
log_hours = 48
source = "https://wiki.acme.example/proxy/help"
date = 2026-11-20

[[signature]]
id = "acme-proxy.page"
shows = "generated"
certainty = "proven"
source = "https://wiki.acme.example/proxy"
date = 2026-11-20
text = "Acme proxy could not reach the server"
fault = "origin.connection-refused"
sample = { status = 502, headers = [], body = "<p>Acme proxy could not reach the server</p>" }
"""


@pytest.fixture
def private(tmp_path: Path) -> tuple[Vendor, ...]:
    folder = tmp_path / "vendors"
    folder.mkdir()
    (folder / "acme-proxy.toml").write_text(PRIVATE)
    return with_private(folder)


def of_acme(directory: Path) -> Bundle:
    """A sealed bundle with a page of the private proxy."""
    facts = answered(502, (("X-Acme-Id", "a-17"),), "<p>Acme proxy could not reach the server</p>")
    return Example(facts, diagnose(facts)).seal(directory)


def test_a_private_vendor_gets_its_letter_and_only_what_it_takes(
        tmp_path: Path, private: tuple[Vendor, ...]) -> None:
    of_acme(tmp_path / "case")
    made = build(tmp_path / "case", pdf=False, known=private)
    assert made.diagnosis.verdict.generator == "acme-proxy"
    files = pack(made, "acme-proxy")
    assert set(files) == {*PASTED, "headers.txt", "reproduce.txt", "page.har"}
    assert all(len(data) <= 4_000 for data in files.values())
    letter = files["letter-vendor.md"].decode()
    assert letter.startswith("To: Acme proxy (the network team, `net@acme.example`)")
    assert "Acme id: `a-17`" in letter
    owners = pack(made, "owner")["letter-owner.md"].decode()
    assert "takes reports from every employee" in owners
    assert "no longer than 2 days" in owners
    assert "packs/acme-proxy/letter-vendor.md" in made.paths["dossier.html"].read_text()


def test_without_its_file_a_private_vendor_has_no_pack(tmp_path: Path) -> None:
    of_acme(tmp_path)
    assert not any(name.startswith("packs/acme-proxy") for name in build(tmp_path, pdf=False).paths)


def test_a_private_vendor_that_takes_the_place_of_ours_gets_its_letters(tmp_path: Path) -> None:
    (tmp_path / "cloudflare.toml").write_text(PRIVATE.replace("acme-proxy", "cloudflare").replace(
        'layer = "reverse-proxy"', 'layer = "cdn"\nreplaces = true'))
    writer = letters.addressee(EXAMPLES["cloudflare_522"]().diagnosis, with_private(tmp_path))
    assert writer is not None
    assert writer.name == "Acme proxy"


@pytest.mark.parametrize(("old", "new", "word"), [
    ('slug = "acme-proxy"', 'slug = "owner"', "the pack for the site's owner"), ('".har"', '"har"', "support.files"),
    ('".har"', '"/../.har"', "support.files"), ("file_bytes = 4_000", "file_bytes = 0", "file_bytes"),
    ("log_hours = 48", "log_hours = -1", "log_hours")])
def test_what_a_pack_could_not_hold_is_refused(old: str, new: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / ("owner.toml" if "owner" in new else "acme-proxy.toml")
    path.write_text(PRIVATE.replace(old, new))
    with pytest.raises(BadSignature, match=word):
        with_private(tmp_path)


def test_what_only_our_own_policy_stopped_is_nobodys_mail(tmp_path: Path) -> None:
    example = EXAMPLES["nxdomain"]()
    found = example.diagnosis.model_copy(update={
        "verdict": example.diagnosis.verdict.model_copy(update={"fault_code": "network.policy"})})
    bundle = example.seal(tmp_path)
    assert packs.make(bundle, found, {}) == {}
    assert packs.written(bundle.evidence, found, bundle.manifest) == ()


def test_headers_are_verbatim_and_harmless() -> None:
    text = packs.headers_text(EXAMPLES["cloudflare_522"]().evidence)
    assert "cf-ray: 615d3c2b1a0923e4-FRA\n" in text
    assert "## Without a browser, h2, ipv6" in text
    assert packs.headers_text(EXAMPLES["nxdomain"]().evidence).count("net::ERR_NAME_NOT_RESOLVED") == 1


def test_whoever_cannot_be_named_gets_no_pack() -> None:
    folders = [taker.folder for taker in takers(EXAMPLES["nxdomain"]().diagnosis)]
    assert folders == ["owner"]


def test_the_packs_are_sealed_and_in_the_bag(dossier: Dossier) -> None:
    with zipfile.ZipFile(dossier.paths["dossier.zip"]) as bag:
        inside = {name.partition("/data/report/")[2] for name in bag.namelist()}
    assert {name for name in dossier.paths if name.startswith("packs/")} <= inside
