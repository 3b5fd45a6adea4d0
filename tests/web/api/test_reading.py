"""Bodies are read strictly: what is ambiguous, too much or not what it says is refused with one sentence."""

import gzip

import pytest

from tests.web.api.calls import CAPTURES, URL, Api, problem
from tests.web.serving import Served
from web.store.tables import Case

JSON = "application/json"


@pytest.mark.parametrize(("data", "status", "kind"), [
    (b"{", 400, "bad-request"), (b"[" * 60_000, 400, "bad-request"),
    (b"\xff\xfe", 400, "bad-request"),
    (b"", 400, "bad-request"), (b"[]", 422, "wrong-input"), (b'"{}"', 422, "wrong-input"),
    (b"null", 422, "wrong-input"),
    (b'{"url": "https://a.example/", "timeout_s": NaN}', 422, "wrong-input"),
    (b'{"url": "https://a.example/", "note": "\\ud800"}', 422, "wrong-input"),
    (b'{"url": ' + b"9" * 5_000 + b"}", 400, "bad-request")])
def test_a_body_that_is_no_object_of_json_is_refused(
        api: Api, service: Served, data: bytes, status: int, kind: str) -> None:
    problem(api.post(CAPTURES, data=data, content_type=JSON), status, kind)
    assert service.count(Case) == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/problem+json"])
def test_a_body_has_to_say_that_it_is_json(api: Api, kind: str) -> None:
    problem(api.post(CAPTURES, data=b'{"url": "https://a.example/"}', content_type=kind), 415, "unsupported-media-type")


@pytest.mark.parametrize("body", [
    b'{"url": "https://a.example/", "url": "https://b.example/"}',
    b'{"url": "https://a.example/", "headers": {"X-Test": "1", "X-Test": "2"}}',
    b'{"url": "https://a.example/", "note": "1", "\\u006eote": "2"}'])
def test_a_member_that_is_named_twice_is_refused(api: Api, service: Served, body: bytes) -> None:
    found = problem(api.post(CAPTURES, data=body, content_type=JSON), 400, "bad-request")
    assert "twice" in found["detail"]
    problem(api.post(f"{api.ask()}/recheck", data=b'{"url": "a", "url": "b"}', content_type=JSON), 400, "bad-request")
    assert service.count(Case) == 1


def test_a_body_that_is_packed_is_refused_with_its_reason(api: Api) -> None:
    answer = api.post(CAPTURES, data=gzip.compress(b'{"url": "https://a.example/"}'), content_type=JSON,
                      headers={"Content-Encoding": "gzip"})
    assert "Content-Encoding" in problem(answer, 415, "unsupported-media-type")["detail"]
    plain = {"Content-Encoding": "identity"}
    assert api.post(CAPTURES, json={"url": URL}, headers=plain).status_code == 202


def test_the_rule_holds_for_programs_with_a_token_too(service: Served) -> None:
    api = Api(service, service.app.test_client(), service.token(service.add_user("member"), "capture"))
    problem(api.post(CAPTURES, data=b"{}", content_type="text/plain"), 415, "unsupported-media-type")
    problem(api.post("/api/v1/imports", json={}), 415, "unsupported-media-type")


def test_a_body_past_the_limit_is_refused_before_it_is_read(api: Api) -> None:
    where = api.ask()
    problem(api.post(f"{where}/recheck", json={"url": "x" * 70_000}), 413, "too-large")
    problem(api.post(CAPTURES, json={"url": URL, "log": "x" * 2_000_000}), 413, "too-large")


def test_an_upload_past_the_limit_is_refused_before_it_is_read(service: Served) -> None:
    small = service.configured(upload_bytes=1_000)
    api = Api(small, small.app.test_client())
    problem(api.post("/api/v1/imports", data=b"", content_type="multipart/form-data; boundary=x",
                     environ_overrides={"CONTENT_LENGTH": "3000000"}), 413, "too-large")
    assert service.count(Case) == 0


def test_what_is_not_there_and_methods_that_are_not_taken(api: Api) -> None:
    problem(api.get("/api/v1/nothing"), 404, "not-found")
    answer = api.client.put(CAPTURES, json={})
    problem(answer, 405, "method-not-allowed")
    assert {"GET", "POST"} <= {method.strip() for method in answer.headers["Allow"].split(",")}


def test_a_host_that_is_not_ours_gets_problem_details_too(api: Api) -> None:
    problem(api.get(CAPTURES, base_url="http://evil.example/"), 400, "bad-host")


def test_our_own_failure_tells_a_reference_and_nothing_else(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("web.store.cases.search", broken)
    monkeypatch.setattr(api.service.app.logger, "disabled", True)
    found = problem(api.get(CAPTURES), 500, "our-own-failure")
    assert "hunter2" not in str(found)
