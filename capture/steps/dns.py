"""The name as DNS knows it. In: the host, the resolvers. Out: Dns, every question side by side.

The machine's resolver is asked for every type, the resolvers of the request and up to two authoritative servers for
the addresses alone. A literal, a name of the hosts file and names under localhost cause no question at all. Whose
networks the public addresses are in is asked of the zone asn.cymru.com, by DNS too.
"""

import asyncio
import ipaddress
import re
import time
from collections.abc import Coroutine, Iterable
from typing import Any, Final

from capture.context import Context
from capture.policy import Policy
from capture.record.network import Dns, DnsAnswer, Origin
from capture.resolver import Resolution

BUDGET_S = 5.0
"""For everything together, seconds."""
AUTHORITATIVE = 2
"""Authoritative servers that are asked."""
REVERSED = 4
"""Addresses whose reverse name and network are asked for."""
TYPES = ("CNAME", "SOA", "MX", "CAA", "HTTPS", "TXT")
"""What is asked besides A, AAAA and NS."""

ORIGIN_ZONES: Final = {4: "origin.asn.cymru.com", 6: "origin6.asn.cymru.com"}
"""By version of the address; its nibbles or bytes stand before this in reverse order."""
_ORIGIN: Final = re.compile(r'"(\d{1,10})(?: \d+)* \| ([0-9a-fA-F.:]+/\d{1,3}) \| [^"]*"')
_NAME: Final = re.compile(r'"\d+ \|(?:[^"|]*\|){3} ([^"|]{1,120})"')

Asking = Coroutine[Any, Any, DnsAnswer]


async def run(context: Context) -> Dns:
    """Asks everything at the same time; takes at most BUDGET_S and raises nothing for what the network does."""
    questions = _Questions(context)
    asked = asyncio.create_task(questions.addresses(context.host))
    # What needs no DNS is answered without waiting, so one turn of the loop tells whether to ask anything more.
    await asyncio.sleep(0)
    if asked.done() and asked.result().source != "resolver":
        return Dns(host=context.host, answers=(), addresses=asked.result().addresses, source=asked.result().source)
    system, public, authoritative, (resolution, reverse), (networks, origins) = await asyncio.gather(
        _all(questions.ask(context.host, kind) for kind in TYPES),
        _all(questions.ask(context.host, kind, at, at) for at in context.request.resolvers for kind in ("A", "AAAA")),
        _authoritative(questions, context.host),
        _reverse(questions, asked),
        _origins(questions, asked),
    )
    return Dns(
        host=context.host,
        answers=(*resolution.answers, *system, *public, *authoritative, *reverse, *networks),
        addresses=resolution.addresses,
        source="resolver",
        reverse=tuple(record for answer in reverse for record in answer.records if record.type == "PTR"),
        origins=origins,
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


async def _origins(questions: _Questions, asked: asyncio.Task[Resolution]
                   ) -> tuple[list[DnsAnswer], tuple[Origin, ...]]:
    """Asks whose networks the addresses are in; nothing about addresses that are not public leaves this machine."""
    public = [a for a in (await asked).addresses[:REVERSED] if Policy().refuse_address(a) is None]
    networks = await _all(questions.ask(_in_zone(address), "TXT") for address in public)
    announced = {address: found for address, answer in zip(public, networks, strict=True)
                 if (found := _first(_ORIGIN, answer))}
    numbers = list(dict.fromkeys(found[1] for found in announced.values()))
    holders = await _all(questions.ask(f"AS{number}.asn.cymru.com", "TXT") for number in numbers)
    names = {number: _first(_NAME, answer) for number, answer in zip(numbers, holders, strict=True)}
    return [*networks, *holders], tuple(
        Origin(address=address, asn=int(found[1]), prefix=found[2], name=name[1] if (name := names[found[1]]) else None)
        for address, found in announced.items())


def _in_zone(address: str) -> str:
    """The name under which the zone knows an address."""
    found = ipaddress.ip_address(address)
    backwards = found.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    return f"{backwards}.{ORIGIN_ZONES[found.version]}"


def _first(pattern: re.Pattern[str], answer: DnsAnswer) -> re.Match[str] | None:
    return next(filter(None, (pattern.fullmatch(r.data) for r in answer.records if r.type == "TXT")), None)
