"""The questions put to a page; that they run is shown by every load in steps/test_page.py."""

import pytest

from capture.inpage import FACTS, probe, probes


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
