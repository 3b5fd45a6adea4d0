"""Metrics: what Prometheus reads, and who may."""

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.web.api.calls import Api, problem
from tests.web.serving import Served
from web.store import deliveries
from web.store.deliveries import Wanted
from web.store.tables import Case

FAR = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.7"}}


def samples(api: Api) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    answer = api.get("/metrics")
    assert answer.status_code == 200
    return {(one.name, *one.labels.values()): one.value
            for family in text_string_to_metric_families(answer.text) for one in family.samples}


def test_captures_queue_disk_and_durations_are_told(api: Api) -> None:
    api.ended()
    api.ask()
    found = samples(api)
    assert found["gatewitness_captures", "done"] == 1
    assert found["gatewitness_captures", "queued"] == 1
    assert found["gatewitness_captures", "failed"] == 0
    assert found["gatewitness_queue_length",] == 1
    assert found["gatewitness_queue_oldest_seconds",] >= 0
    assert found["gatewitness_running",] == 0
    assert found["gatewitness_disk_free_bytes",] > 0
    assert found["gatewitness_capture_duration_seconds_count",] == 1
    assert found["gatewitness_capture_duration_seconds_bucket", "+Inf"] == 1
    assert found["gatewitness_capture_duration_seconds_bucket", "600.0"] == 1


def test_deliveries_are_told_by_state(api: Api, service: Served) -> None:
    api.ended()
    with service.database.transaction() as db:
        case = db.query(Case).one()
        deliveries.ask(db, service.key, case, case.owner_id, Wanted("ops", b"", None), 30)
    found = samples(api)
    assert found["gatewitness_deliveries", "queued"] == 1
    assert found["gatewitness_deliveries", "failed"] == 0


def test_durations_do_not_fall_when_a_case_is_deleted(api: Api) -> None:
    where = api.ended()
    before = samples(api)["gatewitness_capture_duration_seconds_sum",]
    assert api.delete(f"{where}?reason=x").status_code == 200
    after = samples(api)
    assert after["gatewitness_capture_duration_seconds_sum",] == before
    assert after["gatewitness_captures", "done"] == 0


def test_requests_are_counted_by_rule_and_never_by_address(api: Api) -> None:
    where = api.ask()
    api.get(where)
    api.get("/secret/of/somebody")
    api.client.open("/", method="HUNTER2")
    found = samples(api)
    assert found["gatewitness_http_requests_total", "GET", "/api/v1/captures/<case_id>", "200"] == 1
    assert found["gatewitness_http_requests_total", "GET", "none", "404"] == 1
    assert found["gatewitness_http_requests_total", "POST", "/api/v1/captures", "202"] == 1
    assert not [labels for labels in found if "HUNTER2" in labels or where in labels]


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/metrics"])
def test_only_this_machine_and_admins_may_read_them(with_token: Callable[..., Api], path: str) -> None:
    reader = with_token("read", "capture")
    problem(reader.get(path, **FAR), 403, "not-allowed")
    problem(reader.get(path, headers={"X-Forwarded-For": "192.0.2.7"}), 403, "not-allowed")
    admin = with_token("admin", role="admin")
    assert admin.get(path, **FAR).status_code == 200
    nobody = Api(reader.service, reader.service.app.test_client())
    problem(nobody.get(path, **FAR), 401, "login-needed")
    assert nobody.get(path).status_code == 200


def test_behind_a_proxy_that_is_not_set_up_nobody_is_from_here(service: Served) -> None:
    service.add_user("admin")
    behind = service.configured(public_url="https://gw.example")
    problem(Api(behind, behind.app.test_client()).get("/api/v1/metrics"), 401, "login-needed")
