"""Why no answer came, by the browser's and the guard's names of the failure."""

import pytest

from capture.record.network import PlainHttp
from report.diagnose import diagnose
from tests import builders as make


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        ("net::ERR_CONNECTION_REFUSED", "network.connection-refused"),
        ("net::ERR_ADDRESS_UNREACHABLE", "network.unreachable"),
        ("net::ERR_CONNECTION_RESET", "network.reset"),
        ("net::ERR_EMPTY_RESPONSE", "network.empty-response"),
        ("net::ERR_INVALID_HTTP_RESPONSE", "network.invalid-response"),
        ("net::ERR_TIMED_OUT", "network.no-answer"),
        ("net::ERR_SOMETHING_NEW", "network.failed"),
    ],
)
def test_a_failure_below_http_is_named_with_its_hand_off(error: str, fault: str) -> None:
    diagnosis = diagnose(make.failed(error))
    assert (diagnosis.verdict.fault_code, diagnosis.verdict.layer) == (fault, "network")
    assert diagnosis.verdict.status is None
    assert diagnosis.findings[0].code == fault


def test_a_connect_that_ran_out_of_time_names_the_address() -> None:
    late = make.dial("net::ERR_CONNECTION_TIMED_OUT", "ETIMEDOUT")
    page = make.page_load(make.exchange(guard_error="net::ERR_CONNECTION_TIMED_OUT", dial=0))
    diagnosis = diagnose(make.evidence(page, dials=(late,), tcp=(make.tcp("timed-out"),)))
    assert diagnosis.verdict.fault_code == "network.timed-out"
    assert "192.0.2.10:443" in diagnosis.verdict.summary
    assert {"/dials/0/errno", "/tcp/0/outcome"} <= {cite.pointer for cite in diagnosis.findings[0].cites}


def test_silence_after_the_connection_stood_is_not_a_failed_connect() -> None:
    page = make.page_load(make.exchange(guard_error="net::ERR_CONNECTION_TIMED_OUT", dial=0))
    assert diagnose(make.evidence(page, dials=(make.dial(),))).verdict.fault_code == "network.no-answer"


def test_a_load_that_never_committed_is_an_answer_that_never_came() -> None:
    page = make.page_load(make.exchange(), ended="commit-timeout")
    assert diagnose(make.evidence(page)).verdict.fault_code == "network.no-answer"


def test_our_own_policy_is_never_held_against_the_site() -> None:
    refused = make.dial(verdict="refused", rule="port 6379", host="shop.example", answers=())
    page = make.page_load(make.exchange(guard_error="net::ERR_NETWORK_ACCESS_DENIED", dial=0))
    verdict = diagnose(make.evidence(page, dials=(refused,))).verdict
    assert (verdict.fault_code, verdict.fault_side) == ("network.policy", "client")


def test_one_dead_address_beside_a_living_one_is_a_finding() -> None:
    probes = (make.tcp(), make.tcp("refused", address="192.0.2.11"))
    diagnosis = diagnose(make.answered(200, (), "<p>hello, this is the shop</p>", tcp=probes))
    assert [found.parameters for found in diagnosis.findings] == [{"address": "192.0.2.11"}]
    assert not diagnosis.verdict.is_error_page


@pytest.mark.parametrize(
    ("framing", "fault"), [("truncated", "network.truncated"), ("bad-chunk", "network.invalid-response")]
)
def test_a_body_that_breaks_its_framing_is_a_finding(framing: str, fault: str) -> None:
    plain: PlainHttp = make.plain(200, (), "hello", framing=framing)
    codes = [found.code for found in diagnose(make.answered(200, (), "<p>hello</p>", plain_http=(plain,))).findings]
    assert fault in codes


def test_an_answer_that_began_and_broke_off_is_a_failure_with_its_status() -> None:
    broken = make.exchange(answer=make.response(200, (), "<p>hel"), error="net::ERR_INCOMPLETE_CHUNKED_ENCODING")
    verdict = diagnose(make.evidence(make.page_load(broken, ended="failed"))).verdict
    assert (verdict.fault_code, verdict.status, verdict.is_error_page) == ("network.truncated", 200, True)
