"""A server that speaks HTTP/2 and nothing else. In: a path. Out: an answer, whole or broken, on the stream asked."""

import asyncio
import contextlib
import ssl

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from tests.brokensite import page
from tests.tlssite import TlsSite

Fields = list[tuple[str, str]]


class H2Site(TlsSite):
    """Serves /ok, /hints, /headers, /redirect, /reset, /cut, /short, /goaway, /garbage and /silent over h2."""

    def __init__(self, host: str = "127.0.0.1", kind: str = "ok") -> None:
        """HOST is the address to listen on; KIND the certificate's case."""
        super().__init__(kind, host)
        self.seen: list[Fields] = []
        """The fields of every request, in order."""

    def context(self) -> ssl.SSLContext:
        """Offers h2 alone."""
        context = super().context()
        context.set_alpn_protocols(["h2"])
        return context

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one connection; ends it when the client speaks something else."""
        with contextlib.suppress(h2.exceptions.ProtocolError):
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.local_settings.enable_push = 0
        connection.initiate_connection()
        while True:
            writer.write(connection.data_to_send())
            await writer.drain()
            data = await reader.read(65_536)
            if not data:
                return
            requests = [e for e in connection.receive_data(data) if isinstance(e, h2.events.RequestReceived)]
            for request in requests:
                fields = [(str(name), str(value)) for name, value in request.headers]
                self.seen.append(fields)
                if not await self._answer(connection, request.stream_id, dict(fields)[":path"], writer):
                    return

    async def _answer(
        self, connection: h2.connection.H2Connection, stream: int, path: str, writer: asyncio.StreamWriter
    ) -> bool:
        """Answers one request; false when the connection ends with it."""
        fields: Fields = [(":status", "200"), ("content-type", "text/html"), ("x-twice", "a"), ("x-twice", "b")]
        match path:
            case "/redirect":
                connection.send_headers(stream, [(":status", "302"), ("location", "/ok")], end_stream=True)
            case "/reset":
                connection.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
            case "/goaway":
                connection.close_connection(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
            case "/silent":
                await asyncio.sleep(3600)
            case "/garbage":
                writer.write(b"\xff" * 64)
            case "/cut" | "/short":
                connection.send_headers(stream, [*fields, ("content-length", "5000")])
                connection.send_data(stream, b"only this", end_stream=path == "/short")
            case _:
                if path == "/hints":
                    connection.send_headers(stream, [(":status", "103"), ("link", "</a.css>; rel=preload")])
                connection.send_headers(stream, fields)
                connection.send_data(stream, page("over h2"), end_stream=True)
        writer.write(connection.data_to_send())
        await writer.drain()
        return path != "/cut"
