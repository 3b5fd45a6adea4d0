"""Deliveries that go out through the guard. In: a target, the settings. Out: its tracker, ready to be asked."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from capture.outgoing import Outgoing
from report.deliver import credentials
from report.deliver.base import BadTarget, Door, Tracker
from report.deliver.targets import Named, is_here
from report.deliver.trackers import trackers

PATIENCE_S: Final = 120.0
"""Longest time for waiting and asking again, seconds, where somebody sits before it."""


def settings(environment: Mapping[str, str]) -> Path:
    """Directory of the user's own files (XDG Base Directory 0.8)."""
    home = environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME") or "~").expanduser() / ".config"
    return Path(home) / "gatewitness"


@contextmanager
def opened(named: Named, kept: Path, networks: tuple[str, ...] = (), patience_s: float = PATIENCE_S,
           environment: Mapping[str, str] | None = None, sleep: Callable[[float], None] = time.sleep,
           ) -> Iterator[Tracker]:
    """The tracker of a target; `kept` is the file of credentials, `networks` may be contacted besides the target's own,
    `sleep` waits.

    Raises BadTarget when there is no credential, or when it would go over the network in the clear.
    """
    environment = os.environ if environment is None else environment
    credential = credentials.find(named, environment, kept)
    place = urlsplit(named.target.origin)
    if credential is not None and place.scheme == "http" and not is_here(place.hostname or ""):
        raise BadTarget(f"the credential would go to {named.target.origin} in the clear; use https")
    outgoing = Outgoing((*named.networks, *networks))
    with outgoing.client() as client:
        yield trackers()[named.target.kind](named.target, credential, Door(client, outgoing.dial, patience_s, sleep))
