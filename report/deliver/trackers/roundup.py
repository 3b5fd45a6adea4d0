"""Roundup: issues, messages, files. In: an issue, or its class. Out: a message, or a new issue.

REST API: https://www.roundup-tracker.org/docs/rest.html (2026-11), measured with Roundup 2.6.

A message is made first and then added to the issue together with its files, which is one step. Its mark stands in
`messageid`, which no page shows and which can be searched. Files cannot be taken back: what no issue names is seen by
nobody, and is taken up by the next try. Text is plain; Roundup links addresses, mail addresses and items (issue 12).
"""

import base64
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final
from urllib.parse import SplitResult

from report.deliver.base import (
    Account,
    Credential,
    DeliveryFailed,
    Door,
    File,
    Found,
    Limits,
    Message,
    Target,
    Tracker,
    Upload,
)
from report.deliver.fitting import fitted
from report.deliver.http import Http, part
from report.deliver.mark import cases
from report.deliver.targets import origin
from report.markup.blocks import Blocks, Link, Paragraph
from report.markup.parted import JOINER, parted
from report.markup.plain import plain

TRIES: Final = 4
"""How often a change is sent while others change the issue too."""
MOST: Final = 100
"""Messages of one failure, and files of one name, that are looked at."""
WANTED: Final = "a role with Rest Access, and View, Create and Edit of issue, msg and file"
ENDED: Final = ("resolved", "closed", "done", "done-cbb", "rejected", "invalid")
"""Names of states in which an issue does not count as open."""
_ITEM: Final = re.compile(r"(?P<base>(?:/[^/]+)*?)/(?P<place>[a-z_]*[a-z])(?P<ticket>[1-9][0-9]*)?/?")
# Items of the classes with which trackers begin, as Roundup finds them in a text.
_NAMED: Final = re.compile(
    r"\b(bug|file|issue|keyword|msg|priority|query|status|support|task|user)(?=\s*\d)", re.IGNORECASE)


class Roundup(Tracker):
    """One issue, or class of issues, of a Roundup tracker."""

    kind: ClassVar[str] = "roundup"
    name: ClassVar[str] = "Roundup"
    credential: ClassVar[str] = "the password and the name of a user who may use the REST API and edit issues"
    needs_user: ClassVar[bool] = True

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """Nothing: it runs anywhere."""
        return None

    @classmethod
    def recognise_own(cls, url: SplitResult) -> Target | None:
        """/bugs/issue12 is an issue, /bugs/issue its class; of other classes as the form for a new one has it:
        /bugs/task?@template=item."""
        found = _ITEM.fullmatch(url.path)
        if found is None or url.scheme not in ("http", "https"):
            return None
        if not found["ticket"] and found["place"] != "issue" and "template=item" not in url.query:
            return None
        return Target(cls.kind, origin(url), found["place"], found["ticket"], base=found["base"])

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        super().__init__(target, credential, door)
        self.user, secret = (credential.user or "", credential.secret) if credential else ("", "")
        basic = base64.b64encode(f"{self.user}:{secret}".encode()).decode()
        self.root = target.origin + target.base
        self.http = Http(door, self.root, self.name, {
            "Authorization": f"Basic {basic}", "X-Requested-With": "rest", "Origin": target.origin},
            (secret, basic) if secret else ())

    def check(self) -> Account:
        """The login, and the issue or its class; rights cannot be asked for."""
        _ = self._me
        if self.target.ticket:
            self._issue(self.target.ticket)
        else:
            self._ask("GET", self.target.place, params={"@page_size": 1})
        return Account(self.user, Limits())

    def find(self, failure: str) -> Found | None:
        """Our messages with its mark; without an issue, in the open issues that we made for it."""
        messages = self._all("msg", messageid=f"gatewitness:{failure}:", **{"@fields": "messageid,creator"})
        ours = {item["id"]: cases(item["messageid"], failure) for item in messages if self._is_ours(item)}
        told = {number: found for number, found in ours.items() if found}
        if not told:
            return None
        query = {"messages": ",".join(told), "@fields": "messages,creator,status", "@verbose": "2"}
        issues = [item for item in self._all(self.target.place, **query)
                  if item["id"] == self.target.ticket or (not self.target.ticket and self._is_open(item))]
        if not issues:
            return None
        issue = issues[0]
        there = [message["id"] for message in issue["messages"] if message["id"] in told]
        every = dict.fromkeys(case for number in there for case in told[number])
        return Found(self._link(issue["id"], there[-1]), issue["id"], "", tuple(every))

    def attached(self, file: File) -> Upload | None:
        """The same bytes under the same name, at an issue or not yet."""
        for item in self._all("file", name=file.name, **{"@fields": "name,creator"}):
            if self._is_ours(item) and item["name"] == file.name:
                content = self.http.ask("GET", f"/file{part(item['id'])}/{part(file.name)}", headers={"Accept": "*/*"})
                if content.content == file.data:
                    return Upload(file.name, item["id"])
        return None

    def attach(self, file: File) -> Upload:
        """Uploads it; no issue names it yet."""
        made = self._ask("POST", "file", files={"content": (file.name, file.data, file.media_type)},
                         data={"name": file.name, "type": file.media_type})
        return Upload(file.name, str(made["id"]))

    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """A message with files."""
        assert self.target.ticket is not None
        return self._add(self.target.ticket, message, uploads)

    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """An issue with a message and files."""
        fields = {"title": message.title, "messages": [self._message(message)],
                  "files": [upload.ref for upload in uploads]}
        number = str(self._ask("POST", self.target.place, json=fields)["id"])
        return number, self._link(number)

    def again(self, found: Found, message: Message) -> str:
        """A further message."""
        return self._add(found.ticket, message, ())

    @cached_property
    def _me(self) -> str:
        """Our number, asked for once."""
        users = self._all("user", username=self.user, **{"@fields": "username"})
        found = next((item["id"] for item in users if item["username"] == self.user), None)
        if found is None:
            raise DeliveryFailed(f"Roundup does not show the user {self.user} to itself; its role needs to see users")
        return str(found)

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        return self.http.member(method, f"/rest/data/{path}", "data", need=WANTED, **more)

    def _all(self, kind: str, **query: str) -> list[dict[str, Any]]:
        return list(self._ask("GET", kind, params={**query, "@page_size": str(MOST)}).member("collection", list))

    def _is_ours(self, item: Mapping[str, Any]) -> bool:
        """By its creator; everybody may set its author."""
        return bool(item["creator"]["id"] == self._me)

    def _is_open(self, issue: Mapping[str, Any]) -> bool:
        state = (issue.get("status") or {}).get("name", "")
        return self._is_ours(issue) and state not in ENDED

    def _issue(self, ticket: str) -> Any:
        return self._ask("GET", f"{self.target.place}/{part(ticket)}")

    def _message(self, message: Message) -> str:
        text = fitted(message.blocks, _written, Limits().text_chars)
        fields = {"content": text, "author": self._me, "date": ".", "messageid": message.mark}
        return str(self._ask("POST", "msg", json=fields)["id"])

    def _add(self, ticket: str, message: Message, uploads: Sequence[Upload]) -> str:
        """Adds message and files to an issue, unless it has changed since it was looked at: then once more."""
        number = self._message(message)
        fields = {"@op": "add", "messages": [number], "files": [upload.ref for upload in uploads]}
        path = f"/rest/data/{self.target.place}/{part(ticket)}"
        for _ in range(TRIES):
            answer = self.http.ask("PATCH", path, good=(200, 412), need=WANTED, json=fields,
                                   headers={"If-Match": self._issue(ticket)["@etag"]})
            if answer.status_code == 200:
                return self._link(ticket, number)
        raise DeliveryFailed(f"somebody else is changing the issue {ticket} of Roundup all the time (412)", again=True)

    def _link(self, ticket: str, message: str = "") -> str:
        return f"{self.root}/{self.target.place}{ticket}{f'#msg{message}' if message else ''}"


def _written(blocks: Blocks) -> str:
    """Plain text in which Roundup links nothing but our own addresses."""
    spans = [span for block in blocks if isinstance(block, Paragraph) for span in block.spans]
    ours = [re.escape(span.url) for span in spans if isinstance(span, Link)] or ["(?!)"]
    parts = re.split(f"({'|'.join(ours)})", plain(blocks))
    return "".join(text if odd % 2 else _NAMED.sub(rf"\1{JOINER}", parted(text)) for odd, text in enumerate(parts))
