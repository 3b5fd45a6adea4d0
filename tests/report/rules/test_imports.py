"""Facts that were handed in are at most likely, and say what they cannot prove."""

from pathlib import Path
from typing import Any

import pytest

from capture.record import seal
from capture.record.evidence import Evidence, Imported, ImportedFile
from capture.record.page import PageLoad
from report import summary, view
from report.diagnose import diagnose
from report.diagnosis import Diagnosis
from report.places import place
from report.rules import imports
from tests.builders import NOW, answered, evidence, exchange, failed, page_load, tls

MANIFEST = seal.manifest([seal.entry("evidence.json", b"{}")])
PAGES = Path(__file__).parents[1] / "pages"
BRANDED = (PAGES / "cloudflare-521.html").read_text()
PAGE = "<!doctype html><html><title>Shop</title><h1>Welcome to the shop</h1>" + "<p>Shoes and hats.</p>" * 9


def imported(made: Evidence, *files: dict[str, Any], clock: str = "files") -> Evidence:
    """The same facts, handed in."""
    given = files or ({"name": "shop.har", "format": "har", "creator": "WebInspector 537.36"},)
    records = tuple(ImportedFile.model_validate({"size": 9, "sha256": "ab" * 32, **file}) for file in given)
    pages = tuple(load.model_copy(update={"label": "imported"}) for load in made.pages)
    source = Imported.model_validate({"tool": "gatewitness 0.1.0", "at": NOW, "clock": clock, "files": records})
    return made.model_copy(update={"imported": source, "pages": pages, "vantage": None, "dns": None})


def saved(source: str, url: str | None = "https://shop.example/checkout") -> Evidence:
    """A saved page and nothing else."""
    load = PageLoad(label="imported", started_at=NOW, ended="load", source=source, final_url=url)
    made = evidence(load, **({} if url else {"url": "page.html"}))
    return imported(made, {"name": "page.html", "format": "html"})


def proven(diagnosis: Diagnosis) -> list[str]:
    return [found.code for found in diagnosis.findings if found.certainty == "proven"]


CASES = {
    "vendor": answered(502, [("Server", "nginx"), ("Content-Type", "text/html")],
                       "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center>"
                       "<h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"),
    "proxy-status": answered(502, [("Proxy-Status", "edge; error=connection_refused")]),
    "refused": failed("net::ERR_CONNECTION_REFUSED"),
    "expired": failed("net::ERR_CERT_DATE_INVALID", tls=(tls("expired"),)),
    "in order": answered(200, [("Content-Type", "text/html")], PAGE)}


@pytest.mark.parametrize("name", CASES)
def test_nothing_that_was_handed_in_is_proven(name: str) -> None:
    diagnosis = diagnose(imported(CASES[name]))
    assert (diagnosis.verdict.certainty == "proven", proven(diagnosis)) == (False, [])


def test_the_same_facts_captured_are_as_sure_as_before() -> None:
    assert proven(diagnose(CASES["vendor"])) != []
    assert diagnose(CASES["refused"]).verdict.certainty == "proven"


def test_sentences_are_no_surer_than_likely() -> None:
    assert "probably refused" in diagnose(imported(CASES["refused"])).verdict.summary
    assert "probably wrote" in diagnose(imported(CASES["vendor"])).findings[1].sentence


def test_the_reader_is_told_what_files_cannot_prove() -> None:
    made = imported(CASES["vendor"], *({"name": f"{n}.har", "format": "har"} for n in "abc"))
    diagnosis = diagnose(made)
    assert diagnosis.warning is not None
    assert "(a.har, b.har and 1 more)" in diagnosis.warning
    assert imports.UNKNOWN in diagnosis.unknowns
    text = summary.markdown(made, diagnosis, MANIFEST)
    assert "nor who sealed this and when" in text
    assert "with this browser" not in text


def test_notes_on_a_file_are_told() -> None:
    made = imported(CASES["vendor"], {"name": "a.har", "format": "har", "notes": ("It holds other loads.",)})
    assert "a.har: It holds other loads." in diagnose(made).unknowns


def test_a_block_of_a_visitor_is_not_blamed_on_our_browser() -> None:
    blocked = answered(429, [("Content-Type", "text/plain")], "slow down")
    assert "automated browser" in (diagnose(blocked).warning or "")
    assert "automated browser" not in (diagnose(imported(blocked)).warning or "")
    assert "curl" in (diagnose(imported(blocked, {"name": "x", "format": "curl"})).warning or "")


def test_a_name_that_did_not_resolve_may_have_many_reasons() -> None:
    verdict = diagnose(imported(failed("net::ERR_NAME_NOT_RESOLVED"))).verdict
    assert (verdict.fault_code, verdict.certainty) == ("dns.nxdomain", "possible")


@pytest.mark.parametrize(("clock", "label"), [
    ("files", "Time by the file (UTC)"), ("server", "Time by the server (UTC)"), ("unknown", "Handed in (UTC)")])
def test_it_is_said_whose_time_it_is(clock: str, label: str) -> None:
    assert label in [fact.label for fact in diagnose(imported(CASES["vendor"], clock=clock)).support]


def test_a_saved_page_names_its_writer_without_status_and_headers() -> None:
    verdict = diagnose(saved(BRANDED)).verdict
    assert (verdict.generator, verdict.status, verdict.certainty) == ("cloudflare", 521, "possible")
    assert verdict.fault_code == "origin.connection-refused"
    row = next(fact for fact in diagnose(saved(BRANDED)).support if fact.label == "Status")
    assert row.value == "521 (by the page's own words)"


def test_every_citation_of_a_saved_page_leads_to_it() -> None:
    made = saved(BRANDED)
    cites = [cite for found in diagnose(made).findings for cite in found.cites]
    assert cites
    assert {cite.pointer for cite in cites} == {"/pages/0/source"}


def test_a_saved_page_that_shows_no_error_is_no_answer() -> None:
    made = saved(PAGE, url=None)
    diagnosis = diagnose(made)
    assert diagnosis.verdict.summary == "The saved page of the site is probably in order: it shows no error."
    assert diagnosis.verdict.status is None
    assert view.view(made, diagnosis, MANIFEST, paper=False).what == "A saved page"


def test_a_saved_page_tells_what_the_har_left_out() -> None:
    bare = exchange(answer=answered(521, [("Server", "cloudflare")]).pages[0].exchanges[0].response)
    assert bare.response is not None
    bare = bare.model_copy(update={"response": bare.response.model_copy(update={"body": None})})
    made = imported(evidence(page_load(bare, source=BRANDED, title=None, text=None)))
    verdict = diagnose(made).verdict
    assert (verdict.generator, verdict.status) == ("cloudflare", 521)


def test_the_visitor_is_the_program_that_recorded_it() -> None:
    visitor = diagnose(imported(CASES["vendor"])).hops[0]
    assert (visitor.detail, visitor.evidence_for[0].pointer) == ("WebInspector 537.36", "/imported/files/0/creator")


def test_a_citation_of_a_file_is_told_in_words() -> None:
    made = saved(PAGE)
    pointers = ("/imported/files/0/creator", "/pages/0/source", "/imported/files/7")
    assert [place(each, made) for each in pointers] == ["file page.html", "source of the saved page", ""]


def test_without_answer_failure_and_picture_it_cannot_be_told() -> None:
    load = page_load(exchange(), ended="failed", error=None)
    assert diagnose(imported(evidence(load))).verdict.certainty == "undetermined"
