"""Payloads of monitors: only what is down is wanted, and its page is taken from the documented place."""

from typing import Any

import pytest

from web.api import monitors
from web.api.monitors import MOST, Alertmanager, Generic, Kuma, Unwanted, Wanted

PAGE = "https://shop.example/checkout"


def kuma(status: int | None = 0, **monitor: Any) -> Kuma:
    said = {"id": 1, "name": "Shop", "type": "http", "url": PAGE, **monitor}
    beat = {"monitorID": 1, "status": status, "time": "2026-11-20 10:15:00", "msg": "502", "important": True}
    return Kuma.model_validate({"heartbeat": beat, "monitor": said, "msg": "[Shop] [Down] 502"})


def alert(status: str = "firing", annotations: dict[str, str] | None = None, **labels: str) -> dict[str, Any]:
    return {"status": status, "labels": {"alertname": "ProbeFailed", **labels}, "annotations": annotations or {},
            "startsAt": "2026-11-20T10:15:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus/",
            "fingerprint": "1a30"}


def alertmanager(*alerts: dict[str, Any]) -> list[Wanted | Unwanted]:
    said = {"version": "4", "groupKey": "{}", "alerts": list(alerts)}
    return monitors.alertmanager(Alertmanager.model_validate(said))


def test_uptime_kuma_asks_for_its_page_when_it_is_down() -> None:
    (one,) = monitors.kuma(kuma())
    assert isinstance(one, Wanted)
    assert (one.url, one.seen) == (PAGE, "502")


@pytest.mark.parametrize("status", [1, 2, 3, None])
def test_uptime_kuma_asks_for_nothing_when_it_is_up_pending_or_maintained(status: int | None) -> None:
    assert isinstance(monitors.kuma(kuma(status))[0], Unwanted)


@pytest.mark.parametrize("url", ["https://", "http://", "", "ping.example", None, "https://[::1"])
def test_monitors_of_other_kinds_name_no_page(url: str | None) -> None:
    assert monitors.kuma(kuma(url=url)) == [Unwanted(None, monitors.NO_PAGE)]


def test_a_test_message_of_uptime_kuma_asks_for_nothing() -> None:
    said = Kuma.model_validate({"heartbeat": None, "monitor": None, "msg": "Testing"})
    assert isinstance(monitors.kuma(said)[0], Unwanted)


def test_the_same_failure_has_the_same_event_and_another_one_has_not() -> None:
    (first,), (same,), (other,) = (monitors.kuma(kuma(id=number)) for number in (1, 1, 2))
    assert isinstance(first, Wanted)
    assert isinstance(other, Wanted)
    assert first == same
    assert first.event
    assert first.event != other.event


@pytest.mark.parametrize(("annotations", "labels"), [
    ({"capture_url": PAGE, "url": "https://other.example/"}, {"instance": "https://third.example/"}),
    ({"url": PAGE}, {"url": "https://other.example/"}), ({}, {"url": PAGE, "target": "https://other.example/"}),
    ({}, {"target": PAGE, "instance": "https://other.example/"}), ({"url": "no page"}, {"instance": PAGE}),
    ({}, {"instance": PAGE})])
def test_an_alert_names_its_page_in_the_documented_order(annotations: dict[str, str], labels: dict[str, str]) -> None:
    (one,) = alertmanager(alert(annotations=annotations, **labels))
    assert isinstance(one, Wanted)
    assert one.url == PAGE


def test_an_exporter_is_no_page() -> None:
    assert alertmanager(alert(instance="10.0.0.5:9100")) == [Unwanted(None, monitors.NO_PAGE)]


def test_what_is_resolved_asks_for_nothing() -> None:
    assert isinstance(alertmanager(alert("resolved", instance=PAGE))[0], Unwanted)


def test_the_summary_goes_along() -> None:
    (one,) = alertmanager(alert(annotations={"summary": "no answer", "description": "long"}, instance=PAGE))
    assert isinstance(one, Wanted)
    assert one.seen == "no answer"


def test_a_page_counts_once_and_a_call_asks_for_so_many_at_most() -> None:
    found = alertmanager(*(alert(instance=f"{PAGE}/{number // 2}") for number in range(4 * MOST)))
    wanted = [one.url for one in found if isinstance(one, Wanted)]
    assert len(found) == 4 * MOST
    assert wanted == [f"{PAGE}/{number}" for number in range(MOST)]


def test_any_other_monitor_says_down_or_up() -> None:
    assert monitors.generic(Generic(url=PAGE, message="502")) == [Wanted(PAGE, "502", "")]
    assert isinstance(monitors.generic(Generic(url=PAGE, status="up"))[0], Unwanted)
    (one,) = monitors.generic(Generic(url=PAGE, event="4711"))
    assert isinstance(one, Wanted)
    assert len(one.event) == 64
