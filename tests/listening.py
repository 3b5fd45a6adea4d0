"""Servers of the tests whose connections end with them. In: a protocol or a coroutine, and where to listen. Out: a
server that leaves no connection open behind it.

asyncio's own servers leave open what they have just accepted and what nobody closes; the test that runs when such a
connection is collected is the one that fails.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(factory: Callable[[], asyncio.BaseProtocol], sock: socket.socket,
                    tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """Serves every connection to SOCK (bound; closed at the end) with a protocol of its own, inside TLS if given."""
    loop = asyncio.get_running_loop()
    connections: dict[socket.socket, asyncio.WriteTransport | None] = {}
    tasks: set[asyncio.Task[None]] = set()

    async def serve(connection: socket.socket) -> None:
        connections[connection] = None
        with suppress(OSError):  # a client that left, or that does not trust us
            connections[connection], _ = await loop.connect_accepted_socket(factory, connection, ssl=tls)

    def accept() -> None:
        with suppress(OSError):  # it left while it was queued
            connection, _ = sock.accept()
            task = asyncio.create_task(serve(connection))
            tasks.add(task)
            task.add_done_callback(partial(ended, connection))

    def ended(connection: socket.socket, task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if connection not in connections:  # cancelled before it began
            connection.close()

    sock.setblocking(False)
    with sock:
        sock.listen(128)
        loop.add_reader(sock, accept)
        try:
            yield
        finally:
            loop.remove_reader(sock)
            await _cancelled(tasks)
            await _ended(connections)


async def _ended(connections: dict[socket.socket, asyncio.WriteTransport | None]) -> None:
    for connection, transport in connections.items():
        if transport is not None and not transport.is_closing():
            transport.abort()
        with suppress(OSError):  # a transport that waits for its client's farewell is not to wait any more
            connection.shutdown(socket.SHUT_RDWR)
    while any(connection.fileno() != -1 for connection in connections):
        await asyncio.sleep(0)


@asynccontextmanager
async def streams(handler: Handler, host: str = "127.0.0.1", port: int = 0,
                  tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serves every connection with a coroutine, and closes it after that; the port."""
    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_converse(handler, reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.create_server((host, port), family=family)
    async with listening(lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader(), begin), sock, tls):
        try:
            yield sock.getsockname()[1]
        finally:
            await _cancelled(tasks)


async def _converse(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
        try:
            await handler(reader, writer)
        finally:
            writer.close()
            await asyncio.wait_for(writer.wait_closed(), 1)


async def _cancelled(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
