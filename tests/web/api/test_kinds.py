"""Kinds of errors: each has an address that stays, and every error of ours has a kind."""

from web import errors
from web.api import kinds
from web.errors import ServiceError


def test_types_are_what_programs_compare_so_they_never_change() -> None:
    assert [kind.slug for kind in kinds.KINDS] == [
        "bad-request", "bad-host", "login-needed", "not-allowed", "refused-by-policy", "not-found",
        "method-not-allowed", "conflict", "gone", "too-large", "unsupported-media-type", "range-not-satisfiable",
        "wrong-input", "too-many-requests", "our-own-failure", "not-ready", "no-room"]


def test_every_error_of_the_service_has_a_kind() -> None:
    ours = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, ServiceError)]
    known = {(kind.status, kind.title) for kind in kinds.KINDS}
    assert len(ours) > 5
    assert {(one.status, one.title) for one in ours} <= known
    assert set(kinds.TITLES.items()) <= known


def test_a_title_without_a_kind_says_no_more_than_its_status() -> None:
    assert kinds.type_of("I'm a teapot") == "about:blank"
    assert kinds.type_of("Not found") == "/api/v1/#not-found"
