"""The API in the app: two apps of one process do not share anything."""

from tests.web.api.calls import Api
from tests.web.serving import Served


def test_two_apps_stand_beside_each_other(api: Api, service: Served) -> None:
    other = service.configured(captures_per_minute=7)
    assert Api(other, other.app.test_client()).get("/api/v1/openapi.json").get_json() == \
        api.get("/api/v1/openapi.json").get_json()
    api.get("/healthz")
    assert 'route="/healthz"' not in other.app.test_client().get("/metrics").text
