"""Carries bytes between a client and a peer. In: two connected sockets and a meter. Out: who ended it.

What the peer does must reach the client unchanged: a FIN as a FIN, a reset as a reset. Backpressure is the kernel's:
nothing is read from one side before the other has taken it.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Literal

CHUNK: Final = 1 << 16
"""Read at a time, bytes."""
_ABORT = struct.pack("ii", 1, 0)

ClosedBy = Literal["peer", "peer-reset", "us", "idle", "cap"]


class _End(Enum):
    FIN = auto()
    SOURCE_LOST = auto()
    TARGET_LOST = auto()
    CAP = auto()


_DOWN: dict[_End, ClosedBy] = {
    _End.FIN: "peer", _End.SOURCE_LOST: "peer-reset", _End.TARGET_LOST: "us", _End.CAP: "cap"
}
_UP: dict[_End, ClosedBy] = {
    _End.FIN: "us", _End.SOURCE_LOST: "us", _End.TARGET_LOST: "peer-reset", _End.CAP: "cap"
}


@dataclass
class Relay:
    """One connection through the guard."""

    client: socket.socket
    """The browser's or the probe's side."""
    peer: socket.socket
    """The site's side."""
    idle_s: float
    """Longest time without a byte in either direction, seconds."""
    down: Callable[[int], bool]
    """Told how many bytes came from the peer; False when no more may come."""
    up: Callable[[int], bool]
    """Told how many bytes the client wants to send; False when no more may go, these included."""
    closed_by: ClosedBy | None = None
    """Who ended it first."""
    _moved: float = field(default_factory=time.monotonic)
    _lost: list[socket.socket] = field(default_factory=list)

    async def run(self) -> None:
        """Carries bytes until both sides are done, one is lost, or a limit is hit; then both sockets are closed.

        Cancelled, it closes both. A connection cut by a reset or a limit is cut with a reset.
        """
        down = asyncio.create_task(self._pump(self.peer, self.client, self.down))
        up = asyncio.create_task(self._pump(self.client, self.peer, self.up))
        cut = False
        try:
            cut = await self._until_done(down, up)
        finally:
            self.closed_by = self.closed_by or "us"
            for task in (down, up):
                task.cancel()
            await asyncio.gather(down, up, return_exceptions=True)
            for side in (self.client, self.peer):
                abort(side) if cut else side.close()

    async def _until_done(self, down: asyncio.Task[_End], up: asyncio.Task[_End]) -> bool:
        """Whether the connection has to be cut with a reset."""
        running, cut = {down, up}, False
        while running:
            quiet = time.monotonic() - self._moved
            if quiet >= self.idle_s:
                self.closed_by = self.closed_by or "idle"
                return True
            done, running = await asyncio.wait(
                running, timeout=self.idle_s - quiet, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                end = task.result()
                self.closed_by = self.closed_by or (_DOWN if task is down else _UP)[end]
                cut = cut or end is not _End.FIN
                # What the peer sent before it reset our upload is still to be read.
                if cut and not (task is up and end is _End.TARGET_LOST):
                    return True
        return cut

    async def _pump(self, source: socket.socket, target: socket.socket, count: Callable[[int], bool]) -> _End:
        loop, view = asyncio.get_running_loop(), memoryview(bytearray(CHUNK))
        while True:
            try:
                size = await loop.sock_recv_into(source, view)
            except OSError:
                return _End.SOURCE_LOST
            self._moved = time.monotonic()
            if not size and source in self._lost:
                # The reset was already reported to the other direction, and is reported only once.
                return _End.SOURCE_LOST
            if size and not count(size):
                return _End.CAP
            try:
                if not size:
                    target.shutdown(socket.SHUT_WR)
                    return _End.FIN
                await loop.sock_sendall(target, view[:size])
            except OSError:
                self._lost.append(target)
                return _End.TARGET_LOST if size else _End.FIN
            self._moved = time.monotonic()
            # Both calls return at once while bytes are there; the other connections need their turn.
            await asyncio.sleep(0)


def abort(sock: socket.socket) -> None:
    """Closes a connection with a reset (SO_LINGER with 0 s) instead of a FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    sock.close()
