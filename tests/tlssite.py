"""A TLS server for each way in which TLS can go wrong. In: the name of a case. Out: "hello", or the failure."""

import asyncio
import ssl
import tempfile
import warnings
from pathlib import Path

from tests.brokensite import HTML, Server, answer, page
from tests.certs import issued

ALERT = bytes.fromhex("15030300020228")
"""A TLS record with the fatal alert handshake_failure (40), RFC 8446 section 6."""

NAKED = ("plaintext", "alert", "silent", "closes", "talks-first")
"""Kinds that never speak TLS."""
BY_HAND = "sni-only"
"""Kind whose handshake is made here, because asyncio drops the alert of a handshake that it refuses."""


class TlsSite(Server):
    """Serves "hello" with the certificate of a case.

    Kinds: ok, expired, not-yet-valid, wrong-name, expired-wrong-name, self-signed, untrusted-root, incomplete-chain,
    sha1 (all tests.certs.issued), tls-1.0 (an old server), sni-only (alert unless a server name is sent),
    plaintext (answers the hello with HTTP, as a plain port does), talks-first (a banner), alert, silent, closes.
    """

    scheme = "https"

    def __init__(self, kind: str, host: str = "127.0.0.1") -> None:
        """KIND is one of the names above; HOST the address to listen on."""
        super().__init__(host)
        self.kind = kind

    def tls(self) -> ssl.SSLContext | None:
        """The server's side of TLS; absent for kinds that do not speak it."""
        return None if self.kind in (*NAKED, BY_HAND) else self.context()

    def context(self) -> ssl.SSLContext:
        """A context with the certificate of the case."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.set_alpn_protocols(["http/1.1"])
        if self.kind == "tls-1.0":
            _only_the_oldest(context)
        if self.kind == "sni-only":
            context.sni_callback = _wants_a_name
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "server.pem"
            path.write_bytes(issued(self.kind).pem)
            context.load_cert_chain(path)
        return context

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one connection."""
        if self.kind == "talks-first":
            writer.write(b"220 mail.test ESMTP\r\n")
        if self.kind == BY_HAND:
            return await _handshake(self.context(), reader, writer)
        data = await reader.read(65_536)
        match self.kind:
            case "alert":
                writer.write(ALERT)
            case "silent":
                await asyncio.sleep(3600)
            case "closes" | "talks-first":
                return
            case "plaintext":
                writer.write(answer("400 Bad Request", HTML, body=page("Plain HTTP here")))
            case _:
                writer.write(answer("200 OK", HTML, body=page("hello")) if data else b"")
        await writer.drain()


async def _handshake(context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
            data = await reader.read(65_536)
            if not data:
                return
            incoming.write(data)
            continue
        except ssl.SSLError:
            # What is left in the buffer is the alert.
            pass
        writer.write(outgoing.read())
        return await writer.drain()


def _only_the_oldest(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1


def _wants_a_name(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int | None:
    return None if name else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
