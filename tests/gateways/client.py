"""A plain HTTP client that believes nothing. In: a base URL. Out: what came back, to the byte, and when."""

import asyncio
import http.client
import io
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Answer:
    """What a server sent until it closed."""

    status: int | None
    """Status code; None when what came is not HTTP."""
    headers: list[tuple[str, str]]
    """Name and value as received, in order."""
    body: bytes
    """The body, without its chunk framing; all bytes when it is not HTTP."""
    seconds: float
    """From the connect to the close."""


class _Received(io.BytesIO):
    """Bytes in the shape of the socket that http.client reads from."""

    def makefile(self, mode: str) -> io.BytesIO:
        return self


async def fetch(base_url: str, host: str = "shop.example") -> Answer:
    """One GET / on a connection of its own, read until the server closes."""
    address = urlsplit(base_url)
    assert address.hostname is not None
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        with closing(writer):
            writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode())
            data = await reader.read()
    seconds = loop.time() - started
    response = http.client.HTTPResponse(_Received(data))  # type: ignore[arg-type]
    try:
        response.begin()
        return Answer(response.status, response.getheaders(), response.read(), seconds)
    except http.client.HTTPException:
        return Answer(None, [], data, seconds)
