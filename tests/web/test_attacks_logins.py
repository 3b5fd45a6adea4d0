"""Attacks on logins, tokens, one-time links and limits: each is refused, and nothing is stored."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from itsdangerous import URLSafeTimedSerializer

from tests.web.attacking import routes
from tests.web.pages.made import ask
from tests.web.serving import PASSWORD, Browser, Served
from web.access import invitations, logins, passwords, users
from web.store.database import now
from web.store.tables import Audit, Login, User

OTHER = "another lamp and a rope"


def log_in(browser: Browser, name: str, password: str = PASSWORD, **given: Any) -> int:
    return browser.post("/login", {"name": name, "password": password}, **given).status_code


@pytest.mark.parametrize("planted", ["known to the attacker", "another user's", ""])
def test_session_fixation(service: Served, planted: str) -> None:
    """A login that the attacker put into the browser, their own or one that they made up, is not the one they get."""
    service.add_user("member", "ann")
    if planted.startswith("another"):
        planted = service.log_in("member", "eve").cookie("gw_login") or ""
    browser = service.browser()
    form = browser.csrf("/login")
    before = browser.cookie("gw_form")
    browser.client.set_cookie("gw_login", planted)
    assert log_in(browser, "ann") == 303
    assert browser.cookie("gw_login") not in (planted, None)
    assert browser.cookie("gw_form") != before
    thief = service.browser()
    thief.client.set_cookie("gw_login", planted)
    assert thief.get("/account").status_code == 303
    assert browser.client.post("/account/logins/end", data={"csrf_token": form}).status_code == 400


@pytest.mark.parametrize("end", ["logout", "password", "reset", "disable", "another login"])
def test_a_stolen_cookie_after_the_login_ended(service: Served, end: str) -> None:
    admin, ann = service.log_in("admin"), service.log_in("member", "ann")
    thief = service.browser()
    thief.client.set_cookie("gw_login", ann.cookie("gw_login") or "")
    assert thief.get("/account").status_code == 200
    assert ann.user is not None
    new = {"old": PASSWORD, "password": OTHER, "again": OTHER}
    who, path, fields = {
        "logout": (ann, "/logout", {}), "password": (ann, "/account/password", new),
        "reset": (admin, f"/admin/users/{ann.user.id}/reset", {}),
        "disable": (admin, f"/admin/users/{ann.user.id}/disable", {}),
        "another login": (ann, "/login", {"name": "ann", "password": PASSWORD})}[end]
    assert who.post(path, fields, seen="/account").status_code in (201, 303)
    with service.unchanged():
        assert thief.get("/account").status_code == 303
        assert thief.post("/account/tokens", {"name": "x", "scopes": "read", "days": "30"}).status_code == 401


def forged(key: bytes | str, value: object) -> str:
    return str(URLSafeTimedSerializer(key, salt="cookie-session").dumps(value))


@pytest.mark.parametrize("key", ["", "dev", b"\0" * 32, "secret", "gatewitness"])
def test_a_forged_cookie(service: Served, key: bytes | str) -> None:
    victim = service.log_in("admin")
    raw = "0" * 40
    unsigned = base64.b64encode(json.dumps({"csrf_token": raw}).encode()).decode()
    for cookie in (forged(key, {"csrf_token": raw}), unsigned):
        with service.unchanged():
            victim.client.set_cookie("gw_form", cookie)
            token = str(URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps(raw))
            sent = victim.client.post("/admin/users", data={"csrf_token": token, "name": "eve", "role": "admin"})
            assert sent.status_code == 400


def test_a_cookie_of_another_instance(service: Served, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = Served.on(tmp_path_factory.mktemp("other"))
    thief, here = other.log_in("admin"), service.browser()
    service.add_user("admin")
    here.client.set_cookie("gw_login", thief.cookie("gw_login") or "")
    assert here.get("/account").status_code == 303
    other.close()


@pytest.mark.parametrize("name", ["ann", "nobody", "local", "gone", "invited", "", "x" * 300, "ann'--", "ann\0"])
def test_names_that_are_known_by_how_long_a_login_takes(
        service: Served, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Every attempt is one Argon2 check with the same parameters, one line in the log, and the same answer."""
    service.add_user("admin")
    service.add_user("member", "ann")
    with service.database.transaction() as db:
        users.local(db)
        users.create(db, "invited", "member")
    service.add_user("member", "gone")
    with service.database.transaction() as db:
        users.disable(db, users.by_name(db, "gone") or User())
    passwords.fits(None, "")
    work: list[str] = []
    verify: Callable[..., Any] = PasswordHasher.verify

    def counted(self: PasswordHasher, kept: str, password: bytes) -> Any:
        work.append(kept.split("$")[3])
        return verify(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    answer = service.browser().post("/login", {"name": name, "password": OTHER})
    assert work == [passwords.hashed(OTHER).split("$")[3]]
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert (service.count(Audit), service.count(Login)) == (1, 0)


@pytest.mark.usefixtures("still")
def test_passwords_guessed_one_after_the_other(service: Served) -> None:
    service.add_user("member", "ann")
    browser = service.browser()
    tried = [log_in(browser, "ann", f"wrong {number}") for number in range(8)]
    assert tried == [401] * 5 + [429] * 3
    assert log_in(browser, "ann") == 429, "the right one is not tried either"
    assert service.count(Audit) == 5


@pytest.mark.usefixtures("still")
def test_passwords_guessed_from_many_addresses(service: Served) -> None:
    service.add_user("member", "ann")
    answers = [log_in(service.browser(), "ann", "wrong", environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})
               for number in range(8)]
    assert answers == [401] * 5 + [429] * 3


@pytest.mark.usefixtures("still")
def test_one_password_tried_on_many_names(service: Served) -> None:
    service.add_user("member", "ann")
    answers = [log_in(service.browser(), f"user-{number}") for number in range(8)]
    assert answers == [401] * 5 + [429] * 3


@pytest.mark.usefixtures("still")
def test_an_ipv6_network_full_of_addresses(service: Served) -> None:
    service.add_user("member", "ann")
    answers = [log_in(service.browser(), f"user-{number}", environ_base={"REMOTE_ADDR": f"2001:db8::{number:x}:1"})
               for number in range(8)]
    assert answers == [401] * 5 + [429] * 3


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"])
def test_limits_dodged_by_a_header_that_names_another_address(service: Served, name: str) -> None:
    service.add_user("member", "ann")
    answers = [log_in(service.browser(), f"user-{number}", headers={name: f"192.0.2.{number}"}) for number in range(8)]
    assert answers == [401] * 5 + [429] * 3
    with service.database.reading() as db:
        assert {line.address for line in db.query(Audit)} == {"127.0.0.1"}


@pytest.mark.usefixtures("still")
def test_limits_dodged_behind_a_proxy_by_more_addresses_in_its_header(service: Served) -> None:
    served = service.configured(proxies=1, public_url="http://localhost")
    served.add_user("member", "ann")
    sent = [{"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.7"} for number in range(8)]
    answers = [log_in(served.browser(), f"user-{number}", headers=headers) for number, headers in enumerate(sent)]
    assert answers == [401] * 5 + [429] * 3


@pytest.mark.usefixtures("still")
def test_a_user_locked_out_by_somebody_who_guesses(service: Served) -> None:
    service.add_user("member", "ann")
    home = service.browser()
    assert log_in(home, "ann") == 303
    assert home.post("/logout", seen="/account").status_code == 303
    for number in range(10):
        log_in(service.browser(), "ann", "wrong", environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})
    assert log_in(home, "ann") == 303


@pytest.mark.usefixtures("still")
def test_captures_flooded_past_the_limits(service: Served) -> None:
    served = service.configured(captures_per_minute=3)
    browser = served.log_in("member", "ann")
    token = served.token(served.add_user("member", "ann"), "read", "capture")
    answers = [browser.post("/", {"url": "https://shop.example/"}, seen="/account", headers={
        "X-Forwarded-For": f"192.0.2.{number}"}).status_code for number in range(3)]
    assert answers == [303] * 3
    with served.unchanged():
        assert browser.post("/", {"url": "https://shop.example/"}, seen="/account").status_code == 429
        for body in ({"url": "https://shop.example/"}, {"url": "https://other.example/"}):
            answer = served.app.test_client().post("/api/v1/captures", json=body, headers=token)
            assert (answer.status_code, "Retry-After" in answer.headers) == (429, True)


def test_a_site_flooded_in_our_name(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.now(UTC)
    monkeypatch.setattr("web.store.submit.now", lambda _: moment)
    served = service.configured(target_host_per_minute=2)
    for name in ("ann", "bob"):
        browser = served.log_in("member", name)
        assert browser.post("/", {"url": f"https://shop.example/{name}"}, seen="/account").status_code == 303
    browser = served.log_in("member", "eve")
    with served.unchanged():
        for url in ("https://shop.example/x", "http://SHOP.example:8080/", "https://shop.example./"):
            assert browser.post("/", {"url": url}, seen="/account").status_code in (422, 429), url


@pytest.mark.parametrize("token", ["x", "0" * 43, "../account", "%00", "' OR 1=1 --", "x" * 5_000])
def test_one_time_links_guessed(service: Served, token: str) -> None:
    invitations.first(service.database)
    served = service.configured(host="0.0.0.0")
    with service.unchanged():
        browser = served.browser()
        assert browser.get(f"/setup/{token}").status_code in (303, 404)
        sent = browser.post(f"/setup/{token}", {"name": "eve", "password": OTHER, "again": OTHER})
        assert sent.status_code in (401, 404, 405)


@pytest.mark.usefixtures("still")
def test_one_time_links_guessed_many_times(service: Served) -> None:
    service.add_user("admin")
    answers = [service.browser().get(f"/setup/{number:043}").status_code for number in range(8)]
    assert answers == [404] * 5 + [429] * 3


def test_a_one_time_link_used_again(service: Served) -> None:
    path = invitations.first(service.database) or ""
    served = service.configured(host="0.0.0.0")
    first = {"name": "ann", "password": OTHER, "again": OTHER}
    assert served.browser().post(path, first, seen=path).status_code == 303
    with service.unchanged():
        assert served.browser().post(path, {**first, "name": "eve"}).status_code == 404


def test_a_token_sent_where_it_may_be_read(service: Served) -> None:
    """Tokens count in the header only: addresses end up in logs and histories."""
    user = service.add_user("admin")
    text = service.token(user, "read", "capture")["Authorization"].removeprefix("Bearer ")
    with service.unchanged():
        for query, headers in (({"token": text, "access_token": text}, {}), ({}, {"Cookie": f"gw_login={text}"}),
                               ({}, {"X-Api-Key": text}), ({}, {"Authorization": f"Basic {text}"})):
            answer = service.app.test_client(use_cookies=False).post(
                "/api/v1/captures", json={"url": "https://shop.example/"}, query_string=query, headers=headers)
            assert answer.status_code == 401


@pytest.mark.parametrize("scopes", [("read",), ("capture",)])
def test_a_token_that_does_more_than_its_scopes(service: Served, scopes: tuple[str, ...]) -> None:
    admin = service.add_user("admin")
    case = ask(service, service.add_user("member", "bob").id)
    token = service.token(admin, *scopes)
    client = service.app.test_client()
    asked = [(method, path) for method in ("POST", "DELETE", "GET")
             for path in routes(service, method, api=True, case_id=case.id)
             if case.id in path or ("read" not in scopes and method == "GET" and path.endswith("/captures"))]
    assert asked
    with service.unchanged():
        for method, path in asked:
            answer = client.open(path, method=method, headers=token, json={} if method == "POST" else None)
            assert answer.status_code in (403, 404, 422), (method, path)
            assert case.url not in answer.text


def test_a_session_outlives_its_time(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = service.log_in("member", "ann")
    late = timedelta(hours=service.config.session_hours, seconds=1)
    monkeypatch.setattr(logins, "now", lambda db: now(db) + late)
    assert browser.get("/account").status_code == 303
