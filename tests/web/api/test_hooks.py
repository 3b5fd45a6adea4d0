"""Webhooks: a monitor's call becomes captures; a call that is repeated makes nothing new; refusals reach its log."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.api.calls import URL, Api, problem
from tests.web.serving import Served
from web.store.tables import Case

HOOKS = "/api/v1/hooks"


def firing(*urls: str) -> dict[str, Any]:
    return {"version": "4", "status": "firing", "alerts": [
        {"status": "firing", "labels": {"instance": url}, "annotations": {"summary": "no answer"},
         "startsAt": "2026-11-20T10:15:00Z", "fingerprint": f"{number}"} for number, url in enumerate(urls)]}


def down(url: str = URL, status: int = 0) -> dict[str, Any]:
    return {"heartbeat": {"status": status, "time": "2026-11-20 10:15:00", "msg": "502"},
            "monitor": {"id": 1, "url": url}, "msg": "502"}


def test_a_page_that_is_down_is_captured(api: Api, service: Served) -> None:
    for hook, body in (("uptime-kuma", down()), ("alertmanager", firing(URL)), ("generic", {"url": URL})):
        answer = api.post(f"{HOOKS}/{hook}", json=body)
        told = answer.get_json()
        assert answer.status_code == 202
        assert [(one["source"], one["url"]) for one in told["captures"]] == [("monitor", URL)]
        assert told["skipped"] == []
    assert service.count(Case) == 3


@pytest.mark.parametrize(("hook", "body"), [
    ("uptime-kuma", down(status=1)), ("uptime-kuma", {"heartbeat": None, "monitor": None, "msg": "Testing"}),
    ("alertmanager", {"alerts": [{"status": "resolved", "labels": {"instance": URL}}]}),
    ("alertmanager", {"alerts": []}),
    ("generic", {"url": URL, "status": "up"})])
def test_what_is_not_down_asks_for_nothing(api: Api, service: Served, hook: str, body: dict[str, Any]) -> None:
    answer = api.post(f"{HOOKS}/{hook}", json=body)
    assert (answer.status_code, answer.get_json()["captures"]) == (200, [])
    assert service.count(Case) == 0


def test_several_alerts_ask_for_several_captures(api: Api, service: Served) -> None:
    body = firing("https://a.example/", "https://b.example/", "http://127.0.0.1/")
    told = api.post(f"{HOOKS}/alertmanager", json=body)
    assert [one["host"] for one in told.get_json()["captures"]] == ["a.example", "b.example"]
    assert [one["url"] for one in told.get_json()["skipped"]] == ["http://127.0.0.1/"]
    assert service.count(Case) == 2


def test_a_call_with_very_many_alerts_is_heard(api: Api) -> None:
    body = firing(*(f"https://{number}.example/" for number in range(1_000)))
    for alert in body["alerts"]:
        alert["annotations"]["description"] = "x" * 500
    told = api.post(f"{HOOKS}/alertmanager", json=body).get_json()
    assert (len(told["captures"]), len(told["skipped"])) == (10, 990)


@pytest.mark.parametrize(("hook", "body"), [
    ("uptime-kuma", down()), ("alertmanager", firing(URL)), ("generic", {"url": URL, "event": "4711"})])
def test_a_call_that_is_repeated_makes_nothing_new(api: Api, service: Served, hook: str, body: dict[str, Any]) -> None:
    first, second = (api.post(f"{HOOKS}/{hook}", json=body).get_json()["captures"][0]["id"] for _ in range(2))
    assert first == second
    assert service.count(Case) == 1


def test_an_alert_that_fires_on_with_another_summary_makes_nothing_new(api: Api, service: Served) -> None:
    body = firing(URL)
    api.post(f"{HOOKS}/alertmanager", json=body)
    body["alerts"][0]["annotations"]["summary"] = "no answer for 2 hours"
    answer = api.post(f"{HOOKS}/alertmanager", json=body)
    assert (answer.status_code, answer.get_json()["captures"]) == (200, [])
    assert service.count(Case) == 1


@pytest.mark.usefixtures("still")
def test_when_all_of_it_is_refused_the_monitor_hears_of_it(api: Api, service: Served) -> None:
    problem(api.post(f"{HOOKS}/generic", json={"url": "http://10.0.0.1/"}), 403, "refused-by-policy")
    problem(api.post(f"{HOOKS}/uptime-kuma", json=down("http://10.0.0.1/")), 403, "refused-by-policy")
    few = service.configured(captures_per_minute=1)
    busy = Api(few, few.app.test_client())
    busy.ask()
    problem(busy.post(f"{HOOKS}/generic", json={"url": URL}), 429, "too-many-requests")


def test_alerts_without_room_are_asked_for_again_and_the_others_make_nothing_new(service: Served) -> None:
    few = service.configured(target_host_per_minute=2)
    busy, body = Api(few, few.app.test_client()), firing(f"{URL}/1", f"{URL}/2", f"{URL}/3", "http://10.0.0.1/")
    answer = busy.post(f"{HOOKS}/alertmanager", json=body)
    problem(answer, 429, "too-many-requests")
    assert int(answer.headers["Retry-After"]) >= 1
    assert service.count(Case) == 2
    told = Api(service, service.app.test_client()).post(f"{HOOKS}/alertmanager", json=body)
    assert (told.status_code, len(told.get_json()["captures"]), len(told.get_json()["skipped"])) == (202, 3, 1)
    assert service.count(Case) == 3


def test_what_is_skipped_is_told_without_its_query(api: Api) -> None:
    body = {"url": f"{URL}?token=hunter2hunter2#hunter2", "status": "up"}
    assert "hunter2" not in api.post(f"{HOOKS}/generic", json=body).text


@pytest.mark.parametrize(("hook", "body"), [
    ("generic", {}), ("generic", {"url": URL, "status": "broken"}), ("generic", {"url": URL, "wrong": 1}),
    ("alertmanager", {}), ("alertmanager", {"alerts": [{"status": "on fire"}]}), ("uptime-kuma", {"heartbeat": 1})])
def test_a_payload_of_another_form_is_refused(api: Api, hook: str, body: dict[str, Any]) -> None:
    problem(api.post(f"{HOOKS}/{hook}", json=body), 422, "wrong-input")


def test_a_monitor_needs_the_scope_capture(with_token: Callable[..., Api]) -> None:
    problem(with_token("read").post(f"{HOOKS}/generic", json={"url": URL}), 403, "not-allowed")
    assert with_token("capture").post(f"{HOOKS}/generic", json={"url": URL}).status_code == 202
