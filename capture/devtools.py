"""The DevTools Protocol over the browser's pipe. In: commands. Out: answers, and events in the order of their arrival.

Spoken directly instead of through an automation library: nothing is added to or taken from what the browser reports,
and no second process stands between us and a page that hangs (https://chromedevtools.github.io/devtools-protocol/).
"""

import asyncio
import contextlib
import itertools
import json
import os
import re
from collections.abc import Callable
from typing import Any

MESSAGE_BYTES = 1 << 28
"""Largest message read, bytes; the browser itself sends up to 256 MB for a picture."""

LONE = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]")
"""Half of a surrogate pair, escaped: a page can hold one, UTF-8 cannot (RFC 3629 section 3)."""

Handler = Callable[[str, str, dict[str, Any]], None]
"""Called for every event with session id (empty for the browser), method and parameters."""


class DevToolsError(RuntimeError):
    """The browser refused a command; `reason` is its own text."""

    def __init__(self, method: str, reason: str) -> None:
        """Keeps the browser's text apart from the command."""
        super().__init__(f"{method}: {reason}")
        self.reason = reason


class Disconnected(DevToolsError):
    """The browser is gone."""


class DevTools:
    """One connection to one browser process."""

    def __init__(self, write_fd: int) -> None:
        """Takes over the writing end of the pipe; `attach` gives the reading end. `handler` gets every event."""
        self._write_fd = write_fd
        self.handler: Handler = ignore
        self._ids = itertools.count(1)
        self._waiting: dict[int, tuple[str, asyncio.Future[dict[str, Any]]]] = {}
        self._outbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._transport: asyncio.ReadTransport | None = None
        self.closed = asyncio.Event()
        self._failure: Exception | None = None

    async def attach(self, read_fd: int) -> None:
        """Starts to read from the browser."""
        reader = asyncio.StreamReader(limit=MESSAGE_BYTES)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_fd, "rb", 0))
        os.set_blocking(self._write_fd, False)
        self._tasks = [asyncio.create_task(self._read(reader)), asyncio.create_task(self._write())]

    def send(self, method: str, session: str = "", **params: Any) -> asyncio.Future[dict[str, Any]]:
        """Sends a command and returns the future of its result; nobody has to wait for it."""
        future = asyncio.get_running_loop().create_future()
        future.add_done_callback(_retrieve)
        if self.closed.is_set():
            future.set_exception(self._failure or Disconnected(method, "the browser is gone"))
            return future
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._waiting[number] = (method, future)
        self._outbox.put_nowait(json.dumps(message).encode() + b"\0")
        return future

    async def call(self, method: str, session: str = "", *, timeout: float, **params: Any) -> dict[str, Any]:
        """Sends a command and waits; raises DevToolsError when refused, Disconnected, TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self.send(method, session, **params)

    async def close(self) -> None:
        """Lets go of the pipe; every command still waiting ends as Disconnected."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()
        if self._write_fd >= 0:
            os.close(self._write_fd)
            self._write_fd = -1
        self._lost()

    def _lost(self) -> None:
        self.closed.set()
        waiting, self._waiting = self._waiting, {}
        for method, future in waiting.values():
            if not future.done():
                future.set_exception(self._failure or Disconnected(method, "the browser is gone"))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while (data := await _next(reader)) is not None:
                self._dispatch(_message(data))
        except Exception as error:  # raised again: what waits for answers has to hear of it, too
            self._failure = error  # an event that we cannot take must not look like a browser that died
            raise
        finally:
            self._lost()

    async def _write(self) -> None:
        with contextlib.suppress(OSError):
            while (data := await self._outbox.get()) is not None:
                await self._write_all(data)
        self._lost()

    async def _write_all(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._write_fd, data):]
            except BlockingIOError:
                await asyncio.sleep(0.002)

    def _dispatch(self, message: dict[str, Any]) -> None:
        if "id" not in message:
            self.handler(message.get("sessionId", ""), message["method"], message.get("params", {}))
            return
        method, future = self._waiting.pop(message["id"], ("", None))
        if future is None or future.done():
            return
        if "error" in message:
            future.set_exception(DevToolsError(method, message["error"].get("message", "refused")))
        else:
            future.set_result(message["result"])


async def _next(reader: asyncio.StreamReader) -> bytes | None:
    try:
        return (await reader.readuntil(b"\0"))[:-1]
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        return None


def _message(data: bytes) -> dict[str, Any]:
    """One message, every half of a surrogate pair replaced as browsers show it (U+FFFD)."""
    try:
        message: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise DevToolsError("DevTools", "what came over the pipe is no message of the protocol") from error
    if b"\\u" in data and LONE.search(data):
        whole = re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", json.dumps(message, ensure_ascii=False))
        message = json.loads(whole)
    return message


def ignore(session: str, method: str, params: dict[str, Any]) -> None:
    """Before a load begins nobody listens."""


def _retrieve(future: asyncio.Future[dict[str, Any]]) -> None:
    """Marks the outcome as seen, so that a command nobody waits for does not warn."""
    if not future.cancelled():
        future.exception()
