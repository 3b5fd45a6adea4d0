"""The HTTP server: what is given is sent at once, who goes away holds nothing, and what the app must see it sees."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, cast

import pytest
from waitress.trigger import trigger

from capture.errors import CaptureError
from tests.web.workers.puppets import PATIENCE_S, until
from web.config import Config
from web.workers.listening import FORM_BYTES, HEADER_BYTES, Listener

Environ = dict[str, Any]
App = Callable[[Environ, Any], Iterable[bytes]]
Start = Callable[..., Listener]


@pytest.fixture
def listening() -> Iterator[Start]:
    """Starts a listener for an app; stopped at the end."""
    started: list[Listener] = []

    def with_app(app: App, **given: Any) -> Listener:
        listener = Listener(Config(port=0, **given))
        started.append(listener)
        listener.start(app)
        return listener

    yield with_app
    for listener in started:
        listener.stop()


def connection(listener: Listener) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(listener.address.removeprefix("http://"), timeout=PATIENCE_S)


def says(body: Callable[[Environ], bytes]) -> App:
    def app(environ: Environ, start: Any) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return [body(environ)]

    return app


def test_what_the_app_gives_is_sent_before_it_gives_more(listening: Start) -> None:
    heard = threading.Event()

    def app(environ: Environ, start: Any) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/event-stream")])
        yield b"data: first\n\n"
        assert heard.wait(PATIENCE_S)
        yield b"data: second\n\n"

    with closing(connection(listening(app))) as client:
        client.request("GET", "/")
        answer = client.getresponse()
        assert answer.read1() == b"data: first\n\n"
        heard.set()
        assert answer.read1() == b"data: second\n\n"


def test_a_client_that_goes_away_frees_its_thread(listening: Start) -> None:
    ended = threading.Event()

    def app(environ: Environ, start: Any) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/event-stream")])
        try:
            while True:
                yield b": still here\n\n"
                if ended.wait(0.01):
                    return
        finally:
            ended.set()

    listener = listening(app)
    with closing(connection(listener)) as client:
        client.request("GET", "/")
        client.getresponse().read1()
    assert ended.wait(PATIENCE_S)


def test_while_all_but_one_thread_tell_progress_there_is_one_for_everything_else(listening: Start) -> None:
    stop = threading.Event()

    def app(environ: Environ, start: Any) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        yield b"."
        while environ["PATH_INFO"] == "/events" and not stop.wait(0.05):
            yield b"."

    listener = listening(app, threads=4)
    streams = [connection(listener) for _ in range(3)]
    try:
        for stream in streams:
            stream.request("GET", "/events")
            stream.getresponse().read1()
        with closing(connection(listener)) as client:
            client.request("GET", "/")
            assert client.getresponse().read() == b"."
    finally:
        stop.set()
        for stream in streams:
            stream.close()


def test_the_app_sees_what_only_proxies_send(listening: Start) -> None:
    listener = listening(says(lambda environ: f"{environ.get('HTTP_X_FORWARDED_FOR')}".encode()))
    with closing(connection(listener)) as client:
        client.request("GET", "/", headers={"X-Forwarded-For": "192.0.2.1"})
        assert client.getresponse().read() == b"192.0.2.1"


def test_it_does_not_say_what_it_is(listening: Start) -> None:
    with closing(connection(listening(says(lambda _: b"")))) as client:
        client.request("GET", "/")
        assert client.getresponse().getheader("Server") is None


@pytest.mark.parametrize(("headers", "status"), [
    ({"X-Long": "x" * HEADER_BYTES}, 431), ({"Content-Length": str(FORM_BYTES + 2_000)}, 413)])
def test_what_is_too_large_never_reaches_the_app(headers: dict[str, str], status: int, listening: Start) -> None:
    asked: list[Environ] = []

    def note(environ: Environ) -> bytes:
        asked.append(environ)
        return b""

    listener = listening(says(note), upload_bytes=1_000)
    with closing(connection(listener)) as client:
        client.putrequest("POST", "/")
        for name, value in headers.items():
            client.putheader(name, value)
        client.endheaders()
        assert client.getresponse().status == status
    assert asked == []


def test_a_body_as_large_as_an_upload_may_be_is_taken(listening: Start) -> None:
    listener = listening(says(lambda environ: str(len(environ["wsgi.input"].read())).encode()), upload_bytes=3_000_000)
    with closing(connection(listener)) as client:
        client.request("POST", "/", b"x" * (3_000_000 + FORM_BYTES - 1))
        assert client.getresponse().read() == str(3_000_000 + FORM_BYTES - 1).encode()


def test_a_stop_ends_every_connection_and_every_thread(listening: Start) -> None:
    begun, ended = threading.Event(), threading.Event()

    def app(environ: Environ, start: Any) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/event-stream")])
        try:
            begun.set()
            while True:
                yield b"."
                if ended.wait(0.01):
                    return
        finally:
            ended.set()

    listener = listening(app)
    before = threading.active_count()
    with closing(connection(listener)) as client:
        client.request("GET", "/")
        assert begun.wait(PATIENCE_S)
        listener.stop()
        listener.stop()
        assert ended.is_set()
    until(lambda: threading.active_count() < before, "the end of its threads")
    with pytest.raises(OSError, match=r"refused|reset"):
        socket.create_connection(("127.0.0.1", int(listener.address.rpartition(":")[2])), timeout=PATIENCE_S).close()


def test_an_address_that_is_taken_is_named() -> None:
    first = Listener(Config(port=0))
    port = int(first.address.rpartition(":")[2])
    with pytest.raises(CaptureError, match=rf"cannot listen at 127\.0\.0\.1, port {port}: Address already in use"):
        Listener(Config(port=port))
    first.stop()


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "http://127.0.0.1:"), ("localhost", "http://127.0.0.1:"),
                                               ("0.0.0.0", "http://127.0.0.1:")])
def test_the_address_is_one_that_can_be_opened_here(host: str, address: str) -> None:
    listener = Listener(Config(host=host, port=0))
    assert listener.address.startswith(address)
    listener.stop()


def test_a_name_that_is_no_address_is_one_sentence() -> None:
    with pytest.raises(CaptureError, match=r"cannot listen at no\.such\.host\.invalid, port 0"):
        Listener(Config(host="no.such.host.invalid", port=0))


def test_what_wakes_the_server_is_there_until_it_has_ended(listening: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have heard of its end, by another who woke it, before it is woken for that."""
    listener = listening(says(lambda _: b"x"))
    pull = cast(Any, trigger)._physical_pull

    def twice(itself: trigger) -> None:
        pull(itself)
        until(lambda: not itself.thunks, "what it was woken for")
        pull(itself)

    monkeypatch.setattr(trigger, "_physical_pull", twice)
    listener.stop()
