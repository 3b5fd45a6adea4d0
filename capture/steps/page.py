"""The page in a browser. In: an open browser. Out: the strict load and, when it failed below HTTP, one more look.

Strict first: nothing is forgiven, and what it shows is the result. Behind a certificate that the browser refuses a
second, lenient load shows what lies there. Where the guard could not connect, the browser only knows that its proxy
failed: a native load makes it draw its own page for the failure that the guard recorded, without a packet being sent.
"""

from collections.abc import Sequence

from capture.browser import Browser
from capture.context import Context
from capture.eventlog import EventLog
from capture.load import FAIL_REASONS, Load, is_hidden_by_guard
from capture.record.page import PageLoad


async def run(ctx: Context, browser: Browser, port: int, log: EventLog, loads: list[PageLoad]) -> Sequence[PageLoad]:
    """Appends every load to `loads`, also when it is cut short; `port` is where the guard hears the browser."""
    load = Load(ctx, browser, "strict", log)
    strict = await _run(load, loads)
    if strict.error is not None and strict.error.startswith("net::ERR_CERT_"):
        await load.close()
        ctx.guard.relabel(port, "lenient")
        await _run(Load(ctx, browser, "lenient", log), loads)
    elif is_hidden_by_guard(strict):
        await load.close()
        ctx.guard.relabel(port, "background")  # the native look is drawn, not loaded: nothing of it may go out
        await _run(Load(ctx, browser, "native", log, FAIL_REASONS[strict.error or ""]), loads)
    return loads


async def _run(load: Load, loads: list[PageLoad]) -> PageLoad:
    try:
        return await load.run(load.ctx.url)
    finally:
        if load.result is not None:
            loads.append(load.result)
