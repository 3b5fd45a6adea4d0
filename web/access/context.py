"""What templates know of whoever asks. In: the current request. Out: values for every page."""

from typing import Any

from flask import Flask

from web.access.principal import anybody


def install(app: Flask) -> None:
    """Adds `principal`, and `team_mode` (somebody logged in), to what templates see."""
    app.context_processor(_shared)


def _shared() -> dict[str, Any]:
    principal = anybody()
    return {"principal": principal, "team_mode": principal is not None and principal.via != "local"}
