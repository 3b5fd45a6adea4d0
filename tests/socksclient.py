"""A guard between a SOCKS5 client and servers on loopback. In: what to dial. Out: replies, bytes and the log."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

from capture.dialer import connect_tcp
from capture.guard import Guard
from capture.policy import Policy
from capture.record.network import Dial
from capture.record.request import Limits
from capture.resolver import Resolver
from tests.dnsserver import DnsServer

PUBLIC = "93.184.216.34"
PUBLIC_6 = "2606:2800:220:1::1"
OK, REFUSED, NO_NET, NO_HOST, NO_PORT, TIMED_OUT = 0, 2, 3, 4, 5, 6


class Connects:
    """Stands where the guard dials: notes every address and leads it to a server on loopback, or fails."""

    def __init__(self, port: int = 0, failures: dict[str, int | None] | None = None) -> None:
        self.port = port
        self.failures = failures or {}
        """errno by address; None hangs."""
        self.dialled: list[tuple[str, int]] = []

    async def __call__(self, address: str, port: int) -> socket.socket:
        self.dialled.append((address, port))
        if address in self.failures:
            number = self.failures[address]
            if number is None:
                await asyncio.sleep(3600)
            raise OSError(number, "no")
        return await connect_tcp("127.0.0.1", self.port)


def guard(
    connect: Connects, *, zone: DnsServer | None = None, allow: tuple[str, ...] = (), target: str | None = None,
    limits: Limits | None = None, started: float | None = None, timeout_s: float = 30,
) -> Guard:
    """A guard with the usual limits that asks `zone`, for `timeout_s`, and dials with `connect`."""
    nameserver = zone.address if zone else "127.0.0.1:9"
    resolver = Resolver((nameserver,), timeout_s=timeout_s, hosts_file=Path("/nonexistent"))
    started = time.monotonic() if started is None else started
    return Guard(Policy(allow), resolver, limits or Limits(), started, target, connect)


async def ask(guard_port: int, host: str, port: int = 80) -> tuple[int | None, socket.socket]:
    """A SOCKS5 client as Chromium is one: everything as a domain. The reply code (None: cut) and the connection."""
    loop = asyncio.get_running_loop()
    client = await connect_tcp("127.0.0.1", guard_port)
    name = host.encode()
    try:
        await loop.sock_sendall(client, b"\5\1\0")
        assert await loop.sock_recv(client, 2) == b"\5\0"
        await loop.sock_sendall(client, b"\5\1\0\3" + bytes([len(name)]) + name + struct.pack("!H", port))
        return (await loop.sock_recv(client, 10))[1], client
    except ConnectionResetError:
        return None, client
    except BaseException:
        client.close()
        raise


async def outcome(subject: Guard, host: str, port: int = 80) -> tuple[int | None, Dial]:
    """The reply to one request, and the line that it left in the log."""
    code, client = await ask(await subject.listen("page"), host, port)
    client.close()
    return code, subject.dials()[-1]


async def read_all(client: socket.socket) -> tuple[bytes, str]:
    """All bytes until the end, and whether it was a FIN or a reset."""
    loop, data = asyncio.get_running_loop(), b""
    try:
        while part := await loop.sock_recv(client, 1 << 16):
            data += part
    except ConnectionResetError:
        return data, "reset"
    return data, "fin"


async def closed(subject: Guard, position: int = 0) -> Dial:
    """The dial once its connection is over."""
    await until(lambda: subject.dials()[position].duration_ms is not None)
    return subject.dials()[position]


async def until(condition: Callable[[], bool]) -> None:
    """Waits until it holds; the test's own time-out ends what never does."""
    while not condition():
        await asyncio.sleep(0.005)


def cut(writer: asyncio.StreamWriter) -> None:
    """Ends a connection with a reset."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def say(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Sends the bytes and closes."""
    writer.write(data)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that never answers."""
    await reader.read()
    writer.close()


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that sends 1 MB at once."""
    try:
        for _ in range(100):
            writer.write(b"x" * 10_000)
            await writer.drain()
    except OSError:
        writer.close()
