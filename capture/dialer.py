"""Connects to one of several addresses. In: checked IP addresses and a port. Out: a socket, or how each one failed.

`connect_tcp` is the only place of this project that opens a connection to the outside.
"""

import asyncio
import errno
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

STAGGER_S: Final = 0.25
"""Head start of each address before the next one is tried too (RFC 8305 5, "Connection Attempt Delay"), seconds."""

Connect = Callable[[str, int], Awaitable[socket.socket]]

# Chromium's net/base/net_errors_posix.cc and MapConnectError in net/socket/socket_posix.cc, read 2026-08.
CHROMIUM_ERRORS: Final = {
    "EACCES": "net::ERR_NETWORK_ACCESS_DENIED",
    "EADDRINUSE": "net::ERR_ADDRESS_IN_USE",
    "EADDRNOTAVAIL": "net::ERR_ADDRESS_INVALID",
    "EAFNOSUPPORT": "net::ERR_ADDRESS_UNREACHABLE",
    "ECONNABORTED": "net::ERR_CONNECTION_ABORTED",
    "ECONNREFUSED": "net::ERR_CONNECTION_REFUSED",
    "ECONNRESET": "net::ERR_CONNECTION_RESET",
    "EHOSTDOWN": "net::ERR_ADDRESS_UNREACHABLE",
    "EHOSTUNREACH": "net::ERR_ADDRESS_UNREACHABLE",
    "ENETDOWN": "net::ERR_INTERNET_DISCONNECTED",
    "ENETRESET": "net::ERR_CONNECTION_RESET",
    "ENETUNREACH": "net::ERR_ADDRESS_UNREACHABLE",
    "EPIPE": "net::ERR_CONNECTION_RESET",
    "ETIMEDOUT": "net::ERR_CONNECTION_TIMED_OUT",
}
_NOT_SENT = ("EADDRNOTAVAIL", "EAFNOSUPPORT", "ENETUNREACH", "EACCES")


@dataclass(frozen=True)
class Attempt:
    """One connect and how it ended."""

    address: str
    """IP address."""
    connect_ms: float
    """Time to the outcome, milliseconds."""
    sock: socket.socket | None = None
    """The connected socket; None when it failed."""
    errno: str | None = None
    """The system's name of the failure."""


def chromium_error(name: str) -> str:
    """Chromium's name for a failed connect, from the system's name of the failure."""
    return CHROMIUM_ERRORS.get(name, "net::ERR_CONNECTION_FAILED")


def errno_name(error: OSError) -> str:
    """The system's name of an error, for example ECONNREFUSED; a number where it has none."""
    if isinstance(error, TimeoutError):
        return "ETIMEDOUT"
    return errno.errorcode.get(error.errno or 0, str(error.errno))


async def connect_tcp(address: str, port: int) -> socket.socket:
    """A connected, non-blocking socket; `address` is a literal, so nothing is resolved. Raises OSError."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except BaseException:
        sock.close()
        raise
    return sock


async def accept_tcp(listener: socket.socket) -> tuple[socket.socket, tuple[str, int]]:
    """The next connection to a non-blocking listener, and whose it is. Raises OSError.

    Unlike the loop's own sock_accept it loses no connection when it is cancelled just after one has come.
    """
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    while True:
        loop.add_reader(listener, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(listener)
        with suppress(BlockingIOError):
            client, name = listener.accept()
            client.setblocking(False)
            return client, name
        ready.clear()


def interleaved(addresses: Sequence[str]) -> list[str]:
    """IPv6 and IPv4 in turn, IPv6 first, otherwise in the order given (RFC 8305 4)."""
    six = deque(a for a in addresses if ":" in a)
    four = deque(a for a in addresses if ":" not in a)
    ordered = []
    while six or four:
        ordered += [queue.popleft() for queue in (six, four) if queue]
    return ordered


async def dial(addresses: Sequence[str], port: int, limit_s: float, connect: Connect = connect_tcp) -> Attempt:
    """The first address that connects; without one, the failure that says most. All within `limit_s` seconds.

    A new address is tried after STAGGER_S or as soon as one has failed. Connects that lose the race are closed.
    """
    waiting, running = deque(interleaved(addresses)), set[asyncio.Task[Attempt]]()
    failed: list[Attempt] = []
    won: list[Attempt] = []
    deadline = time.monotonic() + limit_s
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.create_task(_attempt(waiting.popleft(), port, deadline, connect)))
            done, running = await asyncio.wait(
                running, timeout=STAGGER_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            ended = [task.result() for task in done]
            won = [attempt for attempt in ended if attempt.sock]
            if won:
                _close(won[1:])
                return won[0]
            failed += ended
    finally:
        try:
            await _abandon(running)
        except asyncio.CancelledError:
            _close(won)
            raise
    return next((a for a in reversed(failed) if a.errno not in _NOT_SENT), failed[-1])


async def _attempt(address: str, port: int, deadline: float, connect: Connect) -> Attempt:
    started = time.monotonic()
    sock, name = None, None
    try:
        async with asyncio.timeout(max(0.0, deadline - started)):
            sock = await connect(address, port)
    except OSError as error:
        name = errno_name(error)
    return Attempt(address, round((time.monotonic() - started) * 1000, 3), sock, name)


async def _abandon(running: set[asyncio.Task[Attempt]]) -> None:
    for task in running:
        task.add_done_callback(_lose)
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def _lose(task: asyncio.Task[Attempt]) -> None:
    if not task.cancelled() and task.exception() is None:
        _close([task.result()])


def _close(attempts: list[Attempt]) -> None:
    for attempt in attempts:
        if attempt.sock:
            attempt.sock.close()
