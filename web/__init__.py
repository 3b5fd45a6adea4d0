"""The front door: forms, case pages, an API and the jobs behind them. Domain logic is in capture and report."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask_openapi3.openapi import OpenAPI

    from report.deliver.targets import Named
    from web.config import Config
    from web.store.database import Database
    from web.store.files import Folder
    from web.store.secrets import Key


def create_app(config: "Config", database: "Database", files: "Folder", key: "Key", runner: Any = None,
               targets: "Mapping[str, Named] | None" = None) -> "OpenAPI":
    """The app, ready to be served. Loaded only here, so that the children that capture load no server."""
    from web import app

    return app.create_app(config, database, files, key, runner, targets)
