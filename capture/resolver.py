"""Names to addresses, once for everything in a capture. In: a host. Out: every address and how each question ended.

Hosts file first, then A and AAAA in parallel from the given nameservers, always for the absolute name: search domains
would turn a public name into an internal one. Nothing here decides what may be contacted; that is `capture.policy`.
"""

import asyncio
import ipaddress
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

from capture.errors import BadInput
from capture.policy import bare_host, literal
from capture.record.network import DnsAnswer, DnsRecord

CACHE_S: Final = 60.0
"""Longest time for which an answer is used again, seconds; a failure is kept as long, so all steps see the same one."""
ROUNDS: Final = 2
"""How often each nameserver is asked before silence counts as silence."""
_CHAIN = 16
_GOOD = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


@dataclass(frozen=True)
class Resolution:
    """What a host resolved to."""

    host: str
    """Name asked for, in lower case, without trailing dot."""
    addresses: tuple[str, ...]
    """IPv4 before IPv6, each in the order of the answer; empty when there is none."""
    source: Literal["resolver", "hosts-file", "literal"]
    """Where the addresses come from."""
    rcode: str | None = None
    """NOERROR when there is an address, else the first bad code (A before AAAA); None when DNS was not asked."""
    duration_ms: float | None = None
    """Time until both answers were there, milliseconds; None when DNS was not asked or the answer was kept."""
    answers: tuple[DnsAnswer, ...] = ()
    """The answers to A and AAAA."""


class Resolver:
    """Asks DNS and remembers, for as long as the instance lives and the records allow (at most CACHE_S)."""

    def __init__(
        self,
        nameservers: tuple[str, ...] = (),
        timeout_s: float = 5.0,
        *,
        hosts_file: Path = Path("/etc/hosts"),
        resolv_conf: Path = Path("/etc/resolv.conf"),
    ) -> None:
        """`nameservers` are ADDRESS, ADDRESS:PORT or [IPv6]:PORT; empty means those of `resolv_conf`.

        `timeout_s` bounds one question to all nameservers together. Raises BadInput for a nameserver that is none.
        """
        self.nameservers = nameservers or _system_nameservers(resolv_conf)
        self.timeout_s = timeout_s
        self._servers = tuple(endpoint(text) for text in self.nameservers)
        self._hosts = _read_hosts(hosts_file)
        self._kept: dict[str, tuple[float, Resolution]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def addresses(self, host: str) -> Resolution:
        """Every address of the host; asked once at a time, and again only when the kept answer has run out.

        Names under `localhost` are the loopback addresses and never asked for (RFC 6761 6.3).
        """
        host = bare_host(host)
        if literal(host):
            return Resolution(host, (host,), "literal")
        known = self._hosts.get(host) or (("127.0.0.1", "::1") if _is_localhost(host) else ())
        if known:
            return Resolution(host, known, "hosts-file")
        async with self._locks[host]:
            until, kept = self._kept.get(host, (0.0, None))
            if kept and time.monotonic() < until:
                return replace(kept, duration_ms=None)
            found = await self._resolve(host)
            self._kept[host] = (time.monotonic() + _lifetime(found), found)
            return found

    async def ask(self, name: str, rdtype: str, server: str | None = None, label: str | None = None) -> DnsAnswer:
        """One question about the absolute name to one server, or to the machine's in turn; nothing is kept.

        `label` is what the answer calls the server (default: its address, or "system"). The AD bit is set so that a
        validating server says whether it validated (RFC 6840 5.7). Raises BadInput for a server that is none.
        """
        servers = (endpoint(server),) if server else self._servers
        started = time.monotonic()
        outcome = await self._exchange(name, rdtype, servers)
        answer = DnsAnswer(
            resolver=label or server or "system",
            question=bare_host(name),
            type=rdtype,
            rcode="ERROR",
            duration_ms=_ms(started),
        )
        if isinstance(outcome, dns.message.Message):
            return answer.model_copy(update=_sections(outcome))
        rcode = "TIMEOUT" if isinstance(outcome, dns.exception.Timeout) else "ERROR"
        return answer.model_copy(update={"rcode": rcode, "error": _sentence(outcome, self.timeout_s)})

    async def _resolve(self, host: str) -> Resolution:
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.ask(host, rdtype)) for rdtype in ("A", "AAAA")]
        answers = tuple(task.result() for task in tasks)
        found = tuple(dict.fromkeys(address for answer in answers for address in _addresses(answer)))
        bad = next((answer.rcode for answer in answers if answer.rcode != "NOERROR"), "NOERROR")
        return Resolution(host, found, "resolver", "NOERROR" if found else bad, _ms(started), answers)

    async def _exchange(
        self, name: str, rdtype: str, servers: tuple[tuple[str, int], ...]
    ) -> dns.message.Message | Exception:
        """The first good response, else the last bad one, else what went wrong."""
        try:
            absolute = dns.name.from_text(bare_host(name), dns.name.root)
            query = dns.message.make_query(absolute, rdtype, use_edns=0, payload=1232)
        except (dns.exception.DNSException, UnicodeError) as error:
            return error
        query.flags |= dns.flags.AD
        outcome: dns.message.Message | Exception = OSError("no nameserver is configured")
        answered: set[tuple[str, int]] = set()
        deadline = time.monotonic() + self.timeout_s
        tries = list(servers) * ROUNDS
        for position, server in enumerate(tries):
            if server in answered:
                continue
            wait = (deadline - time.monotonic()) / (len(tries) - position)
            response = await _ask_one(query, server, wait)
            if isinstance(response, dns.message.Message):
                answered.add(server)
                if response.rcode() in _GOOD:
                    return response
            if not isinstance(outcome, dns.message.Message) or isinstance(response, dns.message.Message):
                outcome = response
        return outcome


async def _ask_one(
    query: dns.message.Message, server: tuple[str, int], wait_s: float
) -> dns.message.Message | Exception:
    try:
        response, _ = await dns.asyncquery.udp_with_fallback(
            query, server[0], max(wait_s, 0.01), server[1], ignore_unexpected=True
        )
    except (dns.exception.DNSException, OSError) as error:
        return error
    return response


def endpoint(text: str) -> tuple[str, int]:
    """Address and port of a nameserver given as ADDRESS, ADDRESS:PORT or [IPv6]:PORT; raises BadInput."""
    address, port = text, "53"
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        port = port.removeprefix(":") or "53"
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        address = ""
    if not address or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadInput(f"{text!r} is not a nameserver; give it as ADDRESS, ADDRESS:PORT or [IPv6]:PORT")
    return address, int(port)


def _system_nameservers(resolv_conf: Path) -> tuple[str, ...]:
    try:
        return tuple(str(server) for server in dns.resolver.Resolver(str(resolv_conf)).nameservers)
    except dns.resolver.NoResolverConfiguration:
        return ()


def _read_hosts(path: Path) -> dict[str, tuple[str, ...]]:
    """hosts(5): an address and its names on each line; names of several lines have all their addresses."""
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        for name in map(bare_host, names if literal(address) else ()):
            found[name] = tuple(dict.fromkeys((*found[name], address)))
    return dict(found)


def _is_localhost(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _addresses(answer: DnsAnswer) -> list[str]:
    """Addresses of the question's name, CNAMEs followed inside the answer and nowhere else."""
    owner, aliases = answer.question, {r.name: bare_host(r.data) for r in answer.records if r.type == "CNAME"}
    for _ in range(_CHAIN):
        owner = aliases.get(owner, owner)
    return [record.data for record in answer.records if record.type == answer.type and record.name == owner]


def _sections(message: dns.message.Message) -> dict[str, object]:
    return {
        "rcode": dns.rcode.to_text(message.rcode()),
        "authentic_data": bool(message.flags & dns.flags.AD),
        "records": tuple(record for rrset in message.answer for record in _records(rrset)),
        "authority": tuple(record for rrset in message.authority for record in _records(rrset)),
    }


def _records(rrset: dns.rrset.RRset) -> list[DnsRecord]:
    name, kind = bare_host(rrset.name.to_text()), dns.rdatatype.to_text(rrset.rdtype)
    return [DnsRecord(name=name, type=kind, ttl=rrset.ttl, data=rdata.to_text()) for rdata in rrset]


def _lifetime(found: Resolution) -> float:
    ttls = [record.ttl for answer in found.answers for record in answer.records] if found.addresses else []
    return min([CACHE_S, *ttls])


def _sentence(error: Exception, timeout_s: float) -> str:
    if isinstance(error, dns.exception.Timeout):
        return f"no answer within {timeout_s:g} s"
    return str(error) or type(error).__name__


def _ms(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 3)
