"""What a request can reach. In: what `create_app` was given. Out: Services, from wherever a request is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Flask, current_app

from report.deliver.targets import Named
from web.config import Config
from web.store.database import Database
from web.store.files import Folder
from web.store.secrets import Key

_NAME: Final = "gatewitness"


@dataclass(frozen=True)
class Services:
    """The parts of one running service."""

    config: Config
    """How it is set up."""
    database: Database
    """Rows."""
    files: Folder
    """Files of cases."""
    key: Key
    """Seals, and derives keys."""
    runner: Any = None
    """What works on the jobs; None where no captures are made, as in tests."""
    targets: Mapping[str, Named] = field(default_factory=dict)
    """Whereto dossiers may be delivered, by name."""


def install(app: Flask, parts: Services) -> None:
    """Ties the parts to the app."""
    app.extensions[_NAME] = parts


def services() -> Services:
    """The parts of the service that answers the current request."""
    parts: Services = current_app.extensions[_NAME]
    return parts
