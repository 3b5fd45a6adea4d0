"""Gitea and Forgejo: comments on issues and pull requests, new issues, with their attachments.

In: an issue, a pull request or a repository. Out: a comment or an issue, the files at it.
API v1: https://docs.gitea.com/api/, https://codeberg.org/api/swagger (2026-11); comments have attachments since 1.20.

Files stand at our own comment, not at the issue: at one of somebody else they would count as a change of its text. Both
take write access to issues, but at a new issue of our own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from report.deliver.fitting import extended, fitted
from report.deliver.http import Http, members, number, pages, part
from report.deliver.mark import cases
from report.deliver.targets import origin
from report.markup.markdown import hidden, markdown, title

HOSTS: Final = frozenset({"codeberg.org", "gitea.com"})
"""Public servers that are certainly of this kind."""
TEXT_CHARS: Final = 65_536
"""No limit is documented; what GitHub takes fits everywhere."""
ROOM: Final = 6_000
"""Of them kept for lines that are added later."""
PAGE: Final = 50
"""Most issues of one answer (MAX_RESPONSE_ITEMS)."""
PAGES: Final = 20
MEBIBYTE: Final = 1024 ** 2
SCOPES: Final = "a token with the scopes read:user and write:issue, of an account that may do it"
FILES: Final = "write access to the issues of the repository"
MEDIA_TYPES: Final = {
    ".pdf": "application/pdf", ".html": "text/html", ".har": "application/json", ".png": "image/png",
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
"""Of what is sent, as the server sees it."""
_PATH: Final = re.compile(
    r"(?P<base>(?:/[^/]+)*?)/(?P<place>[\w.-]{1,100}/[\w.-]{1,100})(?P<rest>/(?:issues|pulls)(?:/.*)?)?/?", re.ASCII)
_TICKET: Final = re.compile(r"/(?:issues|pulls)/(?P<ticket>[1-9][0-9]{0,17})(?:/.*)?")
_NO_TICKET: Final = ("", "/issues", "/issues/", "/issues/new", "/pulls", "/pulls/")
_DOTS: Final = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")
Node = Mapping[str, Any]


class Gitea(Tracker):
    """One issue, pull request or repository."""

    kind: ClassVar[str] = "gitea"
    name: ClassVar[str] = "Gitea or Forgejo"
    credential: ClassVar[str] = SCOPES
    variables: ClassVar[Mapping[str, str]] = {
        "GITEA_TOKEN": "$GITEA_SERVER_URL $GITHUB_SERVER_URL",
        "FORGEJO_TOKEN": "$FORGEJO_SERVER_URL $GITHUB_SERVER_URL", "GITHUB_TOKEN": "$GITHUB_SERVER_URL"}
    """Their workflows have the names of GitHub's."""
    text_first: ClassVar[bool] = True

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """Addresses of Codeberg and gitea.com."""
        known = url.scheme == "https" and url.hostname in HOSTS and url.port in (None, 443)
        target = cls.recognise_own(url) if known else None
        return target if target and not target.base else None

    @classmethod
    def recognise_own(cls, url: SplitResult) -> Target | None:
        """The same paths of any server, perhaps below another path."""
        found = _PATH.fullmatch(url.path)
        rest = (found["rest"] or "") if found else ""
        ticket = _TICKET.fullmatch(rest)
        if (found is None or url.scheme not in ("http", "https") or _DOTS.search(url.path)
                or not (ticket or rest in _NO_TICKET)):
            return None
        place = found["place"].removesuffix(".git")
        return Target(cls.kind, origin(url), place, ticket["ticket"] if ticket else None, base=found["base"])

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        super().__init__(target, credential, door)
        secret = credential.secret if credential else ""
        self.http = Http(door, f"{target.origin}{target.base}/api/v1", self.name, {"Authorization": f"token {secret}"},
                         (secret,))
        self.repository = "/repos/" + "/".join(map(part, target.place.split("/")))
        self.text = ""
        """Path of our comment or issue, at which the files stand; empty before there is one."""

    def check(self) -> Account:
        """Asks for the account, the repository, the issue and what attachments are taken."""
        login = self._login
        repository = self._repository()
        if repository.get("archived"):
            raise DeliveryFailed(f"the repository {self.target.place} is archived: nothing can be written to it")
        if self.target.ticket is None:
            if not repository.get("has_issues", True):
                raise DeliveryFailed(f"the repository {self.target.place} has its issues switched off")
            self._issues(1)
        elif self._issue(self.target.ticket).get("is_locked") and not _may_write(repository):
            raise DeliveryFailed(f"{self.target.place}#{self.target.ticket} is locked: only those who may write to the "
                                 "repository can comment on it")
        limits = _limits(self.http.json("GET", "/settings/attachment", shape=dict))
        if self.target.ticket and limits.files != 0 and not _may_write(repository):
            limits = replace(limits, files=0, no_files="files at comments take write access, which this account lacks")
        return Account(login, limits)

    def find(self, failure: str) -> Found | None:
        """Looks into the issue and its comments, or into our open issues."""
        if self.target.ticket is None:
            issues = pages(self._issues, PAGE, PAGES)
            found = next(filter(None, (self._told(issue, issue, failure) for issue in issues)), None)
        else:
            issue, path = self._issue(self.target.ticket), f"/issues/{part(self.target.ticket)}/comments"
            comments = self.http.json("GET", self.repository + path, shape=list)
            found = next(filter(None, (self._told(text, issue, failure) for text in (issue, *comments))), None)
        self.text = found.ref if found else self.text
        return found

    def attached(self, file: File) -> Upload | None:
        """By name and size; the server tells no hash."""
        there = self.http.json("GET", f"{self.repository}{self.text}/assets", shape=list)
        same = (one for one in there if one["name"] == file.name and one["size"] == len(file.data))
        return next(map(_upload, same), None)

    def attach(self, file: File) -> Upload:
        """An attachment of our comment or issue."""
        return _upload(self.http.json(
            "POST", f"{self.repository}{self.text}/assets", need=FILES, params={"name": file.name},
            files={"attachment": (file.name, file.data, file.media_type)}, shape=dict))

    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """A comment; the files come to it afterwards."""
        made = self.http.json("POST", f"{self.repository}/issues/{part(self.target.ticket or '')}/comments",
                              need=SCOPES, json={"body": _body(message)}, shape=dict)
        self.text = f"/issues/comments/{made['id']}"
        return str(made["html_url"])

    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """An issue; the files come to it afterwards."""
        made = self.http.json("POST", f"{self.repository}/issues", need=SCOPES,
                              json={"title": title(message.title), "body": _body(message)}, shape=dict)
        self.text = f"/issues/{made['number']}"
        return str(made["number"]), str(made["html_url"])

    def again(self, found: Found, message: Message) -> str:
        """Changes our comment, or our issue; nobody gets a mail for it."""
        line = f"{markdown(message.blocks).strip()} {hidden(message.mark)}"
        self.http.ask("PATCH", f"{self.repository}{found.ref}", repeat=True, need=SCOPES,
                      json={"body": extended(found.text.replace("\r\n", "\n"), line, TEXT_CHARS)})
        return found.link

    def discard(self, uploads: Sequence[Upload]) -> None:
        """Deletes attachments of our text."""
        for upload in uploads:
            self.http.ask("DELETE", f"{self.repository}{self.text}/assets/{upload.ref}", good=(204, 404))

    @cached_property
    def _login(self) -> str:
        return str(self.http.json("GET", "/user", shape=dict, need=SCOPES)["login"])

    def _repository(self) -> Node:
        """What is told of the repository; nothing when the token may not read it, as our scopes do not ask for that."""
        answer = self.http.ask("GET", self.repository, good=(200, 403))
        if answer.status_code == 403:
            return {}
        found = self.http.read(answer, dict)
        found.member("full_name", str)  # other programs have none
        return dict(found)

    def _issue(self, number: str) -> Node:
        found: Node = self.http.json("GET", f"{self.repository}/issues/{part(number)}", shape=dict, need=SCOPES)
        return found

    def _issues(self, page: int) -> list[Any]:
        found: list[Any] = self.http.json("GET", f"{self.repository}/issues", shape=list, need=SCOPES, params={
            "state": "open", "type": "issues", "created_by": self._login, "limit": PAGE, "page": page})
        return found

    def _told(self, text: Node, issue: Node, failure: str) -> Found | None:
        """What stands in a text of ours: the issue itself, or a comment on it."""
        body = str(text.get("body") or "")
        told = cases(body, failure)
        if not told or str(members(text.get("user")).get("login")).lower() != self._login.lower():
            return None
        ref = f"/issues/{issue['number']}" if text is issue else f"/issues/comments/{text['id']}"
        return Found(str(text["html_url"]), str(issue["number"]), ref, told, body)


def _body(message: Message) -> str:
    end = f"\n{hidden(message.mark)}\n"
    return fitted(message.blocks, markdown, TEXT_CHARS - ROOM - len(end)) + end


def _limits(told: Node) -> Limits:
    """As the administrator set them: megabytes, names' endings or media types (modules/setting/attachment.go)."""
    if not told.get("enabled", True):
        return Limits(files=0, text_chars=TEXT_CHARS, no_files="this server takes no attachments")
    size, most = number(told.get("max_size")), number(told.get("max_files"))
    return Limits(size * MEBIBYTE if size else Limits.file_bytes, files=most or None, text_chars=TEXT_CHARS,
                  types=_types(str(told.get("allowed_types") or "")))


def _types(allowed: str) -> tuple[str, ...] | None:
    """Endings of what is sent; None: all."""
    entries = [entry.strip().lower() for entry in re.split(r"[,|]", allowed) if entry.strip()]
    if not entries or "*/*" in entries or "*" in entries:
        return None
    by_media = (ending for ending, media in MEDIA_TYPES.items()
                if media in entries or f"{media.partition('/')[0]}/*" in entries)
    return tuple(dict.fromkeys((*(entry for entry in entries if entry.startswith(".")), *by_media)))


def _upload(asset: Node) -> Upload:
    return Upload(str(asset["name"]), str(asset["id"]))


def _may_write(repository: Node) -> bool:
    """Where nothing is told, the answer to writing will tell."""
    return bool(members(repository.get("permissions")).get("push", True))
