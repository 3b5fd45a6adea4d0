"""What may be contacted. In: a URL, a name, an address or a port. Out: nothing, or the rule that refuses it.

The rules are data (`capture/data/networks.toml`, `names.toml`, `ports.toml`); this module only reads and applies them.
`ipaddress.is_global` is no policy: depending on the Python version it calls multicast, NAT64 and 6to4 global.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Final

import ada_url
import psutil

from capture.errors import BadInput, Refused

ALLOW_ALL: Final = ("0.0.0.0/0", "::/0")
"""What `--allow-private` opens; metadata addresses and multicast stay refused even then."""
URL_BYTES: Final = 8192
"""Longest URL taken, bytes in UTF-8."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_DATA = Path(__file__).parent / "data"
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\Z")
_NUMERIC = re.compile(r"(\d+|0x[0-9a-f]*)\Z")


@dataclass(frozen=True)
class _Listed:
    """A network of the list and why it is there."""

    network: Network
    rule: str
    never: bool
    embeds: tuple[int, ...]


@cache
def _data(name: str) -> dict[str, Any]:
    return tomllib.loads((_DATA / f"{name}.toml").read_text("utf-8"))


@cache
def _networks() -> tuple[_Listed, ...]:
    return tuple(
        _Listed(ip_network(n["cidr"]), f"{n['rule']} {n['cidr']}", n.get("never", False), tuple(n.get("embeds", ())))
        for n in _data("networks")["network"]
    )


def bare_host(host: str) -> str:
    """A host as it is compared and recorded: lower case, without the brackets of IPv6, without a trailing dot.

    Several trailing dots stay, so that what is no name does not become one.
    """
    host = host.lower()
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1]
    return host if host.endswith("..") else host.removesuffix(".")


def literal(host: str) -> Address | None:
    """The address that a host spells, strictly: `127.1`, `0x7f.1` or full-width digits are not addresses here."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def machine_addresses() -> tuple[str, ...]:
    """Every address of this machine's interfaces, without zone; what listens there is ours, not a site."""
    found = (a.address.partition("%")[0] for nics in psutil.net_if_addrs().values() for a in nics)
    return tuple(sorted({address for address in found if literal(address)}))


class Policy:
    """Which names, addresses and ports may be contacted; everything that is not publicly routable is refused."""

    def __init__(self, allow_networks: tuple[str, ...] = (), own_addresses: tuple[str, ...] | None = None) -> None:
        """`allow_networks` (CIDR) are opened; `own_addresses` are refused (None: this machine's interfaces).

        Raises BadInput when a network is not one.
        """
        self.allow_networks: tuple[Network, ...] = tuple(_network(text) for text in allow_networks)
        own = machine_addresses() if own_addresses is None else own_addresses
        self.own_addresses: frozenset[Address] = frozenset(ip_address(text) for text in own)
        self.allows_all = all(ip_network(text) in self.allow_networks for text in ALLOW_ALL)

    def refuse_name(self, host: str) -> str | None:
        """The rule that refuses a host before it is resolved, or None; a literal is judged as the address it is.

        Names outside the public DNS pass when any network was opened: their addresses are judged afterwards.
        """
        if literal(host):
            return self.refuse_address(host)
        host = bare_host(host)
        if not _NAME.match(host) or _NUMERIC.match(host.rpartition(".")[2]):
            return "malformed name"
        lists = _data("names")
        closed = () if self.allow_networks else lists["closed"]
        for suffix in (*lists["never"], *closed):
            if host == suffix or host.endswith(f".{suffix}"):
                return f"name under {suffix}"
        return None if "." in host or self.allow_networks else "single-label name"

    def refuse_address(self, address: str) -> str | None:
        """The rule that refuses an IP address, or None.

        IPv4-mapped addresses (RFC 4291 2.5.5.2) are judged as the IPv4 address inside. A scope id is refused.
        """
        found = literal(address)
        if found is None:
            return "not an address"
        if isinstance(found, IPv6Address):
            if found.scope_id is not None:
                return "address with a scope id"
            found = found.ipv4_mapped or found
        return self._refuse(found)

    def refuse_port(self, port: int) -> str | None:
        """The rule that refuses a TCP port, or None. With ALLOW_ALL only what the browser itself refuses is left."""
        ports = _data("ports")
        if port in ports["unsafe"] or not 0 < port < 65536:
            return f"port {port}"
        usual = port in ports["open"] or (port >= ports["open_from"] and port not in ports["services"])
        return None if usual or self.allows_all else f"port {port}"

    def is_own(self, address: str) -> bool:
        """Whether a connection to the address would end on this machine."""
        found = ip_address(address)
        found = getattr(found, "ipv4_mapped", None) or found
        return found.is_loopback or found.is_unspecified or found in self.own_addresses

    def _refuse(self, address: Address) -> str | None:
        listed = next((entry for entry in _networks() if address in entry.network), None)
        if listed and listed.never:
            return listed.rule
        if any(address in network for network in self.allow_networks):
            inner = _embedded(address, listed.embeds if listed else ())
            return next((rule for rule in map(self._refuse, inner) if rule), None)
        if listed:
            return listed.rule
        if address in self.own_addresses:
            return f"this machine's own address {address}"
        globally = ip_network(_data("networks")["ipv6_global"])
        return f"outside {globally}" if address.version == 6 and address not in globally else None


def admit(url: str, allow_networks: tuple[str, ...] = ()) -> str:
    """The URL as the browser will understand it (WHATWG), host in ASCII form.

    User name and password are dropped: they are secrets, and a captured URL is shown to people. Name resolution
    is not part of admission; the guard judges what the name resolves to. Raises BadInput when it is not a URL that
    can be captured, Refused when the policy says no; both with one plain sentence that repeats nothing but the host.
    """
    parsed = ada_url.URL(canonical(url))
    host, policy = bare_host(parsed.hostname), Policy(allow_networks)
    port = int(parsed.port or {"http:": 80, "https:": 443}[parsed.protocol])
    rule = policy.refuse_name(host)
    if rule == "malformed name":
        raise BadInput(f"{host} is not a host name: each part has 1 to 63 letters, digits or hyphens, 253 in all")
    rule = rule or policy.refuse_port(port)
    if rule:
        raise Refused(f"{host} is not allowed by policy: {rule}")
    return parsed.href


def canonical(url: str) -> str:
    """The URL as browsers understand it, without user name and password; says nothing of whether it may be contacted.

    Raises BadInput when it is not an http or https URL.
    """
    parsed = _parse(url)
    parsed.username = parsed.password = ""
    return parsed.href


def _parse(url: str) -> ada_url.URL:
    try:
        size = len(url.encode())
    except UnicodeEncodeError:
        raise BadInput("the URL is not valid Unicode") from None
    if size > URL_BYTES:
        raise BadInput(f"the URL has {size} bytes; at most {URL_BYTES} are taken")
    if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in url):
        raise BadInput("the URL contains a control character (tab, line feed or similar)")
    scheme = re.match(r"\s*([A-Za-z][A-Za-z0-9+.-]*):", url)
    if not scheme:
        raise BadInput("the URL has no scheme; it must begin with http:// or https://")
    if scheme[1].lower() not in ("http", "https"):
        raise BadInput(f"only http and https addresses can be captured, not {scheme[1].lower()[:32]}")
    try:
        return ada_url.URL(url)
    except ValueError:
        raise BadInput("the URL has no valid host or port") from None


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is not a network in CIDR form: {error}") from None


def _embedded(address: Address, offsets: tuple[int, ...]) -> Iterator[IPv4Address]:
    """IPv4 addresses that a transition address carries, by the bit at which they begin.

    Sources: RFC 6052 2.2 (NAT64, the octet at bit 64 is skipped), RFC 3056 2 (6to4), RFC 4380 4 (Teredo).
    """
    if not isinstance(address, IPv6Address):
        return
    yield from address.teredo or ()
    for offset in offsets:
        raw = address.packed
        raw = raw[:8] + raw[9:] if 32 < offset <= 64 else raw
        yield IPv4Address(raw[offset // 8 : offset // 8 + 4])
