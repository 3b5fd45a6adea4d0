"""The stream of a running case: every event once, from any one on, until the case has ended."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.pages.made import Bundles, add, ask, begin, finish, tell
from tests.web.serving import Served
from web.pages import progress
from web.services import Services
from web.store import events


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often."""
    monkeypatch.setattr(progress, "POLL_S", 0.01)


def parts(service: Served) -> Services:
    return Services(service.config, service.database, service.files, service.key)


def told(lines: Iterator[str]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Id, kind and data of every event; comments and retry are left out."""
    for line in lines:
        fields = dict(part.split(": ", 1) for part in line.strip().split("\n") if ": " in part[1:])
        if "event" in fields:
            yield int(fields["id"]), fields["event"], json.loads(fields["data"])


def test_what_happened_comes_first_then_what_happens_and_the_end_ends_it(service: Served, bundles: Bundles) -> None:
    case = ask(service)
    case_id, fence = begin(service)
    tell(service, case_id, "step", name="dns", status="done", duration_ms=120.0)
    stream = told(progress.follow(parts(service), threading.BoundedSemaphore(1), case.id, 0))
    begun = [next(stream) for _ in range(3)]
    assert [kind for _, kind, _ in begun] == ["state", "state", "step"]
    assert begun[1][2]["words"] == "Running"
    assert begun[1][2]["steps"][0]["words"] == "under way"
    assert begun[2][2] == {"name": "dns", "title": "Name (DNS)", "state": "done", "words": "✓ done, 0.1 s"}
    assert next(stream)[2]["name"] == "dossier"
    number = tell(service, case_id, "picture")
    assert next(stream) == (number, "picture", {})
    finish(service, bundles, "cloudflare_522", case_id, fence)
    rest = list(stream)
    assert [(kind, data["ended"]) for _, kind, data in rest] == [("state", True)]


def test_a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice(service: Served, bundles: Bundles) -> None:
    case = ask(service)
    case_id, fence = begin(service)
    for name in ("dns", "tcp", "tls"):
        tell(service, case_id, "step", name=name, status="done")
    finish(service, bundles, "cloudflare_522", case_id, fence)
    browser = service.browser()
    whole = list(told(iter(browser.get(f"/cases/{case.id}/events").get_data(as_text=True).split("\n\n"))))
    assert len({number for number, _, _ in whole}) == len(whole) == 6
    for at, (number, _, _) in enumerate(whole[:-1]):
        for given in ({"headers": {"Last-Event-ID": str(number)}}, {"query_string": {"after": number}}):
            answer = browser.get(f"/cases/{case.id}/events", **given)
            assert list(told(iter(answer.get_data(as_text=True).split("\n\n")))) == whole[at + 1:]


def test_who_knows_the_end_already_is_told_it_again(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    text = service.browser().get(f"/cases/{case.id}/events?after=999999").get_data(as_text=True)
    (number, kind, data), = told(iter(text.split("\n\n")))
    assert (number, kind, data["ended"]) == (999999, "state", True)


def test_a_header_that_browsers_send_wins_over_the_address(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    answer = service.browser().get(f"/cases/{case.id}/events?after=0", headers={"Last-Event-ID": "999999"})
    assert len(list(told(iter(answer.get_data(as_text=True).split("\n\n"))))) == 1


@pytest.mark.parametrize("number", ["", "-1", "x", "1e9", "9" * 19, "9" * 40, "²"])
def test_a_number_that_is_none_begins_at_the_first_event_or_after_the_last(
    service: Served, bundles: Bundles, number: str
) -> None:
    case = add(service, bundles)
    answer = service.browser().get(f"/cases/{case.id}/events", query_string={"after": number})
    assert answer.status_code == 200
    assert answer.mimetype == "text/event-stream"


def test_a_stream_ends_when_its_time_is_over(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "STREAM_S", 0.0)
    case = ask(service)
    lines = list(progress.follow(parts(service), threading.BoundedSemaphore(1), case.id, 0))
    assert lines[0] == f"retry: {progress.RETRY_MS}\n\n"
    assert [kind for _, kind, _ in told(iter(lines))] == ["state"]


def test_silence_is_broken_by_a_comment(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    case = ask(service)
    stream = progress.follow(parts(service), threading.BoundedSemaphore(1), case.id, 0)
    assert ": still here\n\n" in (next(stream) for _ in range(10))
    stream.close()


def test_without_a_free_slot_a_stream_tells_what_there_is_and_ends(service: Served) -> None:
    case = ask(service)
    slots = threading.BoundedSemaphore(1)
    held = progress.follow(parts(service), slots, case.id, 0)
    assert [next(held), next(held)]
    lines = list(progress.follow(parts(service), slots, case.id, 0))
    assert [kind for _, kind, _ in told(iter(lines))] == ["state"]
    held.close()
    assert slots.acquire(blocking=False)


def test_a_case_that_is_deleted_meanwhile_ends_the_stream(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    case = ask(service)
    stream = progress.follow(parts(service), threading.BoundedSemaphore(1), case.id, 0)
    assert [next(stream), next(stream)]
    with service.database.transaction() as db:
        events.forget(db, case.id)
        row = db.get_one(type(case), case.id)
        row.deleted_at = row.created_at
    assert list(stream) == []


def test_nothing_keeps_or_holds_back_a_stream(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    headers = service.browser().get(f"/cases/{case.id}/events").headers
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["X-Accel-Buffering"] == "no"


def test_a_reason_with_line_breaks_is_one_event(service: Served) -> None:
    case = ask(service)
    begin(service)
    tell(service, case.id, "step", name="dns\n\nevent: state", status="failed", reason="a\n\ndata: x\r\n")
    stream = told(progress.follow(parts(service), threading.BoundedSemaphore(1), case.id, 0))
    assert [kind for _, kind, _ in (next(stream) for _ in range(3))] == ["state", "state", "step"]
