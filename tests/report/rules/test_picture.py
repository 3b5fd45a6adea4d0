"""The picture beside the text: it supports, it disagrees, or it alone names the writer."""

from pathlib import Path

import pytest

from capture.record.evidence import Evidence
from capture.record.page import Screenshot
from report.diagnose import diagnose
from report.diagnosis import Diagnosis
from tests import builders as make

PICTURES = Path(__file__).parents[1] / "pictures"
SHOT = Screenshot(path="screenshot.png", width=1280, height=800, at=make.NOW, sha256="ab" * 32)
CLOUDFLARE = (("CF-RAY", "9a0b1c2d3e4f5061-FRA"), ("Server", "cloudflare"))
CF_BODY = ('<html><head><title>shop.example | 522: Connection timed out</title></head><body>'
           '<div id="cf-wrapper"><div id="cf-error-details"><h1>Connection timed out <span>Error code 522</span></h1>'
           "</div></div></body></html>")


def seen(status: int, body: str, *pairs: tuple[str, str], **load: object) -> Evidence:
    document = make.exchange(make.URL, make.response(status, pairs, body))
    return make.evidence(make.page_load(document, screenshot=SHOT, **load))


def judged(evidence: Evidence, name: str | None) -> Diagnosis:
    return diagnose(evidence, picture=(PICTURES / f"{name}.png").read_bytes() if name else None)


def codes(diagnosis: Diagnosis) -> list[str]:
    return [found.code for found in diagnosis.findings]


def test_a_picture_that_agrees_supports_the_text() -> None:
    told = seen(522, CF_BODY, *CLOUDFLARE)
    alone, both = judged(told, None), judged(told, "cloudflare.diagram")
    assert both.verdict == alone.verdict
    cites = [cite for found in both.findings if found.code == "picture.shows" for cite in found.cites]
    assert {cite.pointer for cite in cites} == {"/pages/0/screenshot"}
    assert all(cite.region for cite in cites)


def test_a_picture_that_disagrees_lowers_the_certainty_and_both_are_findings() -> None:
    told = seen(502, "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n"
                     "<center><h1>502 Bad Gateway</h1></center>\n<hr><center>nginx/1.26.1</center>\n"
                     "</body>\n</html>", ("Server", "nginx/1.26.1"))
    alone, both = judged(told, None), judged(told, "cloudflare.diagram")
    assert (alone.verdict.certainty, both.verdict.certainty, both.verdict.generator) == ("likely", "possible", "nginx")
    assert {"nginx.generated", "picture.disagrees"} <= set(codes(both))


def test_a_picture_names_the_writer_where_the_text_names_nobody_and_is_likely_at_most() -> None:
    told = seen(502, "<html><body><img src=/error.png></body></html>", text="", title="")
    alone, both = judged(told, None), judged(told, "f5-bigip.rejected")
    assert (alone.verdict.generator, both.verdict.generator, both.verdict.layer) == (None, "f5-bigip", "load-balancer")
    assert [found.certainty for found in both.findings if found.code == "picture.shows"] == ["likely"]
    assert both.verdict.certainty == "possible"


@pytest.mark.parametrize("name", ["blank", "own-page", "article"])
def test_a_picture_that_shows_no_vendor_changes_nothing(name: str) -> None:
    told = seen(522, CF_BODY, *CLOUDFLARE)
    assert judged(told, name) == judged(told, None)


def test_the_browser_s_own_page_for_an_empty_answer_is_no_witness() -> None:
    told = seen(502, "", ("Server", "Caddy"))
    assert "picture.shows" not in codes(judged(told, "nginx.page"))


def test_bytes_that_are_no_picture_change_nothing() -> None:
    told = seen(522, CF_BODY, *CLOUDFLARE)
    assert diagnose(told, picture=b"not a picture") == diagnose(told)
