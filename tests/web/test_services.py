"""What a request can reach."""

import pytest

from tests.web.serving import Served
from web import create_app
from web.services import services


def test_each_app_reaches_its_own_parts(service: Served) -> None:
    runner = object()
    other = service.config.model_copy(update={"port": 1})
    app = create_app(other, service.database, service.files, service.key, runner)
    with app.app_context():
        assert (services().config, services().runner) == (other, runner)
    with service.app.app_context():
        assert (services().config, services().runner) == (service.config, None)
        assert services().database is service.database


def test_outside_of_a_request_there_is_nothing() -> None:
    with pytest.raises(RuntimeError):
        services()
