"""Health: alive is cheap; ready means database, disk and runner, and names what is wrong."""

import re
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient

from tests.web.api.calls import Api, problem
from tests.web.serving import Served
from web import create_app


@dataclass
class Runner:
    said: str | None

    def trouble(self) -> str | None:
        return self.said


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v1/healthz", "/api/v1/readyz"])
def test_health_needs_no_token(stranger: FlaskClient, path: str) -> None:
    assert stranger.get(path).status_code == 200


def test_a_service_without_room_is_not_ready(service: Served) -> None:
    full = service.configured(min_free_bytes=1 << 62)
    for path in ("/readyz", "/api/v1/readyz"):
        found = problem(Api(full, full.app.test_client()).get(path), 503, "not-ready")
        assert [check["name"] for check in found["checks"] if not check["ok"]] == ["disk"]


def test_strangers_do_not_hear_how_much_disk_is_free(stranger: FlaskClient) -> None:
    assert not re.search(r"\d+(\.\d+)? [kM]?B", stranger.get("/readyz").get_data(as_text=True))


def test_a_service_without_its_rows_is_not_ready_but_alive(api: Api, service: Served) -> None:
    with service.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE cases RENAME TO lost")
    found = problem(api.get("/readyz"), 503, "not-ready")
    assert [check["name"] for check in found["checks"] if not check["ok"]] == ["database"]
    assert api.get("/healthz").get_json() == {"status": "ok"}


@pytest.mark.parametrize("trouble", [None, "No worker comes up"])
def test_a_runner_that_captures_nothing_is_told(service: Served, trouble: str | None) -> None:
    app = create_app(service.config, service.database, service.files, service.key, Runner(trouble))
    answer = app.test_client().get("/readyz")
    assert answer.status_code == (503 if trouble else 200)
    found = {check["name"]: check for check in answer.get_json(force=True)["checks"]}["runner"]
    assert (found["ok"], found["detail"]) == (trouble is None, trouble or "The runner works")
