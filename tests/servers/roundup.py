"""A real Roundup of its own: the classic template on SQLite. In: nothing. Out: its address, logins and content.

Its REST API (https://www.roundup-tracker.org/docs/rest.html), as measured with 2.6. Every request: basic
authentication, `X-Requested-With: rest`, `Origin: SCHEME://HOST:PORT` (without it 400 for all but GET).

- A file: POST /rest/data/file as multipart: the part `content` holds the bytes, the fields `name` and `type` say what
  it is; 201 with its id. Its bytes again: /fileID/NAME. JSON can carry text only.
- A message: POST /rest/data/msg with content, author (one's own name or id), date (`.`: now), files (ids). The issue
  refuses one without author with 409. Its text again: /msgID/. PUT /rest/data/msg/ID/content {"data": TEXT} with
  If-Match changes it.
- To an issue: PATCH /rest/data/issue/ID {"@op": "add", "files": [], "messages": []} with If-Match: the ETag of a GET
  just before; 412 without, or when it has changed since.
- An issue: POST /rest/data/issue with title, files, messages (ids). Exactly once: POST /rest/data/issue/@poe gives a
  link for one POST; the second gets 400.
- To find: GET /rest/data/issue?title=PART, /rest/data/file?name=PART (with `@fields=name,creator`),
  /rest/data/issue?files=ID. Texts of messages cannot be searched.
- Errors: {"error": {"status": NUMBER, "msg": SENTENCE}}, but text/plain for 401 (wrong login) and 429 (after 4 wrong
  logins in ten minutes, with Retry-After: 150, then for the right password too); 403 for a right that is missing, 404,
  400 for a property that does not exist. A file cannot be taken back (403), and no limit of size is told.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.child import child

PEOPLE = ("admin", "reporter", "stranger")


@dataclass(frozen=True)
class Roundup:
    """One that runs."""

    url: str
    """With a path, without a slash at the end; below it /issue1 is a page, /rest/data/issue/1 the same for machines."""
    version: str
    issue: str
    """Id of an open issue."""
    passwords: Mapping[str, str] = field(repr=False)
    """Of `admin`, `reporter` (role User: may add issues, messages and files), `stranger` (no right to the REST API)."""


@contextmanager
def roundup() -> Iterator[Roundup]:
    """Runs one; at the end it is gone with its files. Raises ServerDown."""
    with tempfile.TemporaryDirectory(prefix="roundup-") as made:
        directory = Path(made)
        (directory / "home").mkdir()
        # -P: `roundup` is not this file.
        program = Path(__file__).with_name("roundup_home.py")
        with child([sys.executable, "-P", program, directory], directory, {}) as said:
            yield Roundup(f"http://127.0.0.1:{said['port']}/bugs", said["version"], said["issue"],
                          {name: f"password of {name}" for name in PEOPLE})
