"""Gitea: an issue, and attachments at what we wrote. In: a mock's start. Out: SCENES."""

from dataclasses import dataclass, field
from typing import Any, Final

from tests.report.deliver.description import Seen
from tests.report.deliver.mock import Answer, Mock
from tests.report.deliver.scenes import Scene, Start

ISSUES: Final = "/repos/{owner}/{repo}/issues"
COMMENT: Final = f"POST {ISSUES}/{{index}}/comments"
CREATE: Final = f"POST {ISSUES}"
ASSET: Final = f"POST {ISSUES}/comments/{{id}}/assets"
US: Final = {"login": "witness-bot"}
LINK: Final = "https://gitea.example/o/r/issues/"


@dataclass
class Kept:
    """What the repository holds; assets by the text at which they stand."""

    issues: dict[int, dict[str, Any]] = field(default_factory=lambda: {
        5: {"number": 5, "user": {"login": "somebody"}, "body": "Checkout is down", "html_url": f"{LINK}5",
            "is_locked": False}})
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    on: dict[int, int] = field(default_factory=dict)
    """Issue of each comment."""
    assets: dict[int, tuple[str, str, bytes]] = field(default_factory=dict)
    repository: dict[str, Any] = field(default_factory=lambda: {
        "archived": False, "has_issues": True, "permissions": {"admin": False, "push": True, "pull": True}})
    settings: dict[str, Any] = field(default_factory=lambda: {
        "enabled": True, "allowed_types": "*/*", "max_files": 5, "max_size": 4})
    number: int = 100

    def next(self) -> int:
        """A number that nothing has."""
        self.number += 1
        return self.number

    def issue(self, seen: Seen) -> Any:
        """One issue."""
        return self.issues.get(int(seen.parameters["index"]), Answer(status=404))

    def listed(self, seen: Seen) -> Any:
        """A page of issues of one author."""
        ours = [one for one in self.issues.values() if [one["user"]["login"]] == seen.query["created_by"]]
        size, page = int(seen.query["limit"][0]), int(seen.query["page"][0])
        return ours[size * (page - 1):size * page]

    def commented(self, seen: Seen) -> Any:
        """All comments on an issue."""
        return [one for number, one in self.comments.items() if self.on[number] == int(seen.parameters["index"])]

    def comment(self, seen: Seen) -> Any:
        """A new comment."""
        one, index = self.next(), int(seen.parameters["index"])
        self.on[one] = index
        self.comments[one] = {"id": one, "user": US, "body": seen.json["body"],
                              "html_url": f"{LINK}{index}#issuecomment-{one}"}
        return self.comments[one]

    def create(self, seen: Seen) -> Any:
        """A new issue."""
        one = self.next()
        self.issues[one] = {"number": one, "user": US, **seen.json, "html_url": f"{LINK}{one}"}
        return self.issues[one]

    def edit(self, seen: Seen) -> Any:
        """Another text."""
        one = self.comments[int(seen.parameters["id"])] if "id" in seen.parameters else self.issue(seen)
        one["body"] = seen.json["body"]
        return one

    def at(self, seen: Seen) -> Any:
        """The attachments of a text."""
        return [_asset(one, name, data) for one, (text, name, data) in self.assets.items() if text == _text(seen)]

    def upload(self, seen: Seen) -> Any:
        """A new attachment; names may be the same."""
        one, ((_, name, _, data),) = self.next(), seen.files
        assert [name] == seen.query["name"]
        self.assets[one] = (_text(seen), name, data)
        return _asset(one, name, data)

    def drop(self, seen: Seen) -> Any:
        """Without an attachment."""
        del self.assets[int(seen.parameters["attachment_id"])]
        return Answer(status=204)

    def texts(self) -> list[str]:
        """Of ours."""
        return [one["body"] for one in [*self.issues.values(), *self.comments.values()] if one["user"] == US]

    def files(self) -> list[tuple[str, bytes]]:
        """Of all texts."""
        return [(name, data) for _, name, data in self.assets.values()]


def start(begin: Start, kept: Kept) -> Mock:
    """A server with a repository o/r, below a path."""
    answers = {"GET /user": US, "GET /repos/{owner}/{repo}": lambda _: kept.repository,
               "GET /settings/attachment": lambda _: kept.settings, f"GET {ISSUES}": kept.listed, CREATE: kept.create,
               f"GET {ISSUES}/{{index}}": kept.issue, f"PATCH {ISSUES}/{{index}}": kept.edit, COMMENT: kept.comment,
               f"GET {ISSUES}/{{index}}/comments": kept.commented, f"PATCH {ISSUES}/comments/{{id}}": kept.edit}
    for text in (f"{ISSUES}/{{index}}", f"{ISSUES}/comments/{{id}}"):
        answers |= {f"GET {text}/assets": kept.at, f"POST {text}/assets": kept.upload,
                    f"DELETE {text}/assets/{{attachment_id}}": kept.drop}
    return begin("gitea", base="/git/api/v1", answers=answers)


def _scene(begin: Start) -> Scene:
    kept = Kept()
    mock = start(begin, kept)
    home = f"gitea+{mock.origin}/git/o/r"
    return Scene(mock, f"{home}/issues/5", home, COMMENT, CREATE, ASSET, kept.texts, kept.files)


SCENES = {"gitea": _scene}


def _text(seen: Seen) -> str:
    return seen.path.partition("/assets")[0]


def _asset(one: int, name: str, data: bytes) -> dict[str, Any]:
    return {"id": one, "name": name, "size": len(data)}
