"""A renderer that is forked does what one does that was started, only sooner."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What rendering.py found, and its files."""
    directory = tmp_path_factory.mktemp("rendered")
    done = subprocess.run([sys.executable, "-m", "tests.web.workers.rendering", str(directory)], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = {path.stem: path.read_bytes() for path in directory.iterdir()}
    return {**json.loads(done.stdout), **files}


def test_the_bytes_are_those_of_every_other_renderer(rendered: dict[str, Any]) -> None:
    assert rendered["forked"].startswith(b"%PDF-")
    assert rendered["forked"] == rendered["again"] == rendered["own"]


def test_a_failure_has_a_reason(rendered: dict[str, Any]) -> None:
    assert "the renderer failed" in rendered["killed"]
    assert "refused to fetch file:///etc/hostname" in rendered["broken"]
    assert "the renderer failed" in rendered["memory"]


def test_one_that_takes_too_long_is_killed(rendered: dict[str, Any]) -> None:
    assert rendered["slow"] == "rendering was stopped after 0.2 s"


def test_none_is_left_behind(rendered: dict[str, Any]) -> None:
    assert rendered["left"] == 0
    assert not rendered.get("outlives its parent")
