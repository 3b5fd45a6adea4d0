"""Users and the audit log, for administrators."""

import pytest

from tests.web.serving import Browser, Served
from web.access import users
from web.access.principal import Role
from web.store.tables import Audit, Invitation, Login, User

NEW = "a boat and three oars"


def make(admin: Browser, name: str = "ann", role: str = "member") -> str:
    """Makes a user; the one-time link's path."""
    answer = admin.post("/admin/users", {"name": name, "role": role}, seen="/account")
    assert answer.status_code == 201
    return _link(answer.text)


def _link(page: str) -> str:
    return page.partition('data-copy="the link">http://localhost')[2].partition("<")[0]


def user(service: Served, name: str) -> User:
    with service.database.reading() as db:
        found = users.by_name(db, name)
    assert found is not None
    return found


def test_a_new_user_sets_their_own_password(service: Served) -> None:
    path = make(service.log_in("admin"))
    browser = service.browser()
    assert "Welcome, ann" in browser.get(path).text
    answer = browser.post(path, {"name": "root", "password": NEW, "again": NEW}, seen=path)
    assert answer.status_code == 303
    assert user(service, "ann").role == "member"
    assert "ann" in browser.get("/account").text
    assert service.browser().get(path).status_code == 404


@pytest.mark.parametrize(("name", "role", "sentence"), [
    ("", "member", "A name is"), ("local", "member", "A name is"), ("ADMIN", "member", "already"),
    ("ann", "root", "A role is")])
def test_a_user_that_makes_no_sense_is_not_made(service: Served, name: str, role: str, sentence: str) -> None:
    admin = service.log_in("admin")
    answer = admin.post("/admin/users", {"name": name, "role": role}, seen="/account")
    assert answer.status_code == 422
    assert sentence in answer.text
    assert (service.count(User), service.count(Invitation)) == (1, 0)


def test_in_local_mode_the_first_one_made_is_an_administrator(service: Served) -> None:
    browser = service.browser()
    assert "local mode" in browser.get("/admin/users").text
    assert browser.post("/admin/users", {"name": "ann", "role": "viewer"}, seen="/account").status_code == 409
    assert browser.post("/admin/first", seen="/account").headers["Location"].startswith("/setup/")


def test_the_first_administrator_is_made_once(service: Served) -> None:
    assert service.log_in("admin").post("/admin/first", seen="/account").status_code == 409


def test_a_role_counts_at_once(service: Served) -> None:
    admin, ann = service.log_in("admin"), service.log_in("member", "ann")
    path = f"/admin/users/{user(service, 'ann').id}/role"
    assert ann.get("/admin/users").status_code == 403
    assert admin.post(path, {"role": "admin"}, seen="/account").status_code == 303
    assert ann.get("/admin/users").status_code == 200
    assert admin.post(path, {"role": "root"}, seen="/account").status_code == 422


def test_whoever_is_disabled_is_out_at_once_and_comes_back_by_password(service: Served) -> None:
    admin, ann = service.log_in("admin"), service.log_in("member", "ann")
    path = f"/admin/users/{user(service, 'ann').id}"
    assert admin.post(f"{path}/disable", seen="/account").status_code == 303
    assert ann.get("/account").status_code == 303
    assert admin.post(f"{path}/reset", seen="/account").status_code == 409
    assert admin.post(f"{path}/enable", seen="/account").status_code == 303
    assert user(service, "ann").disabled_at is None
    assert ann.get("/account").status_code == 303


def test_a_reset_ends_logins_and_password_until_the_link_is_used(service: Served) -> None:
    admin, ann = service.log_in("admin"), service.log_in("member", "ann")
    answer = admin.post(f"/admin/users/{user(service, 'ann').id}/reset", seen="/account")
    path = _link(answer.text)
    assert answer.status_code == 201
    assert ann.get("/account").status_code == 303
    assert "waits for the one-time link" in admin.get("/admin/users").text
    assert ann.post(path, {"password": NEW, "again": NEW}, seen=path).status_code == 303
    assert ann.get("/account").status_code == 200


def test_nobody_resets_themselves_nor_the_last_administrator(service: Served) -> None:
    admin = service.log_in("admin")
    path = f"/admin/users/{user(service, 'admin').id}"
    for change in ("reset", "disable"):
        assert admin.post(f"{path}/{change}", seen="/account").status_code == 409
    assert admin.post(f"{path}/role", {"role": "viewer"}, seen="/account").status_code == 409
    assert admin.get("/admin/users").status_code == 200


def test_a_user_that_is_none_is_not_found(service: Served) -> None:
    admin = service.log_in("admin")
    for change in ("reset", "disable", "enable", "role"):
        assert admin.post(f"/admin/users/{'0' * 26}/{change}", {"role": "admin"}, seen="/account").status_code == 404


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_others_see_and_change_nothing_here(service: Served, role: Role) -> None:
    service.add_user("admin")
    browser = service.log_in(role, "ann")
    admin_id = user(service, "admin").id
    for path in ("/admin/users", "/admin/audit"):
        assert browser.get(path).status_code == 403
    for path in ("/admin/users", "/admin/first", *(f"/admin/users/{admin_id}/{change}" for change in (
            "role", "disable", "enable", "reset"))):
        assert browser.post(path, {"name": "eve", "role": "admin"}, seen="/account").status_code == 403
    assert (service.count(User), service.count(Invitation)) == (2, 0)
    assert user(service, "admin").disabled_at is None


def test_what_administrators_do_is_noted_with_who_did_it(service: Served) -> None:
    admin = service.log_in("admin", "root")
    make(admin, "ann")
    admin.post(f"/admin/users/{user(service, 'ann').id}/role", {"role": "viewer"}, seen="/account")
    with service.database.reading() as db:
        lines = [(line.user_name, line.action, line.subject, line.detail) for line in db.query(Audit)]
    ann = user(service, "ann").id
    assert lines == [("root", "user", ann, "made: ann, member"), ("root", "user", ann, "role: viewer")]
    page = admin.get("/admin/audit").text
    assert "made: ann, member" in page
    assert "made: ann, member" not in admin.get("/admin/audit?action=login").text
    assert "Nothing is noted" in admin.get("/admin/audit?user=nobody").text


def test_the_audit_log_is_turned_page_by_page(service: Served) -> None:
    from web.access import audit
    admin = service.log_in("admin")
    with service.database.transaction() as db:
        for number in range(audit.PAGE + 1):
            audit.note(db, "ann", "192.0.2.1", "login", f"subject-{number}.")
    first = admin.get("/admin/audit").text
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "subject-0." not in first
    assert "subject-0." in admin.get(older).text
    for before in ("x", "-1", "9" * 40, "1e3"):
        assert admin.get(f"/admin/audit?before={before}").status_code == 200


def test_a_login_by_cookie_is_needed_not_a_token(service: Served) -> None:
    token = service.token(service.add_user("admin"), "read", "capture", "admin")
    assert service.app.test_client().get("/admin/users", headers=token).status_code == 303
    assert service.count(Login) == 0
