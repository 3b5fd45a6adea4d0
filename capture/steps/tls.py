"""Each address's TLS on its own. In: the host's addresses. Out: one TlsProbe a handshake, with the chain as sent.

Every address is asked with the server name, the first one also without. One handshake tells everything: nothing is
refused in it, and what validation would have refused is written down.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any, Literal

from capture.context import Context
from capture.policy import literal
from capture.record.network import Dial, TlsProbe
from capture.steps import reach

if TYPE_CHECKING:
    from OpenSSL import SSL

    from capture.guard import Opened
    from capture.tls_stream import TlsStream

ADDRESSES = 4
"""Addresses that are asked."""
OFFERED = ("h2", "http/1.1")
"""Application protocols offered."""

Outcome = Literal["completed", "alert", "reset", "closed", "timed-out", "not-tls", "policy", "failed"]

BEFORE_TLS: dict[reach.Outcome, Outcome] = {"policy": "policy", "reset": "reset", "timed-out": "timed-out"}
"""Connects that failed, in the words of a handshake; the rest is `failed`."""


async def run(context: Context) -> tuple[TlsProbe, ...] | None:
    """Shakes hands with each address at the same time; None for http. Raises ValueError for unreadable extra roots."""
    if context.scheme != "https":
        return None
    resolution = await context.resolver.addresses(context.host)
    if not resolution.addresses:
        return ()
    # The libraries take a while to load, and the browser is being driven by this same loop.
    client = await asyncio.to_thread(_client, context)
    name = None if literal(context.host) else context.host
    asked = [(address, name) for address in resolution.addresses[:ADDRESSES]]
    if name is not None:
        asked.append((resolution.addresses[0], None))
    return tuple(await asyncio.gather(*(_probe(context, client, address, sent) for address, sent in asked)))


def _client(context: Context) -> "SSL.Context":
    from capture import certificates, tls_stream

    return tls_stream.client(certificates.roots(context.request.extra_roots), OFFERED)


async def _probe(context: Context, client: "SSL.Context", address: str, name: str | None) -> TlsProbe:
    probe = TlsProbe(address=address, port=context.port, server_name=name, outcome="timed-out")
    opened = await reach.connect(context, context.host, context.port, "tls", address)
    if opened is None:
        return probe
    probe = probe.model_copy(update={"dial": opened.dial})
    try:
        if opened.reader is None or opened.writer is None:
            return probe.model_copy(update=_unconnected(context.guard.dials()[opened.dial]))
        return probe.model_copy(update=await _handshake(context, client, opened, name))
    finally:
        await opened.close()


def _unconnected(dial: Dial) -> dict[str, Any]:
    return {"outcome": BEFORE_TLS.get(reach.outcome(dial), "failed"), "error": dial.rule or dial.errno or dial.error}


async def _handshake(context: Context, client: "SSL.Context", opened: "Opened", name: str | None) -> dict[str, Any]:
    """The fields of the probe that one handshake tells."""
    from capture.tls_stream import TlsFailure, TlsStream

    assert opened.reader is not None
    assert opened.writer is not None
    stream = TlsStream(client, opened.reader, opened.writer, name)
    started = time.perf_counter()
    try:
        async with asyncio.timeout(context.limits.probe_s):
            await stream.handshake()
    except TimeoutError:
        # TlsFailure and TimeoutError are both OSError: the deadline of ours comes first.
        return {"outcome": "timed-out", "handshake_ms": _ms(started)}
    except TlsFailure as failure:
        return {"outcome": failure.kind, "error": str(failure), "handshake_ms": _ms(started)}
    except ConnectionError as error:
        return {"outcome": "reset", "error": error.strerror, "handshake_ms": _ms(started)}
    return {"outcome": "completed", "handshake_ms": _ms(started)} | _agreed(context, stream)


def _agreed(context: Context, stream: "TlsStream") -> dict[str, Any]:
    from capture import certificates

    connection = stream.connection
    fields: dict[str, Any] = {
        "version": connection.get_protocol_version_name(),
        "cipher": connection.get_cipher_name(),
        "alpn": stream.alpn(),
        "ocsp_staple": stream.facts.staple,
    }
    try:
        chain = connection.get_peer_cert_chain(as_cryptography=True) or []
        records = tuple(certificates.describe(certificate, context.writer) for certificate in chain)
        matches = certificates.matches(chain[0], context.host) if chain else None
        problems = certificates.problems(chain, (error for error, _ in stream.facts.errors), matches)
    except ValueError as error:
        return fields | {"problems": (f"other: a certificate cannot be read: {error}",)}
    return fields | {
        "chain": records,
        "trusted": not stream.facts.errors if chain else None,
        "name_matches": matches,
        "problems": problems,
    }


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
