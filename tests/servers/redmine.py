"""A real Redmine, as Debian packages it, on a database of its own. In: nothing. Out: its address, keys and content.

Nothing of the system's own configuration is used or changed; one process makes the tables and serves them, which takes
about 6 s of processor time. REST API: https://www.redmine.org/projects/redmine/wiki/Rest_api
"""

import html
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from tests.servers.child import child

HOME: Final = Path("/usr/share/redmine")
DATABASE: Final = "redmine.sqlite3"
FILES: Final = {
    "config/database.yml": "production: {{adapter: sqlite3, database: {directory}/" + DATABASE + ", timeout: 60000}}\n",
    "config/secret_key.txt": "0" * 64,
    "Gemfile": f'eval_gemfile "{HOME}/Gemfile"\n'
               'gem "sqlite3" if dependencies.none? {{ |gem| gem.name == "sqlite3" }}\ngem "webrick"\n',
}
"""What an instance needs; Redmine's Gemfile names SQLite only where the system's instance can be read and uses it."""
PATIENCE_S: Final = 150.0
"""For one answer of a busy machine, seconds."""
LATER: Final = "2999-01-01 00:00:00"
"""When settings were changed, so that Redmine looks at them again for each request."""


@dataclass(frozen=True)
class Redmine:
    """One that runs; it answers under `url` and under `url`/redmine."""

    url: str
    version: str
    project: str
    """Identifier of a private project."""
    issue: int
    """Number of an open issue in it."""
    keys: Mapping[str, str] = field(repr=False)
    """API keys of `admin`, `reporter` (may see and add issues, add notes and edit his own: all that a delivery needs),
    `reader` (may only look), `stranger` (does not see the project)."""
    database: Path

    def set(self, name: str, value: str) -> None:
        """Changes a setting (config/settings.yml of Redmine): attachment_max_size (KB), attachment_extensions_denied,
        text_formatting (textile, common_mark), rest_api_enabled; it counts from the next request on."""
        with closing(sqlite3.connect(self.database, timeout=60)) as connection, connection:
            connection.execute("DELETE FROM settings WHERE name = ?", (name,))
            connection.execute("INSERT INTO settings (name, value, updated_on) VALUES (?, ?, ?)", (name, value, LATER))

    def page(self, path: str) -> str:
        """What `reporter` sees in the browser at PATH, for example /issues/1: HTML."""
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=PATIENCE_S) as browser:
            form = browser.get("/login").raise_for_status().text
            token = form.partition('name="authenticity_token" value="')[2].partition('"')[0]
            browser.post("/login", data={"username": "reporter", "password": "password of reporter",
                                         "authenticity_token": html.unescape(token)}).raise_for_status()
            return browser.get(path).raise_for_status().text


@contextmanager
def redmine() -> Iterator[Redmine]:
    """Runs one; at the end it is gone with its files. Raises ServerDown."""
    with tempfile.TemporaryDirectory(prefix="redmine-") as made:
        directory = Path(made)
        for part in ("config", "files", "log", "tmp"):
            (directory / part).mkdir()
        for name, text in FILES.items():
            (directory / name).write_text(text.format(directory=directory))
        environment = {
            "RAILS_ENV": "production",
            "BUNDLE_GEMFILE": str(directory / "Gemfile"),
            # A path below its own `instances`; more steps up than there are lead to the root.
            "REDMINE_INSTANCE": "../" * 20 + str(directory).lstrip("/"),
        }
        with child(["ruby", Path(__file__).with_suffix(".rb"), HOME], directory, environment) as said:
            yield Redmine(f"http://127.0.0.1:{said['port']}", said["version"], said["project"], said["issue"],
                          said["keys"], directory / DATABASE)
