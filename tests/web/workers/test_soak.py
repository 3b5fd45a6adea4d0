"""Nothing is lost and nothing is published twice while everything is killed; `./run soak`: 1,000 captures."""

import random
from pathlib import Path
from typing import Final

import pytest

from bench.soak import Work, soak

WORKS: Final[dict[Work, int]] = {"page": 10, "import": 10, "nonsense": 50, "cancelled": 30}
KILLED: Final = ("worker", "browser", "server", "worker", "nursery", "browser", "worker") * 2


@pytest.mark.browser
@pytest.mark.longest
@pytest.mark.timeout(1800)
def test_work_survives_its_workers(tmp_path: Path) -> None:
    """A hundred jobs of a real service, its nursery, its workers and their browsers.

    A capture with its dossier costs two seconds of a processor, so only ten of the jobs are captures of a page that end
    with one, and ten are imports. Fifty are imports of a file that is nothing, for which a worker and its browser are
    started as for every other and which it looks at and refuses. Thirty are captures that are cancelled as soon as they
    are accepted, most of them before a worker has them. Up to fourteen processes are killed, one for each six jobs that
    have ended and not more often than every two seconds.
    """
    works = [work for work, count in WORKS.items() for _ in range(count)]
    random.Random(1).shuffle(works)
    report = soak(tmp_path, works, iter(KILLED), pace=6)
    assert report.wrong == [], "\n".join((*report.wrong, (tmp_path / "serve.log").read_text()))
    assert sum(report.states.values()) == 100
    assert report.kills.total() >= 3, "the faster the machine, the fewer"
