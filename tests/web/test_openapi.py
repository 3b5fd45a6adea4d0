"""The API keeps every promise of its document. In: the document. Out: generated requests, in this process, with a seed.

Whatever is sent: no failure of ours, no answer that is not promised, nothing wrong that is taken.
A stand-in for the runner ends every second capture at once, so that links lead to dossiers as well as to queues.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import EngineEvent, FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import CaseNode
from schemathesis.schemas import BaseSchema
from werkzeug.wsgi import ClosingIterator

from tests.web.api.calls import work
from tests.web.serving import Served
from web.access import limits

DOCUMENT = "/api/v1/openapi.json"
PLENTY = 10**7
SEED = 20261120
PHASES = ("examples", "coverage", "fuzzing", "stateful")
EXAMPLES = 12
"""Requests made up for each operation, besides the systematic ones."""
SCENARIOS = 20
STEPS = 10
"""Walks along the links, and requests of each."""
UNCHECKED = ("positive_data_acceptance", "ignored_auth")
"""What an address may be, JSON Schema cannot say, so that good ones may be refused. The second one does not work
without a socket (schemathesis 4.32); `test_every_operation_asks_for_a_token` is in its place."""
schemathesis.openapi.format("uri", st.sampled_from((
    "https://shop.example/checkout", "http://a.example/?token=hunter2hunter2", "https://b.example:8443/x y",
    "http://10.0.0.1/")))


class Worked:
    """The app, and a runner that ends every second capture as soon as it is asked for."""

    def __init__(self, service: Served) -> None:
        """`service`: what is asked."""
        self._service, self._asked = service, count()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """One request of WSGI."""
        environ.setdefault("REMOTE_ADDR", "192.0.2.7")
        said: list[str] = []

        def begin(status: str, *more: Any) -> Any:
            said.append(status)
            return start(status, *more)

        with closing(ClosingIterator(self._service.app(environ, begin))) as answer:
            body = [b"".join(answer)]
        if said and said[0].startswith("202") and next(self._asked) % 2:
            work(self._service)
        return body


@pytest.fixture
def described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BaseSchema]:
    """The document, an app that is never too busy, and a token that may do everything."""
    monkeypatch.setattr(limits, "USER_REQUESTS", PLENTY)
    monkeypatch.setattr(limits, "STRANGER_REQUESTS", PLENTY)
    monkeypatch.setattr("web.store.database.PRAGMAS", ("synchronous=OFF", "foreign_keys=ON"))
    monkeypatch.setattr("web.store.files._sync", lambda path: None)  # nobody pulls the plug on a test
    ready = Served.on(tmp_path, **dict.fromkeys((
        "captures_per_minute", "queue_length", "queue_length_per_user", "target_host_per_minute"), PLENTY))
    token = ready.token(ready.add_user("admin"), "read", "capture", "admin")
    config = SchemathesisConfig.from_dict({
        "seed": SEED, "headers": token, "workers": 1, "continue-on-failure": True, "suppress-health-check": ["all"],
        "generation": {"deterministic": True, "max-examples": EXAMPLES, "no-shrink": True},
        "checks": {name: {"enabled": False} for name in UNCHECKED},
        "phases": {"stateful": {
            "max-steps": STEPS, "generation": {"max-examples": SCENARIOS}, "inference": {"algorithms": []}}}})
    yield schemathesis.openapi.from_wsgi(DOCUMENT, Worked(ready), config=config)
    ready.close()


@dataclass
class Seen:
    """What a run has seen."""

    failures: set[str] = field(default_factory=set)
    phases: Counter[str] = field(default_factory=Counter)
    links: set[str] = field(default_factory=set)

    def add(self, event: EngineEvent) -> None:
        """One event of the run."""
        if isinstance(event, NonFatalError | FatalError):
            self.failures.add(repr(event))
        if isinstance(event, ScenarioFinished):
            for case_id, node in event.recorder.cases.items():
                self._add(event, case_id, node)

    def _add(self, event: ScenarioFinished, case_id: str, node: CaseNode) -> None:
        operation = node.value.operation.label
        interaction = event.recorder.interactions.get(case_id)
        if interaction is not None and interaction.response is not None:
            self.phases[event.phase.value] += 1
        if node.transition is not None:
            self.links.add(node.transition.id.partition("] ")[2].partition(" ")[0])
        self.failures.update(f"{operation}: {check.name}: {check.failure_info.failure}"
                             for check in event.recorder.checks.get(case_id, ()) if check.failure_info is not None)


def test_the_document_is_openapi(described: BaseSchema) -> None:
    described.validate()
    assert described.specification.version == "3.1.0"


@pytest.mark.lab
@pytest.mark.timeout(900)
def test_every_promise_is_kept(described: BaseSchema) -> None:
    seen = Seen()
    for event in from_schema(described).execute():
        seen.add(event)
    assert not seen.failures, "\n\n".join(sorted(seen.failures))
    assert len(seen.links) > 5, seen.links  # which ones, chance decides; test_links.py follows each of them
    assert min(seen.phases[name] for name in PHASES) > 0, seen.phases


def test_every_operation_asks_for_a_token(service: Served) -> None:
    service.add_user("admin")
    client = service.app.test_client()
    found = client.get(DOCUMENT).get_json()
    asked = [(method, path, one) for path, methods in found["paths"].items() for method, one in methods.items()]
    assert len(asked) > 10
    for method, path, one in asked:
        for headers in ({}, {"Authorization": "Bearer gw_wrong"}, {"Authorization": "Basic YTpi"}):
            answer = client.open(re.sub(r"{\w+}", "0" * 26, path), method=method, headers=headers,
                                 environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
            assert (answer.status_code == 401) is (one.get("security") != []), (method, path, answer.status_code)
