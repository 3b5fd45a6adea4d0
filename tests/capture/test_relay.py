"""What the site does reaches the browser unchanged, and the other way round."""

import asyncio
import socket
from contextlib import suppress

import pytest

from tests.listening import streams
from tests.socksclient import (
    OK,
    PUBLIC,
    Connects,
    ask,
    closed,
    cut,
    guard,
    read_all,
    say,
)


async def test_bytes_go_both_ways_and_are_counted() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = await reader.readexactly(5)
        await asyncio.sleep(0.05)
        await say(writer, heard.upper())

    async with streams(echo) as port, guard(Connects(port)) as subject:
        code, client = await ask(await subject.listen("page"), PUBLIC)
        with client:
            await asyncio.get_running_loop().sock_sendall(client, b"hello")
            assert (code, await read_all(client)) == (OK, (b"HELLO", "fin"))
        dial = await closed(subject)
    assert (dial.verdict, dial.bytes_up, dial.bytes_down, dial.closed_by, dial.error) == ("allowed", 5, 5, "peer", None)
    assert 40 < (dial.first_byte_ms or 0) < 20_000
    assert subject.limits_hit == []


async def test_a_reset_of_the_site_reaches_the_browser_as_a_reset_after_all_its_bytes() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(b"x" * 100_000)
        await writer.drain()
        await asyncio.sleep(0.05)
        cut(writer)

    async with streams(reset) as port, guard(Connects(port)) as subject:
        _, client = await ask(await subject.listen("page"), PUBLIC)
        with client:
            await asyncio.get_running_loop().sock_sendall(client, b"?")
            data, end = await read_all(client)
        dial = await closed(subject)
    assert (len(data), end) == (100_000, "reset")
    assert (dial.closed_by, dial.bytes_down) == ("peer-reset", 100_000)


async def test_an_answer_that_comes_before_the_upload_is_refused_is_still_read() -> None:
    async def too_large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(10)
        await say(writer, b"413")

    async with streams(too_large) as port, guard(Connects(port)) as subject:
        _, client = await ask(await subject.listen("page"), PUBLIC)
        with client:
            loop = asyncio.get_running_loop()
            upload = asyncio.create_task(loop.sock_sendall(client, b"x" * 15_000_000))
            assert (await read_all(client))[0] == b"413"
            with pytest.raises(OSError, match=r"reset|pipe"):
                await upload
        assert (await closed(subject)).closed_by in ("peer", "peer-reset")


def fill(client: socket.socket) -> None:
    """Sends until nothing more is taken."""
    with suppress(BlockingIOError):
        while client.send(b"x" * 65536):
            pass


async def test_a_reset_in_the_middle_of_an_upload_reaches_the_browser_as_a_reset() -> None:
    async def give_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(10)
        writer.write(b"wait")
        await asyncio.sleep(0.05)
        cut(writer)

    async with streams(give_up) as port, guard(Connects(port)) as subject:
        _, client = await ask(await subject.listen("page"), PUBLIC)
        with client:
            fill(client)
            assert await read_all(client) == (b"wait", "reset")
        assert (await closed(subject)).closed_by == "peer-reset"


async def test_a_close_without_a_byte_reaches_the_browser_as_a_close() -> None:
    async with streams(lambda reader, writer: say(writer, b"")) as port, guard(Connects(port)) as subject:
        _, client = await ask(await subject.listen("page"), PUBLIC)
        with client:
            assert await read_all(client) == (b"", "fin")
        dial = await closed(subject)
    assert (dial.closed_by, dial.first_byte_ms, dial.bytes_down) == ("peer", None, 0)


async def test_the_browser_may_finish_sending_and_still_read_the_answer() -> None:
    async def after_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await say(writer, (await reader.read()).upper())

    async with streams(after_the_end) as port, guard(Connects(port)) as subject:
        _, client = await ask(await subject.listen("page"), PUBLIC)
        with client:
            await asyncio.get_running_loop().sock_sendall(client, b"all")
            client.shutdown(socket.SHUT_WR)
            assert await read_all(client) == (b"ALL", "fin")


async def test_the_site_may_finish_sending_and_still_read_what_the_browser_sends() -> None:
    heard = asyncio.get_running_loop().create_future()

    async def finish_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write_eof()
        heard.set_result(await reader.read())
        writer.close()

    async with streams(finish_first) as port, guard(Connects(port)) as subject:
        _, client = await ask(await subject.listen("page"), PUBLIC)
        with client:
            assert await read_all(client) == (b"", "fin")
            await asyncio.get_running_loop().sock_sendall(client, b"late")
        assert await heard == b"late"


async def test_a_browser_that_leaves_ends_the_connection_to_the_site() -> None:
    ended = asyncio.get_running_loop().create_future()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except OSError:
            ended.set_result(True)

    async with streams(endless) as port, guard(Connects(port)) as subject:
        _, client = await ask(await subject.listen("page"), PUBLIC)
        await asyncio.get_running_loop().sock_recv(client, 1000)
        client.close()
        assert await asyncio.wait_for(ended, 5)
        assert (await closed(subject)).closed_by == "us"


async def test_a_browser_that_does_not_read_slows_the_site_down() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except OSError:
            writer.close()

    async with streams(endless) as port, guard(Connects(port)) as subject:
        _, client = await ask(await subject.listen("page"), PUBLIC)
        with client:
            seen = [0, 0, 0]
            while seen[-1] == 0 or len(set(seen[-3:])) > 1:
                await asyncio.sleep(0.1)
                seen.append(subject.dials()[0].bytes_down)
            assert seen[-1] < 50_000_000


async def test_many_megabytes_pass_unchanged() -> None:
    block = bytes(range(256)) * 4096

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(32):
            writer.write(block)
            await writer.drain()
        writer.close()

    async with streams(send) as port, guard(Connects(port)) as subject:
        opened = await subject.open(PUBLIC, 80, "tcp")
        assert opened.reader
        for _ in range(32):
            assert await opened.reader.readexactly(len(block)) == block
        assert await opened.reader.read() == b""
        await opened.close()
        assert subject.dials()[0].bytes_down == 32 * len(block)
