"""From a request to a sealed bundle. In: a CaptureRequest and an empty directory. Out: a Bundle.

The steps run side by side; the runner turns whatever becomes of each into a StepRecord. This is the one place where a
blind `except` is right: a step that fails must not take the others' facts with it.
"""

import asyncio
import contextlib
import email.utils
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from capture import chromium, eventlog, har
from capture.browser import Browser
from capture.context import Context, host_of
from capture.errors import CaptureError, NotInstalled
from capture.guard import Guard
from capture.policy import Policy, admit
from capture.record import codec
from capture.record.bundle import Bundle, BundleError, BundleWriter
from capture.record.evidence import Evidence, Vantage
from capture.record.page import PageLoad
from capture.record.request import CaptureRequest, Options, RequestRecord, StepRecord
from capture.redact import RULESET, Redactor
from capture.resolver import Resolver
from capture.steps import dns, page, plain_http, tcp, tls, vantage

STEPS = ("vantage", "dns", "tcp", "tls", "plain_http", "page")
"""The order in which steps are listed; they run side by side."""
WATCH_S = 0.5
"""Between two looks at the browser's memory, seconds."""
GRACE_S = 15.0
"""After the deadline: time to seal what is there, then the browser is killed by a thread that no page can block."""
PLAIN_HEADERS = {"accept", "accept-encoding", "accept-language", "cache-control", "dnt", "origin", "pragma", "referer",
                 "user-agent"}
"""Headers of the user whose values are no secrets and may be common words."""
Progress = Callable[[StepRecord], None]


@dataclass
class Facts:
    """What the steps have found so far."""

    found: dict[str, Any] = field(default_factory=dict)
    """Result by step."""
    pages: list[PageLoad] = field(default_factory=list)
    """Loads, also those that were cut short."""
    records: dict[str, StepRecord] = field(default_factory=dict)
    """How each step went."""


async def capture(request: CaptureRequest, directory: Path, *, browser: Browser | None = None,
                  stop: asyncio.Event | None = None, progress: Progress = lambda record: None,
                  added: Callable[[str], None] = lambda path: None) -> Bundle:
    """Captures one page into an empty directory.

    `browser` is one that was started ahead, else one is started; it is killed in the end. `stop` cuts it short.
    `progress` is told how each step went, `added` the path of each file as soon as it is there.
    Raises BadInput, Refused, NotInstalled, CaptureError; nothing is left behind then. A broken site never raises.
    """
    began = datetime.now(UTC)
    try:
        url = admit(request.url, request.allow_networks)
        executable = None if browser else chromium.find().path
        ctx = _context(request, url, directory, added)
    except BaseException as error:
        if browser is not None:
            await browser.kill()
        if isinstance(error, BundleError):
            raise CaptureError(str(error)) from error
        raise
    try:
        return await _capture(ctx, began, browser, executable, stop or asyncio.Event(), progress)
    except BundleError as error:
        ctx.writer.discard()
        raise CaptureError(str(error)) from error
    except OSError as error:
        ctx.writer.discard()
        raise CaptureError(f"cannot write to {directory}: {error.strerror or error}") from error
    except BaseException:
        ctx.writer.discard()
        raise


async def _capture(ctx: Context, began: datetime, browser: Browser | None, executable: Path | None,
                   stop: asyncio.Event, progress: Progress) -> Bundle:
    facts = Facts()
    log_path = ctx.writer.directory / eventlog.NAME
    opened = asyncio.create_task(_browser(browser, executable, ctx.limits.total_s + GRACE_S))
    try:
        async with ctx.guard:
            with eventlog.EventLog(log_path, ctx.limits.event_log_bytes, ctx.started) as log:
                reason = await _run(ctx, facts, opened, log, stop, progress)
        _caps(ctx, log)
        evidence = _evidence(ctx, facts, began, reason)
        return await _seal_and_kill(ctx, evidence, log_path, opened)
    finally:
        await _kill(opened)


def _context(request: CaptureRequest, url: str, directory: Path, added: Callable[[str], None]) -> Context:
    """The directory is claimed last, when everything else of the request has been found to make sense."""
    started = time.monotonic()
    policy = Policy(request.allow_networks)
    resolver = Resolver(request.system_resolvers)
    Resolver(request.resolvers)
    host = host_of(url)
    guard = Guard(policy, resolver, request.limits, started, target=host)
    redactor = Redactor(header.value for header in request.headers if header.name.lower() not in PLAIN_HEADERS)
    return Context(request=request, url=url, policy=policy, resolver=resolver, guard=guard, redactor=redactor,
                   writer=BundleWriter(directory, added), started=started)


async def _browser(ahead: Browser | None, executable: Path | None, seconds: float) -> Browser:
    if ahead is None and executable is None:
        raise NotInstalled("no browser was found; ./run setup installs one")
    browser = ahead or await Browser.start(executable or Path())
    browser.kill_after(seconds)
    return browser


async def _kill(opened: asyncio.Task[Browser]) -> None:
    opened.cancel()
    await asyncio.wait([opened])
    if not opened.cancelled() and opened.exception() is None:
        await opened.result().kill()


async def _seal_and_kill(ctx: Context, evidence: Evidence, log_path: Path, opened: asyncio.Task[Browser]) -> Bundle:
    sealing = asyncio.ensure_future(asyncio.to_thread(_seal, ctx, evidence, log_path))
    try:
        await _kill(opened)
        return await asyncio.shield(sealing)
    finally:
        await asyncio.wait([sealing])  # a thread cannot be stopped: nothing may be discarded while it writes


async def _run(ctx: Context, facts: Facts, opened: asyncio.Task[Browser], log: eventlog.EventLog, stop: asyncio.Event,
               progress: Progress) -> str | None:
    """Runs every step; returns why the capture was cut short, if it was."""
    async def page_step() -> Any:
        browser = await asyncio.shield(opened)
        port = await ctx.guard.listen("page", browser.exit_socket)
        watch = asyncio.create_task(_watch(ctx, browser))
        try:
            return await page.run(ctx, browser, port, log, facts.pages)
        finally:
            watch.cancel()

    async def vantage_step() -> Vantage:
        browser = await asyncio.shield(opened)
        return await vantage.run(ctx, product=browser.product, path=browser.executable.name,
                                 user_agent=browser.user_agent, sandbox=browser.sandbox)

    works: dict[str, Callable[[], Awaitable[Any]]] = {
        "vantage": vantage_step, "dns": lambda: dns.run(ctx), "tcp": lambda: tcp.run(ctx), "tls": lambda: tls.run(ctx),
        "plain_http": lambda: plain_http.run(ctx), "page": page_step}
    tasks = [asyncio.create_task(_step(name, works[name], ctx, facts, progress)) for name in STEPS]
    stopper: asyncio.Future[Any] = asyncio.create_task(stop.wait())
    everything: asyncio.Future[Any] = asyncio.gather(*tasks)
    try:
        await asyncio.wait([everything, stopper], timeout=ctx.limits.total_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        late = [task for task in (*tasks, stopper) if not task.done()]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, everything, return_exceptions=True)
    if stop.is_set():
        return "stopped by the user"
    if any(record.status == "cut-short" for record in facts.records.values()):
        ctx.hit("total_s", f"the capture was stopped after {ctx.limits.total_s:g} s")
        return f"the capture took longer than {ctx.limits.total_s:g} s"
    return None


async def _watch(ctx: Context, browser: Browser) -> None:
    """Keeps the browser within its memory and its number of processes."""
    gigabytes = ctx.limits.memory_bytes / 1e9
    words = {"memory_bytes": f"the browser needed more than {gigabytes:.1f} GB: its largest process was ended",
             "processes": f"the browser had more than {ctx.limits.processes} processes: the largest one was ended"}
    while True:
        await asyncio.sleep(WATCH_S)
        if (limit := browser.relieve(ctx.limits.memory_bytes, ctx.limits.processes)) is not None:
            ctx.hit(limit, words[limit])


async def _step(name: str, work: Callable[[], Awaitable[Any]], ctx: Context, facts: Facts, progress: Progress) -> None:
    started = time.monotonic()
    status: Any = "done"
    reason = None
    try:
        facts.found[name] = await work()
        if facts.found[name] is None:
            status, reason = "skipped", "there is nothing to look at on this address"
    except asyncio.CancelledError:
        status, reason = "cut-short", "the capture ended before this step did"
    except TimeoutError:
        status, reason = "timed-out", "the step's own time ran out"
    except Exception as error:  # noqa: BLE001 - the step runner: our failure in one step must not cost the other facts
        status, reason = "failed", ctx.redactor.text(f"{type(error).__name__}: {error}", "step reason")
    ended = time.monotonic()
    record = StepRecord(name=name, status=status, reason=reason, started_ms=round((started - ctx.started) * 1000, 1),
                        duration_ms=round((ended - started) * 1000, 1))
    facts.records[name] = record
    progress(record)


def _caps(ctx: Context, log: eventlog.EventLog) -> None:
    for hit in ctx.guard.limits_hit:
        ctx.hit(hit.limit, hit.sentence)
    if log.dropped:
        ctx.hit("event_log_bytes", f"{log.dropped:,} browser events did not fit into the event log")


def _evidence(ctx: Context, facts: Facts, began: datetime, reason: str | None) -> Evidence:
    request, mask, found = ctx.request, ctx.redactor, facts.found
    kept = RequestRecord(
        url=mask.url(request.url, "address asked for"), header_names=tuple(header.name for header in request.headers),
        **{**request.model_dump(include=set(Options.model_fields)),
           "note": None if request.note is None else mask.text(request.note, "note"),
           "seen": None if request.seen is None else mask.text(request.seen, "what was seen")})
    return Evidence(
        id=str(uuid.uuid4()), request=kept, started_at=began, finished_at=datetime.now(UTC),
        outcome="cut-short" if reason else "complete", outcome_reason=reason,
        steps=tuple(facts.records[name] for name in STEPS), limits_hit=tuple(ctx.limits_hit),
        vantage=_with_clock(found.get("vantage"), facts.pages), dials=ctx.guard.dials(), dns=found.get("dns"),
        tcp=found.get("tcp"), tls=found.get("tls"), plain_http=found.get("plain_http"), pages=tuple(facts.pages),
        redaction_ruleset=RULESET)


def _with_clock(seen: Vantage | None, loads: list[PageLoad]) -> Vantage | None:
    """Adds the difference between the site's clock and ours, from the Date header of the document (RFC 9110 6.6.1)."""
    main = next((e for load in loads for e in load.exchanges if e.id == load.main_exchange and e.response), None)
    if seen is None or main is None or main.response is None or main.duration_ms is None:
        return seen
    value = next((h.value for h in main.response.headers if h.name.lower() == "date"), "")
    try:
        said = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return seen
    if said.tzinfo is None:
        return seen
    offset = round(said.timestamp() - main.started_at.timestamp() - main.duration_ms / 1000, 0)
    return seen.model_copy(update={"clock": seen.clock.model_copy(update={"date_header_offset_s": offset})})


def _seal(ctx: Context, evidence: Evidence, log_path: Path) -> Bundle:
    """The last pass for secrets that were learnt late, the exports, the manifest."""
    mask, writer = ctx.redactor, ctx.writer
    cleaned = mask.deep(evidence.model_dump(mode="json", exclude_none=True), "evidence")
    cleaned["redactions"] = [line.model_dump() for line in mask.ledger()]
    # What came from the command line may hold bytes that are no text (PEP 383).
    final = codec.load(Evidence, json.dumps(cleaned, ensure_ascii=False).encode("utf-8", "replace"))
    writer.add("page.har", codec.to_json(har.har(final, lambda path: (writer.directory / path).read_bytes())))
    console = {load.label: [entry.model_dump(mode="json", exclude_none=True) for entry in load.console]
               for load in final.pages}
    writer.add("console.json", codec.to_json(console))
    events = eventlog.rewrite(log_path.read_bytes(), lambda params: mask.deep(params, "event log"))
    log_path.unlink()
    writer.add(eventlog.NAME, events)
    return writer.seal(final)


@contextlib.asynccontextmanager
async def started_ahead() -> AsyncIterator[Browser]:
    """A browser that waits for its capture; killed when it was not used. Raises NotInstalled, CaptureError."""
    browser = await Browser.start(chromium.find().path)
    try:
        yield browser
    finally:
        await browser.kill()
