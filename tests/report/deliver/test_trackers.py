"""Trackers are found by being there, and say what they need."""

from pathlib import Path

import pytest

import report.deliver.trackers
from report.deliver.base import Tracker
from report.deliver.trackers import trackers


def test_every_file_is_one_tracker_of_its_name() -> None:
    (folder,) = map(Path, report.deliver.trackers.__path__)
    assert list(trackers()) == sorted(path.stem for path in folder.glob("[!_]*.py"))


@pytest.mark.parametrize("cls", trackers().values(), ids=list(trackers()))
def test_a_tracker_says_what_it_is_and_what_its_options_mean(cls: type[Tracker]) -> None:
    assert cls.name
    assert all(cls.options.values())
    assert all(where for where in cls.variables.values())
