"""The name as DNS knows it. In: the host, the resolvers. Out: Dns, every question side by side.

The machine's resolver is asked for every type, the resolvers of the request and up to two authoritative servers for
the addresses alone. A literal, a name of the hosts file and names under localhost cause no question at all.
"""

import asyncio
import ipaddress
import time
from collections.abc import Coroutine, Iterable
from typing import Any

from capture.context import Context
from capture.record.network import Dns, DnsAnswer
from capture.resolver import Resolution

BUDGET_S = 5.0
"""For everything together, seconds."""
AUTHORITATIVE = 2
"""Authoritative servers that are asked."""
REVERSED = 4
"""Addresses whose reverse name is asked for."""
TYPES = ("CNAME", "SOA", "MX", "CAA", "HTTPS", "TXT")
"""What is asked besides A, AAAA and NS."""

Asking = Coroutine[Any, Any, DnsAnswer]


async def run(context: Context) -> Dns:
    """Asks everything at the same time; takes at most BUDGET_S and raises nothing for what the network does."""
    questions = _Questions(context)
    asked = asyncio.create_task(questions.addresses(context.host))
    # What needs no DNS is answered without waiting, so one turn of the loop tells whether to ask anything more.
    await asyncio.sleep(0)
    if asked.done() and asked.result().source != "resolver":
        return Dns(host=context.host, answers=(), addresses=asked.result().addresses, source=asked.result().source)
    system, public, authoritative, (resolution, reverse) = await asyncio.gather(
        _all(questions.ask(context.host, kind) for kind in TYPES),
        _all(questions.ask(context.host, kind, at, at) for at in context.request.resolvers for kind in ("A", "AAAA")),
        _authoritative(questions, context.host),
        _reverse(questions, asked),
    )
    return Dns(
        host=context.host,
        answers=(*resolution.answers, *system, *public, *authoritative, *reverse),
        addresses=resolution.addresses,
        source="resolver",
        reverse=tuple(record for answer in reverse for record in answer.records if record.type == "PTR"),
    )


class _Questions:
    """Asks within one budget; what is not answered in time is an answer too."""

    def __init__(self, context: Context) -> None:
        self.policy = context.policy
        self._resolver = context.resolver
        self._deadline = time.monotonic() + BUDGET_S

    async def addresses(self, host: str) -> Resolution:
        try:
            async with asyncio.timeout(self._left()):
                return await self._resolver.addresses(host)
        except TimeoutError:
            return Resolution(host, (), "resolver", "TIMEOUT", None, tuple(_late(host, t, None) for t in ("A", "AAAA")))

    async def ask(self, name: str, kind: str, server: str | None = None, label: str | None = None) -> DnsAnswer:
        try:
            async with asyncio.timeout(self._left()):
                return await self._resolver.ask(name, kind, server, label)
        except TimeoutError:
            return _late(name, kind, label)

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())


def _late(name: str, kind: str, label: str | None) -> DnsAnswer:
    error = f"no answer within {BUDGET_S:g} s for all questions"
    return DnsAnswer(resolver=label or "system", question=name, type=kind, rcode="TIMEOUT", error=error)


async def _all(asking: Iterable[Asking]) -> list[DnsAnswer]:
    return list(await asyncio.gather(*asking))


async def _authoritative(questions: _Questions, host: str) -> list[DnsAnswer]:
    """Asks the zone's own servers for the addresses; the questions that find these servers are part of the answer."""
    asked: list[DnsAnswer] = []
    servers: list[str] = []
    zone = host
    while not servers and "." in zone:
        answer = await questions.ask(zone, "NS")
        asked.append(answer)
        servers = [record.data.rstrip(".") for record in answer.records if record.type == "NS" and record.name == zone]
        if answer.rcode in ("TIMEOUT", "ERROR"):
            break
        zone = zone.partition(".")[2]
    found = await asyncio.gather(*(questions.addresses(server) for server in sorted(servers)[:AUTHORITATIVE]))
    targets = [_permitted(questions, resolution) for resolution in found]
    return asked + await _all(
        questions.ask(host, kind, server, f"authoritative {server}")
        for server in dict.fromkeys(filter(None, targets))
        for kind in ("A", "AAAA")
    )


def _permitted(questions: _Questions, resolution: Resolution) -> str | None:
    """The first address of a name server that may be contacted: what a zone says about its servers is not trusted."""
    return next((a for a in resolution.addresses if questions.policy.refuse_address(a) is None), None)


async def _reverse(questions: _Questions, asked: asyncio.Task[Resolution]) -> tuple[Resolution, list[DnsAnswer]]:
    resolution = await asked
    names = [ipaddress.ip_address(address).reverse_pointer for address in resolution.addresses[:REVERSED]]
    return resolution, await _all(questions.ask(name, "PTR") for name in names)
