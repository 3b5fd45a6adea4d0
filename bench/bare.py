"""The bare run that everything is measured against: Playwright with a HAR and a full-page picture, nothing else.

As a program, `python -m bench.bare URL` is the cold script: start, load, record, picture, stop.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright


async def once(browser: Browser, url: str, directory: Path) -> None:
    """One load in a warm browser: a new context with HAR, goto, full-page picture, close."""
    context = await browser.new_context(record_har_path=directory / "page.har")
    page = await context.new_page()
    await page.goto(url)
    await page.screenshot(full_page=True, path=directory / "page.png")
    await context.close()


async def _cold(url: str, executable: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=executable)
            await once(browser, url, Path(directory))
            await browser.close()


if __name__ == "__main__":
    asyncio.run(_cold(sys.argv[1], sys.argv[2]))
