"""How connects fail, and which address wins."""

import asyncio
import errno
import gc
import socket
import time
from contextlib import suppress

import pytest

from capture import dialer
from capture.dialer import CHROMIUM_ERRORS, accept_tcp, dial
from capture.guard import Guard
from capture.policy import ALLOW_ALL, Policy
from capture.record.request import Limits
from capture.resolver import Resolver
from tests.dnsserver import DnsServer
from tests.listening import streams
from tests.socksclient import (
    NO_HOST,
    NO_NET,
    NO_PORT,
    OK,
    PUBLIC,
    PUBLIC_6,
    TIMED_OUT,
    Connects,
    guard,
    outcome,
    say,
)


@pytest.mark.parametrize(("number", "error", "code"), [
    (errno.ECONNREFUSED, "net::ERR_CONNECTION_REFUSED", NO_PORT),
    (errno.ETIMEDOUT, "net::ERR_CONNECTION_TIMED_OUT", TIMED_OUT),
    (errno.ENETUNREACH, "net::ERR_ADDRESS_UNREACHABLE", NO_NET),
    (errno.EHOSTUNREACH, "net::ERR_ADDRESS_UNREACHABLE", NO_HOST),
    (errno.ECONNRESET, "net::ERR_CONNECTION_RESET", 1),
    (errno.EPROTO, "net::ERR_CONNECTION_FAILED", 1),
])
async def test_a_failed_connect_has_the_systems_and_the_browsers_name(number: int, error: str, code: int) -> None:
    connect = Connects(failures={PUBLIC: number})
    async with guard(connect) as subject:
        got, dial = await outcome(subject, PUBLIC, 443)
    assert (got, dial.verdict, dial.error, dial.errno) == (code, "failed", error, errno.errorcode[number])
    assert (dial.address, dial.closed_by, dial.bytes_down) == (PUBLIC, None, 0)
    assert dial.connect_ms is not None
    assert dial.duration_ms is not None


def test_every_name_in_the_error_table_is_one_of_the_system_and_one_of_the_browser() -> None:
    assert set(CHROMIUM_ERRORS) <= set(errno.errorcode.values())
    assert all(name.startswith("net::ERR_") for name in CHROMIUM_ERRORS.values())


async def test_a_real_refused_connect_is_recorded() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with Guard(Policy(ALLOW_ALL), Resolver(("127.0.0.1:9",)), Limits()) as subject:
            code, dial = await outcome(subject, "127.0.0.1", port)
    assert (code, dial.errno, dial.address) == (NO_PORT, "ECONNREFUSED", "127.0.0.1")


async def test_a_hanging_address_gives_way_to_the_next_within_a_quarter_of_a_second() -> None:
    connect = Connects(failures={PUBLIC_6: None})
    async with streams(lambda reader, writer: say(writer, b"hello")) as connect.port:
        with DnsServer({"site.test": (f"A {PUBLIC}", f"AAAA {PUBLIC_6}")}) as zone:
            async with guard(connect, zone=zone) as subject:
                started = time.monotonic()
                code, dial = await outcome(subject, "site.test")
                took = time.monotonic() - started
    assert (code, dial.verdict, dial.address) == (OK, "allowed", PUBLIC)
    assert connect.dialled == [(PUBLIC_6, 80), (PUBLIC, 80)]
    assert dial.answers == (PUBLIC, PUBLIC_6)
    assert 0.2 < took < 30


async def test_a_failing_address_gives_way_at_once_and_missing_ipv6_hides_nothing(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.dialer.STAGGER_S", 30.0)
    others = ("93.184.216.35", "2606:2800:220:1::2")
    failures: dict[str, int | None] = dict.fromkeys((PUBLIC_6, others[1]), errno.ENETUNREACH)
    failures |= dict.fromkeys((PUBLIC, others[0]), errno.ECONNREFUSED)
    connect = Connects(failures=failures)
    with DnsServer({"site.test": (f"A {PUBLIC}", f"A {others[0]}", f"AAAA {PUBLIC_6}", f"AAAA {others[1]}")}) as zone:
        async with guard(connect, zone=zone) as subject:
            started = time.monotonic()
            _, dial = await outcome(subject, "site.test")
            assert time.monotonic() - started < 30
    assert [address for address, _ in connect.dialled] == [PUBLIC_6, PUBLIC, others[1], others[0]]
    assert (dial.errno, dial.address) == ("ECONNREFUSED", others[0])


async def test_silence_on_every_address_ends_within_the_limit_of_one_connect() -> None:
    others = tuple(f"2606:2800:220:1::{number}" for number in range(2, 12))
    connect = Connects(failures=dict.fromkeys((PUBLIC, PUBLIC_6, *others)))
    with DnsServer({"site.test": (f"A {PUBLIC}", *(f"AAAA {one}" for one in (PUBLIC_6, *others)))}) as zone:
        async with guard(connect, zone=zone, limits=Limits(connect_s=1)) as subject:
            started = time.monotonic()
            code, dial = await outcome(subject, "site.test")
            took = time.monotonic() - started
    assert (code, dial.error, dial.errno) == (TIMED_OUT, "net::ERR_CONNECTION_TIMED_OUT", "ETIMEDOUT")
    assert took < 11, "each address did not get a limit of its own"
    assert [(hit.limit, hit.sentence) for hit in subject.limits_hit] == [
        ("connect_s", "connects were given up after 1 s")
    ]


async def test_a_connection_that_comes_as_the_guard_gives_up_is_not_left_open() -> None:
    for turns in range(6):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            await _given_up(listener, turns)
    gc.collect()  # what is left open warns now, and a warning is a failure


async def _given_up(listener: socket.socket, turns: int) -> None:
    waiting = asyncio.create_task(accept_tcp(listener))
    await asyncio.sleep(0)
    with socket.create_connection(listener.getsockname()):
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            (await waiting)[0].close()


@pytest.mark.parametrize("slow", [False, True])
async def test_a_dial_that_is_given_up_leaves_no_connection(monkeypatch: pytest.MonkeyPatch, *, slow: bool) -> None:
    monkeypatch.setattr(dialer, "STAGGER_S", 0.01)
    connected: list[socket.socket] = []

    async def connect(address: str, port: int) -> socket.socket:
        if address == PUBLIC_6:
            await asyncio.sleep(3600)
        if slow:
            await asyncio.sleep(0)
        connected.append(socket.socket())
        return connected[-1]

    for turns in range(20):
        dialling = asyncio.create_task(dial((PUBLIC_6, PUBLIC), 80, 60, connect))
        while not connected:
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        dialling.cancel()
        with suppress(asyncio.CancelledError):
            sock = (await dialling).sock
            assert sock is not None
            sock.close()
        await asyncio.sleep(0)
        assert connected.pop().fileno() == -1
