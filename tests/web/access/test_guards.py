"""What every request and every answer goes through."""

import time
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask import Flask, request, session

from tests.web.serving import Served
from web.access import guards
from web.access.guards import HEADERS, names

ORIGIN = "http://localhost"
NAVIGATE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def routed(service: Served) -> Served:
    """The service with a page, an API route and an upload that say what reached them."""
    app: Flask = service.configured().app

    @app.route("/echo", methods=["GET", "POST"])
    def echo() -> str:
        return f"{request.remote_addr} {request.scheme} {len(request.get_data())}"

    @app.route("/api/v1/echo", methods=["GET", "POST", "DELETE"])
    def api_echo() -> str:
        return f"{len(request.get_data())}"

    return replace(service, app=app)


@pytest.mark.parametrize(("host", "status"), [
    ("localhost", 200), ("localhost:8502", 200), ("127.0.0.1:8502", 200), ("[::1]:8502", 200), ("LOCALHOST", 200),
    ("evil.example", 400), ("localhost.evil.example", 400), ("evil.example:8502", 400), ("localhost@evil.example", 400),
    ("127.0.0.1.nip.example", 400), ("", 400), ("localhost/evil", 400), ("[::2]", 400), ("0.0.0.0", 400),
    ("localhost, evil.example", 400)])
def test_only_our_names_are_answered(service: Served, host: str, status: int) -> None:
    served = routed(service)
    for path in ("/echo", "/api/v1/echo", "/nowhere") if status == 400 else ("/echo",):
        assert served.app.test_client().get(path, headers={"Host": host}).status_code == status


def test_names_are_those_of_loopback_and_of_the_set_up(service: Served) -> None:
    config = service.config.model_copy(update={
        "public_url": "https://gw.example:8443/", "trusted_hosts": ("gw.lan",), "host": "2001:db8::7"})
    loopback = {"localhost", "127.0.0.1", "[::1]"}
    assert names(config) == loopback | {"gw.example", "[2001:db8::7]", "gw.lan"}
    assert names(config.model_copy(update={"host": "0.0.0.0"})) == loopback | {"gw.example", "gw.lan"}


@pytest.mark.parametrize(("host", "status"), [
    ("a.corp.example", 303), ("b.a.corp.example:80", 303), ("corp.example", 400), ("evilcorp.example", 400),
    ("a.corp.example.evil.example", 400)])
def test_a_name_with_a_dot_before_it_stands_for_all_below(service: Served, host: str, status: int) -> None:
    served = service.configured(trusted_hosts=(".Corp.example",))
    assert served.app.test_client().get("/cases", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(("site", "origin", "status"), [
    (None, None, 200), ("none", None, 200), ("same-origin", "null", 200), ("same-origin", ORIGIN, 200),
    (None, ORIGIN, 200), ("cross-site", None, 403), ("same-site", ORIGIN, 403), ("cross-site", "null", 403),
    (None, "https://evil.example", 403), ("same-origin", "https://evil.example", 403),
    (None, "http://localhost:3000", 403), (None, "https://localhost", 403), ("nonsense", None, 403)])
def test_nothing_changes_when_another_site_asks(
        service: Served, site: str | None, origin: str | None, status: int) -> None:
    served = routed(service)
    browser = served.browser()
    headers = {name: value for name, value in (("Sec-Fetch-Site", site), ("Origin", origin)) if value is not None}
    sent = browser.client.post("/echo", data={"csrf_token": browser.csrf("/account")}, headers=headers)
    assert sent.status_code == status


@pytest.mark.parametrize(("how", "status"), [
    ({"Sec-Fetch-Site": "cross-site", **NAVIGATE}, 200),
    ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
    ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403),
    ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 200),
    ({"Origin": "https://evil.example"}, 403)])
def test_other_sites_may_link_here_and_nothing_else(service: Served, how: dict[str, str], status: int) -> None:
    assert routed(service).app.test_client().get("/echo", headers=how).status_code == status


@pytest.mark.parametrize("token", ["", "x", "ImFiYyI.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"])
def test_a_form_without_its_token_is_refused(service: Served, token: str) -> None:
    browser = routed(service).browser()
    assert browser.post("/echo", {"csrf_token": token}, seen="/account").status_code == 400
    assert browser.post("/echo", seen="/account").status_code == 200


def test_the_token_of_another_browser_does_not_help(service: Served) -> None:
    served = routed(service)
    browser, attacker = served.browser(), served.browser()
    browser.csrf("/account")
    assert browser.post("/echo", {"csrf_token": attacker.csrf("/account")}, seen="/account").status_code == 400


JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BROWSER = {"User-Agent": "Mozilla/5.0"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize(("headers", "status"), [
    (JSON, 200), ({"Content-Type": "application/merge-patch+json"}, 200),
    (FORM, 415), ({"Content-Type": "text/plain"}, 415), (MULTIPART, 415), ({}, 415), ({**JSON, "Origin": "null"}, 403),
    ({**JSON, "Origin": "https://evil.example"}, 403), ({**JSON, "Origin": ORIGIN}, 200),
    ({**JSON, "Sec-Fetch-Site": "cross-site"}, 403), ({**JSON, "Sec-Fetch-Site": "same-origin"}, 200)])
def test_the_local_api_takes_only_what_no_foreign_page_can_send(
        service: Served, headers: dict[str, str], status: int) -> None:
    assert routed(service).app.test_client().post("/api/v1/echo", data=b"{}", headers=headers).status_code == status


@pytest.mark.parametrize(("headers", "refused"), [
    (MULTIPART, False), ({**MULTIPART, **BROWSER}, True), ({**MULTIPART, **BROWSER, "Origin": ORIGIN}, False),
    ({**MULTIPART, **BROWSER, "Origin": "null"}, True),
    ({**MULTIPART, **BROWSER, "Sec-Fetch-Site": "same-origin"}, False), ({**FORM, "Origin": ORIGIN}, True)])
def test_the_local_api_takes_uploads_when_no_foreign_page_sends_them(
        service: Served, headers: dict[str, str], refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "UPLOADS", frozenset({"/api/v1/echo"}))
    sent = routed(service).app.test_client().post("/api/v1/echo", data=b"--x--", headers=headers)
    assert (sent.status_code in (403, 415)) == refused


def test_a_token_needs_no_form(service: Served) -> None:
    served = routed(service)
    token = served.token(served.add_user())
    assert served.app.test_client().post("/api/v1/echo", data=b"{}", headers={**token, **JSON}).status_code == 200
    assert served.app.test_client().delete("/api/v1/echo", headers=token).status_code == 200
    assert served.app.test_client().delete("/api/v1/echo").status_code == 401


@pytest.mark.parametrize(("method", "path", "status", "to"), [
    ("GET", "/echo", 303, "/login?next=%2Fecho"), ("GET", "/echo?a=b%26c", 303, "/login?next=%2Fecho%3Fa%3Db%2526c"),
    ("POST", "/echo", 401, None), ("GET", "/api/v1/echo", 401, None), ("POST", "/api/v1/echo", 401, None),
    ("GET", "/admin/users", 303, "/login?next=%2Fadmin%2Fusers"), ("GET", "/nowhere", 404, None),
    ("GET", "/login", 200, None), ("GET", "/static/style.css", 200, None)])
def test_strangers_see_nothing_but_the_door(
        service: Served, method: str, path: str, status: int, to: str | None) -> None:
    served = routed(service)
    served.add_user("admin")
    answer = served.app.test_client().open(path, method=method)
    answer.close()
    assert (answer.status_code, answer.headers.get("Location")) == (status, to)


def test_every_route_that_answers_strangers_is_known(service: Served) -> None:
    """A new route is private until somebody names it here and in the list."""
    service.add_user("admin")
    opened = set()
    for rule in service.app.url_map.iter_rules():
        path = rule.rule
        for part in rule.arguments:
            path = path.replace(f"<{part}>", "x").replace(f"<path:{part}>", "x").replace(f"<string:{part}>", "x")
        answer = service.app.test_client().get(path) if "GET" in (rule.methods or ()) else None
        if answer is not None and answer.status_code not in (401, 303):
            opened.add(rule.rule)
            answer.close()
    assert opened <= guards.OPEN | {"/s/<token>", "/s/<token>/dossier", "/s/<token>/files/<path:name>"}


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/api/v1/nowhere", "/account"])
def test_answers_carry_every_header(service: Served, path: str) -> None:
    answer = service.app.test_client().get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_the_policy_lets_no_inline_script_run(service: Served) -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self';")
    for page in ("/account", "/admin/users", "/admin/audit"):
        text = service.browser().get(page).text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text
        assert "<script>" not in text


def test_a_stricter_policy_of_an_answer_stays(service: Served) -> None:
    @service.app.get("/evidence")
    def evidence() -> tuple[str, dict[str, str]]:
        return "", {"Content-Security-Policy": "sandbox", "Cache-Control": "private, no-store"}

    answer = service.app.test_client().get("/evidence")
    assert answer.headers.getlist("Content-Security-Policy") == ["sandbox"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "X-Frame-Options" not in answer.headers


def test_only_static_files_are_cached(service: Served) -> None:
    with service.app.test_client().get("/static/style.css") as answer:
        assert "immutable" in answer.headers["Cache-Control"]
    assert service.app.test_client().get("/static/nothing.css").headers["Cache-Control"] == "no-store"


def test_over_https_everything_is_secure(service: Served) -> None:
    served = service.configured(public_url="https://gw.example")
    answer = served.app.test_client().get("/login", headers={"Host": "gw.example"})
    cookies = answer.headers.getlist("Set-Cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == ["__Host-gw_form"]
    assert all("Secure; HttpOnly; Path=/; SameSite=Lax" in cookie for cookie in cookies)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in service.app.test_client().get("/login").headers


@pytest.mark.parametrize(("proxies", "sent", "shown"), [
    (0, "192.0.2.66", "127.0.0.1 http"), (1, "192.0.2.66", "192.0.2.66 https"),
    (1, "192.0.2.66, 192.0.2.7", "192.0.2.7 https"), (2, "192.0.2.66, 192.0.2.7, 192.0.2.8", "192.0.2.7 https")])
def test_proxies_are_believed_only_as_far_as_they_are_set_up(
        service: Served, proxies: int, sent: str, shown: str) -> None:
    served = routed(service.configured(proxies=proxies, trusted_hosts=("gw.example",)))
    browser = served.log_in("member")
    headers = {"X-Forwarded-For": sent, "X-Forwarded-Proto": "https, https" if proxies == 2 else "https"}
    assert browser.get("/echo", headers=headers).text.rsplit(" ", 1)[0] == shown


def body(size: int) -> dict[str, Any]:
    return {"data": b"x" * size, "content_type": "application/octet-stream"}


@pytest.mark.parametrize(("kind", "size", "status"), [
    (None, guards.SMALL, 200), (None, guards.SMALL + 1, 413), ("LOGS", guards.WITH_LOG, 200),
    ("LOGS", guards.WITH_LOG + 1, 413), ("UPLOADS", guards.WITH_LOG + 1_000, 200),
    ("UPLOADS", guards.WITH_LOG + 1_001, 413)])
def test_each_kind_of_route_has_its_size(
        service: Served, kind: str | None, size: int, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind:
        monkeypatch.setattr(guards, kind, frozenset({"/api/v1/echo"}))
    served = routed(service.configured(upload_bytes=1_000))
    token = served.token(served.add_user())
    answer = served.app.test_client().post("/api/v1/echo", headers=token, **body(size))
    assert answer.status_code == status


def test_a_body_that_does_not_tell_its_size_is_cut_off(service: Served) -> None:
    served = routed(service)
    token = served.token(served.add_user())
    answer = served.app.test_client().post(
        "/api/v1/echo", headers=token, input_stream=BytesIO(b"x" * guards.SMALL * 3),
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"})
    assert answer.status_code == 413 or int(answer.text) <= guards.SMALL


def test_the_key_of_the_last_period_is_still_believed(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = service.browser()
    csrf = browser.csrf("/account")
    cookie = {"Cookie": f"gw_form={browser.cookie('gw_form')}"}
    moment = time.time()
    for periods, known in ((0, True), (1, True), (2, False)):
        monkeypatch.setattr(time, "time", lambda periods=periods: moment + periods * guards.ROTATION_S)
        later = service.configured().app
        monkeypatch.undo()
        with later.test_request_context(headers=cookie):
            assert ("csrf_token" in session) == known
        sent = later.test_client(use_cookies=False).post("/admin/first", data={"csrf_token": csrf}, headers=cookie)
        assert sent.status_code == (303 if known else 400)
