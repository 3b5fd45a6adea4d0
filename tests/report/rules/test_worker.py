"""What a page's own service worker shows is never blamed on the server."""

from report.diagnose import diagnose
from report.diagnosis import Diagnosis
from tests import builders as make
from tests.report.rules.test_page import nginx

OFFLINE = "<title>502 Bad Gateway</title><style>p{}</style><p>You seem to be offline, says your device.</p>"


def answered_by_worker(plain_status: int | None, plain_body: str = "") -> Diagnosis:
    exchange = make.exchange(answer=make.response(502, [("Server", "nginx")], OFFLINE), from_service_worker=True)
    plain = () if plain_status is None else (make.plain(plain_status, [("Server", "nginx")], plain_body),)
    return diagnose(make.evidence(make.page_load(exchange), plain_http=plain))


def test_the_request_without_a_browser_is_the_witness() -> None:
    diagnosis = answered_by_worker(502, nginx(502, "Bad Gateway"))
    assert (diagnosis.verdict.generator, diagnosis.verdict.fault_code) == ("nginx", "origin.bad-gateway")
    assert "page.service-worker" in [found.code for found in diagnosis.findings]


def test_a_server_that_is_well_is_not_accused_of_what_the_worker_shows() -> None:
    diagnosis = answered_by_worker(200, "<title>Shop</title><p>All shelves are full of good things.</p>")
    assert (diagnosis.verdict.is_error_page, diagnosis.verdict.fault_code) == (False, None)
    assert "answered 200" in next(found.sentence for found in diagnosis.findings if found.layer == "visitor")


def test_without_a_witness_nobody_is_blamed() -> None:
    verdict = answered_by_worker(None).verdict
    assert (verdict.is_error_page, verdict.fault_side, verdict.certainty) == (True, "unknown", "undetermined")
    assert verdict.fault_code == "app.service-worker"
    assert verdict.failing_handoff is None
