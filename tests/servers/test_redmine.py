"""Redmine takes what its API says, from whom it says, and gives files back as they were."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.servers.redmine import PATIENCE_S, Redmine, redmine

pytestmark = pytest.mark.gateways

DATA = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def server() -> Iterator[Redmine]:
    with redmine() as running:
        yield running


def client(server: Redmine, who: str, under: str = "") -> httpx.Client:
    key = {"X-Redmine-API-Key": server.keys[who]}
    return httpx.Client(base_url=server.url + under, headers=key, timeout=PATIENCE_S)


def upload(there: httpx.Client, data: bytes) -> httpx.Response:
    return there.post("/uploads.json", params={"filename": "GW-1.html"}, content=data,
                      headers={"Content-Type": "application/octet-stream"})


@pytest.mark.parametrize("under", ["", "/redmine"])
def test_a_file_comes_back_as_it_was(server: Redmine, under: str) -> None:
    with client(server, "reporter", under) as there:
        token = upload(there, DATA).raise_for_status().json()["upload"]["token"]
        asked: dict[str, Any] = {"issue": {
            "project_id": server.project, "subject": "502 – für alle", "description": "See the file.",
            "uploads": [{"token": token, "filename": "GW-1.html", "content_type": "text/html"}]}}
        issue = there.post("/issues.json", json=asked).raise_for_status().json()["issue"]
        seen = there.get(f"/issues/{issue['id']}.json", params={"include": "attachments"}).json()["issue"]
        (attachment,) = seen["attachments"]
        assert attachment["content_url"].startswith(f"{server.url}{under}/attachments/")
        assert there.get(attachment["content_url"]).content == DATA
    assert seen["subject"] == "502 – für alle"


@pytest.mark.parametrize(("who", "looks", "writes"), [
    ("reporter", 200, 204), ("reader", 200, 403), ("stranger", 403, 403)])
def test_everybody_may_do_what_is_said(server: Redmine, who: str, looks: int, writes: int) -> None:
    with client(server, who) as there:
        issue = f"/issues/{server.issue}.json"
        statuses = there.get(issue).status_code, there.put(issue, json={"issue": {"notes": "Again."}}).status_code
    assert statuses == (looks, writes)


def test_a_setting_counts_from_the_next_request_on(server: Redmine) -> None:
    with client(server, "reporter") as there:
        server.set("attachment_max_size", "1")
        refused = upload(there, bytes(1025))
        server.set("attachment_max_size", "5120")
        taken = upload(there, bytes(1025))
    assert (refused.status_code, taken.status_code) == (422, 201)
    assert "maximum allowed file size (1024)" in refused.json()["errors"][0]


@pytest.mark.parametrize(("formatting", "text"), [("textile", "*urgent*"), ("common_mark", "**urgent**")])
def test_a_page_shows_text_as_it_is_formatted(server: Redmine, formatting: str, text: str) -> None:
    server.set("text_formatting", formatting)
    with client(server, "reporter") as there:
        there.put(f"/issues/{server.issue}.json", json={"issue": {"notes": text}}).raise_for_status()
    assert "<strong>urgent</strong>" in server.page(f"/issues/{server.issue}")


def test_a_key_can_be_taken_away(server: Redmine) -> None:
    with client(server, "admin") as there:
        assert there.get("/users/current.json").status_code == 200
        server.revoke("admin")
        assert there.get("/users/current.json").status_code == 401
