"""Cases in words: no surer than the verdict, every colour with a sign and a word."""

from datetime import UTC, datetime
from typing import Any

import pytest

from report.diagnosis import Diagnosis
from tests.report.examples import EXAMPLES
from web.pages import words
from web.store.tables import Case, Event

AT = datetime(2026, 11, 20, 7, 41, tzinfo=UTC)


def case(**columns: Any) -> Case:
    return Case(**{"id": "0" * 26, "kind": "capture", "host": "shop.example", "state": "done", "source": "form",
                   "created_at": AT, "url": "https://shop.example/", **columns})


def of(name: str) -> Diagnosis:
    return EXAMPLES[name]().diagnosis


@pytest.mark.parametrize(("columns", "mark", "word"), [
    ({"state": "queued"}, "…", "waiting"),
    ({"state": "running"}, "…", "running"),
    ({"state": "failed"}, "–", "our failure"),
    ({"state": "refused"}, "–", "refused"),
    ({"summary": "It fails.", "is_error_page": True, "certainty": "proven"}, "×", "fails"),
    ({"summary": "It fails.", "is_error_page": False, "fault_code": "dns.gone", "certainty": "likely"}, "×", "fails"),
    ({"summary": "Not known.", "is_error_page": True, "certainty": "undetermined"}, "?", "cannot tell"),
    ({"summary": "It works.", "is_error_page": False, "certainty": "proven"}, "✓", "works"),
    ({"state": "cut-short", "summary": "It fails.", "is_error_page": True, "certainty": "proven"}, "×", "fails"),
])
def test_a_case_at_a_glance(columns: dict[str, Any], mark: str, word: str) -> None:
    sign = words.sign(case(**columns))
    assert (sign.mark, sign.word) == (mark, word)
    assert (sign.kind == "bad") == (word == "fails")


def test_a_case_without_a_verdict_is_named_by_its_host_and_state() -> None:
    assert words.title(case(state="refused")) == "shop.example: refused"
    assert words.title(case(state="queued", host="")) == "Files: waiting"
    assert words.title(case(summary="It fails.")) == "It fails."


def test_whose_fault_it_is_that_there_is_no_dossier() -> None:
    assert "that is our fault" in words.without_dossier(case(state="failed"))
    assert words.without_dossier(case(state="failed", kind="import")) == "No dossier could be made of these files."
    assert words.without_dossier(case(state="refused")) == "This address may not be captured."


def test_which_way_a_case_came() -> None:
    assert words.asked(case(source="monitor")) == "Asked for by a monitor"
    assert words.asked(case(source="import")) == "Handed in as files"


def test_the_facts_of_a_case_are_short_and_never_repeat_the_status() -> None:
    row = case(summary="x", status=522, generator="cloudflare", vendor_code="522", fault_code="origin.timeout",
               fault_side="origin", certainty="likely")
    assert words.facts(row) == "522 · cloudflare · at the origin · likely"
    assert words.facts(case()) == ""


def test_the_head_says_no_more_than_the_dossier() -> None:
    head = words.head(of("cloudflare_522"))
    assert head.what.startswith("522")
    assert head.written_by == "Cloudflare"
    assert head.caused == "at the origin"
    assert head.failed
    healthy = words.head(of("healthy"))
    assert (healthy.what, healthy.caused, healthy.failed) == ("200 OK", "", False)
    assert words.head(of("undetermined")).certainty == "cannot tell"
    assert words.status(None) == "No HTTP answer"
    assert words.status(521) == "521"


def event(number: int, kind: str, **data: Any) -> Event:
    return Event(id=number, case_id="0" * 26, at=AT, kind=kind, data=data)


def test_progress_begins_with_every_step_waiting() -> None:
    shown = words.progress(case(state="queued"), ())
    assert [step.state for step in shown.steps] == ["waiting"] * (len(words.STEPS) + 1)
    assert (shown.last, shown.picture) == (0, False)


def test_progress_follows_the_events() -> None:
    events = [event(1, "state", state="queued"), event(2, "state", state="running"),
              event(5, "step", name="dns", status="done", duration_ms=120.4),
              event(6, "step", name="tls", status="timed-out", reason="no answer in 10 s"),
              event(7, "picture"), event(9, "step", name="later", status="skipped")]
    shown = words.progress(case(state="running"), events)
    told = {step.name: step.words for step in shown.steps}
    assert told["dns"] == "✓ done, 0.1 s"
    assert told["tls"] == "– took too long: no answer in 10 s"
    assert told["page"] == "under way"
    assert told["dossier"] == "waiting"
    assert (shown.last, shown.picture) == (9, True)


def test_a_second_attempt_begins_anew() -> None:
    events = [event(1, "state", state="running"), event(2, "step", name="dns", status="done"), event(3, "picture"),
              event(4, "state", state="queued", reason="the worker is gone")]
    shown = words.progress(case(state="queued"), events)
    assert {step.state for step in shown.steps} == {"waiting"}
    assert not shown.picture


def test_the_dossier_is_made_when_every_step_has_ended() -> None:
    events = [event(1, "state", state="running"),
              *(event(2 + at, "step", name=name, status="done") for at, name in enumerate(words.STEPS))]
    assert words.progress(case(state="running"), events[:-1]).steps[-1].state == "waiting"
    last = words.progress(case(state="running"), events).steps[-1]
    assert (last.title, last.words) == ("The dossier", "under way")


def test_an_import_has_nothing_but_its_dossier() -> None:
    shown = words.progress(case(state="running", kind="import"), [event(1, "state", state="running")])
    assert [(step.name, step.state) for step in shown.steps] == [("dossier", "running")]


def test_every_step_of_the_capture_has_a_title() -> None:
    from capture.pipeline import STEPS

    assert set(STEPS) == set(words.STEPS)
