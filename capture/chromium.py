"""Finds the browser on this machine. In: environment and file system. Out: a Browser, or NotInstalled with the remedy.

Nothing is started here: `chromium --version` takes a third of a second and the DevTools answer gives the same.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from capture.errors import NotInstalled

SYSTEM_BROWSERS = ("/usr/lib/chromium/chromium", "/opt/google/chrome/chrome", "/usr/bin/chromium")
"""Executables of packages; the binaries of Debian and Google, not the scripts that wrap them, and before any other
Chromium: on GitHub's Ubuntu runners that is a bare download which may not make its sandbox, and Chrome may
(https://github.com/actions/runner-images/issues/12096, 2025-04)."""
REMEDY = "./run setup"

Source = Literal["environment", "playwright", "system"]


@dataclass(frozen=True)
class Browser:
    """A Chromium that can be started."""

    path: Path
    """The executable."""
    source: Source
    """environment: named by GATEWITNESS_BROWSER. playwright: downloaded by Playwright. system: a package."""

    def version(self, timeout_s: float = 10.0) -> str:
        """Product and version as `--version` prints them, for example "Chromium 156.0.8078.79"; starts the browser.

        Raises NotInstalled when the file cannot be run.
        """
        try:
            done = subprocess.run([self.path, "--version"], capture_output=True, timeout=timeout_s, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotInstalled(f"{self.path} does not run: {error}; {REMEDY} installs a browser") from error
        product = re.search(r"[A-Za-z][A-Za-z ]* \d+(\.\d+)+", done.stdout.decode(errors="replace"))
        if done.returncode or product is None:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            reason = said[-1] if said else f"exit status {done.returncode}"
            raise NotInstalled(f"{self.path} does not run: {reason}; {REMEDY} installs a browser")
        return product[0]


def find(environment: Mapping[str, str] = os.environ, system: tuple[str, ...] = SYSTEM_BROWSERS) -> Browser:
    """The browser to use: GATEWITNESS_BROWSER, else the newest that Playwright has downloaded, else the system's.

    Raises NotInstalled; the message names what to run. A wrong GATEWITNESS_BROWSER is an error and never passed over.
    """
    named = environment.get("GATEWITNESS_BROWSER")
    if named:
        path = shutil.which(named)
        if path is None:
            raise NotInstalled(f"GATEWITNESS_BROWSER names {named}, which is not an executable file")
        return Browser(Path(path), "environment")
    downloaded = _downloaded(_playwright_directory(environment))
    if downloaded:
        return Browser(downloaded, "playwright")
    for candidate in system:
        if os.access(candidate, os.X_OK):
            return Browser(Path(candidate), "system")
    raise NotInstalled(f"no browser here: install one with {REMEDY}, or name one in GATEWITNESS_BROWSER")


def _playwright_directory(environment: Mapping[str, str]) -> Path:
    """Where Playwright keeps browsers on Linux (https://playwright.dev/python/docs/browsers, 2026)."""
    named = environment.get("PLAYWRIGHT_BROWSERS_PATH")
    if named:
        return Path(named)
    # expanduser leaves the tilde where there is no home; Path.home() would raise.
    cache = environment.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "ms-playwright"


def _downloaded(directory: Path) -> Path | None:
    """The newest complete download; Playwright writes the marker last."""
    complete = [mark.parent for mark in directory.glob("chromium-*/INSTALLATION_COMPLETE")]
    newest_first = sorted(complete, key=lambda build: int(re.sub(r"\D", "", build.name) or 0), reverse=True)
    found = (path for build in newest_first for path in sorted(build.glob("chrome-linux*/chrome")))
    return next((path for path in found if os.access(path, os.X_OK)), None)
