"""What every page shares. In: the request and who makes it. Out: the values and filters that templates use."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

from flask import Flask, request

from report.text import short
from web.access.principal import anybody
from web.pages.reading import sentence
from web.services import services

STATIC: Final = Path(__file__).parents[1] / "static"
MENU: Final = (("/", "New capture"), ("/cases", "Cases"), ("/groups", "Failures"))
"""Address and title of what everybody may open."""
BASES: Final = {"/import": "/"}
"""Pages that belong to another entry of the menu."""


def install(app: Flask) -> None:
    """Gives the templates what they share."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["asset"] = asset
    app.jinja_env.filters.update(shown=short, sentence=sentence)
    app.context_processor(_shared)


def base_address() -> str:
    """The address of the service as its users write it, with a slash at the end."""
    public = services().config.public_url
    return f"{public.rstrip('/')}/" if public else request.host_url


def _shared() -> dict[str, Any]:
    principal = anybody()
    menu = list(MENU)
    if principal is not None and principal.via != "token":
        menu.append(("/account", "Account"))
    if principal is not None and principal.role == "admin":
        menu.append(("/admin/users", "Administration"))
    return {"here": BASES.get(request.path, request.path), "menu": menu}


@cache
def asset(name: str) -> str:
    """Address of a static file, with a mark that changes with its content, so that browsers may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"
