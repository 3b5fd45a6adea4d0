"""Calls of the API. In: a service, perhaps a token. Out: answers; cases that have ended, as a runner leaves them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from tests.web.serving import Served
from tests.web.store.made import fill
from web.store import jobs, publishing

URL = "https://shop.example/checkout"
CAPTURES = "/api/v1/captures"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Api:
    """One program."""

    service: Served
    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **given: Any) -> TestResponse:
        """Reads."""
        return self.send("GET", path, given)

    def post(self, path: str, **given: Any) -> TestResponse:
        """Asks; `json` is the body."""
        return self.send("POST", path, given)

    def delete(self, path: str, **given: Any) -> TestResponse:
        """Deletes."""
        return self.send("DELETE", path, given)

    def ask(self, url: str = URL, **given: Any) -> str:
        """Asks for a capture; its address."""
        answer = self.post(CAPTURES, json={"url": url, **given})
        assert answer.status_code == 202, answer.text
        return answer.headers["Location"]

    def ended(self, url: str = URL) -> str:
        """A capture that has ended with a dossier; its address."""
        where = self.ask(url)
        work(self.service)
        return where

    def send(self, method: str, path: str, given: dict[str, Any]) -> TestResponse:
        """Sends any request."""
        headers = {**self.headers, **given.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, buffered=True, **given)


@contextmanager
def listening(app: Flask) -> Iterator[str]:
    """The app behind a socket; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def work(service: Served) -> int:
    """Does everything that waits, at once; how much it was."""
    count = 0
    while True:
        with service.database.transaction() as db:
            job = jobs.claim(db, "a test")
        if job is None:
            return count
        fill(service.files.staging(job.case_id, job.fence))
        assert publishing.publish(service.database, service.files, job.case_id, job.fence)
        count += 1


def problem(answer: TestResponse, status: int, kind: str) -> dict[str, Any]:
    """The problem details of an error of that kind."""
    assert (answer.status_code, answer.mimetype) == (status, PROBLEM), answer.text
    found: dict[str, Any] = answer.get_json()
    assert (found["status"], found["type"]) == (status, f"/api/v1/#{kind}")
    assert found["title"]
    assert found["detail"].endswith(".")
    return found
