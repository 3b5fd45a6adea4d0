"""Who asks: by cookie or token, and when nobody needs to say."""

from typing import Any

import pytest
from flask import g
from sqlalchemy.orm import Session

from tests.web.serving import Served
from web.access import users
from web.access.identity import FORWARDED, cookie_name, identify, is_https, local_mode, may_be_local
from web.access.principal import Principal
from web.services import services
from web.store.tables import Login, Token, User


def asked(service: Served, path: str = "/", **given: Any) -> Principal | None:
    given.setdefault("environ_base", {"REMOTE_ADDR": "127.0.0.1"})
    with service.app.test_request_context(path, **given):
        return identify(services())


def test_on_a_machine_of_ones_own_nobody_logs_in(service: Served) -> None:
    principal = asked(service)
    assert principal is not None
    assert (principal.name, principal.role, principal.via) == ("local", "admin", "local")
    assert asked(service) == principal
    assert asked(service, "/api/v1/captures") == principal


@pytest.mark.parametrize("name", FORWARDED)
def test_local_mode_ends_at_a_proxy(service: Served, name: str) -> None:
    assert asked(service, headers={name: "192.0.2.1"}) is None


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "", "localhost"])
def test_local_mode_is_for_this_machine_only(service: Served, address: str) -> None:
    assert asked(service, environ_base={"REMOTE_ADDR": address}) is None


@pytest.mark.parametrize("given", [
    {"host": "0.0.0.0"}, {"host": "192.0.2.1"}, {"proxies": 1}, {"public_url": "https://gw.example"},
    {"trusted_hosts": ("gw.example",)}])
def test_a_service_that_others_reach_has_no_local_mode(service: Served, given: dict[str, Any]) -> None:
    assert not may_be_local(service.config.model_copy(update=given))
    assert asked(service.configured(**given)) is None


def test_the_first_password_ends_local_mode(service: Served) -> None:
    service.add_user("admin")
    with service.app.test_request_context(environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        assert not local_mode(service.config, service.database)
    assert asked(service) is None


def test_cookies_count_for_pages_only_and_tokens_for_the_api_only(service: Served) -> None:
    browser = service.log_in("member", "ann")
    assert browser.user is not None
    cookie = {"Cookie": f"gw_login={browser.cookie('gw_login')}"}
    token = service.token(browser.user, "read", "capture")
    by_cookie, by_token = asked(service, headers=cookie), asked(service, "/api/v1/captures", headers=token)
    assert by_cookie is not None
    assert by_token is not None
    assert (by_cookie.name, by_cookie.via, by_token.name, by_token.via) == ("ann", "login", "ann", "token")
    assert asked(service, "/api/v1/captures", headers=cookie) is None
    assert asked(service, "/", headers=token) is None


@pytest.mark.parametrize("sent", [
    "Bearer", "Bearer ", "Bearer gw_wrong", "Basic YW5uOmJvYg==", "Token x", "", "Bearer \xff",
    "bearer gw_" + "x" * 43])
def test_a_token_that_is_wrong_counts_as_none_even_in_local_mode(service: Served, sent: str) -> None:
    assert asked(service, "/api/v1/captures", headers={"Authorization": sent}) is None


def test_the_login_is_named_so_that_it_can_be_told_from_others(service: Served) -> None:
    browser = service.log_in("member")
    with service.app.test_request_context(headers={"Cookie": f"gw_login={browser.cookie('gw_login')}"}):
        identify(services())
        with service.database.reading() as db:
            assert g.login_id == db.query(Login).one().id


def test_whoever_is_disabled_is_nobody_at_once(service: Served) -> None:
    service.add_user("admin")
    browser = service.log_in("member")
    assert browser.user is not None
    token = service.token(browser.user)
    with service.database.transaction() as db:
        users.disable(db, users.get(db, browser.user.id))
    assert asked(service, headers={"Cookie": f"gw_login={browser.cookie('gw_login')}"}) is None
    assert asked(service, "/api/v1/captures", headers=token) is None


def test_use_of_a_token_is_noted(service: Served) -> None:
    token = service.token(service.add_user())
    asked(service, "/api/v1/captures", headers=token)
    with service.database.reading() as db:
        assert db.query(Token).one().used_at is not None


def test_over_https_cookies_carry_the_prefix(service: Served) -> None:
    https = service.config.model_copy(update={"public_url": "HTTPS://gw.example"})
    assert (cookie_name(service.config, "gw_login"), cookie_name(https, "gw_login")) == ("gw_login", "__Host-gw_login")
    assert (is_https(service.config), is_https(https)) == (False, True)


def test_local_mode_that_ends_at_this_moment_makes_no_user(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    by_name = users.by_name

    def meanwhile(db: Session, name: str) -> User | None:
        monkeypatch.setattr(users, "by_name", by_name)
        service.log_in("admin", "ann")
        return None

    monkeypatch.setattr(users, "by_name", meanwhile)
    assert asked(service) is None
    assert service.count(User) == 1
