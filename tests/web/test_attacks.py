"""Attacks by way of somebody's browser: each is refused, and nothing is stored.

Attacks on logins and shares, on files and uploads, and through what a page supplies are in test_attacks_*.py beside.
"""

from collections import defaultdict
from contextlib import closing
from io import BytesIO
from typing import Any

import pytest

from tests.web.attacking import FOREIGN, OLD_BROWSER, SANDBOXED, about_cases, routes
from tests.web.pages.made import Bundles, add, ask
from tests.web.serving import PASSWORD, Browser, Served
from web.store.tables import Case, Login

NOTHING: dict[str, str] = {}
"""A browser so old that it says nothing."""
PART = '--x\r\nContent-Disposition: form-data; name="url"\r\n\r\nhttps://evil.example/\r\n--x--\r\n'
BODIES = defaultdict(lambda: '{"url": "https://evil.example/"}', {
    "application/x-www-form-urlencoded": "url=https://evil.example/", "multipart/form-data; boundary=x": PART})
CAPTURE = {"url": "https://shop.example/"}


@pytest.fixture
def victim(service: Served) -> Browser:
    """An administrator who is logged in, and a case of theirs."""
    return service.log_in("admin", "ann")


def ids(service: Served, victim: Browser) -> dict[str, str]:
    assert victim.user is not None
    case = ask(service, victim.user.id)
    return {"case_id": case.id, "first_id": case.id, "second_id": case.id, "user_id": victim.user.id}


FIELDS = {"url": "https://evil.example/", "name": "eve", "role": "admin", "team": "yes", "hold": "yes", "why": "x",
          "text": "x", "days": "1", "scopes": "read", "old": PASSWORD, "password": "a new long password",
          "again": "a new long password"}
"""Fields that make every form do something."""


@pytest.mark.parametrize("headers", [FOREIGN, OLD_BROWSER, {**FOREIGN, "Sec-Fetch-Site": "same-site"}])
def test_csrf_by_a_form_on_another_site(service: Served, victim: Browser, headers: dict[str, str]) -> None:
    paths = routes(service, "POST", api=False, **ids(service, victim))
    token = victim.csrf("/account")
    assert len(paths) > 15
    with service.unchanged():
        for path in paths:
            for fields in (FIELDS, {**FIELDS, "csrf_token": token}):
                assert victim.client.post(path, data=fields, headers=headers).status_code == 403, path


@pytest.mark.parametrize("token", ["", "x", "another browser's"])
def test_csrf_by_a_form_without_the_right_token(service: Served, victim: Browser, token: str) -> None:
    paths = routes(service, "POST", api=False, **ids(service, victim))
    token = service.log_in("admin", "eve").csrf("/account") if token.startswith("another") else token
    victim.csrf("/account")
    with service.unchanged():
        for path in paths:
            sent = victim.client.post(path, data={**FIELDS, "csrf_token": token}, headers=SANDBOXED)
            assert sent.status_code == 400, path


def test_csrf_by_a_link(service: Served, victim: Browser) -> None:
    paths = routes(service, "POST", api=False, **ids(service, victim))
    with service.unchanged():
        for path in paths:
            assert victim.client.get(path, query_string=FIELDS).status_code in (200, 303, 404, 405, 422), path


@pytest.mark.parametrize("how", [{"_method": "POST"}, {"X-HTTP-Method-Override": "DELETE"}, {"X-Method": "POST"}])
def test_csrf_by_another_name_of_the_method(service: Served, victim: Browser, how: dict[str, str]) -> None:
    case_id = ids(service, victim)["case_id"]
    with service.unchanged():
        for path in ("/logout", f"/cases/{case_id}/delete", f"/api/v1/captures/{case_id}", "/account/tokens"):
            victim.client.get(path, query_string={**FIELDS, **how}, headers=how)


def test_csrf_that_logs_somebody_in_as_the_attacker(service: Served) -> None:
    service.add_user("member", "eve")
    browser = service.browser()
    for headers in (FOREIGN, OLD_BROWSER, SANDBOXED):
        sent = browser.client.post("/login", data={"name": "eve", "password": PASSWORD}, headers=headers)
        assert sent.status_code in (400, 403)
    assert service.count(Login) == 0
    assert browser.cookie("gw_login") is None


def test_csrf_on_the_api_by_a_cookie(service: Served, victim: Browser) -> None:
    known = ids(service, victim)
    with service.unchanged():
        for method in ("POST", "DELETE", "GET"):
            for path in about_cases(routes(service, method, api=True, **known), known["case_id"]):
                sent = victim.client.open(path, method=method, json=CAPTURE, headers={"Sec-Fetch-Site": "same-origin"})
                assert sent.status_code == 401, path


@pytest.mark.parametrize("kind", [
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
    "text/plain; application/json", "application/json"])
@pytest.mark.parametrize("headers", [FOREIGN, OLD_BROWSER, SANDBOXED, NOTHING])
def test_a_page_of_another_site_uses_the_api_of_local_mode(service: Served, kind: str, headers: dict[str, str]) -> None:
    is_form = kind != "application/json"
    with service.unchanged():
        for path in routes(service, "POST", api=True):
            programs = not headers and (not is_form or (path.endswith("/imports") and kind.startswith("multipart")))
            if not programs:
                sent = service.app.test_client().post(path, data=BODIES[kind], content_type=kind, headers=headers)
                assert sent.status_code in (403, 415), path


def test_a_page_of_another_site_hands_in_files_in_local_mode(service: Served) -> None:
    for headers in (FOREIGN, OLD_BROWSER, SANDBOXED, {"User-Agent": "Mozilla/5.0"}):
        with service.unchanged():
            sent = service.app.test_client().post("/api/v1/imports", headers=headers, data={
                "files": (BytesIO(b"<html>"), "page.html")})
            assert sent.status_code == 403


@pytest.mark.parametrize("host", [
    "evil.example", "evil.example:8502", "127.0.0.1.evil.example", "localhost.evil.example", "localhost@evil.example",
    "", "localhost\\@evil.example", "[::ffff:127.0.0.1]", "0", "2130706433", "127.1", "localhost."])
def test_dns_rebinding(service: Served, host: str) -> None:
    case = ask(service)
    with service.unchanged():
        for path in ("/", "/cases", f"/cases/{case.id}", "/account", "/api/v1/captures", "/static/style.css"):
            answer = service.app.test_client().get(path, headers={"Host": host})
            assert answer.status_code == 400, path
            assert case.id not in answer.text
            answer.close()
        sent = service.app.test_client().post("/api/v1/captures", json=CAPTURE, headers={"Host": host})
        assert sent.status_code == 400


def test_a_host_that_would_stand_in_a_one_time_link(service: Served) -> None:
    admin = service.log_in("admin")
    with service.unchanged():
        for headers in ({"Host": "evil.example"}, {"Host": "localhost", "X-Forwarded-Host": "evil.example"}):
            sent = admin.post("/admin/users", {"name": "", "role": "member"}, seen="/account", headers=headers)
            assert sent.status_code in (400, 422)
    made = admin.post("/admin/users", {"name": "bob", "role": "member"}, seen="/account",
                      headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
    assert "http://localhost/setup/" in made.text
    assert "evil.example" not in made.text


@pytest.mark.parametrize("target", [
    "https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example", "https:evil.example",
    "javascript:alert(1)", "/\t/evil.example", "%2f%2fevil.example", " https://evil.example", "data:text/html,x",
    "/\r\nLocation: https://evil.example"])
def test_open_redirect_after_login(service: Served, target: str) -> None:
    service.add_user("member", "ann")
    browser = service.browser()
    page = browser.get("/login", query_string={"next": target})
    assert "evil.example" not in page.text
    answer = browser.post("/login", {"name": "ann", "password": PASSWORD, "next": target})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_open_redirect_by_slashes_in_the_path(service: Served) -> None:
    for path in ("//evil.example", "//evil.example/%2e%2e", "/\\evil.example", "//evil.example//cases"):
        answer = service.app.test_client().get(path)
        assert answer.headers.get("Location", "/").removeprefix("http://localhost").startswith("/")
        assert not answer.headers.get("Location", "/").startswith(("//", "/\\", "http://evil"))


def pages(service: Served, case: Case) -> list[str]:
    paths = routes(service, "GET", api=False, case_id=case.id, first_id=case.id, second_id=case.id, name="page.har")
    return [path for path in paths if path not in ("/healthz", "/readyz", "/metrics")]


def test_clickjacking(service: Served, bundles: Bundles) -> None:
    case, browser = add(service, bundles), service.browser()
    for path in pages(service, case):
        with closing(browser.get(path)) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in policy or "frame-ancestors 'self'" in policy, path
            if answer.mimetype == "text/html" and "sandbox" not in policy:
                assert answer.headers["X-Frame-Options"] == "DENY"
                assert "frame-ancestors 'none'" in policy


def test_private_pages_stay_in_no_cache(service: Served, bundles: Bundles) -> None:
    case, browser = add(service, bundles), service.browser()
    names = ("report/dossier.html", "report/dossier.pdf", "screenshot.png", "page.har", "manifest.json")
    for path in (*pages(service, case), *(f"/cases/{case.id}/files/{name}" for name in names),
                 f"/api/v1/captures/{case.id}", "/api/v1/captures"):
        with closing(browser.get(path)) as answer:
            assert "no-store" in answer.headers["Cache-Control"], path


@pytest.mark.parametrize(("mode", "destination"), [
    ("no-cors", "image"), ("no-cors", "script"), ("no-cors", "style"), ("cors", "empty"), ("navigate", "iframe"),
    ("navigate", "object"), ("no-cors", "video"), ("websocket", "websocket")])
def test_another_site_reads_or_embeds_what_is_private(
        service: Served, bundles: Bundles, mode: str, destination: str) -> None:
    case = add(service, bundles)
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination}
    for path in (f"/cases/{case.id}", f"/cases/{case.id}/picture", f"/cases/{case.id}/files/report/dossier.html",
                 f"/api/v1/captures/{case.id}", "/api/v1/captures", f"/cases/{case.id}/events"):
        answer = service.app.test_client().get(path, headers=headers)
        assert answer.status_code == 403, path
        assert case.id not in answer.text


def test_no_other_site_is_ever_allowed_in(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    asked: dict[str, Any] = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST",
                             "Access-Control-Request-Headers": "authorization, content-type"}
    for path in ("/api/v1/captures", f"/api/v1/captures/{case.id}", "/cases", "/login"):
        for method in ("OPTIONS", "GET"):
            answer = service.app.test_client().open(path, method=method, headers=asked)
            assert answer.status_code == 403
            assert not [name for name in answer.headers.keys() if name.lower().startswith("access-control")]
        own = service.app.test_client().get(path)
        assert own.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert own.headers["Cross-Origin-Opener-Policy"] == "same-origin"
