"""Generated requests against the API. In: a seed, which kind, how many. Out: what they met, as JSON.

A program, so that it asks the same each time: what Hypothesis makes up depends on which modules are loaded. No clock is
looked at, no database of examples kept. A stand-in for the runner ends three of four captures at once, so that links
lead to dossiers as well as to queues.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import EngineEvent, FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import CheckNode, Interaction
from schemathesis.schemas import BaseSchema
from werkzeug.wsgi import ClosingIterator

from tests.web import desk
from tests.web.api.calls import work
from tests.web.serving import Served
from web.access import limits

DOCUMENT: Final = "/api/v1/openapi.json"
ROOT: Final = Path(__file__).parents[2]
PLENTY: Final = 10**7
STEPS: Final = 10
"""Requests of one walk along the links."""
KINDS: Final = {"requests": frozenset({"examples", "coverage", "fuzzing"}), "links": frozenset({"stateful"})}
"""Phases of schemathesis: one request at a time, and walks along the links."""
URLS: Final = ("https://shop.example/checkout", "http://a.example/?token=hunter2hunter2", "https://b.example:8443/x y",
               "http://10.0.0.1/")
CHECKS: Final[dict[str, Any]] = {
    # What an address may be, JSON Schema cannot say, so that good ones may be refused.
    "positive_data_acceptance": {"enabled": False},
    # Does not work without a socket (schemathesis 4.32); test_every_operation_asks_for_a_token is in its place.
    "ignored_auth": {"enabled": False},
    # A text that is too long may make the body larger than what is taken (413), before anybody asks what is in it; a
    # case that was deleted is gone (410), whatever is sent to it. By default both would count as accepted.
    "negative_data_rejection": {"expected-statuses": ["400", "403", "404", "405", "409", "410", "413", "415", "422"]}}

OPERATIONS: Final[list[dict[str, Any]]] = [
    # Of a form everything is text: the number 0 that is sent for a note is the note "0", which is a good one.
    # test_imports.py sends what really is wrong.
    {"include-name": "POST /api/v1/imports", "checks": {"negative_data_rejection": {"enabled": False}}}]


@dataclass
class Met:
    """What the requests of one run met."""

    failures: list[str] = field(default_factory=list)
    """Promises that were not kept, each with the request that shows it."""
    answers: dict[str, int] = field(default_factory=Counter)
    """Answers by phase."""
    taken: dict[str, int] = field(default_factory=Counter)
    """Answers below 400 by operation."""
    links: dict[str, int] = field(default_factory=Counter)
    """How often each link was followed."""
    asked: str = ""
    """Hash over all requests: equal when the same was asked."""

    def add(self, event: EngineEvent) -> None:
        """One event of the run."""
        if isinstance(event, NonFatalError | FatalError):
            self.failures.append(repr(event))
        if not isinstance(event, ScenarioFinished):
            return
        for case_id, node in event.recorder.cases.items():
            operation = node.value.operation.label
            self._answered(event.phase.value, operation, event.recorder.interactions.get(case_id))
            self._checked(operation, event.recorder.checks.get(case_id, ()))
            if node.transition is not None:
                self.links[node.transition.id.partition("] ")[2].partition(" ")[0]] += 1

    def _answered(self, phase: str, operation: str, found: Interaction | None) -> None:
        if found is None or found.response is None:
            return
        self.answers[phase] += 1
        self.taken[operation] += found.response.status_code < 400
        # The boundary between the parts of a form is made by the system.
        body = re.sub(rb"[0-9a-f]{32}", b"", found.request.body or b"")
        line = f"{self.asked} {found.request.method} {found.request.uri} {body!r}"
        self.asked = sha256(line.encode("utf-8", "replace")).hexdigest()

    def _checked(self, operation: str, checks: Iterable[CheckNode]) -> None:
        self.failures += [f"{operation}: {check.name}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
                          for check in checks if check.failure_info is not None]


class Worked:
    """The app, and a runner that ends three of four captures as soon as they are asked for."""

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
        if said and said[0].startswith("202") and next(self._asked) % 4:
            work(self._service)
        return body


def asked(seed: int, kind: str, examples: int) -> Met:
    """Asks in a process of its own; raises CalledProcessError when that fails."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(seed), kind, str(examples)], cwd=ROOT, check=False, capture_output=True,
        text=True, env={**os.environ, "PYTHONHASHSEED": "0"})
    assert done.returncode == 0, done.stderr
    return Met(**json.loads(done.stdout))


@contextmanager
def described(directory: Path, settings: dict[str, Any]) -> Iterator[BaseSchema]:
    """The document, an app that is never too busy, and a token that may do everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "USER_REQUESTS", PLENTY)
        patch.setattr(limits, "STRANGER_REQUESTS", PLENTY)
        patch.setattr("web.store.database.PRAGMAS", ("synchronous=OFF", "foreign_keys=ON"))
        patch.setattr("web.store.files._sync", lambda path: None)  # nobody pulls the plug on a test
        desk.register(patch)
        ready = Served.on(directory, targets=desk.targets_file(directory / "targets.toml"), **dict.fromkeys((
            "captures_per_minute", "queue_length", "queue_length_per_user", "target_host_per_minute",
            "deliveries_per_minute"), PLENTY))
        with closing(ready):
            token = ready.token(ready.add_user("admin"), "read", "capture", "admin")
            config = SchemathesisConfig.from_dict({"headers": token, **settings})
            yield schemathesis.openapi.from_wsgi(DOCUMENT, Worked(ready), config=config)


def _ask(seed: int, kind: str, examples: int) -> Met:
    schemathesis.openapi.format("uri", st.sampled_from(URLS))
    phases: dict[str, Any] = {name: {"enabled": name in KINDS[kind]} for names in KINDS.values() for name in names}
    phases["stateful"] |= {"max-steps": STEPS, "inference": {"algorithms": []}}
    met = Met()
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        # Ids find their way into what is asked next.
        patch.setattr("web.store.ids.secrets.randbits", random.Random(seed).getrandbits)
        with described(Path(directory), {
                "seed": seed, "workers": 1, "continue-on-failure": True, "suppress-health-check": ["all"],
                "generation": {"deterministic": True, "max-examples": examples, "no-shrink": True},
                "checks": CHECKS, "operations": OPERATIONS, "phases": phases}) as schema:
            for event in from_schema(schema).execute():
                met.add(event)
    return met


if __name__ == "__main__":
    sys.stdout.write(json.dumps(vars(_ask(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
