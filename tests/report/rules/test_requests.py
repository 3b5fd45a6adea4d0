"""A page that came with success while a request of its own failed."""

import pytest

from report.diagnose import diagnose
from report.diagnosis import Diagnosis
from tests import builders as make


def with_request(status: int | None, body: str, url: str = f"{make.URL}/orders", **given: str) -> Diagnosis:
    document = make.exchange(answer=make.response(200, (), body))
    called = make.exchange(url, None if status is None else make.response(status), id="E2", resource_type="fetch",
                           main_document=False, **given)
    return diagnose(make.evidence(make.page_load(document, called, main_exchange="E1", final_url=make.URL,
                                                 title="Orders", text=body)))


@pytest.mark.parametrize(("status", "error", "told"), [
    (502, None, "was answered 502"), (None, "net::ERR_CONNECTION_RESET", "failed with net::ERR_CONNECTION_RESET")])
def test_a_page_whose_own_request_failed_is_not_called_in_order(
    status: int | None, error: str | None, told: str
) -> None:
    more = {"error": error} if error else {}
    found = with_request(status, "Your orders could not be loaded. Please try again later.", **more)
    said = found.verdict
    assert (said.is_error_page, said.fault_code, said.certainty) == (True, "app.request-failed", "possible")
    assert f"GET /checkout/orders {told}" in [row.value for row in found.support]
    assert said.summary == f"The page of shop.example came, but may not work: its request GET /checkout/orders {told}."


def test_a_page_that_shows_no_error_tells_of_its_failed_request() -> None:
    found = with_request(503, "Fresh bread every day.")
    assert (found.verdict.is_error_page, found.verdict.certainty) == (False, "possible")
    assert "shows no error, but its request GET /checkout/orders was answered 503" in found.verdict.summary
    assert found.hops[-1].state == "undetermined"


@pytest.mark.parametrize(("status", "url"), [(401, f"{make.URL}/me"), (404, f"{make.URL}/me"),
                                             (503, "https://metrics.example/beacon")])
def test_refusals_and_other_hosts_do_not_count(status: int, url: str) -> None:
    assert with_request(status, "Fresh bread every day.", url).verdict.certainty == "likely"
