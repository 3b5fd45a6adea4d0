"""What holds for every test. In: nothing. Out: a Hypothesis profile in which no time is measured and nothing is left
to chance, nobody's keyring, and an order."""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True,
                          database=None)
settings.load_profile("patient")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"  # a developer's own has nothing to do here


def pytest_xdist_auto_num_workers() -> int:
    """More than there are cores: much of the time of these tests is spent on waiting for browsers and servers."""
    return len(os.sched_getaffinity(0)) * 3 // 2 or 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the longest, which would be waited for alone if it came late."""
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)
