"""GitHub: an issue, files in a release or in the repository. In: a mock's start. Out: SCENES."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from tests.report.deliver.description import Seen
from tests.report.deliver.mock import Answer, Mock
from tests.report.deliver.scenes import Scene, Start

REPO: Final = "/repos/{owner}/{repo}"
ISSUE: Final = f"GET {REPO}/issues/{{issue_number}}"
COMMENT: Final = f"POST {REPO}/issues/{{issue_number}}/comments"
CREATE: Final = f"POST {REPO}/issues"
ASSET: Final = f"POST {REPO}/releases/{{release_id}}/assets"
CONTENT: Final = f"PUT {REPO}/contents/{{path}}"
COMMENTS: Final = f"GET {REPO}/issues/{{issue_number}}/comments"
TEXT: Final = frozenset({"GET /user", f"GET {REPO}", ISSUE, COMMENTS, COMMENT})
US: Final = {"login": "witness-bot"}
MISSING: Final = Answer({"message": "Not Found"}, 404)


@dataclass
class Kept:
    """What the repository holds."""

    issues: dict[int, dict[str, Any]] = field(default_factory=lambda: {
        5: {"number": 5, "user": {"login": "somebody"}, "body": "Checkout is down", "locked": False,
            "html_url": "https://github.com/o/r/issues/5"}})
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    assets: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    release: bool = False
    repository: dict[str, Any] = field(default_factory=lambda: {
        "private": True, "archived": False, "has_issues": True,
        "permissions": {"admin": False, "push": True, "pull": True}})
    number: int = 100
    uploads: str = ""

    def next(self) -> int:
        """A number that nothing has."""
        self.number += 1
        return self.number

    def issue(self, seen: Seen) -> Any:
        """One issue."""
        found = self.issues.get(int(seen.parameters["issue_number"]))
        counted = sum(one["issue"] == seen.parameters["issue_number"] for one in self.comments.values())
        return {**found, "comments": counted} if found else MISSING

    def listed(self, seen: Seen) -> Any:
        """A page of issues of one author."""
        ours = [one for one in self.issues.values() if [one["user"]["login"]] == seen.query["creator"]]
        return _page(ours, seen)

    def commented(self, seen: Seen) -> Any:
        """A page of the comments on an issue."""
        number = seen.parameters["issue_number"]
        return _page([_public(one) for one in self.comments.values() if one["issue"] == number], seen)

    def comment(self, seen: Seen) -> Any:
        """A new comment."""
        one, number = self.next(), seen.parameters["issue_number"]
        self.comments[one] = {"id": one, "user": US, "body": seen.json["body"], "issue": number,
                              "html_url": f"https://github.com/o/r/issues/{number}#issuecomment-{one}"}
        return _public(self.comments[one])

    def create(self, seen: Seen) -> Any:
        """A new issue."""
        one = self.next()
        self.issues[one] = {"number": one, "user": US, "body": seen.json["body"], "title": seen.json["title"],
                            "html_url": f"https://github.com/o/r/issues/{one}"}
        return self.issues[one]

    def edit(self, seen: Seen) -> Any:
        """Another text of a comment."""
        one = self.comments[int(seen.parameters["comment_id"])]
        one["body"] = seen.json["body"]
        return _public(one)

    def edit_issue(self, seen: Seen) -> Any:
        """Another text of an issue."""
        one = self.issues[int(seen.parameters["issue_number"])]
        one["body"] = seen.json["body"]
        return one

    def tagged(self, seen: Seen) -> Any:
        """The release, when it has been made."""
        return self._release() if self.release else MISSING

    def make(self, seen: Seen) -> Any:
        """The release."""
        self.release = True
        return self._release()

    def _release(self) -> dict[str, Any]:
        return {"id": 1, "upload_url": f"{self.uploads}/repos/o/r/releases/1/assets{{?name,label}}"}

    def listed_assets(self, seen: Seen) -> Any:
        """A page of the release's assets."""
        return _page([_asset(one, *what) for one, what in self.assets.items()], seen)

    def upload(self, seen: Seen) -> Any:
        """A new asset; two of one name are refused."""
        name = seen.query["name"][0]
        if name in [told for told, _ in self.assets.values()]:
            return Answer({"message": "Validation Failed", "errors": [{"code": "already_exists"}]}, 422)
        one = self.next()
        self.assets[one] = (name, seen.body)
        return _asset(one, name, seen.body)

    def drop(self, seen: Seen) -> Any:
        """Without an asset."""
        del self.assets[int(seen.parameters["asset_id"])]
        return Answer(status=204)

    def folder(self, seen: Seen) -> Any:
        """What is in a folder."""
        path = seen.parameters["path"]
        inside = [name for name in self.contents if name.rpartition("/")[0] == path]
        return [_content(name, self.contents[name]) for name in inside] or MISSING

    def put(self, seen: Seen) -> Any:
        """A file; one that is there is replaced only by who knows it."""
        path, data = seen.parameters["path"], base64.b64decode(seen.json["content"])
        if path in self.contents and seen.json.get("sha") != _blob(self.contents[path]):
            return Answer({"message": "Invalid request.\n\n\"sha\" wasn't supplied."}, 422)
        self.contents[path] = data
        return {"content": _content(path, data), "commit": {}}

    def remove(self, seen: Seen) -> Any:
        """Without a file."""
        path = seen.parameters["path"]
        if path not in self.contents:
            return MISSING
        assert seen.json["sha"] == _blob(self.contents.pop(path))
        return {"content": None, "commit": {}}

    def texts(self) -> list[str]:
        """Of ours."""
        return [one["body"] for one in [*self.issues.values(), *self.comments.values()] if one["user"] == US]

    def files(self) -> list[tuple[str, bytes]]:
        """Of both places."""
        return [*self.assets.values(), *((path.rpartition("/")[2], data) for path, data in self.contents.items())]


def start(begin: Start, kept: Kept) -> Mock:
    """A server with a repository o/r."""
    mock = begin("github", base="/api/v3", answers={
        "GET /user": US, f"GET {REPO}": lambda _: kept.repository, ISSUE: kept.issue, f"GET {REPO}/issues": kept.listed,
        COMMENTS: kept.commented, COMMENT: kept.comment, CREATE: kept.create,
        f"PATCH {REPO}/issues/comments/{{comment_id}}": kept.edit,
        f"PATCH {REPO}/issues/{{issue_number}}": kept.edit_issue,
        f"GET {REPO}/releases/tags/{{tag}}": kept.tagged, f"POST {REPO}/releases": kept.make, ASSET: kept.upload,
        f"GET {REPO}/releases/{{release_id}}/assets": kept.listed_assets,
        f"DELETE {REPO}/releases/assets/{{asset_id}}": kept.drop,
        f"GET {REPO}/contents/{{path}}": kept.folder, CONTENT: kept.put,
        f"DELETE {REPO}/contents/{{path}}": kept.remove})
    kept.uploads = mock.at("uploads.github.com")
    return mock


def _scene(begin: Start, upload: str | None, files: str) -> Scene:
    """With files only what is done with them is tried once more."""
    kept = Kept()
    mock = start(begin, kept)
    home = f"github+{mock.origin}/o/r"
    return Scene(mock, f"{home}/issues/5", home, COMMENT, CREATE, upload, kept.texts, kept.files, {"files": files},
                 tried=TEXT if upload else frozenset())


SCENES = {"github": lambda begin: _scene(begin, None, "none"),
          "github-release": lambda begin: _scene(begin, ASSET, "release"),
          "github-repository": lambda begin: _scene(begin, CONTENT, "repository")}


def _page(entries: list[Any], seen: Seen) -> list[Any]:
    size, page = int(seen.query["per_page"][0]), int(seen.query["page"][0])
    return entries[size * (page - 1):size * page]


def _public(comment: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in comment.items() if name != "issue"}


def _asset(one: int, name: str, data: bytes) -> dict[str, Any]:
    return {"id": one, "name": name, "size": len(data), "state": "uploaded",
            "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
            "browser_download_url": f"https://github.com/o/r/releases/download/x/{name}"}


def _content(path: str, data: bytes) -> dict[str, Any]:
    return {"type": "file", "name": path.rpartition("/")[2], "path": path, "size": len(data), "sha": _blob(data),
            "html_url": f"https://github.com/o/r/blob/main/{path}"}


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
