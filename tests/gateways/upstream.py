"""Misbehaving upstreams on loopback. In: the name of a behaviour. Out: the port of a server that behaves so."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.listening import listening

HEALTHY = (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 63\r\nConnection: close\r\n\r\n"
           b"<!doctype html><title>Shop</title><h1>All shelves are full</h1>")
GARBAGE = b"HTTP/1.1 200 OK\r\n\x00\x01\x02 no header \xff\r\n: nor this\r\n\x7fELF"
NOT_HTTP = b"\x16\x03\x01 this is not HTTP \x00\xff\r\n\r\nneither is this\r\n"
ANSWERS = {"healthy": HEALTHY, "garbage": GARBAGE, "not-http": NOT_HTTP}

MISBEHAVIOURS = ("refuses", "closes-early", "garbage", "never-answers")
BEHAVIOURS = ("healthy", *MISBEHAVIOURS, "not-http")
"""`garbage` starts like HTTP and goes on in nonsense; `not-http` never looks like it, and some gateways relay it."""


class _Server(asyncio.Protocol):
    """Reads one request head, then does what its behaviour says."""

    def __init__(self, behaviour: str) -> None:
        self.behaviour = behaviour
        self.received = b""
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.transport is None or b"\r\n\r\n" not in self.received or self.behaviour == "never-answers":
            return
        self.transport.write(ANSWERS.get(self.behaviour, b""))
        self.transport.close()


@asynccontextmanager
async def upstream(behaviour: str) -> AsyncIterator[int]:
    """The port of an upstream on 127.0.0.1 that behaves as told (one of BEHAVIOURS); it is gone at the end.

    `refuses` holds its port without listening on it, so that the kernel refuses and nobody else can take the port.
    """
    if behaviour not in BEHAVIOURS:
        raise ValueError(f"no upstream behaves like {behaviour!r}")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        if behaviour == "refuses":
            yield port
            return
        async with listening(lambda: _Server(behaviour), sock):
            yield port
