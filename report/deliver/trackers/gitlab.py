"""GitLab: a note at an issue or a merge request, or a new issue. In: a target. Out: the note, files as uploads.

Uploads belong to the project and are seen where a text names them. A line that begins with a slash is a command to
GitLab (quick actions), in whatever is written or changed: no line of ours does. Source: https://docs.gitlab.com/api/,
2026-11 (GitLab 19).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Final
from urllib.parse import SplitResult

from report.deliver.base import (
    Account,
    BadTarget,
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
    says_yes,
)
from report.deliver.fitting import extended, fitted
from report.deliver.http import Http, members, part
from report.deliver.mark import cases
from report.deliver.targets import origin
from report.markup.blocks import Blocks
from report.markup.markdown import hidden, markdown, title

HOME: Final = "https://gitlab.com"
MIB: Final = 1 << 20
FILE_MIB: Final = 100
"""Largest upload where nobody has changed it (docs.gitlab.com/administration/settings/account_and_limit_settings,
2026-11); only administrators can read what it is."""
TEXT_CHARS: Final = 1_000_000
"""Longest note (docs.gitlab.com/api/notes, 2026-11)."""
TITLE_CHARS: Final = 255
REPORTER: Final = 20
"""Access level of the role Reporter (docs.gitlab.com/api/access_requests, 2026-11)."""
PAGES: Final = 20
"""Most pages of 100 notes or issues that are looked through, the newest first."""
JOB_TOKEN: Final = "glcbt-"
WANTED: Final = "a token with the scope api and at least the role Guest (Reporter for internal notes)"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_NO_GROUPS: Final = frozenset({"-", "admin", "api", "dashboard", "explore", "groups", "help", "oauth", "profile",
                               "projects", "search", "snippets", "users"})
"""First parts of addresses that are no group's or user's."""
_TICKET: Final = re.compile(r"(?:issues(?:/incident)?|work_items|(merge_requests))/([1-9]\d{0,17})(?=/|$)", re.ASCII)
_OLD: Final = re.compile(r"(.+?)/((?:issues|merge_requests)/\d+(?:/.*)?)")
_COMMAND: Final = re.compile(r"^([ \t]*)/", re.MULTILINE)


class GitLab(Tracker):
    """One issue, merge request or project."""

    kind = "gitlab"
    name = "GitLab"
    credential = WANTED
    variables: ClassVar = {"GITLAB_TOKEN": f"$CI_SERVER_URL {HOME}"}
    options: ClassVar = {
        "internal": "yes: an internal note, which members with the role Reporter or higher see",
        "confidential": "yes: a new issue is confidential",
        "public": "yes: files go to a public project too, where everybody can read them",
        "base": "path under which GitLab is served, for example /gitlab"}

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """At gitlab.com."""
        return cls.recognise_own(url) if origin(url) == HOME else None

    @classmethod
    def recognise_own(cls, url: SplitResult) -> Target | None:
        """Addresses of issues, merge requests and projects, with whatever stands behind them."""
        place, _, rest = url.path.strip("/").partition("/-/")
        if not rest and (old := _OLD.fullmatch(place)):
            place, rest = old[1], old[2]
        names = place.removesuffix("/-").removesuffix(".git").split("/")
        if len(names) < 2 or names[0] in _NO_GROUPS or not all(map(_NAME.fullmatch, names)):
            return None
        found = _TICKET.match(rest)
        return Target(cls.kind, origin(url), "/".join(names), found and f"{'!' if found[1] else ''}{found[2]}")

    @classmethod
    def ticket(cls, target: Target, text: str) -> str | None:
        """#5 is an issue, !5 a merge request."""
        found = re.fullmatch(r"(?:#|(!))?([1-9]\d{0,17})", text, re.ASCII)
        return f"{found[1] or ''}{found[2]}" if found else None

    @classmethod
    def settled(cls, target: Target) -> Target:
        """The path under which GitLab is served cannot be told from a group: the option `base` says it."""
        base = target.options.get("base", "").strip("/")
        if not base or target.base:
            return target
        place = target.place.removeprefix(f"{base}/")
        if place == target.place or "/" not in place:
            raise BadTarget(f"the option base of gitlab is {base!r}, but the address does not go on so")
        return replace(target, place=place, base=f"/{base}")

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        super().__init__(target, credential, door)
        self.internal = says_yes(target, "internal")
        self.confidential = says_yes(target, "confidential")
        self.public = says_yes(target, "public")
        secret = credential.secret if credential else ""
        self.root = target.origin + target.base
        self.http = Http(door, f"{self.root}/api/v4", self.name, {"Authorization": f"Bearer {secret}"}, (secret,))
        self.project = f"/projects/{part(target.place)}"

    @cached_property
    def me(self) -> dict[str, Any]:
        """The user that we are."""
        found: dict[str, Any] = self.http.json("GET", "/user", shape=dict, need=WANTED)
        return found

    def check(self) -> Account:
        """The token, the project, the ticket and what internal notes need."""
        self._check_token()
        project = self.http.json("GET", self.project, shape=dict, need=WANTED)
        levels = [members(level).get("access_level") or 0 for level in members(project.get("permissions")).values()]
        access = max(levels, default=0)
        if project.get("archived"):
            raise DeliveryFailed(f"the project {self.target.place} is archived; nothing can be written there")
        if self.target.ticket is None and project.get("issues_access_level") == "disabled":
            raise DeliveryFailed(f"the project {self.target.place} has no issues; name a merge request")
        if self.target.ticket is not None and self.internal and access < REPORTER:
            # GitLab does not refuse it: the note would be public.
            raise DeliveryFailed(f"internal notes in {self.target.place} need the role Reporter or higher")
        closed = self.internal or self.confidential
        if self.target.ticket is not None:
            ticket = self.http.json("GET", self._thread(self.target.ticket), shape=dict, need=WANTED)
            closed = self.internal or bool(ticket.get("confidential"))
            if ticket.get("discussion_locked") and not access:
                raise DeliveryFailed("this ticket is locked: only members of the project can comment")
        limits = Limits(file_bytes=self._file_bytes(), text_chars=TEXT_CHARS)
        if project.get("visibility") == "public" and not (closed or self.public):
            limits = replace(limits, files=0, no_files="the project is public, and so would the file be")
        return Account(str(self.me["username"]), limits)

    def _check_token(self) -> None:
        if self.secret and self.secret.secret.startswith(JOB_TOKEN):
            raise DeliveryFailed("GitLab lets no job token (CI_JOB_TOKEN) write notes; make a project access token "
                                 "with the scope api")
        told = self.http.ask("GET", "/personal_access_tokens/self", good=(200, 400, 401, 403, 404))
        scopes = self.http.read(told, dict).get("scopes") if told.status_code == 200 else None
        if isinstance(scopes, list) and scopes and not {"api", "granular"} & set(scopes):
            raise DeliveryFailed(f"the token has the scope {', '.join(map(str, scopes))}; GitLab wants the scope api")

    def _file_bytes(self) -> int:
        if not self.me.get("is_admin"):
            return FILE_MIB * MIB
        told = self.http.json("GET", "/application/settings", shape=dict, good=(200, 403))
        return int(told.get("max_attachment_size") or FILE_MIB) * MIB

    def find(self, failure: str) -> Found | None:
        """In notes of ours; without a ticket, in open issues of ours and our notes there."""
        if self.target.ticket is not None:
            return self._note(self.target.ticket, failure)
        ours = {"state": "opened", "scope": "all", "author_id": self.me["id"]}
        for issue in self._all(f"{self.project}/issues", ours):
            told = cases(str(issue.get("description") or ""), failure)
            if told and self._is_ours(issue) and bool(issue.get("confidential")) >= self.confidential:
                ticket = str(issue["iid"])
                note = self._note(ticket, failure)
                more = note.cases if note else ()
                return Found(self._link(ticket), ticket, note.ref if note else "", tuple(dict.fromkeys((*told, *more))),
                             note.text if note else "")
        return None

    def _note(self, ticket: str, failure: str) -> Found | None:
        """Our oldest note of the failure, with the cases of all of them. What is to be internal is not added to a note
        that everybody sees."""
        ours = [note for note in self._all(f"{self._thread(ticket)}/notes", {"order_by": "created_at"})
                if self._is_ours(note) and not note.get("system") and cases(str(note["body"]), failure)
                and bool(note.get("internal")) >= self.internal]
        if not ours:
            return None
        told = "\n".join(note["body"] for note in reversed(ours))
        oldest = ours[-1]
        number = str(oldest["id"])
        return Found(self._link(ticket, number), ticket, number, cases(told, failure), oldest["body"])

    def _is_ours(self, written: Mapping[str, Any]) -> bool:
        return bool(members(written.get("author")).get("id") == self.me["id"])

    def _all(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """What a list holds, the newest first. A page with fewer entries need not be the last: what we may not see is
        taken out of it."""
        page = "1"
        for _ in range(PAGES):
            answer = self.http.ask("GET", path, params={**params, "sort": "desc", "per_page": 100, "page": page})
            yield from self.http.read(answer, list)
            page = answer.headers.get("x-next-page", "")
            if not page:
                break

    def attach(self, file: File) -> Upload:
        """To the project; nothing tells later which uploads were ours, so that it is asked for once only."""
        made = self.http.json("POST", f"{self.project}/uploads", shape=dict, need=WANTED,
                              files={"file": (file.name, file.data, file.media_type)})
        address = made.get("full_path") or made["url"]
        return Upload(file.name, f"{made.get('id', '')}:{made['url']}", f"{self.root}{address}")

    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """A note."""
        return self._write(self.target.ticket or "", self._text(message, uploads))

    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """An issue."""
        more = {"confidential": True} if self.confidential else {}
        made = self.http.json("POST", f"{self.project}/issues", shape=dict, need=WANTED, json={
            "title": title(message.title)[:TITLE_CHARS], "description": self._text(message, uploads), **more})
        return str(made["iid"]), self._link(str(made["iid"]))

    def again(self, found: Found, message: Message) -> str:
        """Added to the note, or the first note at an issue that we made."""
        line = self._text(message, ())
        if not found.ref:
            return self._write(found.ticket, line)
        self.http.json("PUT", f"{self._thread(found.ticket)}/notes/{found.ref}", need=WANTED,
                       json={"body": _COMMAND.sub(r"\1\\/", extended(found.text, line, TEXT_CHARS))})
        return self._link(found.ticket, found.ref)

    def discard(self, uploads: Sequence[Upload]) -> None:
        """As far as the role allows it (Maintainer, GitLab 17.3); nobody finds an upload that no text names."""
        for number in (upload.ref.partition(":")[0] for upload in uploads):
            if number:
                self.http.ask("DELETE", f"{self.project}/uploads/{number}", good=(204, 403, 404))

    def _write(self, ticket: str, text: str) -> str:
        made = self.http.json("POST", f"{self._thread(ticket)}/notes", shape=dict, need=WANTED, json={
            "body": text, **({"internal": True} if self.internal else {})})
        link = self._link(ticket, str(made["id"]))
        if self.internal and not made.get("internal"):
            self.http.ask("DELETE", f"{self._thread(ticket)}/notes/{made['id']}", good=(204, 404))
            raise DeliveryFailed("GitLab would not make the note an internal one here; it was taken back")
        return link

    def _text(self, message: Message, uploads: Sequence[Upload]) -> str:
        names = "\n".join(f"- [{upload.name}]({upload.ref.partition(':')[2]})" for upload in uploads)

        def written(blocks: Blocks) -> str:
            text = "\n".join(filter(None, (markdown(blocks), names and f"{names}\n", hidden(message.mark))))
            return _COMMAND.sub(r"\1\\/", text)

        return fitted(message.blocks, written, TEXT_CHARS)

    def _thread(self, ticket: str) -> str:
        return f"{self.project}/{'merge_requests' if ticket.startswith('!') else 'issues'}/{ticket.removeprefix('!')}"

    def _link(self, ticket: str, note: str = "") -> str:
        what = "merge_requests" if ticket.startswith("!") else "issues"
        anchor = f"#note_{note}" if note else ""
        return f"{self.root}/{self.target.place}/-/{what}/{ticket.removeprefix('!')}{anchor}"
