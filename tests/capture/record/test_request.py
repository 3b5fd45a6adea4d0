"""What may be asked for: limits and window sizes that make no sense are refused at once."""

import pytest
from pydantic import ValidationError

from capture.record.base import Header
from capture.record.request import CaptureRequest, Limits, RequestRecord, Viewport


@pytest.mark.parametrize("name", [name for name in Limits.model_fields if name.endswith("_s")])
@pytest.mark.parametrize("value", [0, -1])
def test_a_time_limit_of_nothing_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        Limits.model_validate({name: value})


@pytest.mark.parametrize("name", [name for name in Limits.model_fields if not name.endswith("_s")])
def test_an_amount_may_be_nothing_but_not_less(name: str) -> None:
    assert getattr(Limits.model_validate({name: 0}), name) == 0
    with pytest.raises(ValidationError, match=name):
        Limits.model_validate({name: -1})


@pytest.mark.parametrize(("width", "height"), [(99, 800), (1280, 99), (7681, 800), (1280, 4321)])
def test_a_window_has_a_size_that_a_browser_can_have(width: int, height: int) -> None:
    with pytest.raises(ValidationError):
        Viewport(width=width, height=height)


def test_the_whole_capture_has_time_for_all_its_parts() -> None:
    limits = Limits()
    assert limits.commit_s + limits.load_s + limits.idle_s + 2 * limits.screenshot_s <= limits.total_s
    assert limits.body_bytes <= limits.bodies_bytes <= limits.down_bytes


def test_what_is_kept_of_a_request_has_no_place_for_header_values() -> None:
    asked = CaptureRequest(url="https://shop.example/", headers=(Header(name="X-Key", value="s3cret"),))
    assert set(RequestRecord.model_fields) - set(CaptureRequest.model_fields) == {"header_names"}
    assert {"headers", "extra_roots"}.isdisjoint(RequestRecord.model_fields)
    assert asked.headers[0].value == "s3cret"
