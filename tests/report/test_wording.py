"""What is written is no surer than the verdict: in the table of faults, on the first page, in the summary."""

import re

import pytest

from capture.record.evidence import Evidence
from capture.record.page import PageLoad
from capture.record.seal import manifest
from report import html, summary
from report.diagnose import diagnose
from report.diagnosis import Certainty, Diagnosis
from report.facts import SURENESS
from report.faults import FAULTS
from report.wording import CAUSED, WRITTEN, state, writer_certainty
from tests.report.examples import EXAMPLES
from tests.report.parts import START, evidence, exchange, finding, headers

SURELY: dict[Certainty, str] = {"likely": r"\bprobably\b", "possible": r"\b(may|possibly|looks like|cannot be told)\b"}
DRESSED = "<html><head><style>p{color:red}</style><title>Oops</title></head><body><p>Something broke on our side.</p>"


def allowed(code: str) -> list[Certainty]:
    """The certainties that a fault can have."""
    return [sure for sure in SURENESS[1:] if SURENESS.index(sure) <= SURENESS.index(FAULTS[code].certainty)]


@pytest.mark.parametrize("code", FAULTS)
def test_a_faults_sentence_says_how_sure_it_is(code: str) -> None:
    for sure in allowed(code):
        told = FAULTS[code].told(sure, who="nginx", host="a.example", status="502", detail="[x|y|z]")
        hedged = [word for word, pattern in SURELY.items() if re.search(pattern, told)]
        assert hedged == ([sure] if sure in SURELY else []), told
        assert not re.search(r"[\[|\]{}]", told.replace("[x|y|z]", "")), told


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_has_words_for_each_certainty_that_it_can_have(code: str) -> None:
    for choice in re.findall(r"\[([^\]]*)\]", FAULTS[code].sentence):
        assert len(choice.split("|")) == len(allowed(code))


def test_undetermined_is_told_as_possible() -> None:
    words = {"who": "x", "host": "a.example", "status": "500"}
    assert FAULTS["app.error"].told("undetermined", **words) == FAULTS["app.error"].told("possible", **words)


def answered(status: int, body: str, *lines: str) -> Evidence:
    url = "https://shop.example/"
    load = PageLoad(
        label="strict",
        started_at=START,
        ended="load",
        main_exchange="E1",
        duration_ms=50.0,
        final_url=url,
        text=re.sub(r"<style.*?</style>|<[^>]+>", " ", body),
        exchanges=(exchange(1, url, status, answer=headers("content-type: text/html", *lines), body=body),),
    )
    return evidence(url, (load,))


def test_a_sites_own_error_page_is_only_possibly_its_applications() -> None:
    facts = answered(500, DRESSED)
    made = diagnose(facts)
    assert made.verdict.certainty == "possible"
    assert made.verdict.summary.startswith("The application of shop.example may have failed: the answer was 500.")
    for text in (first_page(facts, made), summary.markdown(facts, made, manifest(()))):
        assert "possibly written by" in text
        assert "the cause may lie" in text
        assert "Who may be able to repair it" in text
        assert "× may fail" in text
        assert "× fails" not in text


def first_page(facts: Evidence, made: Diagnosis) -> str:
    text = html.render(facts, made, manifest(()), paper=True)
    return re.sub(r"<[^>]+>", "", text[text.index("<main>") : text.index("</article>")])


@pytest.mark.parametrize("sure", SURENESS)
def test_the_first_page_and_the_summary_are_as_sure_as_the_verdict(sure: Certainty) -> None:
    example = EXAMPLES["nginx_502"]()
    verdict = example.diagnosis.verdict.model_copy(update={"certainty": sure})
    written = finding("nginx.generated", "reverse-proxy", "x", "/pages/0/title", "x", sure)
    made = example.diagnosis.model_copy(update={"verdict": verdict, "findings": (written,)})
    for text in (first_page(example.evidence, made), summary.markdown(example.evidence, made, manifest(()))):
        assert f"{WRITTEN[sure]} nginx" in text
        assert f"; {CAUSED[sure]} " in text
        assert state("faulty", sure) in text


def test_the_writer_is_as_sure_as_its_own_finding() -> None:
    made = EXAMPLES["nginx_502"]().diagnosis
    verdict = made.verdict.model_copy(update={"certainty": "likely"})
    written = finding("nginx.generated", "reverse-proxy", "x", "/pages/0/title", "x", "proven")
    against = finding("picture.disagrees", "cdn", "x", "/pages/0/title", "x", "likely")
    assert writer_certainty(made.model_copy(update={"verdict": verdict, "findings": (written,)})) == "proven"
    assert writer_certainty(made.model_copy(update={"verdict": verdict, "findings": (written, against)})) == "likely"
    assert writer_certainty(made.model_copy(update={"verdict": verdict, "findings": ()})) == "likely"
