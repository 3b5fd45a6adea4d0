"""How often, for whom; and that nobody uses up what is somebody else's."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import g
from limits.storage import MemoryStorage

from tests.web.serving import Served
from web.access import limits
from web.access.principal import Via, of_user
from web.errors import TooMany

pytestmark = pytest.mark.usefixtures("still")


def spent(service: Served, times: int, *, address: str = "192.0.2.1", who: str = "ann", kind: str = "x") -> bool:
    """Whether the limit of three a minute was reached within so many."""
    with service.app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        for _ in range(times):
            try:
                limits.spend(kind, 3, who)
            except TooMany:
                return True
    return False


def test_what_is_used_up_is_refused_with_a_time_to_come_back(service: Served) -> None:
    assert not spent(service, 3)
    with service.app.test_request_context(), pytest.raises(TooMany) as refused:
        limits.spend("x", 3, "ann")
    assert 1 <= refused.value.retry_after_s <= 121


def test_kinds_people_and_services_are_counted_apart(service: Served) -> None:
    assert spent(service, 4)
    assert not spent(service, 3, who="bob")
    assert not spent(service, 3, kind="y")
    assert not spent(service.configured(), 3)


def test_a_limit_of_zero_lets_nothing_through(service: Served) -> None:
    with service.app.test_request_context(), pytest.raises(TooMany):
        limits.spend("x", 0, "ann")


@pytest.mark.parametrize(("address", "counted"), [
    ("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
    ("2001:db8:1:3::1", "2001:db8:1:3::/64"), ("::ffff:192.0.2.1", "192.0.2.1"), ("nonsense", "nonsense")])
def test_one_subscriber_is_one_however_many_addresses_they_have(
        service: Served, address: str, counted: str) -> None:
    with service.app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert limits.neighbourhood() == counted


def general(service: Served, times: int, via: Via | None, user_id: str = "") -> bool:
    user = service.add_user("member", user_id or "ann")
    with service.app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.1"}):
        g.principal = of_user(user, via) if via else None
        for _ in range(times):
            try:
                limits.general()
            except TooMany:
                return True
    return False


def test_strangers_are_counted_by_address_and_users_by_name(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STRANGER_REQUESTS", 2)
    monkeypatch.setattr(limits, "USER_REQUESTS", 4)
    assert general(service, 3, None)
    assert not general(service, 4, "login")
    assert general(service, 1, "token")
    assert not general(service, 4, "login", "bob")
    assert not general(service, 20, "local", "cat")


def captures(service: Served, times: int, name: str, address: str) -> bool:
    user = service.add_user("member", name)
    with service.app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        g.principal = of_user(user, "login")
        for _ in range(times):
            try:
                limits.captures()
            except TooMany:
                return True
    return False


def test_captures_are_counted_by_user_and_by_address(service: Served) -> None:
    served = service.configured(captures_per_minute=3)
    assert not captures(served, 3, "ann", "192.0.2.1")
    assert captures(served, 1, "ann", "192.0.2.2")
    assert captures(served, 1, "bob", "192.0.2.1")
    assert not captures(served, 2, "bob", "192.0.2.3")


def guesses(service: Served, times: int, name: str, address: str, *, known: bool = False) -> bool:
    with service.app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        for _ in range(times):
            try:
                limits.guess("login", name, known=known)
            except TooMany:
                return True
    return False


def test_guessing_is_counted_by_address_and_by_name_but_locks_nobody_out(service: Served) -> None:
    assert not guesses(service, 5, "ann", "192.0.2.1")
    assert guesses(service, 1, "bob", "192.0.2.1"), "one address, many names"
    assert guesses(service, 1, "ann", "192.0.2.2"), "many addresses, one name"
    assert not guesses(service, 1, "ann", "192.0.2.3", known=True), "the user's own browser"


def test_requests_that_come_at_once_are_all_counted(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(storage: MemoryStorage) -> object:
        time.sleep(0.005)
        return vars(storage)["timer"]

    timer = property(slowly, lambda storage, timer: vars(storage).update(timer=timer))
    monkeypatch.setattr(MemoryStorage, "timer", timer, raising=False)
    with ThreadPoolExecutor(8) as pool:
        came = [pool.submit(spent, service, 1, who=f"user {number}") for number in range(16)]
        assert [one.result() for one in came] == [False] * 16
