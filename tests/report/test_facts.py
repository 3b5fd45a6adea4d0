"""What rules work on."""

from report.facts import facts, finding, weakest
from report.signatures import vendors
from tests import builders as make


def test_the_answered_document_is_the_main_exchange_of_the_strict_load() -> None:
    first = make.exchange("http://shop.example/", make.response(301))
    last = make.exchange("https://shop.example/", make.response(404, (), "gone"), id="E2", hop=1)
    lenient = make.page_load(make.exchange(answer=make.response(200, (), "fine")), label="lenient")
    seen = facts(make.evidence(lenient, make.page_load(first, last)), vendors())
    assert seen.page is not None
    assert (seen.page.status, seen.page.pointers["status"]) == (404, "/pages/1/exchanges/1/response/status")
    assert seen.https


def test_a_download_and_an_answer_without_content_are_no_failures() -> None:
    for ended in ("download", "no-content"):
        page = make.page_load(make.exchange(answer=make.response(200), error="net::ERR_ABORTED"), ended=ended)
        assert facts(make.evidence(page), ()).error is None


def test_the_guards_name_of_a_failure_counts_before_the_browsers() -> None:
    page = make.page_load(
        make.exchange(error="net::ERR_SOCKS_CONNECTION_FAILED", guard_error="net::ERR_CONNECTION_REFUSED")
    )
    assert facts(make.evidence(page), ()).error == "net::ERR_CONNECTION_REFUSED"


def test_a_finding_is_never_surer_than_its_fault_allows() -> None:
    seen = facts(make.failed("net::ERR_TIMED_OUT"), ())
    assert finding(seen, "network.no-answer", seen.error_cites(), certainty="proven").certainty == "likely"
    assert weakest("proven", "possible", "likely") == "possible"


def test_a_page_that_reloads_itself_until_a_limit_of_ours_ends_it_is_judged_by_its_last_answer() -> None:
    shown = make.exchange(answer=make.response(522, (), "error code: 522"))
    ended = make.exchange(guard_error="net::ERR_CONNECTION_RESET", id="E2")
    seen = facts(make.evidence(make.page_load(shown, ended, title="", text="error code: 522")), ())
    assert seen.page is not None
    assert (seen.page.status, seen.error) == (522, None)
