"""Whereto dossiers may be delivered. In: the settings; the name and ticket that somebody chose. Out: a target, or no.

Only what the operator named can be chosen: an address that users type would make the service send its tokens, and
itself, wherever they like.
"""

import hmac
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from capture.errors import BadInput
from report.deliver import credentials, targets
from report.deliver.base import BadTarget, Target
from report.deliver.targets import Named
from report.deliver.trackers import trackers
from web.config import Config
from web.errors import BadField
from web.store.secrets import Key

FILE: Final = "credentials.toml"
TICKET_CHARS: Final = 64


def load(config: Config) -> Mapping[str, Named]:
    """The targets that can be chosen, by name; raises BadInput with a sentence when their file is wrong."""
    if config.targets is None:
        return {}
    try:
        known = targets.read(config.targets)
        return {name: targets.find(name, known) for name in known}
    except BadTarget as error:
        raise BadInput(str(error)) from error


def kept(config: Config) -> Path:
    """The file of credentials."""
    return config.credentials or config.data / FILE


def lacking(config: Config, known: Mapping[str, Named]) -> Iterator[str]:
    """A sentence for each target whose credential is missing or cannot be used; contacts nobody."""
    for name, named in known.items():
        try:
            credentials.find(named, os.environ, kept(config))
        except BadTarget as error:
            yield f"the target {name!r}: {error}"


def chosen(known: Mapping[str, Named], name: str, ticket: str = "") -> Named:
    """The target of that name, at that ticket of the same place when one is given; raises BadField."""
    named, ticket = known.get(name), ticket.strip()
    if named is None:
        raise BadField("target", "choose one of the targets of this service")
    if not ticket:
        return named
    if named.target.ticket is None:
        raise BadField("ticket", f"leave this empty: {name} has no ticket to choose")
    found = trackers()[named.target.kind].ticket(named.target, ticket) if len(ticket) <= TICKET_CHARS else None
    if found is None:
        raise BadField("ticket", f"no ticket of {name} can be called so; its own is {named.target.ticket}")
    return at(named, found)


def at(named: Named, ticket: str | None) -> Named:
    """The same target at another ticket."""
    return replace(named, target=replace(named.target, ticket=ticket))


def place(key: Key, target: Target) -> bytes:
    """What tells one place from another and tells nothing of either: addresses of webhooks are secrets."""
    told = json.dumps([target.kind, target.origin, target.base, target.place])
    return hmac.digest(key.derive("places of deliveries"), told.encode(), "sha256")


def kind(named: Named) -> str:
    """The tracker as people call it."""
    return trackers()[named.target.kind].name
