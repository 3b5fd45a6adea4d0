"""The service behind a real port, and a real browser before it. In: a service. Out: its address, tabs."""

import importlib.resources
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from capture import chromium
from tests.web.serving import Served
from web.workers.listening import Listener

AXE = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
"""axe-core 4 (MPL-2.0), as the Python package carries it."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True},
}
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def launched() -> Iterator[Browser]:
    """The browser of this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find().path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Tab:
    """One tab in a browser of its own."""

    page: Page
    base: str
    said: list[str] = field(default_factory=list)
    """Lines of the console."""
    hosts: set[str] = field(default_factory=set)
    """What was asked for anything."""

    def open(self, path: str) -> Page:
        """Opens a page of the service."""
        self.page.goto(f"{self.base}{path}")
        return self.page

    def look(self, name: str) -> None:
        """Changes the window and what the system prefers to one of LOOKS, without loading anything anew."""
        self.page.set_viewport_size(LOOKS[name]["viewport"])
        self.page.emulate_media(color_scheme=LOOKS[name].get("color_scheme", "light"))

    def axe(self) -> list[tuple[str, str]]:
        """What axe finds wrong."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE)
        found = self.page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES)
        assert len(found["passes"]) > 10
        return [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]]

    def close(self) -> None:
        """Closes the browser."""
        self.page.context.close()


class Site:
    """A service that listens."""

    def __init__(self, service: Served, browser: Browser) -> None:
        """Starts to listen at a free port."""
        self.service = service
        self.browser = browser
        self._listener = self._listen(service.config.port)
        self.base = self._listener.address
        self._tabs: list[Tab] = []

    def tab(self, *, script: bool = True, **options: Any) -> Tab:
        """A tab in a new browser: no cookies."""
        page = self.browser.new_context(java_script_enabled=script, **options).new_page()
        page.set_default_timeout(PATIENCE_MS)
        made = Tab(page, self.base)
        page.on("console", lambda message: made.said.append(message.text))
        page.on("pageerror", lambda error: made.said.append(str(error)))
        page.on("request", lambda request: made.hosts.add(request.url.split("/")[2] if "//" in request.url else ""))
        self._tabs.append(made)
        return made

    def interrupt(self) -> None:
        """Breaks every connection, and listens again at the same port."""
        port = int(self.base.rpartition(":")[2])
        self._listener.stop()
        self._listener = self._listen(port)

    def close(self) -> None:
        """Closes all tabs, then the port."""
        for tab in self._tabs:
            tab.close()
        self._listener.stop()

    def _listen(self, port: int) -> Listener:
        listener = Listener(self.service.config.model_copy(update={"port": port, "threads": 12}))
        listener.start(self.service.app)
        return listener


def saved(page: Page, link: str, directory: Path) -> tuple[str, bytes]:
    """Name and bytes of what a link saves."""
    with page.expect_download() as download:
        page.get_by_role("link", name=link, exact=True).click()
    path = directory / "saved"
    download.value.save_as(path)
    return download.value.suggested_filename, path.read_bytes()


@contextmanager
def served(directory: Path, browser: Browser, **given: Any) -> Iterator[Site]:
    """A service in local mode, set up so, that listens at a free port."""
    data = directory / "data"
    data.mkdir()
    service = Served.on(data, port=0, **given)
    site = Site(service, browser)
    try:
        yield site
    finally:
        site.close()
        service.close()
