"""The app that answers requests. In: the parts of a service. Out: its guards, pages and API, in one Flask app."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint
from flask.logging import default_handler
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from report.deliver.targets import Named
from web import logs, problems
from web.access import context, guards
from web.api import v1
from web.config import Config
from web.pages import account, admin, case, deliveries, evidence, form, history, layout, progress, shares
from web.services import Services, install
from web.store.database import Database
from web.store.files import Folder
from web.store.secrets import Key

PAGES: Final[tuple[Blueprint, ...]] = (
    form.blueprint, case.blueprint, progress.blueprint, evidence.blueprint, history.blueprint, shares.blueprint,
    deliveries.blueprint, account.blueprint, admin.blueprint)
"""The pages; a new one is added here."""
INFO: Final = Info(title="gatewitness", version="1")


def create_app(config: Config, database: Database, files: Folder, key: Key, runner: Any = None,
               targets: Mapping[str, Named] | None = None) -> OpenAPI:
    """The app, ready to be served; `runner` is what works on the jobs, `targets` are those of deliveries, by name."""
    default_handler.setFormatter(logs.Plain())
    app = OpenAPI(__name__, info=INFO, doc_ui=False, validation_error_callback=problems.invalid)
    parts = Services(config, database, files, key, runner, targets or {})
    install(app, parts)
    problems.install(app)
    guards.install(app, parts)
    layout.install(app)
    context.install(app)
    for blueprint in PAGES:
        app.register_blueprint(blueprint)
    v1.install(app, parts)
    return app
