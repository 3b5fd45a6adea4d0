"""Links of OpenAPI: every one leads from its answer to an operation that takes what it gives."""

import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.web import desk
from tests.web.api.calls import CAPTURES, URL, Api
from tests.web.pages.made import bundle
from tests.web.serving import Served
from web.store import jobs, publishing

Spec = dict[str, Any]


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with its dossier, made once."""
    return bundle(tmp_path_factory.mktemp("dossier") / "bundle", "cloudflare_522")


def end(api: Api, dossier: Path) -> None:
    """Ends everything that waits, with a dossier."""
    while True:
        with api.service.database.transaction() as db:
            job = jobs.claim(db, "a test")
        if job is None:
            return
        shutil.copytree(dossier, api.service.files.staged_directory(job.case_id, job.fence))
        assert publishing.publish(api.service.database, api.service.files, job.case_id, job.fence)


def source(api: Api, operation: str, case: str) -> TestResponse:
    """A good answer of the operation that has links."""
    where = f"{CAPTURES}/{case}"
    calls = {
        "createCapture": lambda: api.post(CAPTURES, json={"url": URL}), "listCaptures": lambda: api.get(CAPTURES),
        "createImport": lambda: api.post("/api/v1/imports", data={"files": (io.BytesIO(b"{}"), "a.har"), "url": URL}),
        "getCapture": lambda: api.get(where), "recheckCapture": lambda: api.post(f"{where}/recheck"),
        "cancelCapture": lambda: api.post(f"{where}/cancel"), "createShare": lambda: api.post(f"{where}/shares"),
        "deleteCapture": lambda: api.delete(f"{where}?reason=x"),
        "createDelivery": lambda: api.post(f"{where}/deliveries", json={"target": "ops"}),
        "cancelDelivery": lambda: api.delete(
            api.post(f"{where}/deliveries", json={"target": "ops"}).headers["Location"]),
        "revokeShare": lambda: api.delete(api.post(f"{where}/shares").headers["Location"])}
    return calls[operation]()


def value(expression: str, answer: TestResponse, case: str) -> str:
    """What an expression of a link stands for."""
    if expression == "$request.path.case_id":
        return case
    found: Any = answer.get_json() if expression.startswith("$response.body#/") else expression
    for part in expression.partition("#/")[2].split("/") if found is not expression else ():
        found = found[int(part)] if isinstance(found, list) else found[part]
    return str(found)


def filled(path: str, given: dict[str, str]) -> str:
    """A path with its parameters in their place."""
    return re.sub(r"{(\w+)}", lambda part: given[part[1]], path)


def test_every_link_leads_on(service: Served, dossier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.register(monkeypatch)
    calm = service.configured(captures_per_minute=10**6, targets=desk.targets_file(tmp_path / "targets.toml"))
    api = Api(calm, calm.app.test_client())
    found: Spec = api.get("/api/v1/openapi.json").get_json()
    operations = {one["operationId"]: (method, path, one) for path, methods in found["paths"].items()
                  for method, one in methods.items()}
    links = [(name, status, link) for name, (_, _, one) in operations.items()
             for status, answer in one["responses"].items() for link in answer.get("links", {}).values()]
    assert len(links) > 15
    for name, status, link in links:
        case = api.ask().rpartition("/")[2]
        end(api, dossier)
        answer = source(api, name, case)
        assert answer.status_code == int(status), name
        end(api, dossier)
        given = {key: value(text, answer, case) for key, text in link["parameters"].items()}
        method, path, target = operations[link["operationId"]]
        query = "?reason=x" if link["operationId"] == "deleteCapture" else ""
        followed = api.send(method.upper(), filled(path, given) + query, {})
        expected = {410} if name in ("deleteCapture", "revokeShare") else {200, 201, 202}
        assert followed.status_code in expected, (name, link["operationId"], followed.text)
        assert str(followed.status_code) in target["responses"]
