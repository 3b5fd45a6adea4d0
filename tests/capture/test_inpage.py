"""The questions put to a page; that they run is shown by every load in steps/test_page.py."""

from typing import Any, cast

import pytest

from capture.devtools import DevTools
from capture.inpage import FACTS, frames, probe, probes


def test_a_probe_has_the_name_of_its_fact() -> None:
    assert "title" in probe("title")
    with pytest.raises(FileNotFoundError):
        probe("nonsense")


def test_all_facts_are_one_expression() -> None:
    """Balanced, called, and with every fact by name."""
    question = probes(123)
    assert all(f"{name}: run(" in question for name in FACTS)
    assert "f(123)" in question
    assert (question[0], question[-3:]) == ("(", ")()")
    assert all(question.count(left) == question.count(right) for left, right in ("()", "{}", "[]"))


class Growing:
    """A browser in which another frame comes up with every question."""

    def __init__(self) -> None:
        self.sessions = {"top": "page", "first": "frame 1"}

    async def call(self, method: str, session: str, **_: Any) -> dict[str, Any]:
        self.sessions[f"later {len(self.sessions)}"] = "later"
        if method == "Page.getFrameTree":
            return {"frameTree": {"frame": {"id": self.sessions[session], "url": f"http://{session}.test/"}}}
        return {"executionContextId": 1, "result": {"value": f"text of {session}"}}


async def test_frames_that_come_up_while_it_asks_disturb_nothing() -> None:
    browser = Growing()
    found = await frames(cast(DevTools, browser), "top", browser.sessions, 100, 5)
    assert [(frame.url, frame.text) for frame in found] == [("http://first.test/", "text of first")]
