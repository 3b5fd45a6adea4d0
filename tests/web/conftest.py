"""A service on a directory of its own. Out: `service`, `app`, `client` (local mode), `as_user`, `bundles`."""

import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from argon2 import PasswordHasher, profiles
from flask import Flask
from flask.testing import FlaskClient

from tests.web.pages.made import Bundles, bundle
from tests.web.serving import Browser, Served
from web.access import passwords
from web.access.principal import Role


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """What hashes passwords, which takes long; for all tests of the service another one is in its place."""
    with pytest.MonkeyPatch.context() as patch:
        real = passwords._HASHER
        patch.setattr(passwords, "_HASHER", PasswordHasher.from_parameters(profiles.CHEAPEST))
        passwords._nobody()  # kept as it is made first
        yield real


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Served]:
    """Database, folder, key and app; `service.configured(...)` sets it up otherwise."""
    made = Served.on(tmp_path)
    yield made
    made.close()


@pytest.fixture
def app(service: Served) -> Flask:
    """The app of the service."""
    return service.app


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's wall clock stands still, so that no limit's minute ends in the middle of a test."""
    moment = time.time()
    monkeypatch.setattr(time, "time", lambda: moment)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Whoever sits at the machine of a service in local mode; sends no CSRF tokens by itself."""
    return app.test_client()


@pytest.fixture
def as_user(service: Served) -> Callable[..., Browser]:
    """A browser in which a user of that role is logged in, which makes it team mode; `name` tells two apart."""

    def log_in(role: Role = "member", name: str = "") -> Browser:
        return service.log_in(role, name or role)

    return log_in


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """Directories of examples, each with its dossier: made once a session, never changed; one of them has a PDF."""

    @cache
    def of(name: str) -> Path:
        return bundle(tmp_path_factory.mktemp(name), name, pdf=name == "cloudflare_522")

    return of
