"""Every limit of the guard stops what it should, and says so once."""

import asyncio
import errno
import time

import pytest

from capture.record.request import Limits
from tests.dnsserver import DnsServer
from tests.listening import streams
from tests.socksclient import (
    NO_HOST,
    NO_PORT,
    OK,
    PUBLIC,
    REFUSED,
    Connects,
    ask,
    closed,
    flood,
    guard,
    outcome,
    read_all,
    silent,
)


async def test_connections_beyond_the_cap_are_cut_and_said() -> None:
    limits = Limits(connections=2)
    async with streams(silent) as port, guard(connect := Connects(port), limits=limits) as subject:
        listener = await subject.listen("page")
        replies = [await ask(listener, PUBLIC) for _ in range(4)]
        for _, client in replies:
            client.close()
    assert [code for code, _ in replies] == [OK, OK, None, None]
    assert len(connect.dialled) == 2
    assert subject.dials()[3].rule == "limit connections"
    assert [hit.sentence for hit in subject.limits_hit] == ["no connection was opened after the first 2"]


async def test_connections_at_one_time_are_capped_and_freed_again() -> None:
    async with streams(silent) as port, guard(Connects(port), limits=Limits(parallel_connections=2)) as subject:
        listener = await subject.listen("page")
        replies = await asyncio.gather(*(ask(listener, PUBLIC) for _ in range(5)))
        assert sorted(str(code) for code, _ in replies) == ["0", "0", "None", "None", "None"]
        for _, client in replies:
            client.close()
        open_ones = [dial.id for dial in subject.dials() if dial.verdict == "allowed"]
        for position in open_ones:
            await closed(subject, position)
        code, client = await ask(listener, PUBLIC)
        client.close()
    assert code == OK
    assert [hit.limit for hit in subject.limits_hit] == ["parallel_connections"]


async def test_refused_and_failed_requests_do_not_use_up_the_places() -> None:
    connect = Connects(failures={PUBLIC: errno.ECONNREFUSED})
    with DnsServer({"inward.test": ("A 10.0.0.1",)}) as zone:
        async with guard(connect, zone=zone, limits=Limits(parallel_connections=1)) as subject:
            hosts = ("gone.test", "inward.test", PUBLIC, "gone.test", "inward.test", PUBLIC)
            codes = [(await outcome(subject, host))[0] for host in hosts]
    assert codes == [NO_HOST, REFUSED, NO_PORT] * 2


async def test_too_many_bytes_down_are_cut_and_nothing_is_opened_afterwards() -> None:
    async with streams(flood) as port, guard(Connects(port), limits=Limits(down_bytes=50_000)) as subject:
        listener = await subject.listen("page")
        _, client = await ask(listener, PUBLIC)
        with client:
            data, end = await read_all(client)
        dial = await closed(subject)
        code, client = await ask(listener, PUBLIC)
        client.close()
    assert (len(data) <= 50_000, end, dial.closed_by) == (True, "reset", "cap")
    assert (code, subject.dials()[1].rule) == (None, "limit down_bytes")
    assert [(hit.limit, hit.sentence) for hit in subject.limits_hit] == [
        ("down_bytes", "receiving was stopped after 50000 bytes")
    ]


async def test_too_many_bytes_up_are_not_sent() -> None:
    async with streams(silent) as port, guard(Connects(port), limits=Limits(up_bytes=2_000_000)) as subject:
        _, client = await ask(await subject.listen("page"), PUBLIC)
        with client:
            with pytest.raises(OSError, match=r"reset|pipe"):
                await asyncio.get_running_loop().sock_sendall(client, b"x" * 20_000_000)
        dial = await closed(subject)
    assert dial.bytes_up <= 2_000_000
    assert (dial.closed_by, subject.limits_hit[0].sentence) == ("cap", "sending was stopped after 2 MB")


async def test_a_connection_without_a_byte_is_cut_after_the_idle_limit() -> None:
    async with streams(silent) as port, guard(Connects(port), limits=Limits(connection_idle_s=0.2)) as subject:
        _, client = await ask(await subject.listen("page"), PUBLIC)
        with client:
            assert await read_all(client) == (b"", "reset")
        dial = await closed(subject)
    assert dial.closed_by == "idle"
    assert 190 < (dial.duration_ms or 0) < 20_000
    assert subject.limits_hit[0].sentence == "connections without a byte for 0.2 s were closed"


async def test_a_dripping_connection_is_not_idle() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(6):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.4)
        writer.close()

    async with streams(drip) as port, guard(Connects(port), limits=Limits(connection_idle_s=2.0)) as subject:
        _, client = await ask(await subject.listen("page"), PUBLIC)
        with client:
            assert await read_all(client) == (b"......", "fin")
    assert subject.limits_hit == []


async def test_nothing_is_opened_after_the_capture_should_be_over() -> None:
    connect = Connects()
    async with guard(connect, started=time.monotonic() - 91) as subject:
        code, dial = await outcome(subject, PUBLIC)
    assert (code, dial.rule, connect.dialled) == (None, "limit total_s", [])
    assert subject.limits_hit[0].sentence == "no connection was opened after 90 s"
