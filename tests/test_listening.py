"""The servers of the tests leave no connection open behind them."""

import asyncio
import gc
import socket
from collections.abc import Callable
from typing import Any

import pytest

from capture.dialer import connect_tcp
from tests.listening import listening, streams
from tests.tlssite import TlsSite


def _quiet() -> asyncio.Protocol:
    return asyncio.Protocol()


@pytest.mark.parametrize("tls", [False, True])
async def test_a_connection_ends_with_its_server_however_far_it_has_come(*, tls: bool) -> None:
    context = TlsSite("ok").context() if tls else None
    for turns in range(6):
        sock = socket.create_server(("127.0.0.1", 0))
        async with listening(_quiet, sock, context):
            client = await connect_tcp("127.0.0.1", sock.getsockname()[1])
            await _turns(turns)
        with client:
            assert await _end(client) in (b"", "reset")
    gc.collect()  # what is left open warns now, and a warning is a failure


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def _end(client: socket.socket) -> bytes | str:
    try:
        return await asyncio.get_running_loop().sock_recv(client, 1)
    except ConnectionResetError:
        return "reset"


@pytest.mark.parametrize("ends", [lambda writer: None, lambda writer: writer.close()])
async def test_a_stream_ends_with_its_coroutine(ends: Callable[[asyncio.StreamWriter], Any]) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends(writer)

    for turns in range(6):
        async with streams(serve) as port:
            client = await connect_tcp("127.0.0.1", port)
            await _turns(turns)
        with client:
            assert await _end(client) in (b"", "reset")
    gc.collect()
