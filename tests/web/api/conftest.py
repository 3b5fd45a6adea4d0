"""The API as programs see it. In: a service. Out: `api`, clients with tokens."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.web.api.calls import Api
from tests.web.serving import Served
from web.access.principal import Role


@pytest.fixture
def api(service: Served) -> Api:
    """Whoever sits at the machine of a service in local mode."""
    return Api(service, service.app.test_client())


@pytest.fixture
def with_token(service: Served) -> Callable[..., Api]:
    """A program with a token of those scopes, of a user with that role; it is team mode then."""

    def made(*scopes: str, role: Role = "member", name: str = "") -> Api:
        return Api(service, service.app.test_client(), service.token(service.add_user(role, name), *scopes))

    return made


@pytest.fixture
def stranger(service: Served) -> FlaskClient:
    """Somebody without a token, in team mode."""
    service.add_user("admin")
    return service.app.test_client()
