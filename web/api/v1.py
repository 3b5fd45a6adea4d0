"""The API in the app. In: an app. Out: the same with /api/v1, health and metrics."""

from typing import Final

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.openapi import OpenAPI

from web.api import captures, deliveries, document, health, hooks, imports, metrics, reading, shares
from web.api.models import Problem
from web.services import Services

TYPED: Final[tuple[APIBlueprint, ...]] = (
    captures.blueprint, imports.blueprint, shares.blueprint, deliveries.blueprint, hooks.blueprint, health.blueprint,
    metrics.blueprint)
"""What the OpenAPI document describes."""


def install(app: OpenAPI, parts: Services) -> None:
    """Adds everything; call it after the guards are in their place."""
    app.validation_error_model = Problem
    app.json = reading.Once(app)
    metrics.install(app, parts)
    for blueprint in TYPED:
        if not blueprint.before_request_funcs:
            blueprint.before_request(reading.check)
        app.register_api(blueprint)
    for plain in (document.blueprint, health.top, metrics.top):
        app.register_blueprint(plain)
