"""What went wrong with a name, by the response code."""

import pytest

from report.diagnose import diagnose
from tests import builders as make

GONE = "net::ERR_NAME_NOT_RESOLVED"


@pytest.mark.parametrize(
    ("rcode", "fault"),
    [
        ("NXDOMAIN", "dns.nxdomain"),
        ("SERVFAIL", "dns.servfail"),
        ("TIMEOUT", "dns.timeout"),
        ("REFUSED", "dns.refused"),
        ("NOERROR", "dns.no-address"),
    ],
)
def test_the_response_code_decides_which_fault_it_is(rcode: str, fault: str) -> None:
    verdict = diagnose(make.failed(GONE, dns=make.dns("shop.example", rcode=rcode))).verdict
    assert (verdict.fault_code, verdict.layer, verdict.fault_side) == (fault, "dns", "dns")
    assert verdict.failing_handoff == ("visitor", "dns")
    assert verdict.generator is None


def test_the_guards_own_answer_for_this_load_counts_before_the_dns_step() -> None:
    seen = make.dial(GONE, rcode="SERVFAIL", answers=(), address=None)
    page = make.page_load(make.exchange(error="net::ERR_SOCKS_CONNECTION_FAILED", guard_error=GONE, dial=0))
    facts = make.evidence(page, dials=(seen,), dns=make.dns("shop.example", rcode="NXDOMAIN"))
    diagnosis = diagnose(facts)
    assert diagnosis.verdict.fault_code == "dns.servfail"
    assert "/dials/0/rcode" in [cite.pointer for cite in diagnosis.findings[0].cites]


def test_a_name_that_leads_to_a_refused_address_is_a_matter_of_its_record() -> None:
    refused = make.dial(verdict="refused", rule="private 10.0.0.0/8", answers=("10.1.2.3",), address="10.1.2.3")
    page = make.page_load(make.exchange(guard_error="net::ERR_NETWORK_ACCESS_DENIED", dial=0))
    verdict = diagnose(make.evidence(page, dials=(refused,))).verdict
    assert verdict.fault_code == "dns.private-address"
    assert "10.1.2.3" in verdict.summary


def test_resolvers_that_disagree_are_a_finding_and_no_verdict() -> None:
    here = make.dns("shop.example", make.ADDRESS)
    there = here.answers[0].model_copy(update={"resolver": "192.0.2.53", "rcode": "NXDOMAIN", "records": ()})
    names = here.model_copy(update={"answers": (*here.answers, there)})
    diagnosis = diagnose(make.answered(200, (), "<p>hello, this is the shop</p>", dns=names))
    assert "dns.resolvers-disagree" in [found.code for found in diagnosis.findings]
    assert not diagnosis.verdict.is_error_page
