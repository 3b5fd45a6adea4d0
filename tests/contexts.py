"""A context for tests of the parts that only write and count. In: a directory. Out: a Context that opens nothing."""

from pathlib import Path
from typing import Any

from capture.context import Context
from capture.guard import Guard
from capture.policy import ALLOW_ALL, Policy
from capture.record.bundle import BundleWriter
from capture.record.request import CaptureRequest, Limits
from capture.redact import Redactor
from capture.resolver import Resolver


def context(directory: Path, url: str = "http://127.0.0.1/", limits: Limits | None = None, **request: Any) -> Context:
    """A real context whose guard is never entered; its bundle is a new directory below this one."""
    asked = CaptureRequest(url=url, allow_networks=ALLOW_ALL, limits=limits or Limits(), **request)
    policy, resolver = Policy(ALLOW_ALL), Resolver(("127.0.0.1:9",))
    guard = Guard(policy, resolver, asked.limits)
    return Context(request=asked, url=url, policy=policy, resolver=resolver, guard=guard,
                   redactor=Redactor(header.value for header in asked.headers),
                   writer=BundleWriter(directory / "bundle"))
