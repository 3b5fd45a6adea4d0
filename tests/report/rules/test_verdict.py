"""The head of the diagnosis and the advice that goes with it."""

from capture.record.request import StepRecord
from report.diagnose import diagnose
from report.rules.verdict import span
from tests import builders as make
from tests.report.rules.test_page import CLOUDFLARE, RAY, nginx


def test_nothing_recorded_is_no_accusation() -> None:
    lost = StepRecord(name="page", status="failed", reason="the browser did not start")
    head = diagnose(make.evidence(steps=(lost,))).verdict
    assert (head.is_error_page, head.generator, head.layer, head.certainty) == (False, None, "none", "undetermined")
    assert "the browser did not start" in head.summary


def test_a_step_that_did_not_end_is_an_unknown() -> None:
    lost = StepRecord(name="tls", status="timed-out", reason="10 s were not enough")
    assert any("10 s were not enough" in text for text in diagnose(make.evidence(steps=(lost,))).unknowns)


def test_a_proven_cause_without_other_readings_has_no_alternatives() -> None:
    facts = make.failed("net::ERR_CERT_COMMON_NAME_INVALID", tls=(make.tls("wrong-name"),))
    diagnosis = diagnose(facts)
    assert diagnosis.verdict.certainty == "proven"
    assert diagnosis.alternatives == ()


def test_the_dossier_goes_to_the_owner_and_the_owner_reports_to_the_vendor() -> None:
    send = diagnose(make.answered(521, [("Server", "cloudflare"), RAY], CLOUDFLARE)).send or ""
    assert "site's owner" in send
    assert "dash.cloudflare.com" in send
    assert "20 MB" in send


def test_the_time_before_which_it_must_be_sent_is_said_where_logs_expire() -> None:
    page = "<H1>Access Denied</H1>Reference&#32;&#35;18&#46;a1b2c3d4&#46;1700000000&#46;e5f60718"
    assert "6 hours" in (diagnose(make.answered(403, [], page)).send or "")


def test_a_page_in_order_needs_no_repair_and_nothing_sent() -> None:
    diagnosis = diagnose(make.answered(200, [], "<p>hello, this is the shop</p>"))
    assert (diagnosis.send, diagnosis.next_steps, diagnosis.warning) == (None, (), None)
    assert diagnosis.verdict.fault_code is None


def test_next_steps_are_three_and_their_words_filled_in() -> None:
    diagnosis = diagnose(make.answered(502, [("Server", "nginx")], nginx(502, "Bad Gateway")))
    assert len(diagnosis.next_steps) == 3
    assert "{" not in "".join((*diagnosis.next_steps, diagnosis.repair, diagnosis.verdict.summary))


def test_a_span_is_told_as_people_say_it() -> None:
    assert [span(hours) for hours in (1, 6, 24, 30, 48, 720)] == [
        "1 hour", "6 hours", "24 hours", "30 hours", "2 days", "30 days"]  # fmt: skip
