"""Nothing is lost and nothing is published twice while everything is killed; `./run soak` does the same for longer."""

from pathlib import Path

import pytest

from bench.soak import soak

KINDS = ("worker", "browser", "server", "browser", "nursery", "worker", "server")


@pytest.mark.browser
@pytest.mark.lab
@pytest.mark.timeout(900)
def test_work_survives_its_workers(tmp_path: Path) -> None:
    report = soak(tmp_path, 8, iter(KINDS))
    assert report.wrong == [], (tmp_path / "serve.log").read_text()
    assert sum(report.states.values()) == 8
    assert report.kills.total() >= 1
