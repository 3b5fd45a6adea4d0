"""What is said about this machine."""

import ctypes
import re
import time

import pytest

from capture.record.evidence import Clock
from capture.steps import vantage
from tests.capture.steps.conftest import Make


async def test_the_browsers_facts_are_taken_over_without_directories(make: Make) -> None:
    found = await vantage.run(
        make("http://127.0.0.1/"), product="Chromium 1.2", path="/opt/x/chromium", user_agent="UA", sandbox=False
    )
    assert (found.browser, found.browser_path, found.user_agent, found.sandbox) == (
        "Chromium 1.2",
        "chromium",
        "UA",
        False,
    )


async def test_tool_system_time_and_resolvers_are_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        found = await vantage.run(make("http://127.0.0.1/"), product="p", path="b")
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert re.fullmatch(r"gatewitness \d+\.\d+\.\d+", found.tool)
    assert (found.timezone, found.utc_offset) == ("Asia/Kolkata", "+05:30")
    assert "Linux" in found.system
    assert found.resolvers == ("127.0.0.1:9",)
    assert any(re.fullmatch(r"playwright \d+\..*", library) for library in found.libraries)


async def test_a_clock_that_may_not_be_read_is_unknown(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidden:
        def __init__(self, *_: object, **__: object) -> None: ...

        def adjtimex(self, _: object) -> int:
            return -1

    monkeypatch.setattr(ctypes, "CDLL", Forbidden)
    found = await vantage.run(make("http://127.0.0.1/"), product="p", path="b")
    assert found.clock == Clock()


async def test_it_takes_no_time(make: Make) -> None:
    context = make("http://127.0.0.1/")
    await vantage.run(context, product="p", path="b")
    started = time.process_time()
    await vantage.run(context, product="p", path="b")
    assert time.process_time() - started < 0.05
