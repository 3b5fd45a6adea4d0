"""Logging in and out, and what is one's own."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from tests.web.serving import PASSWORD, Browser, Served
from web.access import invitations, passwords, secret, users
from web.pages.account import local_path
from web.store.tables import Audit, Invitation, Login, Token, User

OTHER = "another lamp and a rope"


def log_in(browser: Browser, name: str = "ann", password: str = PASSWORD, next: str = "") -> int:
    answer = browser.post("/login", {"name": name, "password": password, "next": next})
    return answer.status_code


def audited(service: Served) -> list[str]:
    with service.database.reading() as db:
        return [line.action for line in db.query(Audit).order_by(Audit.id)]


def test_whoever_knows_the_password_is_in(service: Served) -> None:
    service.add_user("member", "ann")
    browser = service.browser()
    assert browser.get("/account").status_code == 303
    answer = browser.post("/login", {"name": " ANN ", "password": PASSWORD, "next": "/account"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert "ann" in browser.get("/account").text
    assert audited(service) == ["login"]


@pytest.mark.parametrize(("name", "password"), [
    ("ann", "wrong"), ("ann", ""), ("nobody", PASSWORD), ("", ""), ("local", ""), ("local", "!"), ("' OR 1=1 --", "x"),
    ("ann\0", PASSWORD), ("gone", PASSWORD)])
def test_whoever_does_not_is_told_the_same_whatever_was_wrong(service: Served, name: str, password: str) -> None:
    service.add_user("admin")
    service.add_user("member", "ann")
    with service.database.transaction() as db:
        users.local(db)
    service.add_user("member", "gone")
    with service.database.transaction() as db:
        users.disable(db, users.by_name(db, "gone") or users.local(db))
    browser = service.browser()
    answer = browser.post("/login", {"name": name, "password": password})
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert service.count(Login) == 0
    assert audited(service) == ["login-failed"]


def test_a_name_that_is_none_is_not_kept_because_it_may_be_a_password(service: Served) -> None:
    service.add_user("member", "ann")
    log_in(service.browser(), "hunter2-hunter2", "ann")
    with service.database.reading() as db:
        line = db.query(Audit).one()
    assert (line.user_name, line.subject, line.detail) == ("unknown", "", "")


def test_in_local_mode_there_is_nothing_to_log_into(service: Served) -> None:
    browser = service.browser()
    assert browser.get("/login").headers["Location"] == "/"
    page = browser.get("/account").text
    assert "Local mode" in page
    assert "Log out" not in page


def test_before_anybody_is_set_up_the_way_in_is_told(service: Served) -> None:
    served = service.configured(host="0.0.0.0")
    assert "one-time link" in served.browser().get("/login").text
    served.add_user("admin")
    assert "one-time link that the service printed" not in served.browser().get("/login").text


def test_logging_out_ends_the_login_for_good(service: Served) -> None:
    browser = service.log_in("member", "ann")
    kept = browser.cookie("gw_login")
    answer = browser.post("/logout", seen="/account")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert browser.cookie("gw_login") is None
    assert service.count(Login) == 0
    thief = service.browser()
    thief.client.set_cookie("gw_login", kept or "")
    assert thief.get("/account").status_code == 303


def test_an_old_hash_is_renewed_at_login(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    before = service.add_user("member", "ann").password_hash
    monkeypatch.setattr(passwords, "is_outdated", lambda kept: True)
    assert log_in(service.browser()) == 303
    with service.database.reading() as db:
        user = users.by_name(db, "ann")
    assert user is not None
    assert user.password_hash != before
    assert passwords.fits(user.password_hash, PASSWORD)


def test_the_first_administrator_sets_name_and_password(service: Served) -> None:
    path = invitations.first(service.database)
    assert path is not None
    served = service.configured(host="0.0.0.0")
    browser = served.browser()
    assert "The first administrator" in browser.get(path).text
    data = {"name": "Ann", "password": OTHER, "again": OTHER}
    answer = browser.post(path, data, seen=path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert browser.get("/admin/users").status_code == 200
    assert served.browser().get(path).status_code == 404
    assert served.browser().post(path, data).status_code == 404
    assert audited(service) == ["password", "login"]


def test_what_was_made_in_local_mode_belongs_to_the_first_administrator(service: Served) -> None:
    browser = service.browser()
    answer = browser.post("/admin/first", seen="/admin/users")
    path = answer.headers["Location"]
    assert browser.post(path, {"name": "ann", "password": OTHER, "again": OTHER}, seen=path).status_code == 303
    with service.database.reading() as db:
        assert [user.name for user in users.everybody(db)] == ["ann"]
    assert service.browser().get("/admin/users").status_code == 303


@pytest.mark.parametrize(("name", "password", "again", "sentence"), [
    ("ann", "short", "short", "at least 12"), ("ann", OTHER, OTHER + "x", "differ"), ("<b>", OTHER, OTHER, "A name is"),
    ("local", OTHER, OTHER, ""), ("", OTHER, OTHER, "A name is")])
def test_a_link_stays_usable_until_all_is_well(
        service: Served, name: str, password: str, again: str, sentence: str) -> None:
    path = invitations.first(service.database) or ""
    browser = service.configured(host="0.0.0.0").browser()
    answer = browser.post(path, {"name": name, "password": password, "again": again}, seen=path)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert password not in answer.text
    assert service.count(Invitation) == 1
    assert browser.post(path, {"name": "ann", "password": OTHER, "again": OTHER}, seen=path).status_code == 303


def change(browser: Browser, old: str = PASSWORD, new: str = OTHER, again: str = OTHER) -> int:
    data = {"old": old, "password": new, "again": again}
    return browser.post("/account/password", data, seen="/account").status_code


def test_a_new_password_ends_every_other_login_and_renews_this_one(service: Served) -> None:
    browser, other = service.log_in("member", "ann"), service.log_in("member", "ann")
    before = browser.cookie("gw_login")
    assert change(browser) == 303
    assert browser.cookie("gw_login") not in (before, None)
    assert "every other login has ended" in browser.get("/account").text
    assert other.get("/account").status_code == 303
    assert log_in(service.browser()) == 401
    assert log_in(service.browser(), password=OTHER) == 303


@pytest.mark.parametrize(("old", "new", "again"), [
    ("wrong", OTHER, OTHER), (PASSWORD, "short", "short"), (PASSWORD, OTHER, OTHER + "x"), ("", "", "")])
def test_a_password_is_not_changed_by_halves(service: Served, old: str, new: str, again: str) -> None:
    browser, other = service.log_in("member", "ann"), service.log_in("member", "ann")
    assert change(browser, old, new, again) == 422
    assert other.get("/account").status_code == 200
    assert log_in(service.browser()) == 303


@pytest.mark.usefixtures("still")
def test_whoever_finds_an_open_browser_cannot_guess_the_password_there(service: Served) -> None:
    browser = service.log_in("member", "ann")
    assert [change(browser, "wrong") for _ in range(6)] == [422] * 5 + [429]


def test_logins_are_listed_and_ended_one_by_one(service: Served) -> None:
    browser, other = service.log_in("member", "ann"), service.log_in("member", "ann")
    with service.database.reading() as db:
        digest = secret.digest(other.cookie("gw_login") or "")
        other_id = db.query(Login).filter(Login.token_hash == digest).one().id
    page = browser.get("/account").text
    assert page.count("a test") == 2
    assert "this one" in page
    assert browser.post(f"/account/logins/{other_id}/end", seen="/account").status_code == 303
    assert (browser.get("/account").status_code, other.get("/account").status_code) == (200, 303)


def test_all_others_end_at_once(service: Served) -> None:
    browser, *others = (service.log_in("member", "ann") for _ in range(3))
    stranger = service.log_in("member", "bob")
    assert browser.post("/account/logins/end", seen="/account").status_code == 303
    assert [other.get("/account").status_code for other in (browser, *others, stranger)] == [200, 303, 303, 200]


def test_a_token_is_shown_once_and_revoked_at_will(service: Served) -> None:
    browser = service.log_in("member", "ann")
    data = {"name": "monitoring", "scopes": ["read", "capture"], "days": "30"}
    answer = browser.post("/account/tokens", data, seen="/account")
    text = answer.text.partition('data-copy="the token">')[2].partition("<")[0]
    assert (answer.status_code, text[:3]) == (201, "gw_")
    assert text not in browser.get("/account").text
    bearer = {"Authorization": f"Bearer {text}"}
    assert service.app.test_client().get("/api/v1/nowhere", headers=bearer).status_code == 404
    with service.database.reading() as db:
        token = db.query(Token).one()
    assert (token.name, token.scopes, token.token_hash) == ("monitoring", "read capture", secret.digest(text))
    assert browser.post(f"/account/tokens/{token.id}/revoke", seen="/account").status_code == 303
    assert "revoked" in browser.get("/account").text
    assert audited(service) == ["token", "token-revoked"]


@pytest.mark.parametrize(("data", "sentence"), [
    ({"name": "", "scopes": "read", "days": "30"}, "A token has a name"),
    ({"name": "x", "days": "30"}, "Choose what the token may do"),
    ({"name": "x", "scopes": "admin", "days": "30"}, "no more than you"),
    ({"name": "x", "scopes": "read", "days": "31"}, "Choose one of the times"),
    ({"name": "x", "scopes": "read", "days": "1e9"}, "Choose one of the times")])
def test_a_token_that_makes_no_sense_is_not_made(service: Served, data: dict[str, str], sentence: str) -> None:
    answer = service.log_in("member", "ann").post("/account/tokens", data, seen="/account")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert service.count(Token) == 0


@pytest.mark.parametrize(("text", "path"), [
    ("/cases", "/cases"), ("/cases?text=a%20b", "/cases?text=a%20b"), ("", "/"), ("cases", "/"),
    ("//evil.example", "/"),
    ("/\\evil.example", "/"), ("\\/evil.example", "/"), ("https://evil.example", "/"), ("https:evil.example", "/"),
    ("javascript:alert(1)", "/"), ("/\t/evil.example", "/"), ("/\n/evil.example", "/"), (" //evil.example", "/"),
    ("///evil.example", "/"), ("/%2f/evil.example", "/%2f/evil.example"), ("http:///evil.example", "/"),
    ("/a//evil.example", "/a//evil.example"), ("/\u2028", "/"), ("//[", "/")])
def test_one_goes_on_only_within_the_service(text: str, path: str) -> None:
    assert local_path(text) == path


@pytest.mark.parametrize("action", ["login", "change"])
@pytest.mark.parametrize("change", [users.forget_password, users.disable])
def test_a_password_that_ends_while_it_is_tried_opens_nothing(
    service: Served, monkeypatch: pytest.MonkeyPatch, change: Callable[[Session, User], None], action: str
) -> None:
    service.add_user("admin", "boss")
    browser = service.log_in("member", "ann") if action == "change" else service.browser()
    fits = passwords.fits

    def meanwhile(kept: str | None, given: str) -> bool:
        fitted = fits(kept, given)
        with service.database.transaction() as db:
            found = users.by_name(db, "ann")
            assert found is not None
            change(db, found)
        return fitted

    service.add_user("member", "ann")
    monkeypatch.setattr(passwords, "fits", meanwhile)
    if action == "login":
        log_in(browser)
    else:
        browser.post("/account/password", {"old": PASSWORD, "password": OTHER, "again": OTHER})
    monkeypatch.setattr(passwords, "fits", fits)
    assert service.count(Login) == 0
    assert browser.get("/account").status_code == 303
    assert log_in(service.browser(), password=OTHER) == 401
