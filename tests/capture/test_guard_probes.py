"""Connections that the probes open: the same checks, counts and endings as the browser's."""

import asyncio
import ssl

import pytest

from tests.dnsserver import DnsServer
from tests.listening import streams
from tests.socksclient import (
    PUBLIC,
    Connects,
    cut,
    guard,
    say,
    silent,
)


async def test_a_probe_meets_the_same_checks() -> None:
    with DnsServer({"inward.test": ("A 10.0.0.1",), "site.test": (f"A {PUBLIC}",)}) as zone:
        async with guard(connect := Connects(), zone=zone) as subject:
            opened = [
                await subject.open("inward.test", 80, "tcp"),
                await subject.open("site.test", 6379, "tcp"),
                await subject.open("site.test", 80, "tcp", "10.0.0.1"),
                await subject.open("site.test", 80, "tcp", "site.test"),
                await subject.open("127.0.0.1", 80, "tcp"),
            ]
            for one in opened:
                await one.close()
    assert [(one.dial, one.reader, one.writer) for one in opened] == [(n, None, None) for n in range(5)]
    assert [dial.verdict for dial in subject.dials()] == ["refused"] * 5
    assert connect.dialled == []


async def test_a_probe_can_pick_one_address_and_then_nothing_is_resolved() -> None:
    with DnsServer({}) as zone:
        async with (
            streams(lambda reader, writer: say(writer, b"hi")) as port,
            guard(connect := Connects(port), zone=zone) as subject,
        ):
            opened = await subject.open("site.test", 443, "tls", PUBLIC)
            assert opened.reader
            assert await opened.reader.read() == b"hi"
            await opened.close()
            dial = subject.dials()[0]
    assert (connect.dialled, zone.queries) == ([(PUBLIC, 443)], [])
    assert (dial.host, dial.address, dial.purpose, dial.closed_by) == ("site.test", PUBLIC, "tls", "peer")
    assert dial.duration_ms is not None


async def test_a_reset_reaches_a_probe_as_a_reset() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        cut(writer)

    async with streams(reset) as port, guard(Connects(port)) as subject:
        opened = await subject.open(PUBLIC, 80, "plain-http")
        assert opened.reader
        assert opened.writer
        opened.writer.write(b"?")
        with pytest.raises(ConnectionResetError):
            await opened.reader.read()
        await opened.close()
    assert subject.dials()[0].closed_by == "peer-reset"


async def test_a_probe_that_closes_is_recorded_as_ours_at_once() -> None:
    async with streams(silent) as port, guard(Connects(port)) as subject:
        opened = await subject.open(PUBLIC, 80, "tcp")
        assert subject.dials()[0].duration_ms is None
        await opened.close()
        dial = subject.dials()[0]
    assert (dial.closed_by, dial.verdict) == ("us", "allowed")
    assert dial.duration_ms is not None


async def test_a_probe_can_speak_tls_over_it() -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        await say(writer, b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with streams(garbage) as port, guard(Connects(port)) as subject:
        opened = await subject.open(PUBLIC, 443, "tls")
        assert opened.writer
        with pytest.raises(ssl.SSLError):
            await opened.writer.start_tls(ssl.create_default_context(), server_hostname="site.test")
        await opened.close()
    assert subject.dials()[0].bytes_up > 100
