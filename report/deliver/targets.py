"""Whereto. In: an address as people copy it, or a name of the targets file. Out: a Target.

    [ops]                                            # gatewitness attach CASE --to ops
    to = "redmine+https://redmine.example/issues/12"
    networks = ["10.0.0.0/8"]                        # networks that are not public and may be contacted
    options = { private = "yes" }                    # the tracker's own
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from report.deliver.base import BadTarget, Target
from report.deliver.trackers import trackers

PREFIX: Final = "GATEWITNESS_"
"""Begin of every variable of the environment that is ours."""
NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_KEYS: Final = frozenset({"to", "networks", "options"})


@dataclass(frozen=True)
class Named:
    """One entry of the targets file."""

    name: str | None
    """None for an address that was given itself."""
    target: Target
    networks: tuple[str, ...] = ()
    """Networks (CIDR) that may be contacted for it although they are not public."""


def find(text: str, named: Mapping[str, Named], options: Mapping[str, str] | None = None,
         environment: Mapping[str, str] | None = None) -> Named:
    """The target of a name or an address. `options` win over those of the file, and these over the environment (None:
    that of this process), where GATEWITNESS_KIND_OPTION holds one for every target of a kind. Raises BadTarget."""
    if NAME.fullmatch(text) and text not in named:
        known = ", ".join(named) or "none"
        raise BadTarget(f"there is no target named {text!r} (known: {known}); the address of a ticket will do too")
    found = named[text] if text in named else Named(None, parse(text))
    usual = _usual(found.target.kind, os.environ if environment is None else environment)
    target = replace(found.target, options={**usual, **found.target.options, **(options or {})})
    _check_options(target)
    return replace(found, target=trackers()[target.kind].settled(target))


def parse(text: str) -> Target:
    """The target of an address. Raises BadTarget when no tracker knows it, with what may be written instead."""
    kind, url = _split(text)
    known = trackers()
    if kind is not None:
        found = known[kind].recognise_own(url)
        if found is None:
            raise BadTarget(f"{_shown(text)!r} names neither a ticket nor a project of {known[kind].name}")
        return found
    found = next(filter(None, (cls.recognise(url) for cls in known.values())), None)
    if found is None:
        raise BadTarget(f"{_shown(text)!r} does not tell which tracker it is of; write its kind before it, for example "
                        f"{next(iter(known), 'KIND')}+https://... (kinds: {', '.join(known)})")
    return found


def origin(url: SplitResult) -> str:
    """Scheme, host and port of an address, in lower case; the scheme's own port is left out."""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    usual = {"https": 443, "http": 80}.get(url.scheme)
    return f"{url.scheme}://{host}{f':{url.port}' if url.port and url.port != usual else ''}"


def is_here(host: str) -> bool:
    """Whether a host is this very machine by its name or address, so that nothing goes over a network."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def read(path: Path) -> dict[str, Named]:
    """The entries of a targets file, by name. Raises BadTarget with the name of the wrong entry."""
    try:
        entries = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadTarget(f"the targets file {path} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadTarget(f"the targets file {path} is not TOML: {error}") from error
    return {name: _named(name, entry) for name, entry in entries.items()}


def _named(name: str, entry: Any) -> Named:
    if not NAME.fullmatch(name):
        raise BadTarget(f"{name!r} is no name of a target: lower-case letters, digits and hyphens, at most 32")
    if not isinstance(entry, dict) or not isinstance(entry.get("to"), str) or not entry.keys() <= _KEYS:
        raise BadTarget(f"the target {name!r} wants `to`, and may have `networks` and `options`")
    options, networks = entry.get("options", {}), entry.get("networks", [])
    if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
        raise BadTarget(f"the options of the target {name!r} want a table of texts")
    if not isinstance(networks, list) or not all(isinstance(value, str) for value in networks):
        raise BadTarget(f"the networks of the target {name!r} want a list of texts, for example [\"10.0.0.0/8\"]")
    try:
        target = parse(entry["to"])
        target = replace(target, options={**target.options, **options})
        _check_options(target)
    except BadTarget as error:
        raise BadTarget(f"the target {name!r}: {error}") from None
    return Named(name, target, tuple(networks))


def _usual(kind: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The options that the environment holds for a kind."""
    variables = {option: f"{PREFIX}{kind}_{option}".upper() for option in trackers()[kind].options}
    return {option: environment[variable] for option, variable in variables.items() if environment.get(variable)}


def _check_options(target: Target) -> None:
    known = trackers()[target.kind].options
    unknown = next((name for name in target.options if name not in known), None)
    if unknown is not None:
        raise BadTarget(f"{unknown!r} is no option of {target.kind}; there are: {', '.join(known) or 'none'}")


def _shown(text: str) -> str:
    """What may be said of an address: passwords stand before an @ and tokens behind the question mark."""
    begin, slashes, rest = text.partition("//")
    return f"{begin}//…" if slashes and "@" in rest else re.split("[?#]", text)[0]


def _split(text: str) -> tuple[str | None, SplitResult]:
    """The kind that is written before the address, if any, and the address."""
    before, plus, after = text.partition("+")
    kind = before if plus and before in trackers() else None
    try:
        url = urlsplit(after if kind else text)
        _ = url.port
    except ValueError:
        url = urlsplit("")
    if url.scheme not in ("http", "https", "mailto") or url.username or url.password:
        raise BadTarget(f"{_shown(text)!r} is not a target: the address of a ticket or project (https://...), "
                        "mailto:ADDRESS, or a name of the targets file; passwords do not stand in it")
    return kind, url
