"""What is asked is read strictly."""

import pytest
from pydantic import ValidationError

from web.api.asked import CaptureAsked, Search, ShareAsked


@pytest.mark.parametrize("limit", ["0", "201", "+5", " 5", "5.0", "1_0", "٥", "", "999999"])
def test_a_number_of_a_query_is_written_with_digits(limit: str) -> None:
    with pytest.raises(ValidationError):
        Search.model_validate({"limit": limit})


def test_a_limit_in_its_bounds_is_read() -> None:
    assert [Search.model_validate({"limit": text}).limit for text in ("1", "200")] == [1, 200]


def test_numbers_in_quotes_and_unknown_members_are_refused() -> None:
    for given in ({"timeout_s": "30"}, {"viewport": {"width": "100"}}, {"viewport": {"depth": 3}}, {"secret": 1}):
        with pytest.raises(ValidationError):
            CaptureAsked.model_validate({"url": "https://a.example/", **given})


def test_secrets_are_not_shown() -> None:
    asked = CaptureAsked.model_validate({"url": "https://a.example/", "headers": {"X": "hunter2"}, "log": "hunter2"})
    assert "hunter2" not in repr(asked) + repr(ShareAsked(passphrase="hunter2hunter2"))
