"""One context for the tests of the steps: real guard, real resolver, real redactor; only loopback is open."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest_asyncio

from capture.context import Context
from capture.guard import Guard
from capture.policy import ALLOW_ALL, Policy
from capture.record.bundle import BundleWriter
from capture.record.request import CaptureRequest, Limits
from capture.redact import Redactor
from capture.resolver import Resolver
from tests.capturing import PATIENT

Make = Callable[..., Context]


@pytest_asyncio.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes contexts; `hosts` is the text of a hosts file, what is not named here is the request's."""
    async with AsyncExitStack() as stack:
        guards: list[Guard] = []

        def build(
            url: str,
            *,
            hosts: str = "",
            resolver: Resolver | None = None,
            policy: Policy | None = None,
            limits: Limits | None = None,
            **request: Any,
        ) -> Context:
            place = tmp_path / f"capture-{len(guards)}"
            place.mkdir()
            hosts_file = place.with_suffix(".hosts")
            hosts_file.write_text(hosts)
            asked = CaptureRequest(
                url=url, allow_networks=ALLOW_ALL, limits=limits or PATIENT, **request
            )
            names = resolver or Resolver(("127.0.0.1:9",), timeout_s=0.2, hosts_file=hosts_file)
            rules = policy or Policy(ALLOW_ALL)
            guards.append(Guard(rules, names, asked.limits))
            return Context(
                request=asked,
                url=url,
                policy=rules,
                resolver=names,
                guard=guards[-1],
                redactor=Redactor(header.value for header in asked.headers),
                writer=BundleWriter(place),
            )

        yield build
        for guard in guards:
            await stack.enter_async_context(guard)
