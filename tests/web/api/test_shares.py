"""Share links by the API: made, listed without their address, ended; only for dossiers, only by the owner."""

from collections.abc import Callable
from urllib.parse import urlsplit

from tests.web.api.calls import Api, problem
from tests.web.serving import Served
from web.store.tables import Audit, Share


def test_a_link_is_told_once_and_works_until_it_is_revoked(api: Api, service: Served) -> None:
    where = api.ended()
    answer = api.post(f"{where}/shares", json={"days": 7, "passphrase": "a lamp and a rope"})
    made = answer.get_json()
    assert (answer.status_code, made["works"], made["has_passphrase"], made["looks"]) == (201, True, True, 0)
    door = urlsplit(made["link"]).path
    assert service.app.test_client().get(door).status_code == 200
    assert api.get(answer.headers["Location"]).get_json() == {key: made[key] for key in made if key != "link"}
    listed = api.get(f"{where}/shares")
    assert [share["id"] for share in listed.get_json()["shares"]] == [made["id"]]
    assert door.rpartition("/")[2] not in listed.text
    assert "revoked" not in api.get(answer.headers["Location"]).get_json()
    for _ in range(2):
        assert api.delete(answer.headers["Location"]).get_json()["works"] is False
    assert service.app.test_client().get(door).status_code == 404
    assert service.count(Audit) == 3


def test_a_link_that_was_ended_is_gone_and_what_is_kept_of_it_is_told(api: Api) -> None:
    where = api.ended()
    link = api.post(f"{where}/shares").headers["Location"]
    ended = api.delete(link).get_json()
    assert ended["revoked_at"]
    assert problem(api.get(link), 410, "gone")["revoked"] == ended
    assert api.get(f"{where}/shares").get_json()["shares"] == [ended]


def test_a_body_may_be_absent_and_the_link_lives_as_long_as_the_service_allows(api: Api, service: Served) -> None:
    made = api.post(f"{api.ended()}/shares").get_json()
    assert made["has_passphrase"] is False
    assert made["expires_at"] > made["created_at"]


def test_what_cannot_be_shared_or_makes_no_sense(api: Api, service: Served) -> None:
    problem(api.post(f"{api.ask()}/shares"), 409, "conflict")
    where = api.ended()
    for body in ({"days": 31}, {"days": 0}, {"passphrase": "short"}, {"days": "7"}, {"wrong": 1}):
        problem(api.post(f"{where}/shares", json=body), 422, "wrong-input")
    problem(api.delete(f"{where}/shares/{'0' * 26}"), 404, "not-found")
    problem(api.get(f"{where}/shares/nothing"), 404, "not-found")
    assert service.count(Share) == 0


def test_links_need_the_scope_to_change(with_token: Callable[..., Api]) -> None:
    where = with_token("read", "capture").ended()
    reader = with_token("read")
    for answer in (reader.get(f"{where}/shares"), reader.post(f"{where}/shares"),
                   reader.get(f"{where}/shares/{'0' * 26}"), reader.delete(f"{where}/shares/{'0' * 26}")):
        problem(answer, 403, "not-allowed")
