"""Pictures of given pages. In: bodies, and files they refer to by path. Out: PNG files as a window shows them.

Every request is answered from memory before it could leave the browser, and the browser's only way out leads nowhere.
"""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from capture import chromium
from capture.browser import Browser
from capture.devtools import DevTools, Handler

ADDRESS = "http://page.example/"
LOAD_S = 20.0
SETTLE_S = 0.2
"""For what scripts draw after the load."""


@dataclass(frozen=True)
class Window:
    """How the page is shown."""

    width: int = 1280
    height: int = 800
    scale: float = 1.0
    """Pixels a CSS pixel."""
    dark: bool = False
    """The visitor prefers dark colours."""


@dataclass(frozen=True)
class Body:
    """What is answered: the document, or a file it refers to."""

    data: bytes
    mime: str = "text/html; charset=utf-8"
    status: int = 200


@dataclass
class Camera:
    """One browser that takes pictures of pages one after the other."""

    browser: Browser
    files: Mapping[str, Body] = field(default_factory=dict)
    """Files by path."""

    @classmethod
    async def start(cls, files: Mapping[str, Body] | None = None) -> "Camera":
        """Starts the browser; raises NotInstalled, CaptureError."""
        return cls(await Browser.start(chromium.find().path), files or {})

    async def close(self) -> None:
        """Ends the browser."""
        await self.browser.kill()

    async def shoot(self, document: Body, window: Window = Window()) -> bytes:
        """The window as PNG; raises DevToolsError, TimeoutError."""
        page = await self.browser.page()
        devtools, session = self.browser.devtools, page.session
        loaded = asyncio.Event()
        devtools.handler = _answers(devtools, {**self.files, "/": document}, loaded)
        try:
            await devtools.call("Page.enable", session, timeout=LOAD_S)
            await devtools.call("Fetch.enable", session, timeout=LOAD_S)
            await devtools.call("Emulation.setDeviceMetricsOverride", session, timeout=LOAD_S, width=window.width,
                                height=window.height, deviceScaleFactor=window.scale, mobile=window.width < 600)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if window.dark else "light"}
            await devtools.call("Emulation.setEmulatedMedia", session, timeout=LOAD_S, features=[scheme])
            await devtools.call("Page.navigate", session, timeout=LOAD_S, url=ADDRESS)
            async with asyncio.timeout(LOAD_S):
                await loaded.wait()
            await asyncio.sleep(SETTLE_S)
            shot = await devtools.call("Page.captureScreenshot", session, timeout=LOAD_S, format="png")
        finally:
            await devtools.call("Target.closeTarget", timeout=LOAD_S, targetId=page.target)
        return base64.b64decode(shot["data"])


def _answers(devtools: DevTools, files: Mapping[str, Body], loaded: asyncio.Event) -> Handler:
    shown = False

    def handle(session: str, method: str, params: dict[str, Any]) -> None:
        nonlocal shown
        if method == "Page.loadEventFired":
            loaded.set()
        if method != "Fetch.requestPaused":
            return
        address = urlsplit(params["request"]["url"])
        found = files.get(address.path) if address.netloc == urlsplit(ADDRESS).netloc else None
        if address.path == "/" and shown:
            found = Body(b"", status=204)  # a page that reloads itself is held still
        shown = shown or address.path == "/"
        if found is None:
            devtools.send("Fetch.failRequest", session, requestId=params["requestId"], errorReason="ConnectionRefused")
            return
        devtools.send("Fetch.fulfillRequest", session, requestId=params["requestId"], responseCode=found.status,
                      responsePhrase="Given", responseHeaders=[{"name": "Content-Type", "value": found.mime}],
                      body=base64.b64encode(found.data).decode())

    return handle
