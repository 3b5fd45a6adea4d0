"""TLS over a stream that the guard opened. In: reader, writer, server name. Out: the handshake's facts, a byte stream.

Nothing is refused here: certificates are looked at and never stand in the way, old versions and ciphers are spoken,
so that a broken or old server is described and not merely failed.
"""

import asyncio
import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Literal

from OpenSSL import SSL, crypto

if TYPE_CHECKING:
    from cryptography import x509

BLOCK = 65_536
CIPHERS = b"ALL:!aNULL:!eNULL:@SECLEVEL=0"

ALERT = re.compile(r"\balert\b|\btls(v1)? (unrecognized name|unsupported extension|bad certificate|certificate unob)")
"""OpenSSL's words for an alert that was received; those of RFC 6066 lack the word itself."""

Failure = Literal["alert", "reset", "closed", "not-tls", "failed"]


class TlsFailure(OSError):
    """The handshake or the stream broke; `kind` says how, the message is what the library said."""

    def __init__(self, kind: Failure, message: str) -> None:
        """KIND is the record's word for it."""
        super().__init__(message)
        self.kind = kind


class Facts:
    """What the callbacks of one handshake were told."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.errors: list[tuple[int, int]] = []
        """Verification errors as (OpenSSL's X509_V_ERR number, depth)."""
        self.staple: bool | None = None
        """Whether an OCSP response was stapled."""


def _verified(connection: SSL.Connection, _: object, error: int, depth: int, __: int) -> bool:
    facts = connection.get_app_data()
    if error and (error, depth) not in facts.errors:
        facts.errors.append((error, depth))
    return True


def _stapled(connection: SSL.Connection, response: bytes, _: object) -> bool:
    connection.get_app_data().staple = bool(response)
    return True


def client(extra_roots: Iterable["x509.Certificate"] = (), alpn: Iterable[str] = ()) -> SSL.Context:
    """A context that trusts this machine's roots and the extra ones, and offers the application protocols."""
    context = SSL.Context(SSL.TLS_METHOD)
    _speak_anything(context)
    context.set_verify(SSL.VERIFY_PEER, _verified)
    context.set_ocsp_client_callback(_stapled)
    context.set_default_verify_paths()
    store = context.get_cert_store()
    for root in extra_roots:
        if store is not None:
            store.add_cert(crypto.X509.from_cryptography(root))
    if protocols := [name.encode() for name in alpn]:
        context.set_alpn_protos(protocols)
    return context


@cache
def lenient_client(alpn: tuple[str, ...]) -> SSL.Context:
    """A context for those to whom certificates do not matter; shared."""
    context = SSL.Context(SSL.TLS_METHOD)
    _speak_anything(context)
    context.set_alpn_protos([name.encode() for name in alpn])
    return context


def _speak_anything(context: SSL.Context) -> None:
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_cipher_list(CIPHERS)
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)


class TlsStream:
    """One TLS connection over a reader and a writer."""

    def __init__(
        self,
        context: SSL.Context,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_name: str | None,
    ) -> None:
        """SERVER_NAME is sent as SNI when given; address literals are never sent (RFC 6066 section 3)."""
        self.connection = SSL.Connection(context, None)
        self.facts = Facts()
        self.first_bytes = b""
        """Up to 200 first bytes that the peer sent."""
        self._reader = reader
        self._writer = writer
        self.connection.set_app_data(self.facts)
        self.connection.set_connect_state()
        self.connection.request_ocsp()
        if server_name is not None:
            self.connection.set_tlsext_host_name(server_name.encode("ascii"))

    async def handshake(self) -> None:
        """Agrees on keys; raises TlsFailure."""
        while True:
            try:
                self.connection.do_handshake()
                return await self._flush()
            except SSL.WantReadError:
                await self._flush()
                await self._feed()
            except SSL.Error as error:
                await self._flush()
                raise self._failure(error) from error

    async def write(self, data: bytes) -> None:
        """Sends data; raises TlsFailure, OSError."""
        try:
            self.connection.sendall(data)
        except SSL.Error as error:
            raise self._failure(error) from error
        await self._flush()

    async def read(self) -> bytes:
        """The next bytes, empty at the end of the stream, be it announced or not; raises TlsFailure, OSError."""
        while True:
            try:
                return self.connection.recv(BLOCK)
            except (SSL.ZeroReturnError, SSL.SysCallError):
                return b""
            except SSL.WantReadError:
                await self._flush()
                await self._feed()
            except SSL.Error as error:
                if "unexpected eof" in _said(error):
                    return b""
                raise self._failure(error) from error

    def alpn(self) -> str | None:
        """The application protocol agreed on."""
        return self.connection.get_alpn_proto_negotiated().decode("ascii", "replace") or None

    async def _flush(self) -> None:
        while True:
            try:
                data = self.connection.bio_read(BLOCK)
            except SSL.WantReadError:
                break
            self._writer.write(data)
        await self._writer.drain()

    async def _feed(self) -> None:
        data = await self._reader.read(BLOCK)
        self.first_bytes += data[: max(0, 200 - len(self.first_bytes))]
        if data:
            self.connection.bio_write(data)
        else:
            self.connection.bio_shutdown()

    def _failure(self, error: SSL.Error) -> TlsFailure:
        message = _said(error)
        if not looks_like_tls(self.first_bytes):
            return TlsFailure("not-tls", message)
        if ALERT.search(message):
            return TlsFailure("alert", message)
        if isinstance(error, SSL.SysCallError) or "unexpected eof" in message.lower():
            return TlsFailure("closed", message)
        return TlsFailure("failed", message)


def _said(error: SSL.Error) -> str:
    """What the library said; its errors are lists of (library, function, reason)."""
    if isinstance(error, SSL.SysCallError) or not error.args or not isinstance(error.args[0], list):
        return " ".join(str(argument) for argument in error.args if argument != -1)
    return "; ".join(str(entry[-1]) for entry in error.args[0])


def looks_like_tls(data: bytes) -> bool:
    """Whether bytes begin like a TLS record (RFC 8446 section 5.1), as far as there are any."""
    return not data[:1] or (0x14 <= data[0] <= 0x18 and data[1:2] in (b"", b"\x03"))
