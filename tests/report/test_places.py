"""Pointers are told in words that people know."""

import pytest

from capture.record.page import ConsoleEntry, PageLoad
from report.diagnose import diagnose
from report.places import place
from tests.report.examples import EXAMPLES
from tests.report.parts import START, evidence, exchange, headers


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("/pages/0/exchanges/0/response/headers/3/value", "header cf-ray of E1"),
        ("/pages/0/exchanges/0/request_headers/1/value", "request header user-agent of E1"),
        ("/pages/0/exchanges/0/response/status", "status of E1"),
        ("/pages/0/exchanges/0/response/body/text", "source of E1"),
        ("/pages/0/exchanges/0/duration_ms", "time of E1"),
        ("/pages/0/exchanges/0/security/protocol", "TLS of E1"),
        ("/pages/0/title", "title of the page"),
        ("/pages/0/screenshot", "picture"),
        ("/pages/0/console/0/text", "console, line 1"),
        ("/dns/answers/0/rcode", "A answer of the system’s resolver"),
        ("/dns/answers/2/rcode", "A answer of 192.0.2.54"),
        ("/dns/addresses/0", "addresses of the name"),
        ("/dials/1/errno", "connection 1"),
        ("/tcp/0/outcome", "connect to 203.0.113.80"),
        ("/tls/0/trusted", "handshake with 203.0.113.80"),
        ("/tls/0/chain/0/not_after", "certificate from 203.0.113.80"),
        ("/plain_http/1/hops/0/status", "status of the request without a browser (h2, ipv4)"),
        ("/plain_http/0/hops/0/headers/2/value", "header server of the request without a browser (http/1.1, ipv4)"),
        ("/vantage/browser", "vantage point"),
    ],
)
def test_a_pointer_has_words(pointer: str, words: str) -> None:
    assert place(pointer, EXAMPLES["cloudflare_522"]().evidence) == words


@pytest.mark.parametrize("pointer", ["", "/", "/pages/9/title", "/pages/x/title", "/tls/7", "/tcp/0", "/nothing/at"])
def test_a_pointer_into_other_evidence_has_none(pointer: str) -> None:
    assert place(pointer, EXAMPLES["nxdomain"]().evidence) == ""


def test_another_load_is_named() -> None:
    assert place("/pages/1/exchanges/0/response/status", EXAMPLES["expired"]().evidence) == "status of E1, lenient load"


@pytest.mark.parametrize("name", EXAMPLES)
def test_everything_that_a_diagnosis_cites_has_words(name: str) -> None:
    facts = EXAMPLES[name]().evidence
    made = diagnose(facts)
    cites = [c for found in made.findings for c in found.cites] + [c for hop in made.hops for c in hop.evidence_for]
    assert cites
    assert [cite.pointer for cite in cites if not place(cite.pointer, facts)] == []


def test_a_headers_name_is_bounded() -> None:
    load = PageLoad(label="strict", started_at=START, ended="load", duration_ms=1.0,
                    console=(ConsoleEntry(source="console", level="info", text="x"),),
                    exchanges=(exchange(1, "https://a.example/", answer=headers("x" * 5_000 + ": y")),))  # fmt: skip
    facts = evidence("https://a.example/", (load,))
    assert len(place("/pages/0/exchanges/0/response/headers/0/value", facts)) < 80
