"""The way out for what is sent on, to trackers and mail servers. In: networks to allow. Out: an HTTP client, TCP.

The rules of the guard hold here too: a name is resolved once, every answer is checked, and a checked address is dialled
itself. No proxy of the environment is used and no redirect followed, because tokens would go along.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from typing import Final

import httpcore
import httpx

from capture.dialer import interleaved
from capture.errors import Refused
from capture.policy import Policy, bare_host
from capture.resolver import Resolver

MAIL_PORTS: Final = frozenset({25, 465, 587})
"""Ports that no browser opens and mail servers listen at (RFC 5321, RFC 6409, RFC 8314)."""
CONNECT_S: Final = 15.0
"""Longest time to connect, and to wait for a free connection, seconds."""
SILENCE_S: Final = 60.0
"""Longest silence while sending and receiving, seconds."""


class Outgoing:
    """Connections to whom the policy allows; opened by its methods, closed by their users."""

    def __init__(self, allow_networks: tuple[str, ...] = (), resolver: Resolver | None = None) -> None:
        """`allow_networks` (CIDR) are opened although they are not public. Raises BadInput when one is no network."""
        self._policy = Policy(allow_networks)
        self._resolver = resolver or Resolver()

    def client(self) -> httpx.Client:
        """An HTTP client that goes out through here; its requests raise Refused, and httpx.TransportError as usual."""
        return httpx.Client(transport=_Transport(self), timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S),
                            follow_redirects=False, trust_env=False)

    def dial(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """A connected socket. Raises Refused when the policy says no, OSError when nothing answers."""
        failure: OSError | None = None
        for address in self.admitted(host, port):
            try:
                return socket.create_connection((address, port), timeout_s)
            except OSError as error:
                failure = error
        raise failure or OSError(f"{host} has no address")

    def admitted(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all of them checked. Raises Refused when a rule refuses name, port or any address,
        OSError when there is none."""
        host = bare_host(host)
        rule = self._policy.refuse_name(host) or (None if port in MAIL_PORTS else self._policy.refuse_port(port))
        if rule is None:
            found = asyncio.run(self._resolver.addresses(host))
            if not found.addresses:
                raise OSError(f"the name {host} has no address ({found.rcode})")
            rule = next(filter(None, map(self._policy.refuse_address, found.addresses)), None)
        if rule is not None:
            raise Refused(f"{host} is not allowed by policy: {rule}; allow its network by name, if it is yours")
        return interleaved(found.addresses)


class _Backend(httpcore.NetworkBackend):
    """Connects to the addresses that were admitted; the names in TLS and in Host stay what they are."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._plain = httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None) -> httpcore.NetworkStream:
        failure: Exception | None = None
        try:
            addresses = self._outgoing.admitted(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        for address in addresses:
            try:
                return self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")


class _Transport(httpx.HTTPTransport):
    """httpx's own transport, its pool connecting through the guard (https://www.python-httpx.org/advanced/transports,
    2026-11)."""

    def __init__(self, outgoing: Outgoing) -> None:
        super().__init__(trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), network_backend=_Backend(outgoing), max_connections=4)
