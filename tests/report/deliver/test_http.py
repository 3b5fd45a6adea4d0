"""Trackers are asked patiently, never twice for what may be done once only, and their answers are one sentence."""

import logging
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from report.deliver import http
from report.deliver.base import DeliveryFailed, Door
from report.deliver.http import ANSWER_BYTES, Http, pages, part, patiently

ROOT = "https://tracker.example/api"
SECRET = "s3cr3t-t0ken"
NOW = 1_795_000_000
Handler = Callable[[httpx.Request], httpx.Response]


class Clock:
    """A time that passes by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def api(clock: Clock, handler: Handler, **more: Any) -> Http:
    client = httpx.Client(transport=httpx.MockTransport(handler), trust_env=False)
    door = Door(client, lambda *_: pytest.fail("no socket is wanted"), 120.0, clock.sleep, lambda: clock.now)
    return Http(door, ROOT, "Tracker", {"Authorization": f"Bearer {SECRET}"}, (SECRET,), **more)


def answering(*answers: httpx.Response | Exception) -> tuple[Handler, list[httpx.Request]]:
    """Gives the answers in turn, the last one for ever; and the requests that came."""
    came: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        answer = answers[min(len(came), len(answers) - 1)]
        came.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler, came


def test_a_good_answer_is_given_back() -> None:
    handler, came = answering(httpx.Response(200, json={"a": 1}))
    assert api(Clock(), handler).json("GET", "/x", params={"q": "ü"}) == {"a": 1}
    assert str(came[0].url) == f"{ROOT}/x?q=%C3%BC"
    assert came[0].headers["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 415, 418, 422, 429, 500, 502, 503, 504])
def test_every_refusal_is_one_sentence_without_secrets(status: int) -> None:
    said = {"message": f"no,\nreally: {SECRET}", "errors": [{"field": "body", "code": "x", "message": "is too long"}]}
    handler, _ = answering(httpx.Response(status, json=said))
    with pytest.raises(DeliveryFailed) as failed:
        api(Clock(), handler).ask("POST", "/x", json={})
    text = str(failed.value)
    assert text.startswith("Tracker ")
    assert f"({status}: no, really: ***; is too long)" in text
    assert SECRET not in text
    assert "\n" not in text
    assert failed.value.again == (status in (429, 500, 502, 503, 504))
    assert failed.value.unclear == (status in (500, 502, 504))


def test_reasons_by_field_are_told() -> None:
    handler, _ = answering(httpx.Response(400, json={"errorMessages": [], "errors": {"summary": "is required"}}))
    with pytest.raises(DeliveryFailed, match="summary: is required"):
        api(Clock(), handler).ask("POST", "/x")


def test_reading_is_repeated_until_it_succeeds() -> None:
    clock = Clock()
    handler, came = answering(httpx.Response(500), httpx.ReadError("cut"), httpx.Response(200))
    api(clock, handler).ask("GET", "/x")
    assert len(came) == 3
    assert 1 <= clock.slept[0] <= 1.25
    assert 2 <= clock.slept[1] <= 2.5


@pytest.mark.parametrize("failure", [httpx.Response(500), httpx.Response(502), httpx.ReadError("cut"),
                                     httpx.WriteError("cut"), httpx.ReadTimeout("late")])
def test_what_may_be_done_once_is_not_repeated(failure: httpx.Response | Exception) -> None:
    handler, came = answering(failure, httpx.Response(200))
    with pytest.raises(DeliveryFailed) as failed:
        api(Clock(), handler).ask("POST", "/x")
    assert (len(came), failed.value.unclear, failed.value.again) == (1, True, True)


@pytest.mark.parametrize("failure", [httpx.Response(500), httpx.ReadError("cut")])
def test_a_put_that_adds_something_is_not_repeated_either(failure: httpx.Response | Exception) -> None:
    handler, came = answering(failure, httpx.Response(200))
    with pytest.raises(DeliveryFailed) as failed:
        api(Clock(), handler).ask("PUT", "/x", repeat=False)
    assert (len(came), failed.value.unclear) == (1, True)


@pytest.mark.parametrize(("status", "why"), [(413, "size"), (415, "type"), (422, None)])
def test_it_tells_why_a_file_was_turned_away(status: int, why: str | None) -> None:
    handler, _ = answering(httpx.Response(status))
    with pytest.raises(DeliveryFailed) as failed:
        api(Clock(), handler).ask("POST", "/x", content=b"x")
    assert failed.value.unfit == why


@pytest.mark.parametrize("failure", [httpx.Response(429), httpx.Response(503), httpx.ConnectError("refused"),
                                     httpx.ConnectTimeout("late")])
def test_what_was_certainly_not_done_is_repeated(failure: httpx.Response | Exception) -> None:
    handler, came = answering(failure, httpx.Response(201))
    api(Clock(), handler).ask("POST", "/x")
    assert len(came) == 2


@pytest.mark.parametrize(("status", "headers", "least", "most"), [
    (429, {"Retry-After": "7"}, 7, 7),
    (503, {"Retry-After": "0"}, 0.01, 0.1),
    (403, {"Retry-After": "9"}, 9, 9),
    (429, {"Retry-After": formatdate(NOW + 60, usegmt=True)}, 60, 60),
    (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW + 60)}, 60, 60),
    (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": str(NOW + 60)}, 60, 60),
    (429, {"Retry-After": "soon"}, 1, 1.25)])
def test_it_waits_as_long_as_the_tracker_asks(status: int, headers: dict[str, str], least: float, most: float,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "time", SimpleNamespace(time=lambda: NOW))
    clock = Clock()
    handler, came = answering(httpx.Response(status, headers=headers), httpx.Response(200))
    api(clock, handler).ask("POST", "/x")
    assert len(came) == 2
    assert least <= clock.slept[0] <= most


def test_patience_ends_and_the_time_is_told() -> None:
    clock = Clock()
    handler, came = answering(httpx.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(DeliveryFailed, match=r"wants fewer requests \(429\)") as failed:
        api(clock, handler).ask("GET", "/x")
    assert (len(came), clock.slept, failed.value.after_s) == (1, [], 3600)
    handler, came = answering(httpx.Response(500))
    with pytest.raises(DeliveryFailed):
        api(clock, handler).ask("GET", "/x")
    assert 5 <= len(came) <= 9
    assert clock.now <= 120


def test_who_cannot_be_reached_is_not_tried_for_minutes() -> None:
    clock = Clock()
    handler, came = answering(httpx.ConnectError("the name trakcer.example has no address"))
    with pytest.raises(DeliveryFailed, match="has no address") as failed:
        api(clock, handler).ask("GET", "/x")
    assert (len(came), failed.value.again, failed.value.unclear) == (4, True, False)
    assert clock.now < 10


def test_the_token_follows_no_redirect_and_leaves_no_place() -> None:
    handler, came = answering(httpx.Response(302, headers={"Location": "https://evil.example/api/x"}))
    with pytest.raises(DeliveryFailed, match=r"sends elsewhere \(evil\.example\)"):
        api(Clock(), handler).ask("GET", "/x")
    for address in ("https://evil.example/api", "https://tracker.example/apis", "http://tracker.example/api/x",
                    "https://tracker.example.evil.example/api/x"):
        with pytest.raises(DeliveryFailed, match="not its own"):
            api(Clock(), handler).ask("GET", address)
    assert len(came) == 1
    handler, came = answering(httpx.Response(200))
    api(Clock(), handler, also=("https://up.example/u",)).ask("POST", "https://up.example/u/1?name=x")
    assert len(came) == 1


def test_what_is_no_api_is_told() -> None:
    handler, _ = answering(httpx.Response(200, html="<title>Log in</title>"))
    with pytest.raises(DeliveryFailed, match="a login stands before it"):
        api(Clock(), handler).json("GET", "/x")
    handler, _ = answering(httpx.Response(200, content=b" " * (ANSWER_BYTES + 1)))
    with pytest.raises(DeliveryFailed, match="more than an answer"):
        api(Clock(), handler).json("GET", "/x")


def test_addresses_do_not_get_into_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api(Clock(), answering(httpx.Response(200))[0]).ask("POST", f"/services/{SECRET}")
    assert caplog.text == ""


def test_what_may_succeed_later_and_was_not_done_is_done_again() -> None:
    clock, failures = Clock(), [DeliveryFailed("not now", again=True)] * 3
    door = replace(api(clock, answering(httpx.Response(200))[0]).door, patience_s=20.0)

    def work() -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert patiently(door, work) == "done"
    assert clock.slept == sorted(clock.slept)
    for failure, times in ((DeliveryFailed("no"), 0), (DeliveryFailed("perhaps", again=True, unclear=True), 0),
                           (DeliveryFailed("not now", again=True), 4)):
        clock.slept.clear()
        failures[:] = [failure] * 100
        with pytest.raises(DeliveryFailed, match=str(failure)):
            patiently(door, work)
        assert len(clock.slept) == times


def test_parts_and_pages() -> None:
    assert part("a/b?c#d%") == "a%2Fb%3Fc%23d%25"
    lists = {1: [1, 2], 2: [3, 4], 3: [5]}
    assert pages(lists.__getitem__, 2, 10) == [1, 2, 3, 4, 5]
    assert pages(lists.__getitem__, 2, 2) == [1, 2, 3, 4]


@pytest.mark.parametrize(("content", "shape"), [
    (b"<html>", object), (b"null", object), (b"[1]", dict),
    (b'{"a": 1}', list), (b"[1]", list), (b'{"other": 1}', dict)])
def test_an_answer_of_another_program_is_said(content: bytes, shape: type) -> None:
    handler, _ = answering(httpx.Response(200, content=content))
    with pytest.raises(DeliveryFailed, match="not of its API"):
        _ = api(Clock(), handler).json("GET", "/x", shape=shape)["login"]


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"user": "me"}', b'{"user": null}', b'{"user": [{}]}'])
def test_a_member_is_there_and_of_its_shape(content: bytes) -> None:
    handler, _ = answering(httpx.Response(200, content=content))
    with pytest.raises(DeliveryFailed, match="not of its API"):
        api(Clock(), handler).member("GET", "/x", "user")
