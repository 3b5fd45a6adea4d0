"""The egress guard: the only way out. In: SOCKS5 from the browser, `open` from the probes. Out: connections and a log.

A host is resolved once, every answer is checked, and the checked address itself is dialled, so that redirects,
rebinding, subresources, WebSockets and literals all meet the same check at the moment of connecting. Each request
leaves one Dial in the log, which is the truth about the network: behind a proxy the browser only knows that it failed.
"""

import asyncio
import fnmatch
import socket
import time
import tomllib
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from capture import socks
from capture.dialer import Connect, accept_tcp, chromium_error, connect_tcp, dial
from capture.policy import Policy, bare_host
from capture.record.network import Dial, DialPurpose
from capture.record.request import LimitHit, Limits
from capture.relay import Relay, abort
from capture.resolver import Resolver

_AGAIN_S = 1.0
"""Between two attempts to end a task, seconds."""
REFUSED = "net::ERR_BLOCKED_BY_ADMINISTRATOR"
NOT_RESOLVED = "net::ERR_NAME_NOT_RESOLVED"


@cache
def _background_hosts() -> tuple[str, ...]:
    text = (Path(__file__).parent / "data" / "background.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["hosts"])


def is_background(host: str, target: str | None) -> bool:
    """Whether a host belongs to the browser's own traffic; never one of the site that is captured."""
    if target and host.split(".")[-2:] == bare_host(target).split(".")[-2:]:
        return False
    return any(fnmatch.fnmatchcase(host, pattern) for pattern in _background_hosts())


@dataclass
class _Entry:
    """One line of the log while it is being written."""

    id: int
    purpose: DialPurpose
    host: str
    port: int
    started_at: datetime
    asked: float
    verdict: Literal["allowed", "refused", "failed"] = "failed"
    rule: str | None = None
    answers: tuple[str, ...] = ()
    rcode: str | None = None
    resolve_ms: float | None = None
    address: str | None = None
    connect_ms: float | None = None
    error: str | None = None
    errno: str | None = None
    first_byte_ms: float | None = None
    bytes_up: int = 0
    bytes_down: int = 0
    connected: float = 0.0
    relay: Relay | None = None
    duration_ms: float | None = None

    def record(self) -> Dial:
        facts = {name: getattr(self, name) for name in Dial.model_fields if name != "closed_by"}
        closed_by = self.relay.closed_by if self.relay else None
        return Dial(**facts, closed_by=closed_by)

    def refuse(self, rule: str) -> None:
        self.verdict, self.rule, self.error = "refused", rule, REFUSED
        self.close()

    def fail(self, error: str) -> None:
        self.verdict, self.error = "failed", error
        self.close()

    def close(self) -> None:
        self.duration_ms = _ms(self.asked)


@dataclass
class Opened:
    """What `Guard.open` gives: the streams, or nothing but the log entry that says why not."""

    dial: int
    """Position in the dial log."""
    reader: asyncio.StreamReader | None = None
    """From the site; None when refused or failed."""
    writer: asyncio.StreamWriter | None = None
    """To the site; None when refused or failed."""
    relay: asyncio.Task[None] | None = None
    """Carries the bytes; over when the dial's facts are complete."""

    async def close(self) -> None:
        """Ends the connection at once; the dial in the log is complete afterwards."""
        if self.writer:
            self.writer.transport.abort()
        if self.relay:
            self.relay.cancel()
            await asyncio.gather(self.relay, return_exceptions=True)


@dataclass
class Guard:
    """Opens connections for one capture; an async context manager that closes every one of them on exit."""

    policy: Policy
    """What may be contacted."""
    resolver: Resolver
    """Names to addresses."""
    limits: Limits
    """Where it stops."""
    started: float = field(default_factory=time.monotonic)
    """Start of the capture on the monotonic clock, seconds; after `limits.total_s` nothing is opened any more."""
    target: str | None = None
    """Host of the page; its own hosts never count as the browser's background traffic."""
    connect: Connect = connect_tcp
    """What dials; tests give another."""

    def __post_init__(self) -> None:
        self._log: list[_Entry] = []
        self._hits: dict[str, str] = {}
        self._purposes: dict[int, DialPurpose] = {}
        self._listeners: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._open = self._connections = self._down = self._up = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await _ended(tuple(self._tasks))
        finally:
            for writer in self._writers:
                writer.transport.abort()
            for listener in self._listeners:
                listener.close()
        # Transports close their sockets one turn after they were told to.
        await asyncio.sleep(0)

    @property
    def limits_hit(self) -> list[LimitHit]:
        """Every limit that stopped something, once each, in the order in which they did."""
        return [LimitHit(limit=limit, sentence=sentence) for limit, sentence in self._hits.items()]

    def dials(self) -> tuple[Dial, ...]:
        """The log so far; `id` is the position. A connection that is still open has no duration."""
        return tuple(entry.record() for entry in self._log)

    async def listen(self, purpose: DialPurpose, listener: socket.socket | None = None) -> int:
        """Starts a SOCKS5 server on 127.0.0.1 whose connections count as `purpose`; its port.

        `listener` is a socket that was bound ahead, so that a browser could be told the port before there was a guard.
        """
        listener = listener or socket.create_server(("127.0.0.1", 0), backlog=256)
        listener.setblocking(False)
        self._listeners.append(listener)
        port: int = listener.getsockname()[1]
        self._purposes[port] = purpose
        self._spawn(self._accept(listener, port))
        return port

    def relabel(self, port: int, purpose: DialPurpose) -> None:
        """Later connections on this port count as `purpose`."""
        self._purposes[port] = purpose

    async def open(self, host: str, port: int, purpose: DialPurpose, address: str | None = None) -> Opened:
        """A connection for a probe, under the same checks; `address` dials just this one instead of resolving.

        The streams end on a loopback connection that the guard carries on, so that counts, limits, half close and
        resets are exactly the browser's. Never raises for what the site or the network does.
        """
        entry = self._entry(host, port, purpose)
        peer = await self._dial(entry, address)
        if peer is None:
            return Opened(entry.id)
        try:
            ours, theirs = await _loopback_pair()
        except BaseException:
            peer.close()
            self._open -= 1
            entry.fail("net::ERR_ABORTED")
            raise
        relay = self._spawn(self._relay(entry, theirs, peer), theirs, peer)
        reader, writer = await asyncio.open_connection(sock=ours)
        self._writers.append(writer)
        return Opened(entry.id, reader, writer, relay)

    async def _accept(self, listener: socket.socket, port: int) -> None:
        while True:
            try:
                client, _ = await accept_tcp(listener)
            except OSError:
                # Out of descriptors, or the client left while it was queued: others still want to be served.
                await asyncio.sleep(0.05)
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._spawn(self._serve(client, self._purposes[port]), client)

    async def _serve(self, client: socket.socket, purpose: DialPurpose) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.limits.connect_s):
                request = await socks.read_request(client)
            if request is None:
                return
            entry = self._entry(*request, purpose)
            peer = await self._dial(entry)
            if peer is None and (entry.rule or "").startswith("limit "):
                abort(client)
            elif peer is None:
                code = socks.NOT_ALLOWED if entry.verdict == "refused" else socks.code_for(entry.errno)
                await loop.sock_sendall(client, socks.reply(code))
            else:
                await self._relay(entry, client, peer, socks.reply(socks.SUCCEEDED))
        except (OSError, EOFError):
            # The client left or does not speak SOCKS5; there is nobody to tell.
            return

    def _entry(self, host: str, port: int, purpose: DialPurpose) -> _Entry:
        host = bare_host(host)
        if purpose in ("page", "lenient") and is_background(host, self.target):
            purpose = "background"
        entry = _Entry(len(self._log), purpose, host, port, datetime.now(UTC), time.monotonic())
        self._log.append(entry)
        return entry

    async def _dial(self, entry: _Entry, address: str | None = None) -> socket.socket | None:
        """Checks, resolves, checks, connects; the entry says what came of it."""
        rule = self._refuse(entry)
        if rule:
            entry.refuse(rule)
            return None
        self._open += 1
        peer = None
        try:
            addresses = (address,) if address else await self._resolve(entry)
            peer = await self._connect(entry, addresses)
        except asyncio.CancelledError:
            entry.fail("net::ERR_ABORTED")
            raise
        finally:
            self._open -= peer is None
        return peer

    async def _resolve(self, entry: _Entry) -> tuple[str, ...]:
        found = await self.resolver.addresses(entry.host)
        entry.answers = () if found.source == "literal" else found.addresses
        entry.rcode, entry.resolve_ms = found.rcode, found.duration_ms
        return found.addresses

    async def _connect(self, entry: _Entry, addresses: tuple[str, ...]) -> socket.socket | None:
        rule = self._refuse_addresses(addresses, entry.port)
        if rule or not addresses:
            entry.refuse(rule) if rule else entry.fail(NOT_RESOLVED)
            return None
        limits = self.limits
        limit_s = max(0.0, min(limits.connect_s, self.started + limits.total_s - time.monotonic()))
        attempt = await dial(addresses, entry.port, limit_s, self.connect)
        entry.address, entry.connect_ms, entry.errno = attempt.address, attempt.connect_ms, attempt.errno
        if attempt.errno:
            entry.fail(chromium_error(attempt.errno))
        else:
            entry.verdict, entry.connected = "allowed", time.monotonic()
        if attempt.errno == "ETIMEDOUT":
            self._hit("connect_s", f"connects were given up after {limit_s:.3g} s")
        return attempt.sock

    def _refuse(self, entry: _Entry) -> str | None:
        """The rule that refuses a request before anything is resolved."""
        if entry.purpose == "background":
            return "the browser's own traffic"
        rule = self.policy.refuse_name(entry.host) or self.policy.refuse_port(entry.port)
        return rule or self._spend_connection()

    def _refuse_addresses(self, addresses: tuple[str, ...], port: int) -> str | None:
        """One bad address refuses the whole name: nobody honest mixes public and private answers."""
        for address in addresses:
            rule = self.policy.refuse_address(address)
            if rule:
                return rule
            if port in self._purposes and self.policy.is_own(address):
                return "the guard's own port"
        return None

    def _spend_connection(self) -> str | None:
        limits = self.limits
        spent = (
            ("total_s", time.monotonic() - self.started, limits.total_s, f"after {limits.total_s:g} s"),
            ("connections", self._connections, limits.connections, f"after the first {limits.connections}"),
            ("parallel_connections", self._open, limits.parallel_connections,
             f"beyond {limits.parallel_connections} at one time"),
            ("down_bytes", self._down, limits.down_bytes, f"after {_size(limits.down_bytes)} were received"),
            ("up_bytes", self._up, limits.up_bytes, f"after {_size(limits.up_bytes)} were sent"),
        )
        for limit, value, most, words in spent:
            if value >= most:
                return self._hit(limit, f"no connection was opened {words}")
        self._connections += 1
        return None

    def _hit(self, limit: str, sentence: str) -> str:
        self._hits.setdefault(limit, sentence)
        return f"limit {limit}"

    def _received(self, entry: _Entry, size: int) -> bool:
        if entry.first_byte_ms is None:
            entry.first_byte_ms = _ms(entry.connected)
        entry.bytes_down += size
        self._down += size
        if self._down > self.limits.down_bytes:
            self._hit("down_bytes", f"receiving was stopped after {_size(self.limits.down_bytes)}")
        return self._down <= self.limits.down_bytes

    def _may_send(self, entry: _Entry, size: int) -> bool:
        if self._up + size > self.limits.up_bytes:
            self._hit("up_bytes", f"sending was stopped after {_size(self.limits.up_bytes)}")
            return False
        entry.bytes_up += size
        self._up += size
        return True

    async def _relay(self, entry: _Entry, client: socket.socket, peer: socket.socket, greeting: bytes = b"") -> None:
        entry.relay = relay = Relay(
            client, peer, self.limits.connection_idle_s, partial(self._received, entry), partial(self._may_send, entry)
        )
        try:
            await asyncio.get_running_loop().sock_sendall(client, greeting)
            await relay.run()
        finally:
            peer.close()
            self._open -= 1
            relay.closed_by = relay.closed_by or "us"
            entry.close()
            if relay.closed_by == "idle":
                idle = self.limits.connection_idle_s
                self._hit("connection_idle_s", f"connections without a byte for {idle:g} s were closed")

    def _spawn(self, work: Coroutine[Any, Any, None], *sockets: socket.socket) -> asyncio.Task[None]:
        """A task that ends with the guard; its sockets are closed even when it never came to run."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            for sock in sockets:
                sock.close()

        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(ended)
        return task


async def _ended(tasks: tuple[asyncio.Task[None], ...]) -> None:
    """Cancels them until they have ended: a wait_for whose answer comes at that moment forgets it (Python before 3.12,
    https://github.com/python/cpython/issues/86296)."""
    while not all(task.done() for task in tasks):
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _loopback_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of one TCP connection on loopback; unlike a socket pair of the system it can carry a reset."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener, ExitStack() as undo:
        listener.setblocking(False)
        ours = undo.enter_context(await connect_tcp(*listener.getsockname()))
        theirs, name = await accept_tcp(listener)
        # Anybody on this machine may have been quicker than we.
        while name != ours.getsockname():
            theirs.close()
            theirs, name = await accept_tcp(listener)
        undo.pop_all()
    theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ours, theirs


def _size(count: int) -> str:
    return f"{count / 1e6:g} MB" if count >= 1_000_000 else f"{count} bytes"


def _ms(since: float) -> float:
    return round((time.monotonic() - since) * 1000, 3)
