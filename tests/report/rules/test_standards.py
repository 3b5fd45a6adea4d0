"""What intermediaries say of themselves by RFC 9209, RFC 9211 and RFC 9110."""

import pytest

from report.diagnose import diagnose
from report.faults import FAULTS
from report.rules.standards import PROXY_ERRORS, members, metrics, reporting, via
from tests import builders as make


def test_members_keep_their_order_their_parameters_and_their_line() -> None:
    found = members(
        ['Front; error=connection_refused; details="no, really; \\"no\\"", cdn.example', '"Edge One"; fwd=miss']
    )
    assert [(each.line, each.name) for each in found] == [(0, "Front"), (0, "cdn.example"), (1, "Edge One")]
    assert found[2].name == "Edge One"
    assert found[0].parameters == {"error": "connection_refused", "details": 'no, really; "no"'}
    assert found[2].parameters == {"fwd": "miss"}


@pytest.mark.parametrize("line", ["", ";;;", '"never closed', "a;b=", "=" * 5_000])
def test_what_is_not_well_formed_never_raises(line: str) -> None:
    assert isinstance(members([line]), list)


def test_the_hops_of_via_come_in_the_order_of_the_answer() -> None:
    assert [(hop.by, hop.comment) for hop in via(["1.1 inner (squid/6.1), HTTP/2 outer", "1.1 edge"])] == [
        ("inner", "squid/6.1"),
        ("outer", ""),
        ("edge", ""),
    ]


def test_proxy_status_names_the_fault_of_a_page_that_does_not() -> None:
    told = [("Proxy-Status", "edge.example; error=tls_certificate_error")]
    diagnosis = diagnose(make.answered(502, told, "<p>sorry</p>"))
    assert diagnosis.verdict.fault_code == "origin.tls-certificate"
    assert "tls_certificate_error" in diagnosis.findings[0].cites[0].excerpt


def test_every_error_type_of_proxy_status_is_known_and_its_fault_too() -> None:
    assert len(PROXY_ERRORS) == 32
    assert {kind.fault for kind in PROXY_ERRORS.values() if kind.fault} <= FAULTS.keys()


def test_the_one_nearest_the_origin_names_the_cause() -> None:
    told = [("Proxy-Status", "inner.example; error=dns_error, outer.example; error=http_response_incomplete")]
    assert diagnose(make.answered(502, told, "<p>sorry</p>")).verdict.fault_code == "origin.dns"


def test_an_answer_that_a_proxy_made_itself_is_judged_by_its_status() -> None:
    told = [("Proxy-Status", "edge.example; error=proxy_internal_response")]
    assert diagnose(make.answered(404, told, "<p>sorry</p>")).verdict.fault_code == "client.not-found"


def test_metrics_of_server_timing_keep_duration_and_description() -> None:
    found = metrics(['cdn-cache; desc=HIT, origin;dur=5012.5;desc="the app"', "edge; dur=x", ";;;,=,"])
    assert [(each.line, each.name, each.duration_ms, each.description) for each in found[:3]] == [
        (0, "cdn-cache", None, "HIT"),
        (0, "origin", 5012.5, "the app"),
        (1, "edge", None, ""),
    ]


def test_a_policy_of_error_logging_names_where_reports_go() -> None:
    nel = ['{"report_to": "nel", "max_age": 604800}']
    group = ['{"group": "nel", "max_age": 604800, "endpoints": [{"url": "https://reports.example/nel"}]}']
    assert [(each.max_age_s, each.endpoints) for each in reporting(nel, group)] == [
        (604800, ("https://reports.example/nel",))
    ]
    assert reporting(['{"max_age": 0}'], group) == []
    assert reporting(["[[[[", "{}", '{"max_age": "x"}', "1"], ["[", '{"endpoints": 7}']) == []
