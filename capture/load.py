"""One load of a page. In: a browser, a label. Out: a PageLoad, whatever the page does.

What the navigation command says is not the truth of the document: an empty 500, a 401, a 204 make it fail although the
server answered, and a broken chunk does not. The events decide.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from capture import inpage, pictures
from capture.bodies import Bodies
from capture.browser import Browser
from capture.context import Context
from capture.devtools import DevToolsError, ignore
from capture.eventlog import EventLog
from capture.exchanges import PROXY_ERRORS, Dials, Draft, exchange
from capture.record.page import Frame, LoadLabel, PageLoad, Screenshot
from capture.recorder import Recorder

ANSWERED = {"net::ERR_HTTP_RESPONSE_CODE_FAILURE", "net::ERR_INVALID_AUTH_CREDENTIALS", "net::ERR_ABORTED"}
"""Failures of the navigation in which a server did answer: the status is the fact."""
FAIL_REASONS = {
    "net::ERR_NAME_NOT_RESOLVED": "NameNotResolved", "net::ERR_CONNECTION_REFUSED": "ConnectionRefused",
    "net::ERR_CONNECTION_TIMED_OUT": "TimedOut", "net::ERR_ADDRESS_UNREACHABLE": "AddressUnreachable",
    "net::ERR_CONNECTION_RESET": "ConnectionReset", "net::ERR_CONNECTION_CLOSED": "ConnectionClosed",
}
"""The guard's failures to the words in which the browser can be told to show them (Network.ErrorReason)."""
QUIET_S = 0.5
"""A page with scripts is taken to be done when no request was open for this long."""
OPEN_S = 30.0
"""For a browser on a busy machine to take its settings."""
CLOSE_S = 5.0
Params = dict[str, Any]


class Load:
    """Drives one browser through one load."""

    def __init__(self, ctx: Context, browser: Browser, label: LoadLabel, log: EventLog,
                 fail_reason: str | None = None) -> None:
        """`log` takes every event; with label native, `fail_reason` is the failure that the browser is told to show."""
        self.ctx = ctx
        self.browser = browser
        self.devtools = browser.devtools
        self.label = label
        self.recorder = Recorder(ctx.limits, ctx.redactor, log)
        self.bodies = Bodies(ctx, self.devtools)
        self.recorder.on_finished = self.bodies.fetch
        self.sessions: dict[str, str] = {}
        """Session to target id."""
        self.visits: Counter[str] = Counter()
        """Navigations that the page itself asked for, by address."""
        self.context_id = ""
        self.session = ""
        self.fail_reason = fail_reason
        self.navigate_error: str | None = None
        self.is_download = False
        self.ended: Any = "failed"
        self.result: PageLoad | None = None
        """Set at the end, also when the load was cut short."""

    async def run(self, url: str) -> PageLoad:
        """Loads the page and records it; raises DevToolsError only when the browser itself is gone before the start."""
        began, started = datetime.now(UTC), time.monotonic()
        self.devtools.handler = self._event
        await self._open()
        shots: tuple[Screenshot | None, Screenshot | None] = (None, None)
        facts: Params = {}
        frames: tuple[Frame, ...] = ()
        try:
            await self._navigate(url)
            facts, frames, shots = await self._inspect()
            await self.bodies.wait(self.ctx.limits.evaluate_s)
        except DevToolsError:
            self.ended = "crashed"
        except asyncio.CancelledError:
            self.ended = "stopped"
            raise
        finally:
            self.devtools.handler = ignore
            self.result = self._result(began, started, facts, frames, shots)
        return self.result

    async def close(self) -> None:
        """Throws the context away, so that another load can begin in the same browser."""
        with contextlib.suppress(DevToolsError, TimeoutError):
            await self.devtools.call("Target.disposeBrowserContext", timeout=CLOSE_S, browserContextId=self.context_id)

    def _event(self, session: str, method: str, params: Params) -> None:
        if session and session not in self.sessions:
            return
        if method == "Page.javascriptDialogOpening":
            self._dismiss(session)
        elif method == "Target.attachedToTarget":
            self._attached(params)
        elif method == "Target.targetCreated":
            self._popup(params["targetInfo"])
        elif method == "Fetch.requestPaused":
            self._paused(session, params)
        elif method == "Page.frameRequestedNavigation" and params["frameId"] == self.recorder.requests.top_frame:
            self._navigates_itself(params["url"])
        self.recorder.handle(session, method, params)
        if self.recorder.console_dropped == 1:
            self.devtools.send("Runtime.disable", session)
            kept = self.ctx.limits.console_entries
            self.ctx.hit("console_entries", f"only the first {kept:,} console lines were kept")

    def _dismiss(self, session: str) -> None:
        if self.recorder.dialogs_count == self.ctx.limits.dialogs:
            # The engine looks for this only now and then: a tight loop of dialogs ends after some hundred of them.
            self.devtools.send("Runtime.terminateExecution", session)
            self.ctx.hit("dialogs", f"the page's scripts were stopped after {self.ctx.limits.dialogs} dialogs")
        self.devtools.send("Page.handleJavaScriptDialog", session, accept=False)

    def _navigates_itself(self, url: str) -> None:
        """Holds a page still that loads itself again and again, so that it can be looked at."""
        self.visits[url] += 1
        if self.visits[url] > self.ctx.limits.reloads:
            self.ctx.hit("reloads", f"the page was held still after it reloaded itself {self.ctx.limits.reloads} times")
        elif self.visits[url] == self.ctx.limits.reloads:
            patterns = [{"urlPattern": "*", "resourceType": "Document"}, *self._own_host()]
            self.devtools.send("Fetch.enable", self.session, patterns=patterns)

    def _popup(self, target: Params) -> None:
        if target["type"] != "page" or target["targetId"] in self.sessions.values():
            return
        if target.get("browserContextId") != self.context_id:
            return
        self.recorder.popups_count += 1
        if self.recorder.popups_count > self.ctx.limits.popups:
            self.devtools.send("Target.closeTarget", targetId=target["targetId"])
            self.ctx.hit("popups", f"windows past the first {self.ctx.limits.popups} were closed")

    def _attached(self, params: Params) -> None:
        """Frames of other sites and workers are targets of their own; their requests belong to the page."""
        session = params["sessionId"]
        self.sessions[session] = params["targetInfo"]["targetId"]
        self._listen(session, page=params["targetInfo"]["type"] in ("page", "iframe"))
        self.devtools.send("Runtime.runIfWaitingForDebugger", session)

    def _paused(self, session: str, params: Params) -> None:
        if self.fail_reason is not None:
            self.devtools.send("Fetch.failRequest", session, requestId=params["requestId"],
                               errorReason=self.fail_reason)
            return
        if params["resourceType"] == "Document" and self.visits[params["request"]["url"]] > self.ctx.limits.reloads:
            self.devtools.send("Fetch.failRequest", session, requestId=params["requestId"], errorReason="Aborted")
            return
        headers = {name.lower(): (name, value) for name, value in params["request"]["headers"].items()}
        headers |= {header.name.lower(): (header.name, header.value) for header in self.ctx.request.headers}
        self.devtools.send("Fetch.continueRequest", session, requestId=params["requestId"],
                           headers=[{"name": name, "value": value} for name, value in headers.values()])

    def _listen(self, session: str, *, page: bool) -> list[asyncio.Future[Params]]:
        limits = self.ctx.limits
        send = self.devtools.send
        sent = [
            send("Network.enable", session, maxTotalBufferSize=limits.bodies_bytes,
                 maxResourceBufferSize=limits.body_bytes, maxPostDataSize=65536),
            send("Runtime.enable", session),
            send("Log.enable", session),
            send("Target.setAutoAttach", session, autoAttach=True, waitForDebuggerOnStart=True, flatten=True)]
        if page:
            sent += [send("Page.enable", session), send("Audits.enable", session)]
            if self.fail_reason is not None:
                sent.append(send("Fetch.enable", session, patterns=[{"urlPattern": "*"}]))
            elif self.ctx.request.headers:
                sent.append(send("Fetch.enable", session, patterns=self._own_host()))
        return sent

    def _own_host(self) -> list[Params]:
        """Requests to the page's own host, which get the user's headers; none when there are no such headers."""
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.ctx.url))
        return [{"urlPattern": f"{origin}/*"}] if self.ctx.request.headers else []

    async def _open(self) -> None:
        """A fresh context and page, with everything that is to be recorded switched on."""
        request = self.ctx.request
        page = await self.browser.page()
        self.context_id = page.context
        self.session = self.recorder.top_session = page.session
        self.sessions[page.session] = self.recorder.requests.top_frame = page.target
        self.devtools.send("Browser.setDownloadBehavior", behavior="deny", browserContextId=self.context_id,
                           eventsEnabled=True)
        send = self.devtools.send
        settings = [
            *self._listen(self.session, page=True),
            send("Security.enable", self.session),
            send("Target.setDiscoverTargets", discover=True, filter=[{"type": "page"}]),
            send("Emulation.setDeviceMetricsOverride", self.session, width=request.viewport.width,
                 height=request.viewport.height, deviceScaleFactor=1, mobile=False),
            send("Emulation.setUserAgentOverride", self.session, acceptLanguage=request.locale,
                 userAgent=request.user_agent or self.browser.user_agent),
            send("Emulation.setLocaleOverride", self.session, locale=request.locale)]
        if request.timezone:
            settings.append(send("Emulation.setTimezoneOverride", self.session, timezoneId=request.timezone))
        if self.label == "lenient":
            settings.append(send("Security.setIgnoreCertificateErrors", self.session, ignore=True))
        async with asyncio.timeout(OPEN_S):
            await asyncio.gather(*settings)

    async def _navigate(self, url: str) -> None:
        limits = self.ctx.limits
        command = self.devtools.send("Page.navigate", self.session, url=url)
        command.add_done_callback(lambda _: self.recorder.changed.set())
        if not await self._until(lambda: command.done() or self.recorder.crashed, limits.commit_s):
            self.ended = "commit-timeout"
            self.ctx.hit("commit_s", f"no answer to the page's own request after {limits.commit_s:g} s")
            self.devtools.send("Page.stopLoading", self.session)
            await self._until(command.done, 1.0)
            return
        if self.recorder.crashed:
            self.ended = "crashed"
            return
        outcome = command.result()
        self.navigate_error, self.is_download = outcome.get("errorText"), outcome.get("isDownload", False)
        main = self._main()
        if main is not None and main.error is None and self.navigate_error not in ANSWERED:
            main.error = self.navigate_error  # the browser does not always report the failure of a document by event
        if self.is_download:
            self.ended = "download"
        elif self.navigate_error == "net::ERR_ABORTED":
            self.ended = "no-content"
        elif self.navigate_error and (main is None or main.response is None):
            self.ended = "failed"
            await self._until(lambda: self.recorder.load_ms is not None, 1.0)
        else:
            await self._settle()

    async def _settle(self) -> None:
        """Waits for the load event and, where scripts can still change the page, for a quiet network."""
        limits, recorder = self.ctx.limits, self.recorder
        await self._until(lambda: recorder.load_ms is not None or recorder.crashed or self._broken_off(), limits.load_s)
        if recorder.crashed:
            self.ended = "crashed"
        elif recorder.load_ms is None and self._broken_off():
            self.ended = "broken-off"
        elif recorder.load_ms is None:
            self.ended = "load-timeout"
            self.ctx.hit("load_s", f"the page did not finish loading in {limits.load_s:g} s; recording went on without")
            self.devtools.send("Page.stopLoading", self.session)
            self.devtools.send("Runtime.terminateExecution", self.session)
        else:
            self.ended = "load"
            if await self._ask(f"({inpage.probe('active')})()"):
                await self._quiet(limits.idle_s)
            self.ended = "crashed" if recorder.crashed else "load"

    def _broken_off(self) -> bool:
        """Whether the document's body failed after it was committed; the load event then never comes."""
        main = self._main()
        return (main is not None and main.response is not None and main.error is not None
                and main.error not in ANSWERED)

    async def _quiet(self, longest: float) -> None:
        """Until the page is loaded and no request was open for QUIET_S, at most `longest` seconds."""
        end = time.monotonic() + longest
        requests = self.recorder.requests
        while (left := end - time.monotonic()) > 0:
            known = len(requests.drafts)
            if any(times > self.ctx.limits.reloads for times in self.visits.values()):
                return
            if not await self._until(self._is_idle, left):
                self.ctx.hit("idle_s", f"requests were still open {longest:g} s after the load event")
                return
            if not await self._until(self._more_than(known), min(QUIET_S, left)) or self.recorder.crashed:
                return

    def _is_idle(self) -> bool:
        return not self.recorder.requests.in_flight and self.recorder.load_ms is not None

    def _more_than(self, known: int) -> Callable[[], bool]:
        return lambda: len(self.recorder.requests.drafts) > known or self.recorder.crashed

    async def _until(self, condition: Callable[[], bool], longest: float) -> bool:
        """Waits until events make it true; False when it is not after `longest` seconds or the browser is gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                while not condition() and not self.devtools.closed.is_set():
                    self.recorder.changed.clear()
                    await self.recorder.changed.wait()
        return condition()

    async def _ask(self, expression: str) -> Any:
        """Asks the top frame; None when it does not answer."""
        return await inpage.ask(self.devtools, self.session, self.recorder.requests.top_frame, expression,
                                self.ctx.limits.evaluate_s)

    async def _inspect(self) -> tuple[Params, tuple[Frame, ...], tuple[Screenshot | None, Screenshot | None]]:
        """What the page shows: pictures first, then title, text, DOM and frames, all asked at once."""
        if self.recorder.crashed:
            return {}, (), (None, None)
        shown = self.recorder.committed or {}
        own = self.ended in ("load", "load-timeout", "broken-off") and "unreachableUrl" not in shown
        if self.ended == "broken-off" and not await self._ask(f"({inpage.probe('drawn')})()"):
            return {}, (), (None, None)
        shots = asyncio.create_task(self._pictures())
        facts = await self._ask(inpage.probes(self.ctx.limits.text_chars)) if own else None
        frames = await self._frames() if own else ()
        return facts or {}, frames, await shots

    async def _pictures(self) -> tuple[Screenshot | None, Screenshot | None]:
        suffix = "" if self.label == "strict" else f"-{self.label}"
        name, full_name = f"screenshot{suffix}.png", f"screenshot{suffix}-full.png"
        try:
            size = asyncio.create_task(pictures.page_size(self.devtools, self.session, self.ctx.limits.evaluate_s))
            shot = await pictures.viewport(self.ctx, self.devtools, self.session, name)
        except (DevToolsError, TimeoutError):
            await asyncio.gather(size, return_exceptions=True)
            self.ctx.hit("screenshot_s", "the page could not be pictured in time")
            return None, None
        try:
            whole = await size
            if whole.height <= self.ctx.request.viewport.height:
                data = (self.ctx.writer.directory / name).read_bytes()
                return shot, pictures.keep(self.ctx, full_name, data, page_height=whole.height)
            return shot, await pictures.full(self.ctx, self.devtools, self.session, full_name, whole)
        except (DevToolsError, TimeoutError):
            self.ctx.hit("screenshot_s", "the whole page could not be pictured in time")
            return shot, None

    async def _frames(self) -> tuple[Frame, ...]:
        mask, limits = self.ctx.redactor, self.ctx.limits
        found = await inpage.frames(self.devtools, self.session, self.sessions, limits.text_chars, limits.evaluate_s)
        return tuple(Frame(url=mask.url(frame.url, "frame"), name=mask.text(frame.name, "frame"), parent=True,
                           text=None if frame.text is None else mask.text(frame.text, "frame"),
                           unreachable_url=frame.unreachable_url) for frame in found)

    def _main(self) -> Draft | None:
        """The request of the document shown, or that failed last."""
        documents = self.recorder.requests.main()
        loader = (self.recorder.committed or {}).get("loaderId")
        return next((d for d in reversed(documents) if d.request_id == loader), documents[-1] if documents else None)

    def _result(self, began: datetime, started: float, facts: Params, frames: tuple[Frame, ...],
                shots: tuple[Screenshot | None, Screenshot | None]) -> PageLoad:
        recorder, mask, limits = self.recorder, self.ctx.redactor, self.ctx.limits
        requests = recorder.requests
        if requests.dropped:
            self.ctx.hit("exchanges",
                         f"{requests.dropped:,} requests past the first {limits.exchanges:,} were only counted")
        requests.match_extras()
        dials = Dials(self.ctx.guard.dials())
        exchanges = tuple(exchange(requests, draft, dials, recorder.start or 0, recorder.wall)
                          for draft in requests.drafts)
        main = self._main()
        shown = exchanges[main.number - 1] if main else None
        error = shown and (shown.guard_error or shown.error)
        if error in ANSWERED and (self.ended == "commit-timeout" or (shown is not None and shown.response is not None)):
            error = None  # the server answered, or it was we who gave it up
        dom = mask.body(facts["dom"].encode("utf-8", "replace"), "text/html", "DOM")[0] if facts.get("dom") else None
        dom_name = "page.html" if self.label == "strict" else f"page-{self.label}.html"
        ctx_text = facts.get("text")
        final = (recorder.committed or {}).get("unreachableUrl") or (recorder.committed or {}).get("url")
        return PageLoad(
            label=self.label, started_at=began, duration_ms=round((time.monotonic() - started) * 1000, 1),
            ended=self.ended, error=error or (self.navigate_error if self.ended == "failed" else None),
            navigate_error=self.navigate_error, main_exchange=shown.id if shown else None,
            final_url=None if final is None else mask.url(final, "final URL"),
            title=None if facts.get("title") is None else mask.text(facts["title"][:4096], "title"),
            text=None if ctx_text is None else mask.text(ctx_text, "page text"), charset=facts.get("charset"),
            dom=self.ctx.writer.add(dom_name, dom) if dom else None, exchanges=exchanges,
            exchanges_dropped=requests.dropped, console=tuple(recorder.console),
            console_dropped=recorder.console_dropped, websockets=recorder.websockets(),
            dialogs=tuple(recorder.dialogs), dialogs_count=recorder.dialogs_count,
            popups_count=recorder.popups_count, downloads=tuple(recorder.downloads), frames=frames,
            storage_keys=tuple(mask.text(key[:200], "storage key") for key in facts.get("storage_keys") or ()),
            security_state=recorder.security_state, dom_content_loaded_ms=recorder.dom_ms, load_ms=recorder.load_ms,
            screenshot=shots[0], screenshot_full=shots[1])


def is_hidden_by_guard(load: PageLoad) -> bool:
    """Whether the document failed at a connect of the guard's: the browser then shows its proxy and not the cause."""
    main = next((e for e in load.exchanges if e.id == load.main_exchange), None)
    return (main is not None and main.response is None and main.error in PROXY_ERRORS
            and main.guard_error in FAIL_REASONS)
