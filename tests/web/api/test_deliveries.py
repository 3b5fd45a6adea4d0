"""Deliveries by the API: asked for once, followed, stopped; to named targets, by the owner, telling no secret."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.web import desk
from tests.web.api.calls import Api, problem
from tests.web.serving import Served
from web.store import deliveries
from web.store.tables import Audit, Case, Delivery, Share


@pytest.fixture
def service(service: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """One with two targets."""
    desk.register(monkeypatch)
    return service.configured(targets=desk.targets_file(tmp_path / "targets.toml", "http://desk.example:8080"))


def test_a_delivery_is_asked_for_followed_and_stopped(api: Api, service: Served) -> None:
    where = api.ended()
    answer = api.post(f"{where}/deliveries", json={"target": "ops", "days": 7})
    made = answer.get_json()
    assert (answer.status_code, made["state"], made["ticket"], made["by"]) == (202, "queued", "12", "local")
    assert (made["attempts"], made["what"], made["link"], made["left_out"], made["said"]) == (0, None, None, [], None)
    assert made["next_at"] == made["created_at"]
    assert api.get(answer.headers["Location"]).get_json() == made
    assert api.get(f"{where}/deliveries").get_json()["deliveries"] == [made]
    assert made["share_id"] == api.get(f"{where}/shares").get_json()["shares"][0]["id"]
    for _ in range(2):
        ended = api.delete(answer.headers["Location"]).get_json()
        assert (ended["state"], ended["next_at"]) == ("cancelled", None)
    assert api.get(f"{where}/shares").get_json()["shares"][0]["works"] is False
    with service.database.reading() as db:
        assert [line.action for line in db.query(Audit)] == ["attach", "attach-cancel", "attach-cancel"]


def test_the_same_again_makes_nothing_new(api: Api, service: Served) -> None:
    where = api.ended()
    first, second, other = (api.post(f"{where}/deliveries", json=body).get_json()["id"] for body in (
        {"target": "ops"}, {"target": "ops", "ticket": "#12", "again": True}, {"target": "ops", "ticket": "13"}))
    assert first == second != other
    with service.database.transaction() as db:
        row = deliveries.claim(db)
        assert row is not None
        deliveries.done(db, row.id, row.fence, "http://desk.example:8080/tickets/12", "written", ["x is left out"])
    told = api.post(f"{where}/deliveries", json={"target": "ops", "ticket": row.ticket}).get_json()
    assert (told["id"], told["state"], told["what"]) == (row.id, "delivered", "written")
    assert told["left_out"] == ["x is left out"]
    again = api.post(f"{where}/deliveries", json={"target": "ops", "ticket": row.ticket, "again": True}).get_json()
    assert (again["id"] != row.id, again["state"]) == (True, "queued")


def test_the_targets_are_told_and_neither_their_addresses_nor_secrets(api: Api) -> None:
    answer = api.get("/api/v1/targets")
    assert answer.get_json() == {"targets": [{"name": "ops", "tracker": "Desk", "ticket": "12"},
                                             {"name": "dev", "tracker": "Desk", "ticket": None}]}
    assert "desk.example" not in answer.text
    assert desk.TOKEN not in answer.text


def test_what_cannot_be_delivered_or_makes_no_sense(api: Api, service: Served) -> None:
    problem(api.post(f"{api.ask()}/deliveries", json={"target": "ops"}), 409, "conflict")
    where = api.ended()
    for body in ({}, {"target": "prod"}, {"target": "desk+https://evil.example/"}, {"target": "ops", "ticket": "x"},
                 {"target": "dev", "ticket": "1"}, {"target": "ops", "days": 31}, {"target": "ops", "wrong": 1}):
        problem(api.post(f"{where}/deliveries", json=body), 422, "wrong-input")
    for call in (api.get, api.delete):
        problem(call(f"{where}/deliveries/{'0' * 26}"), 404, "not-found")
    assert (service.count(Delivery), service.count(Share)) == (0, 0)


def test_a_capture_that_was_deleted_tells_nothing_of_its_deliveries(api: Api, service: Served) -> None:
    where = api.ended()
    made = api.post(f"{where}/deliveries", json={"target": "ops"}).headers["Location"]
    assert api.delete(f"{where}?reason=x").status_code == 200
    for answer in (api.get(made), api.get(f"{where}/deliveries"), api.delete(made)):
        problem(answer, 410, "gone")
    with service.database.reading() as db:
        assert db.query(Delivery).one().state == "cancelled"


def test_deliveries_need_the_scope_to_change(with_token: Callable[..., Api], service: Served) -> None:
    owner = with_token("read", "capture")
    where, reader = owner.ended(), with_token("read")
    stranger = with_token("read", "capture", name="eve")
    made = owner.post(f"{where}/deliveries", json={"target": "ops"}).headers["Location"]
    for client, status, kind in ((reader, 403, "not-allowed"), (stranger, 404, "not-found")):
        for answer in (client.get(made), client.get(f"{where}/deliveries"), client.delete(made),
                       client.post(f"{where}/deliveries", json={"target": "ops"})):
            problem(answer, status, kind)
    problem(reader.get("/api/v1/targets"), 403, "not-allowed")
    with service.database.transaction() as db:
        db.query(Case).one().team = True
    problem(stranger.get(made), 403, "not-allowed")


@pytest.mark.usefixtures("still")
def test_a_user_asks_for_so_many_a_minute(with_token: Callable[..., Api], service: Served) -> None:
    ann, bob = with_token("read", "capture", name="ann"), with_token("read", "capture", name="bob")
    mine, other = ann.ended(), bob.ended()
    most = service.config.deliveries_per_minute
    codes = [ann.post(f"{mine}/deliveries", json={"target": "ops"}).status_code for _ in range(most + 1)]
    assert codes == [202] * most + [429]
    assert bob.post(f"{other}/deliveries", json={"target": "ops"}).status_code == 202
