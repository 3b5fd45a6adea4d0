"""Redmine: issues, notes, attachments. In: an issue or a project. Out: a note, or a new issue.

REST API: https://www.redmine.org/projects/redmine/wiki/Rest_api (2026-11), measured with Redmine 5.0.

Redmine leaves out without a word what a role does not allow (a note, its being private), so permissions are looked at
before, and what was written is looked at after. The largest file cannot be asked for; an upload that is too large is
refused by name. A note can be edited since Redmine 5.0 by roles with "Edit own notes"; else a further note is added.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final, get_args
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
from report.deliver.http import Http, pages, part
from report.deliver.mark import cases
from report.deliver.targets import origin
from report.markup.blocks import Blocks
from report.markup.markdown import hidden
from report.markup.redmine import Formatting, redmine

PAGE: Final = 100
"""Most entries of one answer of the API."""
PAGES: Final = 10
"""Open issues of ours that are looked through are at most PAGES * PAGE."""
CLOSED: Final = 5
"""Status of a project that is read-only (app/models/project.rb)."""
NEEDED: Final[Mapping[tuple[bool, bool], tuple[str, ...]]] = {
    (True, False): ("add_issue_notes",), (True, True): ("add_issue_notes", "set_notes_private"),
    (False, False): ("add_issues",), (False, True): ("add_issues", "set_own_issues_private")}
"""What a role must allow, by whether there is an issue and whether the text is private."""
LABELS: Final = {
    "add_issue_notes": "Add notes", "set_notes_private": "Set notes as private", "add_issues": "Add issues",
    "set_own_issues_private": "Set own issues public or private"}
"""Permissions as Administration > Roles and permissions calls them."""
_ISSUE: Final = re.compile(r"(?P<base>(?:/[^/]+)*?)/issues/(?P<ticket>[0-9]+)(?:\.[a-z]+|/.*)?")
_PROJECT: Final = re.compile(r"(?P<base>(?:/[^/]+)*?)/projects/(?P<place>[a-z0-9_-]{1,100})(?:\.[a-z]+|/.*)?")
Issue = Mapping[str, Any]


class Redmine(Tracker):
    """One issue or project of a Redmine."""

    kind: ClassVar[str] = "redmine"
    name: ClassVar[str] = "Redmine"
    credential: ClassVar[str] = ("an API access key (My account), of a user whose role allows Add notes and Edit own "
                                 "notes, or Add issues for new ones")
    options: ClassVar[Mapping[str, str]] = {
        "formatting": "textile (default) or markdown, as Administration > Settings > General says",
        "private": "yes: a private note or issue; files of a private note are seen by all who see the issue",
        "public": "yes: files go to a public project too, where everybody can read them",
        "tracker": "tracker of a new issue, name or number",
        "priority": "priority of a new issue, name or number"}

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """Nothing: it runs anywhere."""
        return None

    @classmethod
    def recognise_own(cls, url: SplitResult) -> Target | None:
        """/issues/12 and /projects/shop, below a path or not, with whatever follows them."""
        found = _ISSUE.fullmatch(url.path) or _PROJECT.fullmatch(url.path)
        if found is None or url.scheme not in ("http", "https"):
            return None
        named = found.groupdict()
        return Target(cls.kind, origin(url), named.get("place", ""), named.get("ticket"), base=named["base"])

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        super().__init__(target, credential, door)
        formatting = target.options.get("formatting", "textile")
        if formatting not in get_args(Formatting):
            raise BadTarget("the option formatting of Redmine is textile or markdown")
        self.formatting: Formatting = formatting  # type: ignore[assignment]  # looked at above
        self.private, self.public = says_yes(target, "private"), says_yes(target, "public")
        self.root = target.origin + target.base
        secret = credential.secret if credential else ""
        self.http = Http(door, self.root, self.name, {"X-Redmine-API-Key": secret}, (secret,) if secret else ())

    def check(self) -> Account:
        """The key, the project, what our roles allow, and the options of a new issue."""
        user, ticket = self._user, self.target.ticket
        new: Issue = {"project": {"id": self.target.place}, "is_private": self.private}
        issue = self._issue(ticket) if ticket else new
        project = self._project(issue["project"]["id"])
        if project.get("status") == CLOSED:
            raise DeliveryFailed(f"the project {project['name']} of Redmine is closed: nothing can be added to it")
        self._check_rights(project["id"], project["name"])
        if not ticket:
            _ = self._fields
        limits = Limits()
        if project.get("is_public") and not (issue.get("is_private") or self.public):
            # Of a private note too: Redmine hides its text only.
            limits = Limits(files=0, no_files="the project is public, and so would the file be")
        return Account(str(user["login"]), limits)

    def find(self, failure: str) -> Found | None:
        """Our last note with its mark; of a project, in its open issues that we made."""
        if self.target.ticket:
            return self._told(self.target.ticket, failure)
        # The list tells descriptions, not notes: a new issue has its mark in the description.
        query = {"project_id": self.target.place, "subproject_id": "!*", "author_id": "me", "status_id": "open",
                 "sort": "created_on:desc", "limit": PAGE}
        issues = pages(lambda number: list(self.http.member(
            "GET", "/issues.json", "issues", shape=list, params={**query, "offset": PAGE * (number - 1)})), PAGE, PAGES)
        ours = (str(issue["id"]) for issue in issues
                if self._is_ours(issue["author"]) and cases(issue.get("description") or "", failure))
        return next((found for ticket in ours if (found := self._told(ticket, failure))), None)

    def attached(self, file: File) -> Upload | None:
        """By name, size and author; the API tells no hash."""
        if not self.target.ticket:
            return None
        there = self._issue(self.target.ticket, "attachments").get("attachments", ())
        same = [item for item in there if self._is_ours(item["author"])
                and (item["filename"], item["filesize"]) == (file.name, len(file.data))]
        return Upload(file.name, "") if same else None

    def attach(self, file: File) -> Upload:
        """Uploads it; what no text takes up is shown nowhere, until redmine:attachments:prune deletes it."""
        answer = self.http.ask(
            "POST", "/uploads.json", good=(201, 422), need="the permission Add notes or Add issues",
            params={"filename": file.name, "content_type": file.media_type},
            headers={"Content-Type": "application/octet-stream"}, content=file.data)
        said = self.http.read(answer, dict)
        if answer.status_code == 422:
            ending = f".{file.name.rpartition('.')[2]}"
            why = "; ".join(map(str, said.get("errors", ())))
            raise DeliveryFailed(f"Redmine does not take {file.name}: {why}", unfit="type" if ending in why else "size")
        return Upload(file.name, str(said["upload"]["token"]))

    def discard(self, uploads: Sequence[Upload]) -> None:
        """Deletes them."""
        for upload in uploads:
            number = upload.ref.partition(".")[0]
            if number:
                self.http.ask("DELETE", f"/attachments/{part(number)}.json", good=(200, 204, 404))

    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """A note with files."""
        assert self.target.ticket is not None
        self._note(self.target.ticket, self._text(message), uploads)
        return self._link_to_note(self.target.ticket, message)

    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """An issue with files."""
        fields = {**self._fields, "subject": message.title, "description": self._text(message),
                  "is_private": self.private, "uploads": _tokens(uploads)}
        path = f"/projects/{part(self.target.place)}/issues.json"
        made = self.http.member("POST", path, "issue", need="the permission Add issues", json={"issue": fields})
        ticket = str(made["id"])
        link = self._link(ticket)
        if self.private and not made.get("is_private"):
            raise DeliveryFailed(f"Redmine made {link} but not private, which the role does not allow")
        return ticket, link

    def again(self, found: Found, message: Message) -> str:
        """A line in the note; a further note where there is none, or where it may not be edited."""
        line = f"{redmine(message.blocks, self.formatting)}\n{hidden(message.mark)}\n"
        if found.ref:
            text = extended(found.text, line, Limits().text_chars)
            answer = self.http.ask("PUT", f"/journals/{part(found.ref)}.json", good=(200, 204, 403, 404),
                                   json={"journal": {"notes": text}})
            if answer.status_code in (200, 204):
                return found.link
        self._note(found.ticket, line)
        return self._link_to_note(found.ticket, message)

    @cached_property
    def _user(self) -> Mapping[str, Any]:
        """Who we are, with the roles; asked for once."""
        answer = self.http.ask("GET", "/users/current.json", good=(200, 403), params={"include": "memberships"})
        if answer.status_code == 403:
            raise DeliveryFailed("Redmine allows nothing by its API; it may be switched off there (Administration > "
                                 "Settings > API > Enable REST web service)")
        user: Mapping[str, Any] = self.http.read(answer, dict)["user"]
        return user

    def _is_ours(self, author: Mapping[str, Any]) -> bool:
        return bool(author["id"] == self._user["id"])

    def _issue(self, ticket: str, *include: str) -> Issue:
        found: Issue = self.http.member("GET", f"/issues/{part(ticket)}.json", "issue",
                                        need="the permission View Issues", params={"include": ",".join(include)})
        return found

    def _project(self, place: str | int) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.http.member(
            "GET", f"/projects/{part(str(place))}.json", "project", need="a membership in the project",
            params={"include": "trackers"})
        return found

    def _check_rights(self, project: int, name: str) -> None:
        """Raises DeliveryFailed when our roles do not allow what is to be done; what they allow to somebody who is no
        member cannot be asked for."""
        if self._user.get("admin"):
            return
        roles = [role["id"] for member in self._user.get("memberships", ()) if member["project"]["id"] == project
                 for role in member["roles"]]
        if not roles and not self.private:
            return
        allowed = {permission for role in roles
                   for permission in self.http.member("GET", f"/roles/{role}.json", "role")["permissions"]}
        if "set_issues_private" in allowed:
            allowed.add("set_own_issues_private")
        missing = [LABELS[wanted] for wanted in NEEDED[bool(self.target.ticket), self.private] if wanted not in allowed]
        if missing:
            raise DeliveryFailed(f"the role of {self._user['login']} in the project {name} of Redmine does not allow "
                                 f"this; it lacks: {', '.join(missing)}")

    @cached_property
    def _fields(self) -> Mapping[str, int]:
        """The options of a new issue, by number."""
        wanted, fields = self.target.options, {}
        if "tracker" in wanted:
            fields["tracker_id"] = _number("tracker", wanted["tracker"], self._project(self.target.place)["trackers"])
        if "priority" in wanted:
            known = self.http.member("GET", "/enumerations/issue_priorities.json", "issue_priorities", shape=list)
            fields["priority_id"] = _number("priority", wanted["priority"], known)
        return fields

    def _told(self, ticket: str, failure: str) -> Found | None:
        """What we wrote about a failure in one issue: the last note, or the description when there is none."""
        issue = self._issue(ticket, "journals")
        texts = [("", issue.get("description") or "")] if self._is_ours(issue["author"]) else []
        texts += [(str(note["id"]), note.get("notes") or "") for note in self._notes(issue)]
        told = [(ref, text) for ref, text in texts if cases(text, failure)]
        if not told:
            return None
        ref, text = told[-1]
        every = tuple(dict.fromkeys(case for _, text in told for case in cases(text, failure)))
        # What is private is never added to what more people see.
        seen_by_all = not any(note.get("private_notes") for note in issue.get("journals", ()) if str(note["id"]) == ref)
        return Found(self._link(ticket, ref), ticket, "" if self.private and seen_by_all else ref, every, text)

    def _notes(self, issue: Issue) -> Iterable[Mapping[str, Any]]:
        return (note for note in issue.get("journals", ()) if self._is_ours(note["user"]))

    def _note(self, ticket: str, text: str, uploads: Sequence[Upload] = ()) -> None:
        fields = {"notes": text, "private_notes": self.private, "uploads": _tokens(uploads)}
        self.http.ask("PUT", f"/issues/{part(ticket)}.json", repeat=False, need="the permission Add notes",
                      json={"issue": fields})

    def _link_to_note(self, ticket: str, message: Message) -> str:
        """The link to what was just written; the answer does not tell whether it was."""
        try:
            ours = [note["id"] for note in self._notes(self._issue(ticket, "journals"))
                    if message.mark in (note.get("notes") or "")]
        except DeliveryFailed as error:
            raise DeliveryFailed(f"{error}; the text may be at {self._link(ticket)}", again=error.again,
                                 after_s=error.after_s, unclear=True) from error
        if not ours:
            raise DeliveryFailed(f"Redmine left the text out without a word: the role in this project lacks "
                                 f"{LABELS['add_issue_notes']}")
        return self._link(ticket, str(ours[-1]))

    def _link(self, ticket: str, note: str = "") -> str:
        return f"{self.root}/issues/{ticket}{f'#change-{note}' if note else ''}"

    def _text(self, message: Message) -> str:
        def written(blocks: Blocks) -> str:
            return f"{redmine(blocks, self.formatting)}\n{hidden(message.mark)}\n"

        return fitted(message.blocks, written, Limits().text_chars)


def _tokens(uploads: Sequence[Upload]) -> list[dict[str, str]]:
    """What has no token is at the issue already."""
    return [{"token": upload.ref, "filename": upload.name} for upload in uploads if upload.ref]


def _number(option: str, wanted: str, known: Iterable[Mapping[str, Any]]) -> int:
    """The number of what is named by number or name; raises DeliveryFailed with the names there are."""
    numbers = {str(item["name"]): int(item["id"]) for item in known}
    found = next((number for name, number in numbers.items() if wanted.lower() in (name.lower(), str(number))), None)
    if found is None:
        raise DeliveryFailed(f"Redmine has no {option} {wanted!r} here; there are: {', '.join(numbers)}")
    return found
