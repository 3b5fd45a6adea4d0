"""What the probes without a browser share. In: an address to reach. Out: an open stream, or the word for why not."""

import asyncio
from typing import TYPE_CHECKING, Literal

from capture.context import Context
from capture.record.network import Dial, DialPurpose

if TYPE_CHECKING:
    from capture.guard import Opened

Outcome = Literal["connected", "refused", "reset", "timed-out", "unreachable", "policy", "failed"]

BY_ERRNO: dict[str, Outcome] = {
    "ECONNREFUSED": "refused",
    "ECONNRESET": "reset",
    "ECONNABORTED": "reset",
    "ETIMEDOUT": "timed-out",
    "EHOSTUNREACH": "unreachable",
    "ENETUNREACH": "unreachable",
    "EADDRNOTAVAIL": "unreachable",
}


async def connect(context: Context, host: str, port: int, purpose: DialPurpose, address: str) -> "Opened | None":
    """Opens one address through the guard; None when it took longer than a probe may."""
    try:
        async with asyncio.timeout(context.limits.probe_s):
            return await context.guard.open(host, port, purpose, address=address)
    except TimeoutError:
        return None


def outcome(dial: Dial) -> Outcome:
    """How a connect ended, from the guard's log."""
    if dial.verdict != "failed":
        return "connected" if dial.verdict == "allowed" else "policy"
    if dial.errno is None and dial.error == "net::ERR_CONNECTION_TIMED_OUT":
        return "timed-out"
    return BY_ERRNO.get(dial.errno or "", "failed")
