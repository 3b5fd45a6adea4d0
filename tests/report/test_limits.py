"""A wait speaks for a time limit only when it is long or ends at a known default."""

import pytest

from report.limits import LIMITS, near, supports_timeout
from report.signatures import vendors


@pytest.mark.parametrize(
    ("seconds", "supports"), [(0.2, False), (1.3, False), (4.9, False), (5.0, True), (60.2, True)]
)
def test_a_slow_machine_is_no_time_out(seconds: float, supports: bool) -> None:
    assert supports_timeout({"nginx"}, seconds) is supports


def test_only_the_products_in_the_path_count() -> None:
    assert [limit.slug for limit in near({"nginx", "fastly"}, 60.1)] == ["nginx"]
    assert near({"fastly"}, 60.1) == []


def test_every_limit_belongs_to_a_known_product_and_has_a_source() -> None:
    assert {limit.slug for limit in LIMITS} <= {vendor.slug for vendor in vendors()}
    assert all(limit.source.startswith("https://") for limit in LIMITS)
