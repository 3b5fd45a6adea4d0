"""Lines of the log: nothing that came with a request writes one of its own, and no secret is in one."""

import http.client
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from typing import Any

import pytest
from flask import Response
from pydantic import ValidationError

from tests.web.pages.made import Bundles, add, ask
from tests.web.serving import Served
from tests.web.workers.puppets import PATIENCE_S
from web.logs import Plain, handler, quoted
from web.pages import shares
from web.store.submit import Submission, opened
from web.store.tables import Job
from web.workers.listening import Listener

FORGED = "/x\r\n2026-11-20T07:41:00Z INFO web: root logged in\x1b[2K\x85\u2028\u202egpj\0\x7f\x9b31m\ud800"


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("web", logging.ERROR, "web/app.py", 1, message, args, exc_info)


def test_a_record_is_one_line_whatever_is_in_it() -> None:
    line = Plain().format(record("failed: %s", FORGED))
    assert len(line.splitlines()) == 1
    assert all(character.isprintable() for character in line)
    assert r"/x\u{d}\u{a}2026" in line
    assert r"\u{1b}[2K\u{85}\u{2028}\u{202e}gpj\u{0}\u{7f}\u{9b}31m\u{d800}" in line


def test_a_traceback_is_marked_line_by_line() -> None:
    try:
        raise ValueError(FORGED)
    except ValueError as error:
        lines = Plain().format(record("failed", error=error)).split("\n")
    assert all(line.startswith("    | ") for line in lines[1:])
    assert all(line.isprintable() for line in lines)
    assert any("root logged in" in line for line in lines[1:])


def test_a_traceback_that_another_handler_wrote_is_written_anew() -> None:
    made = record("failed", error=ValueError(FORGED))
    logging.Formatter().format(made)
    assert all(line.isprintable() for line in Plain().format(made).split("\n"))


def test_a_stack_is_marked_too() -> None:
    made = record("here")
    made.stack_info = "Stack:\n  one\x1b"
    assert Plain().format(made).split("\n")[1:] == ["    | Stack:", r"    |   one\u{1b}"]


@pytest.mark.parametrize("text", ["", "plain", "Köln, 東京, 🙂", "a\\u{d}"])
def test_what_does_not_act_stays(text: str) -> None:
    assert quoted(text) == text


def test_the_handler_writes_such_lines() -> None:
    assert isinstance(handler().formatter, Plain)


# A service that answers, and the log that its operator reads.

CANARY = "c4n4ryS3cretXq7"
"""In every field that a client fills; the escape sequence and the line break would show what is written unchanged."""
NASTY = f"{CANARY}\x1b[2J"
FIELDS = ("User-Agent", "Referer", "Authorization", "X-Forwarded-For", "Forwarded", "Idempotency-Key", "Accept",
          "Last-Event-ID", "Origin", "Sec-Fetch-Site", "X-Request-Id", "Content-Type")


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the service writes to its log."""
    ours, stream, root = handler(), StringIO(), logging.getLogger()
    assert isinstance(ours, logging.StreamHandler)
    ours.setStream(stream)
    level = root.level
    root.addHandler(ours)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(ours)
    root.setLevel(level)


@pytest.fixture
def listener(service: Served) -> Iterator[Listener]:
    """The service at a port of its own."""
    made = Listener(service.config.model_copy(update={"port": 0, "threads": 4}))
    made.start(service.app)
    yield made
    made.stop()


def asked(listener: Listener, method: str, path: str, headers: dict[str, str], body: Any = None) -> int:
    """The status of an answer; 0 when it broke off."""
    client = http.client.HTTPConnection(listener.address.removeprefix("http://"), timeout=PATIENCE_S)
    with closing(client):
        client.request(method, path, body, headers)
        try:
            answer = client.getresponse()
            answer.read()
        except (http.client.HTTPException, ConnectionError):
            return 0
        return answer.status


def test_nothing_that_a_client_supplies_is_in_the_log(service: Served, listener: Listener, written: StringIO) -> None:
    for name in (*FIELDS, "Cookie", "Host"):
        asked(listener, "GET", f"/{CANARY}?{CANARY}={CANARY}", {name: NASTY})
    form = f"name={CANARY}&password={CANARY}&next=/{CANARY}"
    asked(listener, "POST", "/login", {"Content-Type": "application/x-www-form-urlencoded"}, form)
    for raw in (b"GET /%s HTTP/9\r\n%s\r\n\r\n", b"%s\x1b[2J / HTTP/1.1\r\nHost: %s\r\n\r\n", b"GET %s\r\n %s\r\n\r\n"):
        host, _, port = listener.address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), PATIENCE_S) as stream:
            stream.sendall(raw % (CANARY.encode(), CANARY.encode()))
            stream.shutdown(socket.SHUT_WR)
            stream.recv(1)
    body = json.dumps({"url": f"https://shop.example/?q={CANARY}", "seen": CANARY, "headers": {"X-Key": CANARY}})
    sent = {"Content-Type": "application/json", "Idempotency-Key": CANARY}
    assert asked(listener, "POST", "/api/v1/captures", sent, body) == 202
    assert asked(listener, "POST", "/api/v1/captures", sent, body.replace("seen", CANARY)) == 422
    assert CANARY not in written.getvalue()
    assert all(line.isprintable() for line in written.getvalue().splitlines())


def test_secrets_in_addresses_are_not_in_the_log_when_an_answer_fails(
    service: Served, bundles: Bundles, listener: Listener, written: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it begins, and in the middle: then only the server is left to tell."""
    case, browser = add(service, bundles), service.browser()
    link = browser.post(f"/cases/{case.id}/shares", {"days": "1"}, seen="/account").text.split("/s/")[1][:22]
    browser.post(f"/s/{link}", seen="/account")
    setup = browser.post("/admin/first", seen="/account").headers["Location"]
    opening = browser.client.get_cookie("gw_share", path=f"/s/{link}")
    assert opening is not None

    def broken(*_: object) -> Response:
        def body() -> Iterator[bytes]:
            yield b"x"
            raise OSError("the disk is gone")

        return Response(body())

    def fails(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(shares, "answer", broken)
    cookie = {"Cookie": f"gw_share={opening.value}"}
    asked(listener, "GET", f"/s/{link}/files/dossier.html", cookie)
    assert "the disk is gone" in written.getvalue()
    monkeypatch.setattr("web.store.shares.find", fails)
    monkeypatch.setattr("web.access.invitations.find", fails)
    assert asked(listener, "GET", f"/s/{link}", cookie) == 500
    assert asked(listener, "GET", setup, {}) == 500
    told = written.getvalue()
    assert told.count("RuntimeError: broken") == 2
    for secret in (link, setup.rpartition("/")[2], opening.value):
        assert secret not in told


def test_a_request_that_cannot_be_read_is_not_quoted(service: Served) -> None:
    """Neither one from a form, nor the one of a job that another version of the service left."""
    case = ask(service)
    with service.database.reading() as db:
        job = db.get_one(Job, case.id)
    kept = opened(service.key, job).model_dump(mode="json")
    kept["request"] |= {"of_tomorrow": CANARY}
    job.payload = service.key.seal(json.dumps(kept).encode())
    with pytest.raises(ValidationError) as left:
        opened(service.key, job)
    with pytest.raises(ValidationError) as typed:
        Submission.model_validate({"owner_id": "x", "source": "form", "log": [CANARY]})
    assert CANARY not in f"{left.value}{typed.value}"


@pytest.mark.parametrize(("line", "kept"), [
    ("/s/AAAAAAAAAAAAAAAAAAAAAA/dossier", "/s/[secret]/dossier"), ("/setup/" + "b-_" * 14, "/setup/[secret]"),
    ("Bearer gw_" + "x" * 43, "Bearer gw_[secret]"), ("/static/style.css", "/static/style.css"),
    ("/cases/01J9ZQ3V7K8M2N4P6R8T0V2W4X", "/cases/01J9ZQ3V7K8M2N4P6R8T0V2W4X")])
def test_links_and_tokens_of_ours_are_known_and_left_out(line: str, kept: str) -> None:
    assert Plain().format(record(line)).endswith(f"web: {kept}")
