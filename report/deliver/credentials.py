"""Who we are at a tracker. In: a target. Out: its credential, from the environment, a file of mode 0600, the keyring.

Credentials never stand in an option: other users of the machine see the command line. One that was kept for one origin
(scheme, host, port) goes to no other; one that was kept for a name of the targets file goes where that leads.
"""

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from report.deliver.base import BadTarget, Credential
from report.deliver.targets import PREFIX, Named, origin
from report.deliver.trackers import trackers

GIVEN: Final = "tracker"
"""In the place of the name, for an address that was given itself."""
SERVICE: Final = "gatewitness:"
"""Begin of the service's name in the keyring; the target's name or the origin follows."""


def find(named: Named, environment: Mapping[str, str], file: Path) -> Credential | None:
    """The credential of a target; None when its tracker needs none and there is none.

    In this order: the variable of the named target (GATEWITNESS_NAME_TOKEN), or GATEWITNESS_TRACKER_TOKEN for an
    address that was given itself; the tracker's conventional variable, at its own origin; the file; the keyring. A
    user stands in the variable that ends with _USER. Raises BadTarget when there is none, with where to put it.
    """
    cls = trackers()[named.target.kind]
    found = _of_environment(named, environment) or _of_file(_keys(named), file) or _of_keyring(_keys(named))
    if found is None:
        if not cls.credential:
            return None
        raise BadTarget(f"there is no credential for {named.target.origin}: {cls.name} wants {cls.credential}; put it "
                        f"into {_variable(named)}, into {file} or into the keyring (docs/trackers.md)")
    if cls.needs_user and not found.user:
        raise BadTarget(f"the credential for {named.target.origin} lacks its user: {cls.name} wants {cls.credential}")
    if not found.secret.isprintable() or not (found.user or "").isprintable():
        raise BadTarget(f"the credential for {named.target.origin} holds a control character, perhaps a line end")
    return found


def _keys(named: Named) -> tuple[str, ...]:
    """Under what it may be kept, the nearest first."""
    return (named.name, named.target.origin) if named.name else (named.target.origin,)


def _variable(named: Named) -> str:
    """GATEWITNESS_TOKEN is the service's own and goes to no tracker."""
    return f"{PREFIX}{(named.name or GIVEN).upper().replace('-', '_')}_TOKEN"


def _of_environment(named: Named, environment: Mapping[str, str]) -> Credential | None:
    own = _variable(named)
    if environment.get(own):
        return Credential(environment[own], environment.get(f"{own.removesuffix('_TOKEN')}_USER") or None)
    for variable, where in trackers()[named.target.kind].variables.items():
        if environment.get(variable) and named.target.origin == _place(where, environment):
            return Credential(environment[variable])
    return None


def _place(where: str, environment: Mapping[str, str]) -> str:
    """The first origin that is there: written out, or in the variable whose name begins with $, where CI systems tell
    their own address, with the path under which they are served."""
    told = (environment.get(name[1:], "") if name.startswith("$") else name for name in where.split())
    return next((origin(urlsplit(address)) for address in told if address), "")


def _of_file(keys: tuple[str, ...], path: Path) -> Credential | None:
    if not path.exists():
        return None
    try:
        with path.open("rb") as stream:
            state = os.fstat(stream.fileno())
            if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or state.st_uid not in (os.geteuid(), 0):
                raise BadTarget(f"{path} can be read by others; make it yours alone: chmod 600 {path}")
            entries = tomllib.load(stream)
    except OSError as error:
        raise BadTarget(f"{path} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise BadTarget(f"{path} is not TOML") from None  # the reason would quote what stands there
    key = next(filter(entries.__contains__, keys), None)
    if key is None:
        return None
    entry = entries[key]
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str) or not entry["token"]:
        raise BadTarget(f"the entry of {key} in {path} wants `token`, and `user` where one is needed")
    return Credential(entry["token"], str(entry["user"]) if entry.get("user") else None)


def _of_keyring(keys: tuple[str, ...]) -> Credential | None:
    """The system's keyring, where there is one. Raises BadTarget when it is there and does not answer."""
    import keyring
    import keyring.errors

    try:
        found = next(filter(None, (keyring.get_credential(SERVICE + key, None) for key in keys)), None)
    except (keyring.errors.NoKeyringError, keyring.errors.InitError):
        return None
    except keyring.errors.KeyringError as error:
        raise BadTarget(f"the keyring does not answer: {type(error).__name__}") from error
    return Credential(found.password, found.username or None) if found else None
