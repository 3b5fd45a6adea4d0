"""The server's side of a WebSocket, just enough to shake hands and listen (RFC 6455). In: a visit. Out: nothing."""

import asyncio
import base64
import hashlib
import re

from tests.brokensite import Visit

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def echo(visit: Visit) -> None:
    """Accepts the connection and keeps it open while the page sends."""
    key = re.search(rb"(?i)sec-websocket-key: (\S+)", visit.head)
    assert key is not None
    accept = base64.b64encode(hashlib.sha1(key[1] + MAGIC).digest())
    await visit.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    await asyncio.sleep(5)
