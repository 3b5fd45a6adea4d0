"""What every page shares. In: the request and who makes it. Out: the values that base.html shows."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

from flask import Flask, request

STATIC: Final = Path(__file__).parents[1] / "static"
MENU: Final = (("/", "New capture"), ("/cases", "Cases"), ("/groups", "Failures"))
"""Address and title of what everybody may open."""


def install(app: Flask) -> None:
    """Gives the templates what base.html needs; `principal` and `more_menu` may be overridden by each render."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["asset"] = asset
    app.context_processor(_shared)


def _shared() -> dict[str, Any]:
    return {"here": request.path, "menu": MENU}


@cache
def asset(name: str) -> str:
    """Address of a static file, with a mark that changes with its content, so that browsers may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"
