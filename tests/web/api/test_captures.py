"""Captures by the API: asked for, followed, looked at again, cancelled, deleted; what each refusal says."""

import re
import threading
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.web.api.calls import CAPTURES, URL, Api, problem, work
from tests.web.serving import Served
from web.store.tables import Audit, Case

NOBODY = "0" * 26


def test_a_capture_is_accepted_at_once_and_followed(api: Api) -> None:
    answer = api.post(CAPTURES, json={"url": URL, "seen": "502", "headers": {"X-Test": "1"}, "timeout_s": 30})
    told = answer.get_json()
    assert (answer.status_code, told["state"], told["source"]) == (202, "queued", "api")
    assert answer.headers["Location"] == f"{CAPTURES}/{told['id']}"
    assert told["links"] == {"self": f"{CAPTURES}/{told['id']}", "page": f"/cases/{told['id']}"}
    waiting = api.get(answer.headers["Location"]).get_json()
    assert (waiting["verdict"], waiting["files"]) == (None, [])
    assert waiting["created_at"] == told["created_at"]
    assert [event["data"]["state"] for event in waiting["events"]] == ["queued"]


def test_what_has_ended_has_a_verdict_and_files(api: Api) -> None:
    found = api.get(api.ended()).get_json()
    assert found["state"] == "done"
    assert found["verdict"]["status"] == 502
    assert found["verdict"]["summary"]
    assert {"evidence.json", "manifest.json", "report/diagnosis.json"} <= {file["name"] for file in found["files"]}
    assert found["number"].startswith("GW-")


def test_secrets_of_the_address_are_masked(api: Api) -> None:
    told = api.post(CAPTURES, json={"url": f"{URL}?token=hunter2hunter2"}).get_json()
    assert "hunter2" not in str(told)
    assert "hunter2" not in api.get(CAPTURES).text


def test_the_same_key_makes_nothing_new_and_another_body_is_a_conflict(api: Api, service: Served) -> None:
    key = {"Idempotency-Key": "a key"}
    first, second = (api.post(CAPTURES, json={"url": URL}, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.get_json()["id"] == second.get_json()["id"]
    problem(api.post(CAPTURES, json={"url": f"{URL}/other"}, headers=key), 409, "conflict")
    assert service.count(Case) == 1


def test_the_same_key_many_times_at_once_makes_one(service: Served) -> None:
    start = threading.Barrier(6)
    found: list[str] = []

    def ask() -> None:
        api = Api(service, service.app.test_client())
        start.wait()
        found.append(api.post(CAPTURES, json={"url": URL}, headers={"Idempotency-Key": "a key"}).get_json()["id"])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found)), service.count(Case)) == (6, 1, 1)


@pytest.mark.parametrize("key", ["", "x" * 256, "\xe4"])
def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    found = problem(api.post(CAPTURES, json={"url": URL}, headers={"Idempotency-Key": key}), 422, "wrong-input")
    assert found["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(("body", "field"), [
    ({}, "url"), ({"url": "ftp://shop.example/"}, "url"), ({"url": 5}, "url"), ({"url": URL, "wrong": 1}, "wrong"),
    ({"url": URL, "timeout_s": "30"}, "timeout_s"), ({"url": URL, "timeout_s": 1}, "timeout_s"),
    ({"url": URL, "timezone": "Mars/Olympus"}, "timezone"),
    ({"url": URL, "viewport": {"width": True}}, "viewport.width"),
    ({"url": URL, "headers": {"A B": "1"}}, "headers.A B.[key]"), ({"url": URL, "headers": {"A": "1\n2"}}, "headers"),
    ({"url": URL, "resolvers": ["name.example"]}, "resolvers")])
def test_every_field_that_makes_no_sense_is_named(
        api: Api, service: Served, body: dict[str, object], field: str) -> None:
    found = problem(api.post(CAPTURES, json=body), 422, "wrong-input")
    assert field in [error["field"] for error in found["errors"]]
    assert service.count(Case) == 0


def test_an_address_of_ours_is_refused_by_policy(api: Api, service: Served) -> None:
    problem(api.post(CAPTURES, json={"url": "http://127.0.0.1/"}), 403, "refused-by-policy")
    assert service.count(Case) == 0


@pytest.mark.usefixtures("still")
def test_what_is_too_much_says_when_to_come_back(service: Served) -> None:
    few = service.configured(captures_per_minute=1)
    api = Api(few, few.app.test_client())
    api.ask()
    answer = api.post(CAPTURES, json={"url": URL})
    problem(answer, 429, "too-many-requests")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_full_disk_takes_nothing(service: Served) -> None:
    full = service.configured(min_free_bytes=1 << 62)
    problem(Api(full, full.app.test_client()).post(CAPTURES, json={"url": URL}), 507, "no-room")
    assert service.count(Case) == 0


def test_captures_are_found_page_by_page(api: Api) -> None:
    asked = [api.ask(f"https://{name}.example/") for name in "abc"]
    first = api.get(f"{CAPTURES}?limit=2").get_json()
    rest = api.get(f"{CAPTURES}?limit=2&cursor={first['next']}").get_json()
    found = [one["links"]["self"] for one in (*first["captures"], *rest["captures"])]
    assert (sorted(found), rest["next"]) == (sorted(asked), None)
    only = api.get(f"{CAPTURES}?host=b.example&state=queued&since=2001-01-01T00:00:00Z").get_json()["captures"]
    assert [one["host"] for one in only] == ["b.example"]
    assert api.get(f"{CAPTURES}?until=2001-01-01T00:00:00%2B01:00").get_json()["captures"] == []


def test_the_next_page_is_linked(api: Api) -> None:
    asked = {api.ask(f"https://{name}.a.example/?q=ä&x=1") for name in "bcd"} | {api.ask("https://b.example/")}
    where, found = f"{CAPTURES}?limit=1&host=a.example&text=%26x%3D", []
    while where:
        answer = api.get(where)
        found += [one["links"]["self"] for one in answer.get_json()["captures"]]
        link = answer.headers.get("Link", "")
        assert not link or re.fullmatch(r'<(/api/v1/captures\?[!-~]+)>; rel="next"', link)
        assert bool(link) is (answer.get_json()["next"] is not None)
        where = link.partition("<")[2].partition(">")[0]
    assert len(found) == 3
    assert set(found) < asked


@pytest.mark.parametrize("query", [
    "limit=0", "limit=201", "limit=+5", "limit=1_0", "state=x", "wrong=1", "since=2026-02-31T00:00:00Z",
    "since=yesterday", "cursor=x", "host=a&host=b"])
def test_a_query_that_makes_no_sense_is_refused(api: Api, query: str) -> None:
    problem(api.get(f"{CAPTURES}?{query}"), 422, "wrong-input")


def test_files_come_whole_and_inactive(api: Api) -> None:
    where = api.ended()
    listed = {file["name"]: file for file in api.get(where).get_json()["files"]}
    answer = api.get(listed["report/diagnosis.json"]["link"])
    assert (answer.status_code, len(answer.data)) == (200, listed["report/diagnosis.json"]["size"])
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    for name in ("../../gatewitness.sqlite3", "nothing", "%2e%2e/key"):
        problem(api.get(f"{where}/files/{name}"), 404, "not-found")


def test_a_part_of_a_file_is_sent_and_a_part_past_its_end_is_a_problem(api: Api) -> None:
    listed = api.get(api.ended()).get_json()["files"][0]
    part = api.get(listed["link"], headers={"Range": "bytes=-2"})
    assert (part.status_code, len(part.data)) == (206, 2)
    none = api.get(listed["link"], headers={"Range": f"bytes={listed['size']}-"})
    problem(none, 416, "range-not-satisfiable")
    assert none.headers["Content-Range"] == f"bytes */{listed['size']}"


def test_a_recheck_is_linked_and_may_come_without_a_body(api: Api) -> None:
    old = api.ask()
    for answer in (api.post(f"{old}/recheck"), api.post(f"{old}/recheck", json={}),
                   api.post(f"{old}/recheck", data=b"", content_type="application/json")):
        assert answer.status_code == 202
        assert answer.get_json()["recheck_of"] == old.rpartition("/")[2]
        assert answer.get_json()["links"]["recheck_of"] == old


def test_a_recheck_asks_for_the_secrets_that_were_not_kept(api: Api) -> None:
    old = api.ask(f"{URL}?token=hunter2hunter2", headers={"X-Test": "secret"})
    assert "url" in str(problem(api.post(f"{old}/recheck"), 422, "wrong-input")["errors"])
    again = {"url": f"{URL}?token=hunter3hunter3", "headers": {"x-test": "secret"}}
    assert api.post(f"{old}/recheck", json=again).status_code == 202
    problem(api.post(f"{old}/recheck", json={"url": 1}), 422, "wrong-input")


def test_what_waits_is_cancelled_and_what_has_ended_stays(api: Api) -> None:
    waiting = api.ask()
    assert api.post(f"{waiting}/cancel").get_json()["state"] == "cancelled"
    done = api.ended()
    assert api.post(f"{done}/cancel").get_json()["state"] == "done"


def test_a_deletion_leaves_a_tombstone(api: Api, service: Served) -> None:
    where = api.ended()
    sha256 = api.get(where).get_json()["manifest_sha256"]
    problem(api.delete(where), 422, "wrong-input")
    told = api.delete(f"{where}?reason=not%20needed").get_json()
    assert (told["deleted"]["reason"], told["deleted"]["by"]) == ("not needed", "local")
    gone = problem(api.get(where), 410, "gone")
    assert gone["deleted"]["reason"] == "not needed"
    problem(api.delete(f"{where}?reason=again"), 410, "gone")
    assert not service.files.is_published(told["id"])
    kept = api.get(f"{CAPTURES}?deleted=yes").get_json()["captures"]
    assert [one["manifest_sha256"] for one in kept] == [sha256]
    assert api.get(CAPTURES).get_json()["captures"] == []
    assert service.count(Audit) == 1


def test_what_is_worked_on_cannot_be_deleted(api: Api) -> None:
    problem(api.delete(f"{api.ask()}?reason=x"), 409, "conflict")


def test_nothing_is_told_to_whoever_has_no_token(stranger: FlaskClient) -> None:
    for method, path in (("GET", CAPTURES), ("POST", CAPTURES), ("GET", f"{CAPTURES}/{NOBODY}")):
        answer = stranger.open(path, method=method, json={"url": URL} if method == "POST" else None)
        problem(answer, 401, "login-needed")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_does_what_its_scopes_say(with_token: Callable[..., Api]) -> None:
    reader, writer = with_token("read"), with_token("read", "capture")
    where = writer.ask()
    assert reader.get(where).status_code == 200
    for answer in (reader.post(CAPTURES, json={"url": URL}), reader.post(f"{where}/cancel"),
                   reader.delete(f"{where}?reason=x"), reader.post(f"{where}/recheck")):
        problem(answer, 403, "not-allowed")


def test_what_belongs_to_others_is_not_there(with_token: Callable[..., Api], service: Served) -> None:
    where = with_token("read", "capture", name="ann").ask()
    work(service)
    other = with_token("read", "capture", name="bob")
    for answer in (other.get(where), other.get(f"{where}/files/evidence.json"), other.post(f"{where}/recheck"),
                   other.post(f"{where}/cancel"), other.delete(f"{where}?reason=x"), other.get(f"{where}/shares"),
                   other.post(f"{where}/shares")):
        problem(answer, 404, "not-found")
    assert other.get(CAPTURES).get_json()["captures"] == []
    boss = with_token("read", "capture", "admin", role="admin")
    assert boss.get(where).status_code == 200
