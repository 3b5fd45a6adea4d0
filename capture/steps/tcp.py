"""Every address on its own. In: the host's addresses. Out: one TcpProbe each: connected, refused, silent, and when."""

import asyncio

from capture.context import Context
from capture.record.network import TcpProbe
from capture.steps import reach

ADDRESSES = 8
"""Addresses that are tried."""


async def run(context: Context) -> tuple[TcpProbe, ...]:
    """Connects to each address through the guard, all at the same time; empty when there is no address."""
    resolution = await context.resolver.addresses(context.host)
    return tuple(await asyncio.gather(*(_probe(context, address) for address in resolution.addresses[:ADDRESSES])))


async def _probe(context: Context, address: str) -> TcpProbe:
    opened = await reach.connect(context, context.host, context.port, "tcp", address)
    if opened is None:
        return TcpProbe(address=address, port=context.port, outcome="timed-out")
    dial = context.guard.dials()[opened.dial]
    await opened.close()
    return TcpProbe(
        address=address,
        port=context.port,
        outcome=reach.outcome(dial),
        connect_ms=dial.connect_ms,
        errno=dial.errno,
        dial=opened.dial,
    )
