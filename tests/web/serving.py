"""A service for tests, answered in this process. In: a directory. Out: its parts, users, browsers that send forms."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase
from werkzeug.test import TestResponse

from tests.web.store.tables import open_database
from web import create_app, targets
from web.access import logins, passwords, tokens, users
from web.access.identity import cookie_name
from web.access.principal import Role
from web.config import Config
from web.store import secrets
from web.store.database import Database
from web.store.files import Folder
from web.store.secrets import Key
from web.store.tables import Row, User

PASSWORD = "a lamp, a rope and a map"
"""Of every user here."""


NOTED = frozenset({"audit", "share_views", "seen_at", "expires_at", "used_at", "served_at"})
"""Tables and columns in which the service notes what happens."""


@cache
def password_hash() -> str:
    """Of PASSWORD; made once, because it takes long."""
    return passwords.hashed(PASSWORD)


class _Compiled(BytecodeCache):
    """Templates that an app of this process has compiled already; its own memory goes with each app."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fills in what is known."""
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps what was compiled."""
        self._known[bucket.key] = bucket.bytecode_to_string()


_COMPILED: Final = _Compiled()


def _app(config: Config, database: Database, files: Folder, key: Key) -> Flask:
    app = create_app(config, database, files, key, None, targets.load(config))
    app.jinja_env.bytecode_cache = _COMPILED
    return app


@dataclass(frozen=True)
class Served:
    """One service; `app` is made from the rest."""

    config: Config
    database: Database
    files: Folder
    key: Key
    app: Flask

    @classmethod
    def on(cls, data: Path, **given: Any) -> "Served":
        """A new one, in which nothing is."""
        config = Config.model_validate({"data": data, "min_free_bytes": 0, "target_host_per_minute": 1000} | given)
        database, files, key = open_database(data), Folder(data), secrets.load(data)
        files.prepare()
        return cls(config, database, files, key, _app(config, database, files, key))

    def configured(self, **given: Any) -> "Served":
        """The same service with the same rows, started anew with other settings."""
        config = Config.model_validate(self.config.model_dump() | given)
        return replace(self, config=config, app=_app(config, self.database, self.files, self.key))

    def close(self) -> None:
        """Gives the database back."""
        self.database.close()

    def add_user(self, role: Role = "member", name: str = "") -> User:
        """The user of that name, made when there is none; the password is PASSWORD."""
        with self.database.transaction() as db:
            user = users.by_name(db, name or role) or users.create(db, name or role, role)
            user.password_hash = password_hash()
        return user

    def log_in(self, role: Role = "member", name: str = "") -> "Browser":
        """A browser in which that user is logged in."""
        user = self.add_user(role, name)
        with self.database.transaction() as db:
            token = logins.start(db, self.config, user, "127.0.0.1", "a test")
        browser = self.browser()
        browser.user = user
        browser.client.set_cookie(cookie_name(self.config, "gw_login"), token, **self._cookie())
        return browser

    def browser(self) -> "Browser":
        """A browser in which nobody is logged in."""
        return Browser(self.app.test_client(), self.config)

    def token(self, user: User, *scopes: str) -> dict[str, str]:
        """Header fields of a new API token of the user."""
        with self.database.transaction() as db:
            _, text = tokens.create(db, user, "test", scopes or ("read",), 1)
        return {"Authorization": f"Bearer {text}"}

    def count(self, table: type[DeclarativeBase]) -> int:
        """Rows of one table."""
        with self.database.reading() as db:
            return db.scalar(select(func.count()).select_from(table)) or 0

    def stored(self) -> dict[str, list[str]]:
        """Everything that requests can make, with its content; equal before and after one that was refused.

        The audit log, the noting of looks and uses, and the user of local mode do not count: they are ours.
        """
        found: dict[str, list[str]] = {}
        with self.database.reading() as db:
            for name, table in Row.metadata.tables.items():
                if name not in NOTED:
                    rows = db.execute(select(*(column for column in table.columns if column.name not in NOTED)))
                    found[name] = sorted(str(row) for row in rows if users.LOCAL not in row)
        kept = [path for directory in (self.files.cases, self.files.tmp, self.files.uploads)
                for path in directory.rglob("*")]
        found["files"] = sorted(f"{path} {sha256(path.read_bytes()).hexdigest() if path.is_file() else ''}"
                                for path in kept)
        return found

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nothing is stored, changed or removed meanwhile."""
        before = self.stored()
        yield
        assert self.stored() == before

    def _cookie(self) -> dict[str, Any]:
        return {"domain": "localhost"}


class Browser:
    """A browser, as far as forms need one: keeps cookies, says where requests come from, sends CSRF tokens."""

    def __init__(self, client: FlaskClient, config: Config) -> None:
        """`client` may be used directly for what no browser does by itself."""
        self.client, self.config = client, config
        self.user: User | None = None

    def get(self, path: str, **given: Any) -> TestResponse:
        """Opens a page by a link of ours."""
        return self.client.get(path, **_said(given, "document"))

    def post(self, path: str, data: dict[str, Any] | None = None, *, seen: str = "/login",
             **given: Any) -> TestResponse:
        """Sends a form, with the CSRF token of a page that has one."""
        return self.client.post(path, data={"csrf_token": self.csrf(seen), **(data or {})}, **_said(given, "document"))

    def csrf(self, page: str = "/login") -> str:
        """The CSRF token that forms of this browser carry now."""
        text = self.get(page).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', text)
        assert found is not None, f"there is no form on {page}"
        return found[1]

    def cookie(self, name: str) -> str | None:
        """The value of a cookie of ours, None when the browser has none."""
        found = self.client.get_cookie(cookie_name(self.config, name))
        return found.value if found is not None else None


def _said(given: dict[str, Any], destination: str) -> dict[str, Any]:
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": destination}
    return {**given, "headers": {**headers, **given.get("headers", {})}}
