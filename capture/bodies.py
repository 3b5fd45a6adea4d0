"""Bodies, fetched the moment their request ends, because the browser soon lets go of them. In: finished requests.
Out: Body records and artifacts, masked and within the budgets."""

import asyncio
import base64
import hashlib

from capture.context import Context
from capture.devtools import DevTools, DevToolsError
from capture.exchanges import Draft
from capture.record.page import Body

EXTENSIONS = {"text/html": "html", "text/css": "css", "text/javascript": "js", "application/javascript": "js",
              "application/json": "json", "text/plain": "txt", "image/png": "png", "image/jpeg": "jpg",
              "image/gif": "gif", "image/svg+xml": "svg", "image/webp": "webp", "font/woff2": "woff2",
              "application/xml": "xml", "text/xml": "xml", "application/pdf": "pdf"}
"""Media type to file name extension; anything else is kept as .bin, so that nothing opens it by accident."""
TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml", "application/xhtml",
              "image/svg", "application/x-www-form-urlencoded", "application/problem")

EMPTY_ANSWER = "net::ERR_HTTP_RESPONSE_CODE_FAILURE"
"""An error status without a body: the browser then shows a page of its own."""
NOT_SHOWN = {"net::ERR_INVALID_AUTH_CREDENTIALS", "net::ERR_ABORTED"}
"""The server answered and the browser did not show it; the body is lost."""
REDIRECTS = {301, 302, 303, 307, 308}


class Bodies:
    """Fetches the bodies of one load."""

    def __init__(self, ctx: Context, devtools: DevTools) -> None:
        """Starts with the whole budget."""
        self._ctx = ctx
        self._devtools = devtools
        self._tasks: set[asyncio.Task[None]] = set()
        self._kept = 0

    def fetch(self, draft: Draft) -> None:
        """Begins to fetch the body of a request that has ended."""
        if draft.response is None:
            return
        if draft.error == EMPTY_ANSWER:
            draft.body = Body(size=0)  # asked for it, the browser would give its own error page
            return
        if draft.error in NOT_SHOWN or draft.response["status"] in REDIRECTS:
            draft.body = Body(size=draft.received_bytes, dropped="not-retained")
            return
        if draft.received_bytes > self._ctx.limits.body_bytes:
            draft.body = Body(size=draft.received_bytes, dropped="too-large")
            url = draft.request["request"]["url"][:200]
            self._ctx.hit("body_bytes", f"a body of {draft.received_bytes:,} bytes was not kept: {url}")
            return
        draft.body = Body(size=draft.received_bytes, dropped="not-retained")  # until it is there
        task = asyncio.create_task(self._fetch(draft))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def wait(self, timeout: float) -> None:
        """Waits for every body on its way; what is not there by then is recorded as not retained.

        Raises BundleError when one could not be written.
        """
        if self._tasks:
            done, late = await asyncio.wait(self._tasks, timeout=timeout)
            for task in late:
                task.cancel()
            for task in done:
                task.result()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)

    async def _fetch(self, draft: Draft) -> None:
        try:
            got = await self._devtools.call("Network.getResponseBody", draft.session,
                                            timeout=self._ctx.limits.evaluate_s, requestId=draft.request_id)
        except (DevToolsError, TimeoutError):
            return
        data = base64.b64decode(got["body"]) if got["base64Encoded"] else got["body"].encode("utf-8", "replace")
        draft.body = self.keep(draft, data)

    def keep(self, draft: Draft, data: bytes) -> Body:
        """Masks and keeps one body within the budget of all."""
        mime = (draft.response or {}).get("mimeType", "")
        masked = False
        is_text = mime.startswith(TEXT_TYPES)
        if is_text:
            data, masked = self._ctx.redactor.body(data, mime, "response body")
        if self._kept + len(data) > self._ctx.limits.bodies_bytes:
            self._ctx.hit("bodies_bytes", f"bodies past {self._ctx.limits.bodies_bytes:,} bytes in all were not kept")
            return Body(size=len(data), sha256=hashlib.sha256(data).hexdigest(), dropped="budget", masked=masked)
        self._kept += len(data)
        text = None
        if is_text and draft.request.get("type") == "Document":
            text = data.decode("utf-8", "replace")[:self._ctx.limits.text_chars]
        path = self._ctx.writer.artifact(data, EXTENSIONS.get(mime, "bin")) if data else None
        return Body(size=len(data), sha256=hashlib.sha256(data).hexdigest(), artifact=path, text=text, masked=masked)
