"""The server side of SOCKS5 (RFC 1928), as little of it as the browser needs: CONNECT, no authentication.

In: a connected client socket. Out: the host and port asked for, or nothing when it is not SOCKS5; and the reply bytes.
"""

import asyncio
import ipaddress
import socket
import struct
from typing import Final

SUCCEEDED: Final = 0
FAILED: Final = 1
NOT_ALLOWED: Final = 2
COMMAND_NOT_SUPPORTED: Final = 7

_REPLIES = {"ENETUNREACH": 3, "ENETDOWN": 3, "EHOSTUNREACH": 4, "EHOSTDOWN": 4, "ECONNREFUSED": 5, "ETIMEDOUT": 6}
_HOST_UNREACHABLE = 4
_NO_AUTHENTICATION = 0
_NONE_ACCEPTABLE = 0xFF


def reply(code: int) -> bytes:
    """The reply (RFC 1928 6); the bound address is always 0.0.0.0:0, because the browser has no use for it."""
    return bytes((5, code, 0, 1)) + bytes(6)


def code_for(errno_name: str | None) -> int:
    """The reply code for a failed connect; a name that did not resolve (None) is "host unreachable"."""
    return _HOST_UNREACHABLE if errno_name is None else _REPLIES.get(errno_name, FAILED)


async def read_request(client: socket.socket) -> tuple[str, int] | None:
    """Greets the client and reads its request; None (answered as the RFC says) when it is nothing we serve.

    Reads exactly the bytes of the request and not one of what follows. Raises OSError or EOFError when the client goes.
    """
    loop = asyncio.get_running_loop()
    version, count = await _exactly(client, 2)
    if version != 5:
        return None
    offered = _NO_AUTHENTICATION in await _exactly(client, count)
    await loop.sock_sendall(client, bytes((5, _NO_AUTHENTICATION if offered else _NONE_ACCEPTABLE)))
    if not offered:
        return None
    version, command, _, kind = await _exactly(client, 4)
    host = await _host(client, kind)
    if version != 5 or command != 1 or host is None:
        await loop.sock_sendall(client, reply(COMMAND_NOT_SUPPORTED))
        return None
    (port,) = struct.unpack("!H", await _exactly(client, 2))
    return host, port


async def _host(client: socket.socket, kind: int) -> str | None:
    if kind == 1:
        return str(ipaddress.IPv4Address(await _exactly(client, 4)))
    if kind == 4:
        return str(ipaddress.IPv6Address(await _exactly(client, 16)))
    if kind == 3:
        (length,) = await _exactly(client, 1)
        return (await _exactly(client, length)).decode("ascii", "backslashreplace")
    return None


async def _exactly(client: socket.socket, count: int) -> bytes:
    loop, parts = asyncio.get_running_loop(), b""
    while len(parts) < count:
        part = await loop.sock_recv(client, count - len(parts))
        if not part:
            raise EOFError("the client left in the middle of its request")
        parts += part
    return parts
