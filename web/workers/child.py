"""A worker: one warm browser, one job, then the end. In: the job, a line of JSON. Out: what happens, lines of JSON.

It is a fork of the nursery (nursery.py). It lives as long as its input is open and its parent is there, and takes its
browser with it. It knows no database, no key, and no variable of the service's environment; what a page sent is parsed
here and nowhere else.
"""

import asyncio
import os
import resource
import shutil
import signal
import threading
from pathlib import Path
from typing import Any, Final, NoReturn

from capture import chromium, pipeline
from capture.browser import Browser
from capture.errors import BadInput, CaptureError, Refused
from capture.record.request import StepRecord
from report import dossier
from report.pdf import PdfWorker, Renderer
from web.store.files import PICTURE
from web.workers.processes import end_below, follow, give_way
from web.workers.protocol import Kind, Order, Told, doubt_in

MEMORY_BYTES: Final = 2 << 30
"""Memory that a worker itself may take, bytes; its browser and its renderer have limits of their own."""
PARENT_GONE: Final = signal.SIGUSR1
"""The signal that comes when the nursery dies."""


class Worker:
    """The one worker of this process."""

    def __init__(self, orders: int, told: int, scratch: Path, renderer: Renderer) -> None:
        """`orders`, `told`: file descriptors. `scratch`: a directory for all that is temporary."""
        self._orders = orders
        self._told = told
        self._scratch = scratch
        self._renderer = renderer
        self._telling = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._given: asyncio.Future[str] = self._loop.create_future()

    def run(self) -> None:
        """Waits for the job and does it."""
        signal.signal(PARENT_GONE, lambda *_: self._die())
        threading.Thread(target=self._listen, daemon=True).start()
        pdf = PdfWorker(process=self._renderer)
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                order = runner.run(self._capture())
            if order is not None:
                give_way()  # the browsers of others are timed
                dossier.build(order.staging, worker=pdf)
                self._tell("done")
        except Refused as error:
            self._tell("refused", str(error))
        except BadInput as error:
            self._tell("bad", str(error))
        except (CaptureError, OSError, MemoryError) as error:
            self._tell("fault", str(error) or type(error).__name__)
        finally:
            pdf.close()

    async def _capture(self) -> Order | None:
        """The order, its bundle made; None when no order came."""
        browser = await Browser.start(chromium.find().path, self._scratch)
        follow(browser.process.pid)
        try:
            self._tell("ready")
            order = await self._order(browser)
            if order is None:
                return None
            self._tell("began")
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
            doubt = await self._make(order, browser)
        finally:
            await browser.kill()
        self._tell("captured", doubt)
        return order

    async def _order(self, browser: Browser) -> Order | None:
        """The order; None when the browser ends before one comes."""
        ended = asyncio.ensure_future(browser.process.wait())
        either: tuple[asyncio.Future[Any], ...] = (self._given, ended)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return None
        ended.cancel()
        return Order.model_validate_json(self._given.result())

    async def _make(self, order: Order, browser: Browser) -> str | None:
        if order.kind == "dossier":
            return None
        if order.kind == "import":
            await browser.kill()
            _bring(order)
            return None
        bundle = await pipeline.capture(order.request, order.staging, browser=browser, progress=self._step,
                                        added=self._added)
        ended = "the browser ended in the middle of the capture" if browser.died else None
        return doubt_in(bundle.evidence.steps[-1]) or ended

    def _step(self, record: StepRecord) -> None:
        self._tell("step", step=record)

    def _added(self, path: str) -> None:
        if path == PICTURE:
            self._tell("picture")

    def _tell(self, kind: Kind, reason: str | None = None, step: StepRecord | None = None) -> None:
        line = Told(kind=kind, reason=reason, step=step).model_dump_json(exclude_none=True) + "\n"
        with self._telling:
            try:
                _write(self._told, line.encode("utf-8", "replace"))
            except BrokenPipeError:
                self._die()

    def _listen(self) -> None:
        """Takes the order, then waits for the end of whoever gave it."""
        with open(self._orders, "rb", closefd=False) as stream:
            if line := stream.readline():
                self._loop.call_soon_threadsafe(self._given.set_result, line.decode())
                stream.read()
        self._die()

    def _die(self) -> NoReturn:
        try:
            end_below()
            shutil.rmtree(self._scratch, ignore_errors=True)
        finally:
            os._exit(1)


def _bring(order: Order) -> None:
    """Makes a bundle of uploads."""
    from capture import importers

    asked = order.request
    files = [importers.Upload(name, path.read_bytes()) for name, path in order.uploads]
    importers.bring(files, order.staging, importers.Options(
        url=asked.url or None, note=asked.note, seen=asked.seen, limits=asked.limits))


def _write(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data):]
