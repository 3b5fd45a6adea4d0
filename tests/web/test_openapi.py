"""The API keeps every promise of its document: no failure of ours, no answer that is not promised, nothing wrong taken.

The suite asks the same each time, so that it finds what was changed; `./run lab` asks something else and much more.
"""

import random
import re
from pathlib import Path

import pytest

from tests.web.generated import DOCUMENT, KINDS, Met, asked, described
from tests.web.serving import Served

SEED = 20261121
EXAMPLES = {"requests": 10, "links": 30}
"""Requests made up for each operation, besides the systematic ones; walks along the links."""
MANY = {"requests": 100, "links": 120}
MOST_S = 900
"""Against a run that never ends; it is a minute of work at most."""


def judge(met: Met, kind: str, seed: int) -> None:
    """Nothing was found, and that says something: every phase asked, and most operations were reached."""
    assert not met.failures, "\n\n".join((f"seed {seed}", *sorted(met.failures)))
    assert set(met.answers) == KINDS[kind]
    assert sum(number > 0 for number in met.taken.values()) > 5, met.taken
    assert kind != "links" or len(met.links) > 5, met.links  # which ones, the seed decides; test_links.py has them all


def test_the_document_is_openapi(tmp_path: Path) -> None:
    with described(tmp_path, {}) as found:
        found.validate()
        assert found.specification.version == "3.1.0"


@pytest.mark.timeout(MOST_S)
@pytest.mark.parametrize("kind", KINDS)
def test_every_promise_is_kept(kind: str) -> None:
    judge(asked(SEED, kind, EXAMPLES[kind]), kind, SEED)


@pytest.mark.lab
@pytest.mark.timeout(4 * MOST_S)
@pytest.mark.parametrize("kind", KINDS)
def test_every_promise_is_kept_whatever_is_asked(kind: str) -> None:
    seed = random.SystemRandom().randrange(2**32)
    judge(asked(seed, kind, MANY[kind]), kind, seed)


@pytest.mark.lab
@pytest.mark.timeout(MOST_S)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_asks_the_same(kind: str) -> None:
    first, second = (asked(SEED, kind, 3) for _ in range(2))
    assert first.asked == second.asked


def test_every_operation_asks_for_a_token(service: Served) -> None:
    service.add_user("admin")
    client = service.app.test_client()
    found = client.get(DOCUMENT).get_json()
    listed = [(method, path, one) for path, methods in found["paths"].items() for method, one in methods.items()]
    assert len(listed) > 10
    for method, path, one in listed:
        for headers in ({}, {"Authorization": "Bearer gw_wrong"}, {"Authorization": "Basic YTpi"}):
            answer = client.open(re.sub(r"{\w+}", "0" * 26, path), method=method, headers=headers,
                                 environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
            assert (answer.status_code == 401) is (one.get("security") != []), (method, path, answer.status_code)
