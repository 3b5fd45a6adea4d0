"""Roundup takes files, messages and issues by its REST API, and gives files back as they were."""

import http
from collections.abc import Iterator

import httpx
import pytest

from tests.servers.roundup import Roundup, roundup

DATA = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def server() -> Iterator[Roundup]:
    with roundup() as running:
        yield running


def client(server: Roundup, who: str) -> httpx.Client:
    asked = {"X-Requested-With": "rest", "Origin": server.url.removesuffix("/bugs"), "Accept": "application/json"}
    return httpx.Client(base_url=server.url, auth=(who, server.passwords[who]), headers=asked, timeout=150)


def made(answer: httpx.Response) -> str:
    """The id of what was made."""
    return str(answer.raise_for_status().json()["data"]["id"])


def test_a_file_and_a_message_come_to_an_issue_whole(server: Roundup) -> None:
    with client(server, "reporter") as there:
        file = made(there.post("/rest/data/file", files={"content": ("GW-1.pdf", DATA)},
                               data={"name": "GW-1.pdf", "type": "application/pdf"}))
        message = made(there.post("/rest/data/msg", json={
            "content": "502 – für alle", "author": "reporter", "date": ".", "files": [file]}))
        issue = f"/rest/data/issue/{server.issue}"
        refused = there.patch(issue, json={"@op": "add", "messages": [message]})
        there.patch(issue, json={"@op": "add", "files": [file], "messages": [message]},
                    headers={"If-Match": there.get(issue).headers["ETag"]}).raise_for_status()
        seen = there.get(issue).json()["data"]["attributes"]
        assert there.get(f"/file{file}/GW-1.pdf").content == DATA
        assert there.get(f"/msg{message}/").text == "502 – für alle"
    assert refused.status_code == http.HTTPStatus.PRECONDITION_FAILED
    assert ([one["id"] for one in seen["files"]], [one["id"] for one in seen["messages"]]) == ([file], [message])


def test_an_issue_is_made_once(server: Roundup) -> None:
    with client(server, "reporter") as there:
        once = there.post("/rest/data/issue/@poe").raise_for_status().json()["data"]["link"]
        first, second = (there.post(once, json={"title": "Checkout is down again"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 400)


def test_a_stranger_may_do_nothing(server: Roundup) -> None:
    with client(server, "stranger") as there:
        assert there.get(f"/rest/data/issue/{server.issue}").status_code == http.HTTPStatus.FORBIDDEN
