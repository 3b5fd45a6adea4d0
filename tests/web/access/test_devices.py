"""Browsers that logged in before are told apart from those that guess."""

from flask import Response
from itsdangerous import URLSafeTimedSerializer

from tests.web.serving import Served
from web.access.devices import is_known, remember


def cookie(service: Served, name: str) -> str:
    with service.app.test_request_context():
        answer = Response()
        remember(answer, name)
        return answer.headers["Set-Cookie"].split(";")[0]


def known(service: Served, cookie: str, name: str) -> bool:
    with service.app.test_request_context(headers={"Cookie": cookie}):
        return is_known(name)


def test_a_browser_is_known_for_the_user_who_logged_in(service: Served) -> None:
    sent = cookie(service, "ann")
    assert known(service, sent, "ANN")
    assert not known(service, sent, "bob")
    assert not known(service, "", "ann")


def test_a_cookie_that_was_made_up_is_worth_nothing(service: Served) -> None:
    forged = URLSafeTimedSerializer("guess", salt="device").dumps("ann")
    assert not known(service, f"gw_device={forged}", "ann")
    assert not known(service, cookie(service, "ann")[:-2], "ann")


def test_the_name_cannot_be_read_from_it(service: Served) -> None:
    assert "ann" not in cookie(service, "ann").split(".")[0].removeprefix("gw_device=")
