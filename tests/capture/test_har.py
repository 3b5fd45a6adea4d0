"""The HAR: valid by the format's own rules, no time invented, headers as received; from records and from captures."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from capture.har import EMBED_BYTES, har
from capture.record.evidence import Evidence
from capture.record.page import Body, Exchange, Initiator, PageLoad, Response, Timings
from tests import builders
from tests.brokensite import CHUNKED, HTML, ROWS, BrokenSite, Visit, answer, chunk, says
from tests.capturing import captured
from tests.h2site import H2Site

SCHEMA = json.loads((Path(__file__).parents[1] / "har-1.2.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
FIELDS = [("Server", "nginx"), ("set-COOKIE", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("Content-Type", "text/html")]


def checked(evidence: Evidence, files: dict[str, bytes] | None = None) -> dict[str, Any]:
    """The HAR's log; fails with every place at which it is no HAR."""
    made = har(evidence, lambda path: (files or {})[path])
    assert [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(made)] == []
    log: dict[str, Any] = json.loads(json.dumps(made))["log"]
    return log


def entry(made: Exchange, files: dict[str, bytes] | None = None, **given: Any) -> dict[str, Any]:
    """The only entry of a load with this exchange."""
    (only,) = checked(builders.evidence(builders.page_load(made), **given), files)["entries"]
    assert isinstance(only, dict)
    return only


def replied(status: int = 200, body: str | None = "", **given: Any) -> Response:
    return builders.response(status, FIELDS, body, **given)


def test_the_schema_is_one_and_says_no_to_what_is_no_har() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    good = har(builders.answered(200), lambda path: b"")
    assert VALIDATOR.is_valid(good)
    for spoilt in broken(good):
        assert not VALIDATOR.is_valid(spoilt)


def broken(good: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same with one mistake each."""
    def spoil(*place: str | int, value: Any) -> dict[str, Any]:
        copy: dict[str, Any] = json.loads(json.dumps(good))
        at: Any = copy
        for step in place[:-1]:
            at = at[step]
        at[place[-1]] = value
        return copy

    first = ("log", "entries", 0)
    yield spoil("log", "version", value="1.1")
    yield spoil("log", "surprise", value=1)
    yield spoil(*first, "startedDateTime", value="yesterday")
    yield spoil(*first, "serverIPAddress", value="localhost")
    yield spoil(*first, "time", value=-1)
    yield spoil(*first, "timings", "wait", value=-1)
    yield spoil(*first, "timings", "dns", value=-2)
    yield spoil(*first, "timings", value={"send": 0, "wait": 0})
    yield spoil(*first, "response", "headers", value={"Server": "x"})
    yield spoil(*first, "response", "status", value="200")
    yield spoil(*first, "response", "content", "size", value=1.5)


def test_a_capture_without_any_load_is_a_har_without_entries() -> None:
    log = checked(builders.evidence())
    assert (log["pages"], log["entries"]) == ([], [])


def test_headers_keep_order_case_and_duplicates() -> None:
    sent = builders.headers(("host", "shop.example"), ("Cookie", "a=1; b=2"), ("ACCEPT", "*/*"))
    made = entry(builders.exchange(answer=replied(502), request_headers=sent))
    assert [(h["name"], h["value"]) for h in made["response"]["headers"]] == FIELDS
    assert [h["name"] for h in made["request"]["headers"]] == ["host", "Cookie", "ACCEPT"]
    assert made["response"]["cookies"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    assert made["request"]["cookies"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]


def test_the_query_is_told_apart_with_empty_and_repeated_values() -> None:
    made = entry(builders.exchange("https://shop.example/?a=1&a=2&b=&c%20d=e+f", replied()))
    assert [(p["name"], p["value"]) for p in made["request"]["queryString"]] == [
        ("a", "1"), ("a", "2"), ("b", ""), ("c d", "e f")]


def test_the_fragment_is_no_part_of_the_address_asked_for() -> None:
    assert entry(builders.exchange("https://shop.example/a#cart", replied()))["request"]["url"] == (
        "https://shop.example/a")


def test_a_redirect_names_where_it_leads() -> None:
    made = builders.response(302, [("location", "/login")], body=None)
    assert entry(builders.exchange(answer=made))["response"]["redirectURL"] == "/login"


@pytest.mark.parametrize(("spoken", "written"), [("http/1.1", "HTTP/1.1"), ("h2", "HTTP/2"), ("h3", "HTTP/3")])
def test_the_version_is_written_as_in_a_status_line(spoken: str, written: str) -> None:
    made = entry(builders.exchange(answer=replied(protocol=spoken)))
    assert (made["request"]["httpVersion"], made["response"]["httpVersion"]) == (written, written)


def test_phases_that_are_unknown_are_minus_one_and_the_time_is_the_sum_without_counting_tls_twice() -> None:
    phases = Timings(blocked=1, dns=2, connect=30, ssl=20, send=0.5, wait=100, receive=7)
    made = entry(builders.exchange(answer=replied(), timings=phases))
    assert made["timings"] == phases.model_dump()
    assert made["time"] == 140.5
    reused = entry(builders.exchange(answer=replied(), timings=Timings(blocked=1, send=0, wait=9, receive=1)))
    assert [reused["timings"][name] for name in ("dns", "connect", "ssl")] == [-1, -1, -1]
    assert reused["time"] == 11


def test_without_phases_the_duration_is_waiting() -> None:
    made = entry(builders.exchange(error="net::ERR_CONNECTION_RESET", duration_ms=30.0))
    assert (made["time"], made["timings"]["wait"], made["timings"]["dns"]) == (30, 30, -1)


def test_phases_of_which_one_is_unknown_are_still_valid() -> None:
    assert entry(builders.exchange(answer=replied(), timings=Timings(blocked=5)))["timings"] == {
        "blocked": 5, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": 0, "receive": 0}


def test_a_failure_has_status_zero_and_its_name() -> None:
    made = entry(builders.exchange(error="net::ERR_SOCKS_CONNECTION_FAILED", guard_error="net::ERR_CONNECTION_REFUSED"))
    assert made["response"]["status"] == 0
    assert made["response"]["_error"] == made["_error"] == "net::ERR_CONNECTION_REFUSED"
    assert made["_browserError"] == "net::ERR_SOCKS_CONNECTION_FAILED"


def test_what_was_never_sent_says_why() -> None:
    assert entry(builders.exchange(error="net::ERR_BLOCKED", blocked="csp"))["_blocked"] == "csp"


def test_the_guards_own_record_is_beside_the_exchange() -> None:
    made = entry(builders.exchange(answer=replied(), dial=0, remote_address=f"{builders.ADDRESS}:443"),
                 dials=(builders.dial(),))
    assert (made["serverIPAddress"], made["connection"]) == (builders.ADDRESS, "0")
    assert made["_guard"]["host"] == "shop.example"
    assert made["_remote"] == f"{builders.ADDRESS}:443"


def test_a_body_is_embedded_named_and_measured() -> None:
    body = Body(size=5, sha256="ab" * 32, artifact="artifacts/x.html", text="hello")
    content = entry(builders.exchange(answer=replied().model_copy(update={"body": body})),
                    {"artifacts/x.html": b"hello"})["response"]["content"]
    assert content == {"size": 5, "mimeType": "text/html", "text": "hello", "_sha256": "ab" * 32,
                       "_artifact": "artifacts/x.html"}


@pytest.mark.parametrize(("path", "size"), [("artifacts/x.png", 5), ("artifacts/x.html", EMBED_BYTES + 1)])
def test_pictures_and_large_bodies_stay_in_the_bundle(path: str, size: int) -> None:
    body = Body(size=size, sha256="ab" * 32, artifact=path)
    content = entry(builders.exchange(answer=replied().model_copy(update={"body": body})))["response"]["content"]
    assert "text" not in content
    assert content["_artifact"] == path


def test_a_body_that_was_not_kept_says_why() -> None:
    body = Body(size=50_000_000, dropped="too-large")
    content = entry(builders.exchange(answer=replied().model_copy(update={"body": body})))["response"]["content"]
    assert content["comment"] == "not kept: too-large"


def test_what_was_posted_is_told_with_its_type() -> None:
    sent = builders.headers(("Content-Type", "application/json"))
    made = entry(builders.exchange(answer=replied(), method="POST", request_headers=sent,
                                   request_body=Body(size=2, text="{}")))
    assert made["request"]["postData"] == {"mimeType": "application/json", "params": [], "text": "{}"}
    assert made["request"]["bodySize"] == 2


def test_entries_are_in_the_order_of_time_and_belong_to_their_load() -> None:
    late = builders.exchange(answer=replied(), started_at=builders.NOW + timedelta(seconds=5))
    lenient = builders.page_load(builders.exchange(answer=replied()), label="lenient")
    native = builders.page_load(builders.exchange(error="net::ERR_FAILED"), label="native")
    log = checked(builders.evidence(builders.page_load(late), lenient, native))
    assert [made["pageref"] for made in log["entries"]] == ["lenient", "strict"]
    assert [page["id"] for page in log["pages"]] == ["strict", "lenient"]


def test_times_of_the_page_that_never_came_are_minus_one() -> None:
    load = PageLoad(label="strict", started_at=builders.NOW, ended="failed", error="net::ERR_FAILED")
    (page,) = checked(builders.evidence(load))["pages"]
    assert page["pageTimings"] == {"onContentLoad": -1, "onLoad": -1}
    assert (page["title"], page["_error"], page["_ended"]) == ("", "net::ERR_FAILED", "failed")


def test_who_asked_is_told() -> None:
    made = entry(builders.exchange(answer=replied(), initiator=Initiator(type="parser", line=3)))
    assert made["_initiator"] == {"type": "parser", "line": 3}


MIXED = b"""<!doctype html><title>Mixed</title><img src=/reset><script src=/empty-404></script><link rel=stylesheet
href=/redirect-ok><script>fetch("/no-content-204"); fetch("/echo?a=1", {method: "POST", body: "x=1"});
new WebSocket(`ws://${location.host}/ok`); fetch("http://127.0.0.1:1/"); fetch("/truncated-chunk")</script>"""


async def mixed(visit: Visit) -> None:
    await visit.send(CHUNKED + chunk(MIXED) + b"0\r\n\r\n")


async def log_of(url: str, directory: Path, **options: Any) -> dict[str, Any]:
    bundle = await captured(url, directory, **options)
    made = json.loads(bundle.read("page.har"))
    assert [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(made)] == []
    log: dict[str, Any] = made["log"]
    return log


@pytest.mark.browser
async def test_the_har_of_a_page_where_everything_goes_wrong_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                      ) -> None:
    monkeypatch.setitem(ROWS, "mixed", mixed)
    monkeypatch.setitem(ROWS, "echo", says(answer("200 OK", HTML, body=b"echo")))
    async with BrokenSite() as site:
        log = await log_of(site.url("mixed"), tmp_path)
        found = {made["request"]["url"].removeprefix(site.base): made for made in log["entries"]}
    assert found["/mixed"]["response"]["content"]["text"] == MIXED.decode()
    assert found["/empty-404"]["response"]["status"] == 404
    assert found["/no-content-204"]["response"]["status"] == 204
    assert (found["/redirect-ok"]["response"]["status"], found["/ok"]["response"]["status"]) == (302, 200)
    assert found["/reset"]["_error"] in {"net::ERR_CONNECTION_RESET", "net::ERR_EMPTY_RESPONSE"}
    assert found["/truncated-chunk"]["_error"] == "net::ERR_INCOMPLETE_CHUNKED_ENCODING"
    assert found["/echo?a=1"]["request"]["postData"]["text"] == "x=1"
    assert log["browser"]["name"] in {"HeadlessChrome", "Chrome", "Chromium"}
    assert log["pages"][0]["title"] == "Mixed"


@pytest.mark.browser
@pytest.mark.parametrize("row", ["headers", "garbage"])
async def test_the_har_of_an_odd_document_is_valid(row: str, tmp_path: Path) -> None:
    async with BrokenSite() as site:
        log = await log_of(site.url(row), tmp_path)
    assert log["entries"][0]["response"]["status"] == (0 if row == "garbage" else 200)


@pytest.mark.browser
async def test_the_har_of_http_2_behind_a_bad_certificate_is_valid(tmp_path: Path) -> None:
    async with H2Site() as site:
        log = await log_of(site.url("ok"), tmp_path)
    strict, lenient = (next(e for e in log["entries"] if e["pageref"] == label) for label in ("strict", "lenient"))
    assert strict["_error"] == "net::ERR_CERT_AUTHORITY_INVALID"
    assert (lenient["response"]["httpVersion"], lenient["response"]["status"]) == ("HTTP/2", 200)
    assert lenient["_security"]["protocol"] == "TLS 1.3"
    assert lenient["timings"]["ssl"] > 0
