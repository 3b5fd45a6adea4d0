"""The import from end to end: files in, a dossier out that names the vendor and holds no secret."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gatewitness
from capture.importers import Options, Upload, bring
from capture.record.bundle import Bundle
from report import dossier
from report.diagnosis import Verdict
from report.verify import verify
from tests.builders import NOW
from tests.capture.importers import files, talks
from tests.capture.importers.files import entry, har, mhtml, named, packed, png, upload
from tests.test_gatewitness import Main, assert_one_sentence, main, place, run
from tests.test_secrets import KINDS, everything

__all__ = ["main", "place"]
PROGRAM = Path(gatewitness.__file__)
PAGES = Path(__file__).parent / "report" / "pages"
PICTURES = Path(__file__).parent / "report" / "pictures"
BRANDED = (PAGES / "cloudflare-521.html").read_text()
NGINX = (talks.ANSWERED.partition("<html>")[0] + "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n<center>"
         "<h1>502 Bad Gateway</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n")
COOKIE = "8f14e45fceea167a5a36dedd4bea2543"
CLOUDFLARE = named(("Server", "cloudflare"), ("CF-RAY", "9a0b1c2d3e4f5071-FRA"), ("Content-Type", "text/html"))


def branded(make: Any) -> dict[str, Any]:
    """A dialect whose document is Cloudflare's page about an origin that refuses."""
    made: dict[str, Any] = make()
    response = made["log"]["entries"][0]["response"]
    response["status"], response["headers"] = 521, CLOUDFLARE
    response["content"] = {"size": len(BRANDED), "mimeType": "text/html", "text": BRANDED}
    return made


@pytest.mark.parametrize("name", [name for name in files.DIALECTS if name != "chrome-failed"])
def test_a_branded_521_in_any_dialect_names_the_vendor_and_proves_nothing(name: str, tmp_path: Path) -> None:
    bring([upload(branded(files.DIALECTS[name]), "shop.har")], tmp_path / "case")
    verdict = dossier.build(tmp_path / "case", pdf=False).diagnosis.verdict
    assert (verdict.generator, verdict.status, verdict.fault_code) == ("cloudflare", 521, "origin.connection-refused")
    assert (verdict.certainty, verdict.request_id) == ("likely", "9a0b1c2d3e4f5071")


def test_the_dossier_says_what_it_is_made_of_and_what_that_cannot_prove(tmp_path: Path) -> None:
    bundle = bring([upload(branded(files.chrome), "shop.har"), Upload("seen.png", png())], tmp_path / "case")
    dossier.build(bundle.directory, pdf=False)
    report = bundle.directory / "report"
    html, letter = (report / "dossier.html").read_text(), (report / "packs/cloudflare/letter-vendor.md").read_text()
    for words in ("Where this comes from", "shop.har", "seen.png", "WebInspector 537.36", "Time by the file (UTC)",
                  "handed in", "by the file’s clock", "nor who sealed this and when"):
        assert words in html
    for words in ("with this browser", "captured <b>", "A page that was handed in"):
        assert words not in html
    assert "2026-03-04 05:06:07" in letter
    assert "not captured here" in letter
    assert verify(bundle.directory) == verify(report / "dossier.zip") == []


@pytest.mark.parametrize(("given", "what", "generator"), [
    (upload(BRANDED, "page.html"), "521", "cloudflare"), (upload(NGINX, "curl.txt"), "502", "nginx"),
    (upload(mhtml(BRANDED), "page.mhtml"), "521", "cloudflare"),
    (Upload("seen.png", (PICTURES / "nginx.page.png").read_bytes()), "502", "nginx")])
def test_every_other_kind_of_file_gives_a_dossier_too(given: Upload, what: str, generator: str, tmp_path: Path) -> None:
    bring([given], tmp_path / "case", Options(url="https://shop.example/checkout"))
    built = dossier.build(tmp_path / "case", pdf=False)
    assert (built.diagnosis.verdict.generator, str(built.diagnosis.verdict.status)) == (generator, what)
    assert built.diagnosis.verdict.certainty in ("likely", "possible")
    assert what in built.paths["dossier.html"].read_text()


@pytest.mark.parametrize("name", talks.FAILURES)
def test_a_failure_of_curl_is_diagnosed(name: str, tmp_path: Path) -> None:
    bring([upload(talks.FAILURES[name][0], "curl.txt")], tmp_path / "case")
    verdict = dossier.build(tmp_path / "case", pdf=False).diagnosis.verdict
    fault = {"unresolved": "dns.nxdomain", "refused": "network.connection-refused", "silent": "network.no-answer",
             "empty": "network.empty-response", "reset": "network.reset", "expired": "tls.expired",
             "wrong-name": "tls.wrong-name", "not-tls": "tls.protocol", "schannel": "tls.protocol"}[name]
    assert (verdict.fault_code, verdict.certainty == "proven") == (fault, False)


def test_a_page_that_somebody_gave_up_accuses_nobody(tmp_path: Path) -> None:
    bring([upload(files.chrome_failed("net::ERR_ABORTED"))], tmp_path / "case")
    verdict = dossier.build(tmp_path / "case", pdf=False).diagnosis.verdict
    assert (verdict.certainty, verdict.fault_code, verdict.fault_side) == ("undetermined", None, "unknown")


def test_a_firefox_har_without_reason_cannot_tell(tmp_path: Path) -> None:
    failed = har(entry(status=0, body=None, response={"headers": []}), creator="Firefox")
    bring([upload(failed)], tmp_path / "case")
    verdict = dossier.build(tmp_path / "case", pdf=False).diagnosis.verdict
    assert (verdict.certainty, verdict.fault_code) == ("undetermined", None)


def test_the_same_files_give_the_same_verdict_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        bring([upload(branded(files.safari))], tmp_path / name, Options(now=NOW))
        dossier.build(tmp_path / name, pdf=False)
    first, second = (json.loads((tmp_path / name / "report/diagnosis.json").read_text()) for name in "ab")
    assert first["verdict"] == second["verdict"]


def _secrets() -> dict[str, str]:
    some = random.Random(7)
    made = {f"{kind} in {carrier}": make(some) for kind, make in KINDS.items()
            for carrier in ("header", "url", "fragment", "json", "form", "html", "posted", "initiator")}
    return made | {"cookie": COOKIE, "bearer": "zK3-user-given-9", "basic": "Tr0ub4dor-and-3", "reset": "qX7bYz91KkL2",
                   "password": "c0rrect-H0rse-7", "in cookies only": "c9f0f895fb98ab9159f51fd0"}


def _carrying(made: dict[str, str]) -> dict[str, Any]:
    """A HAR that carries them in every place that HAR has."""
    of = {place: [value for name, value in made.items() if name.endswith(f" in {place}")]
          for place in ("header", "url", "fragment", "json", "form", "html", "posted", "initiator")}
    url = (f"https://alice:{made['basic']}@shop.example/reset/{made['reset']}?reset_token={made['reset']}&"
           + "&".join(f"k{i}={value}" for i, value in enumerate(of["url"]))
           + "#" + "&".join(f"f{i}={value}" for i, value in enumerate(of["fragment"])))
    sent = named(("Cookie", f"sid={made['cookie']}"), ("Authorization", f"Bearer {made['bearer']}"),
                 ("Accept", "text/html"), (":path", f"/?token={made['reset']}"), ("Referer", url),
                 *((f"X-Detail-{i}", value) for i, value in enumerate(of["header"])))
    body = f"<p>{made['cookie']} {made['in cookies only']}</p>" + "".join(f"<p>{value}</p>" for value in of["html"])
    form = "&".join([f"password={made['password']}", *(f"k{i}={value}" for i, value in enumerate(of["form"]))])
    page = entry(
        url, 502, body, pageref="p", _initiator={"type": "script", "url": "https://shop.example/?" + "&".join(
            f"k{i}={value}" for i, value in enumerate(of["initiator"]))},
        request={"headers": sent, "method": "POST", "queryString": named(("reset_token", made["reset"])),
                 "cookies": named(("sid", made["cookie"]), ("other", made["in cookies only"])),
                 "postData": {"mimeType": "application/x-www-form-urlencoded", "text": form,
                              "params": named(("password", made["password"]))}},
        response={"cookies": named(("sid", made["cookie"])), "redirectURL": url,
                  "headers": named(("Set-Cookie", f"sid={made['cookie']}; HttpOnly\nother={made['in cookies only']}"),
                                   ("Content-Type", "text/html"), ("Location", url))})
    api = entry("https://shop.example/api", 500, json.dumps({f"k{i}": value for i, value in enumerate(of["json"])}),
                pageref="p", content={"mimeType": "application/json"}, comment=made["password"],
                request={"headers": [], "method": "POST", "postData": {
                    "mimeType": "application/json",
                    "text": json.dumps({"password": made["password"], "more": of["posted"]})}})
    title = f"Reset {made['cookie']}"
    return har(page, api, pages=[{"id": "p", "title": title, "startedDateTime": "2026-03-04T05:06:07Z"}],
               comment=made["bearer"], creator="Chrome", version=made["cookie"])


@pytest.mark.parametrize("form", ["har", "zip", "utf-16"])
def test_no_secret_of_a_har_is_in_any_byte_of_bundle_or_dossier(form: str, tmp_path: Path) -> None:
    made = _secrets()
    whole = _carrying(made)
    data = {"har": json.dumps(whole).encode(), "zip": packed({"har.har": whole}),
            "utf-16": json.dumps(whole).encode("utf-16")}[form]
    bundle = bring([Upload(f"session-{made['cookie']}.har", data)], tmp_path / "case",
                   Options(note=f"password is {made['password']}", seen=f"token={made['reset']}"))
    dossier.build(bundle.directory, pdf=form == "har")
    written = everything(bundle.directory)
    leaks = sorted(f"{name}: {path}" for name, value in made.items() for path, content in written.items()
                   if value.encode() in content)
    assert leaks == [], "\n".join(leaks)
    assert bundle.evidence.redactions


def test_no_secret_of_curl_or_of_a_saved_page_is_kept(tmp_path: Path) -> None:
    page = ("<!-- Page saved with SingleFile\n url: https://shop.example/checkout?token=qX7bYz91KkL2\n-->"
            f"<p>{COOKIE}</p><input type=password value=hunter22>"
            '<input type="hidden" name="csrf_token" value="Zx81kQpL0vB7mN3sWd5e">')
    command = "$ curl -v -u user:Tr0ub4dor https://shop.example/\n"
    bundle = bring([upload(command + talks.PROXIED), upload(talks.ANSWERED), upload(page)], tmp_path / "case")
    dossier.build(bundle.directory, pdf=False)
    written = everything(bundle.directory)
    for secret in (COOKIE, "dXNlcjpUcjB1YjRkb3I=", "Tr0ub4dor", "qX7bYz91KkL2", "Zx81kQpL0vB7mN3sWd5e", "hunter22"):
        assert [path for path, content in written.items() if secret.encode() in content] == [], secret


def test_the_command_prints_as_capture_does(place: Path) -> None:
    (place / "shop.har").write_text(json.dumps(branded(files.chrome)))
    (place / "seen.png").write_bytes(png())
    done = run(place, "import", "shop.har", "seen.png", "--out", "case", "--no-pdf", "--fail-on-fault")
    assert (done.status, done.err) == (1, "")
    assert "Cloudflare" in done.out
    assert "certainty: likely" in done.out
    assert "Dossier: case/report/dossier.html" in done.out
    imported = Bundle(place / "case").evidence.imported
    assert imported is not None
    assert [file.name for file in imported.files] == ["shop.har", "seen.png"]


def test_json_prints_the_verdict_alone_and_the_directory_names_itself(place: Path) -> None:
    (place / "x").write_text(talks.REFUSED)
    done = run(place, "import", "x", "--json", "--no-pdf", "--url", "https://shop.example/cart")
    assert (done.status, done.err) == (0, "")
    assert set(json.loads(done.out)) == set(Verdict.model_fields)
    assert [path.name[:24] for path in place.iterdir() if path.is_dir()] == ["gatewitness-shop.example"]


def test_the_output_of_curl_can_be_piped_in(place: Path) -> None:
    done = subprocess.run([sys.executable, str(PROGRAM), "import", "-", "--out", "case", "--no-pdf"], cwd=place,
                          text=True, input=talks.ANSWERED, capture_output=True, check=False)
    assert (done.returncode, done.stderr, "502" in done.stdout) == (0, "", True)


@pytest.mark.parametrize(("content", "words"), [
    ("hello", "neither a HAR"), ("{}", "no HAR"), ("", "empty"), (talks.INTERACTIVE, "give the address too")])
def test_a_file_that_cannot_be_taken_is_status_2_and_one_sentence(main: Main, place: Path, content: str,
                                                                  words: str) -> None:
    (place / "x.har").write_text(content)
    done = main("import", "x.har", "--out", "case")
    assert done.status == 2
    assert words in done.err
    assert_one_sentence(done)
    assert [path.name for path in place.iterdir()] == ["x.har"]


def test_a_file_that_is_not_there_is_status_2(main: Main, place: Path) -> None:
    done = main("import", "gone.har")
    assert (done.status, "cannot be read" in done.err) == (2, True)
    assert list(place.iterdir()) == []


def test_a_directory_that_is_not_empty_is_left_alone(main: Main, place: Path) -> None:
    (place / "x.har").write_text(json.dumps(files.chrome()))
    done = main("import", "x.har", "--out", str(place))
    assert (done.status, "not an empty directory" in done.err) == (5, True)
