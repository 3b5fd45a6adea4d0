"""GitHub: comments on issues and pull requests, new issues, on github.com, ghe.com and Enterprise Server.

In: an issue, a pull request or a repository. Out: a comment or an issue; files where the options say.
REST API 2022-11-28, https://docs.github.com/en/rest (2026-11).

Programs cannot put files at an issue there. The option `files` names another place in the repository: the assets of
a release, or its own files. In a public repository both can be read by everybody, so that it takes one more word.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final, Protocol
from urllib.parse import SplitResult, quote, urlsplit

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
from report.deliver.http import Http, entries, members, number, pages, part
from report.deliver.mark import cases
from report.deliver.targets import origin
from report.markup.blocks import Block, Items, Link
from report.markup.markdown import hidden, markdown, title

HOME: Final = "https://github.com"
ACTIONS: Final = "github-actions[bot]"
"""Whom GITHUB_TOKEN of a workflow writes as; it may not ask who it is."""
TEXT_CHARS: Final = 65_536
"""Longest body ("is too long (maximum is 65536 characters)")."""
ROOM: Final = 6_000
"""Of them kept for lines that are added later."""
ASSET_BYTES: Final = 2 * 1024 ** 3 - 1
"""https://docs.github.com/en/repositories/releasing-projects-on-github/about-releases (2026-11): under 2 GiB."""
CONTENT_BYTES: Final = 75_000_000
"""A file of a repository is refused from 100 MB on; it travels as Base64, a third longer."""
TAG: Final = "gatewitness-dossiers"
PATH: Final = "gatewitness"
PAGE: Final = 100
"""Most entries of one answer of the API."""
PAGES: Final = 10
"""Comments, issues and assets that are looked through are at most PAGES * PAGE, the newest."""
CASE_CHARS: Final = 12
ISSUES: Final = "write access (fine-grained token or workflow: Issues, for pull requests Pull requests; classic: repo)"
CONTENTS: Final = "write access to the repository (fine-grained token or workflow: Contents; classic: repo)"
_PLACE: Final = re.compile(r"/(?P<place>[\w-]{1,100}/(?!\.{1,2}(?:/|$))[\w.-]{1,100})(?P<rest>/.*)?", re.ASCII)
_TICKET: Final = re.compile(r"/(?:issues|pull)/(?P<ticket>[1-9][0-9]{0,17})(?:/.*)?")
_NO_TICKET: Final = ("", "/", "/issues", "/issues/", "/issues/new", "/pulls")
_CLOUD: Final = re.compile(r"[a-z0-9-]+\.ghe\.com")
_FOLDER: Final = re.compile(r"(?!\.{1,2}(?:/|$))[\w.-]+(?:/(?!\.{1,2}(?:/|$))[\w.-]+)*", re.ASCII)
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
Node = Mapping[str, Any]


class GitHub(Tracker):
    """One issue, pull request or repository."""

    kind: ClassVar[str] = "github"
    name: ClassVar[str] = "GitHub"
    credential: ClassVar[str] = "a token that may write issues (fine-grained: Issues, read and write)"
    variables: ClassVar[Mapping[str, str]] = {
        "GITHUB_TOKEN": f"$GITHUB_SERVER_URL {HOME}", "GH_TOKEN": f"$GITHUB_SERVER_URL {HOME}"}
    options: ClassVar[Mapping[str, str]] = {
        "files": "none (default), release or repository: where files go, as GitHub takes none at issues",
        "public": "yes: put them there although everybody can read that repository",
        "tag": f"tag of the release with the files ({TAG})",
        "branch": "branch for files of the repository (its default branch)",
        "path": f"folder for files of the repository ({PATH})",
        "account": "who the token writes as, where it is an app's"}

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """Addresses of github.com and ghe.com."""
        host = (url.hostname or "").removeprefix("www.")
        known = url.scheme == "https" and url.port in (None, 443) and (
            host == "github.com" or _CLOUD.fullmatch(host) is not None)
        return cls.recognise_own(url._replace(netloc=host)) if known else None

    @classmethod
    def recognise_own(cls, url: SplitResult) -> Target | None:
        """The same paths of an Enterprise Server."""
        found = _PLACE.fullmatch(url.path)
        rest = (found["rest"] or "") if found else ""
        ticket = _TICKET.fullmatch(rest)
        if found is None or url.scheme not in ("http", "https") or not (ticket or rest in _NO_TICKET):
            return None
        return Target(cls.kind, origin(url), found["place"].removesuffix(".git"), ticket["ticket"] if ticket else None)

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        super().__init__(target, credential, door)
        self.place_for_files = target.options.get("files", "none")
        if self.place_for_files not in ("none", "release", "repository"):
            raise BadTarget("the option files of GitHub is none, release or repository")
        self.public = says_yes(target, "public")
        root, uploads = _roots(target.origin)
        secret = credential.secret if credential else ""
        self.http = Http(door, root, self.name, {
            "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
            "Authorization": f"Bearer {secret}"}, (secret,), (uploads,))
        self.repository = "/repos/" + "/".join(map(part, target.place.split("/")))
        self.shelf = _shelf(self.http, self.repository, self.place_for_files, target.options)

    def check(self) -> Account:
        """Asks for the account, the repository and the issue."""
        login = self._login
        answer = self.http.ask("GET", self.repository, need="a token that may read the repository")
        repository = self.http.read(answer, dict)
        repository.member("full_name", str)  # other programs have none
        self._check_scopes(answer.headers.get("X-OAuth-Scopes"), repository)
        self._check_open(repository)
        return Account(login, self._limits(repository))

    def find(self, failure: str) -> Found | None:
        """Looks into the issue and its newest comments, or into our open issues."""
        if self.target.ticket is None:
            issues = pages(lambda number: self._list("/issues", state="open", creator=self._login, page=number), PAGE,
                           PAGES)
            return next(filter(None, (self._told(issue, issue, failure) for issue in issues)), None)
        issue = self._issue(self.target.ticket)
        # The API gives the oldest first; of very many comments the newest are looked through.
        last = number(issue.get("comments")) // PAGE + 1
        first = max(1, last - PAGES + 1)
        comments = pages(lambda number: self._list(f"/issues/{self.target.ticket}/comments", page=first + number - 1),
                         PAGE, PAGES)
        told = (self._told(text, issue, failure) for text in (issue, *comments))
        return next(filter(None, told), None)

    def attached(self, file: File) -> Upload | None:
        """By name and hash, in the place for files."""
        return self.shelf.there(file) if self.shelf else None

    def attach(self, file: File) -> Upload:
        """Puts it into the place for files."""
        if self.shelf is None:
            raise DeliveryFailed("GitHub takes no files at issues; the option files names another place for them")
        return self.shelf.put(file)

    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """A comment that links to the files."""
        made = self.http.json("POST", f"{self.repository}/issues/{self.target.ticket}/comments", need=ISSUES,
                              json={"body": _body(message, uploads)}, shape=dict)
        return str(made["html_url"])

    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """An issue that links to the files."""
        made = self.http.json("POST", f"{self.repository}/issues", need=ISSUES,
                              json={"title": title(message.title), "body": _body(message, uploads)}, shape=dict)
        return str(made["number"]), str(made["html_url"])

    def again(self, found: Found, message: Message) -> str:
        """Changes our comment, or our issue; nobody gets a mail for it."""
        line = f"{markdown(message.blocks).strip()} {hidden(message.mark)}"
        self.http.json("PATCH", f"{self.repository}{found.ref}", repeat=True, need=ISSUES,
                       json={"body": extended(found.text.replace("\r\n", "\n"), line, TEXT_CHARS)})
        return found.link

    def discard(self, uploads: Sequence[Upload]) -> None:
        """Takes back what was put there just now; other files belong to earlier texts."""
        for upload in uploads:
            if self.shelf and upload.name in self.shelf.fresh:
                self.shelf.drop(upload)

    @cached_property
    def _login(self) -> str:
        if "account" in self.target.options:
            return self.target.options["account"]
        answer = self.http.ask("GET", "/user", good=(200, 403))
        if answer.status_code == 403:
            if "by integration" in answer.text:
                return ACTIONS
            answer = self.http.ask("GET", "/user")  # it is not as expected: the sentence is made there
        return str(self.http.read(answer, dict)["login"])

    def _check_scopes(self, scopes: str | None, repository: Node) -> None:
        """Classic tokens tell their scopes; others do not."""
        told = {scope.strip() for scope in scopes.split(",")} if scopes else set()
        wanted = {"repo"} if repository.get("private") else {"repo", "public_repo"}
        if told and not told & wanted:
            raise DeliveryFailed(f"the token for GitHub lacks the scope {' or '.join(sorted(wanted))}")

    def _check_open(self, repository: Node) -> None:
        if repository.get("archived"):
            raise DeliveryFailed(f"the repository {self.target.place} is archived: nothing can be written to it")
        if self.target.ticket is None:
            if not repository.get("has_issues", True):
                raise DeliveryFailed(f"the repository {self.target.place} has its issues switched off")
        elif self._issue(self.target.ticket).get("locked") and not _may_push(repository):
            raise DeliveryFailed(f"{self.target.place}#{self.target.ticket} is locked: only those who may write to the "
                                 "repository can comment on it")

    def _limits(self, repository: Node) -> Limits:
        if self.shelf is None:
            return Limits(files=0, text_chars=TEXT_CHARS, no_files="GitHub takes no files at issues from programs")
        if not repository.get("private") and not self.public:
            return Limits(files=0, text_chars=TEXT_CHARS,
                          no_files="the repository is public, and so would the file be")
        if not _may_push(repository):
            raise DeliveryFailed(f"files go to the {self.place_for_files} of {self.target.place}, which takes "
                                 f"{CONTENTS}; the option files=none does without")
        return Limits(self.shelf.file_bytes, text_chars=TEXT_CHARS)

    def _issue(self, number: str) -> Node:
        found: Node = self.http.json("GET", f"{self.repository}/issues/{part(number)}", shape=dict, need=ISSUES)
        return found

    def _list(self, path: str, **params: str | int) -> list[Any]:
        found: list[Any] = self.http.json("GET", self.repository + path, shape=list, need=ISSUES,
                                          params={"per_page": PAGE, **params})
        return found

    def _told(self, text: Node, issue: Node, failure: str) -> Found | None:
        """What stands in a text of ours: the issue itself, or a comment on it."""
        body = str(text.get("body") or "")
        told = cases(body, failure)
        if not told or str(members(text.get("user")).get("login")).lower() != self._login.lower():
            return None
        ref = f"/issues/{issue['number']}" if text is issue else f"/issues/comments/{text['id']}"
        return Found(str(text["html_url"]), str(issue["number"]), ref, told, body)


class _Shelf(Protocol):
    """A place for files in the same repository."""

    file_bytes: int
    fresh: set[str]
    """Names of the files that were put there just now: the others belong to earlier texts."""

    def there(self, file: File) -> Upload | None:
        """The same file, if it is there."""

    def put(self, file: File) -> Upload:
        """Adds a file, in the place of another of its name."""

    def drop(self, upload: Upload) -> None:
        """Takes it away."""


class _Release:
    """Assets of a release."""

    file_bytes = ASSET_BYTES

    def __init__(self, http: Http, repository: str, tag: str) -> None:
        self.http, self.repository, self.tag = http, repository, tag
        self.fresh: set[str] = set()

    def there(self, file: File) -> Upload | None:
        asset = self._asset(self._release(), file.name)
        same = asset and asset.get("state") == "uploaded" and asset.get("size") == len(file.data) and (
            asset.get("digest") in (None, "", f"sha256:{file.sha256}"))
        return _asset_upload(asset) if asset and same else None

    def put(self, file: File) -> Upload:
        release = self._release() or self._make()
        if broken := self._asset(release, file.name):  # an upload that broke off leaves an empty one
            self.http.ask("DELETE", f"{self.repository}/releases/assets/{broken['id']}", need=CONTENTS)
        made = self.http.json("POST", str(release["upload_url"]).partition("{")[0], params={"name": file.name},
                              need=CONTENTS, headers={"Content-Type": file.media_type}, content=file.data,
                              shape=dict)
        self.fresh.add(file.name)
        return _asset_upload(made)

    def drop(self, upload: Upload) -> None:
        self.http.ask("DELETE", f"{self.repository}/releases/assets/{upload.ref}", good=(204, 404))

    def _release(self) -> Node | None:
        answer = self.http.ask("GET", f"{self.repository}/releases/tags/{part(self.tag)}", good=(200, 404))
        return self.http.read(answer, dict) if answer.status_code == 200 else None

    def _make(self) -> Node:
        made: Node = self.http.json("POST", f"{self.repository}/releases", shape=dict, need=CONTENTS, json={
            "tag_name": self.tag, "name": "Dossiers", "prerelease": True, "make_latest": "false",
            "body": "Files of dossiers of gatewitness that issues and pull requests link to."})
        return made

    def _asset(self, release: Node | None, name: str) -> Node | None:
        if release is None:
            return None
        assets = pages(lambda number: list(self.http.json(
            "GET", f"{self.repository}/releases/{release['id']}/assets", shape=list,
            params={"per_page": PAGE, "page": number})), PAGE, PAGES)
        return next((asset for asset in assets if asset["name"] == name), None)


class _Folder:
    """Files of the repository, in a folder for each case."""

    file_bytes = CONTENT_BYTES

    def __init__(self, http: Http, repository: str, path: str, branch: str | None) -> None:
        self.http, self.contents = http, f"{repository}/contents/{path}"
        self.branch = {"branch": branch} if branch else {}
        self.fresh: set[str] = set()

    def there(self, file: File) -> Upload | None:
        entry = self._entry(file.name)
        return _file_upload(entry) if entry and entry["sha"] == _blob(file.data) else None

    def put(self, file: File) -> Upload:
        old = self._entry(file.name)
        made = self.http.member("PUT", self._path(file.name), "content", repeat=False, need=CONTENTS, json={
            "message": f"Add {file.name} [skip ci]", "content": base64.b64encode(file.data).decode("ascii"),
            **self.branch, **({"sha": old["sha"]} if old else {})})
        self.fresh.add(file.name)
        return _file_upload(made)

    def drop(self, upload: Upload) -> None:
        self.http.ask("DELETE", self._path(upload.name), good=(200, 404), json={
            "message": f"Take {upload.name} back [skip ci]", "sha": upload.ref, **self.branch})

    def _path(self, name: str) -> str:
        return f"{self.contents}/{part(name[:CASE_CHARS])}/{part(name)}"

    def _entry(self, name: str) -> Node | None:
        """Of the folder's list, as single files of more than 1 MB are not described."""
        ref = {"ref": self.branch["branch"]} if self.branch else {}
        answer = self.http.ask("GET", f"{self.contents}/{part(name[:CASE_CHARS])}", good=(200, 404), params=ref)
        found = entries(self.http.read(answer)) if answer.status_code == 200 else []
        return next((entry for entry in found if entry["name"] == name), None)


def _shelf(http: Http, repository: str, kind: str, options: Mapping[str, str]) -> _Shelf | None:
    if kind == "release":
        tag = options.get("tag", TAG)
        if not _TAG.fullmatch(tag):
            raise BadTarget("the option tag of GitHub is a name of letters, digits, hyphens and points")
        return _Release(http, repository, tag)
    if kind == "repository":
        path = options.get("path", PATH).strip("/")
        if not _FOLDER.fullmatch(path):
            raise BadTarget("the option path of GitHub is a folder of the repository, for example docs/cases")
        return _Folder(http, repository, quote(path), options.get("branch"))
    return None


def _roots(home: str) -> tuple[str, str]:
    """Where the API is, and where uploads go, of the address that people see."""
    host = urlsplit(home).hostname or ""
    if home == HOME or _CLOUD.fullmatch(host):
        return f"https://api.{host}", f"https://uploads.{host}"
    return f"{home}/api/v3", home


def _body(message: Message, uploads: Sequence[Upload]) -> str:
    """The names of the files are links to them."""
    links = {upload.name: upload.link for upload in uploads if upload.link}
    end = f"\n{hidden(message.mark)}\n"
    text = fitted(tuple(_linked(block, links) for block in message.blocks), markdown, TEXT_CHARS - ROOM - len(end))
    lost = Items(tuple((Link(name, link),) for name, link in links.items() if f"<{link}>" not in text))
    return f"{text}\n{markdown((lost,))}{end}" if lost.items else text + end


def _linked(block: Block, links: Mapping[str, str]) -> Block:
    if not isinstance(block, Items):
        return block
    return Items(tuple(tuple(Link(span.text, links[span.text]) if span.text in links else span for span in spans)
                       for spans in block.items), block.ordered)


def _asset_upload(asset: Node) -> Upload:
    return Upload(str(asset["name"]), str(asset["id"]), str(asset["browser_download_url"]))


def _file_upload(entry: Node) -> Upload:
    return Upload(str(entry["name"]), str(entry["sha"]), str(entry["html_url"]))


def _blob(data: bytes) -> str:
    """What Git calls these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _may_push(repository: Node) -> bool:
    """Where nothing is told, the answer to writing will tell."""
    return bool(members(repository.get("permissions")).get("push", True))

