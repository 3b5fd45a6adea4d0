"""Errors of the service: each is one sentence and one HTTP status."""

from capture.errors import BadInput, CaptureError
from web import errors
from web.errors import BadField, ServiceError, TooMany

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ServiceError)]


def test_each_kind_has_a_status_and_a_title_of_its_own() -> None:
    said = {kind.status: kind.title for kind in KINDS}
    assert len(said) == len(KINDS)
    assert set(said) >= {401, 403, 404, 409, 410, 413, 429, 500, 507}
    assert len(set(said.values())) == len(KINDS)


def test_they_are_not_failures_of_a_capture() -> None:
    """The command line maps those to exit statuses by their exact kind."""
    assert not any(issubclass(kind, CaptureError) for kind in KINDS)


def test_a_limit_says_when_to_come_back() -> None:
    error = TooMany("too many captures are waiting", 30.0)
    assert (str(error), error.retry_after_s) == ("too many captures are waiting", 30.0)


def test_a_wrong_field_is_bad_input_that_knows_its_name() -> None:
    error = BadField("url", "the URL has no scheme")
    assert isinstance(error, BadInput)
    assert (str(error), error.field) == ("the URL has no scheme", "url")
