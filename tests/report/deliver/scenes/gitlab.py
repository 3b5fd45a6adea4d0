"""GitLab, kept in memory: a project with an issue and a merge request. Uploads count where a text names them."""

import re
from collections.abc import Mapping
from typing import Any, Final

from tests.report.deliver.description import Seen
from tests.report.deliver.mock import Answer, Mock
from tests.report.deliver.scenes import Scene, Start

API: Final = "/api/v4"
PROJECT: Final = f"{API}/projects/{{id}}"
UPLOAD, UPLOADED = f"POST {PROJECT}/uploads", f"DELETE {PROJECT}/uploads/{{upload_id}}"
ISSUE, ISSUES, CREATE = f"GET {PROJECT}/issues/{{issue_iid}}", f"GET {PROJECT}/issues", f"POST {PROJECT}/issues"
REQUEST: Final = f"GET {PROJECT}/merge_requests/{{merge_request_iid}}"
NOTES: Final = {what: {method: f"{method} {PROJECT}/{what}/{{noteable_id}}/notes{'/{note_id}' if one else ''}"
                       for method, one in (("GET", 0), ("POST", 0), ("PUT", 1), ("DELETE", 1))}
                for what in ("issues", "merge_requests")}
ME: Final[Mapping[str, Any]] = {"id": 7, "username": "witness"}
STRANGER: Final[Mapping[str, Any]] = {"id": 8, "username": "mallory"}


class GitLab:
    """What it holds."""

    def __init__(self) -> None:
        self.notes: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self.uploads: dict[int, tuple[str, bytes]] = {}
        self.user: dict[str, Any] = {**ME, "is_admin": False}
        self.project: dict[str, Any] = {
            "archived": False, "permissions": {"project_access": {"access_level": 10}, "group_access": None}}
        self.ticket: dict[str, Any] = {"discussion_locked": None, "confidential": False}
        self.token: Answer = Answer({"scopes": ["api"]})
        self.page = 100
        self.internal = True

    def answers(self) -> dict[str, Any]:
        """By operation."""
        found: dict[str, Any] = {
            f"GET {API}/user": lambda _: self.user, f"GET {API}/personal_access_tokens/self": lambda _: self.token,
            f"GET {PROJECT}": lambda _: self.project, ISSUE: lambda _: self.ticket, REQUEST: lambda _: self.ticket,
            ISSUES: self._issues, CREATE: self._create,
            UPLOAD: self._upload, UPLOADED: self._discard}
        for what, named in NOTES.items():
            found |= {named["GET"]: lambda seen, what=what: self._page(seen, self._of(what, seen)),
                      named["POST"]: lambda seen, what=what: self.note(
                          what, seen.parameters["noteable_id"], **seen.json),
                      named["PUT"]: self._change, named["DELETE"]: self._delete}
        return found

    def note(self, what: str, number: str, body: str, internal: bool = False, **more: Any) -> dict[str, Any]:
        """One note more."""
        made = {"id": 301 + len(self.notes), "body": body, "author": {**ME}, "system": False, "at": (what, number),
                "internal": internal and self.internal, **more}
        self.notes.append(made)
        return _shown(made)

    def texts(self) -> list[str]:
        """Of notes and issues, without those of strangers."""
        return [one.get("body") or one["description"] for one in (*self.notes, *self.issues) if one["author"] == ME]

    def files(self) -> list[tuple[str, bytes]]:
        """Those that a text names."""
        texts = "\n".join(self.texts())
        return [upload for number, upload in self.uploads.items() if _address(number, upload[0]) in texts]

    def _issues(self, seen: Seen) -> Answer:
        state, author = seen.query["state"][0], int(seen.query["author_id"][0])
        return self._page(seen, [one for one in self.issues if (one["state"], one["author"]["id"]) == (state, author)])

    def _of(self, what: str, seen: Seen) -> list[dict[str, Any]]:
        return [_shown(one) for one in self.notes if one["at"] == (what, seen.parameters["noteable_id"])]

    def _page(self, seen: Seen, found: list[dict[str, Any]]) -> Answer:
        page, newest = int(seen.query["page"][0]), found[::-1]
        more = {"x-next-page": str(page + 1) if len(newest) > page * self.page else ""}
        return Answer(newest[(page - 1) * self.page: page * self.page], headers=more)

    def _change(self, seen: Seen) -> dict[str, Any]:
        note = next(one for one in self.notes if str(one["id"]) == seen.parameters["note_id"])
        note["body"] = seen.json["body"]
        return _shown(note)

    def _delete(self, seen: Seen) -> Answer:
        self.notes = [one for one in self.notes if str(one["id"]) != seen.parameters["note_id"]]
        return Answer(None, 204)

    def _create(self, seen: Seen) -> dict[str, Any]:
        made = {"iid": 11 + len(self.issues), "state": "opened", "author": {**ME}, "confidential": False, **seen.json}
        self.issues.append(made)
        return {"iid": made["iid"], "title": made["title"]}

    def _upload(self, seen: Seen) -> dict[str, Any]:
        [(_, name, _, data)] = seen.files
        number = 1 + len(self.uploads)
        self.uploads[number] = (name, data)
        address = _address(number, name)
        return {"id": number, "url": address, "full_path": f"/-/project/1{address}", "markdown": f"[{name}]({address})"}

    def _discard(self, seen: Seen) -> Answer:
        self.uploads.pop(int(seen.parameters["upload_id"]))
        return Answer(None, 204)


def _shown(note: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in note.items() if key != "at"}


def _address(number: int, name: str) -> str:
    return f"/uploads/{number:032x}/{re.sub(r'[^A-Za-z0-9._-]', '_', name)}"


def start_gitlab(start: Start) -> tuple[GitLab, Mock]:
    """The same for tests of its own."""
    kept = GitLab()
    return kept, start("gitlab", answers=kept.answers())


def _scene(start: Start, what: str) -> Scene:
    kept, mock = start_gitlab(start)
    return Scene(mock, ticket=f"gitlab+{mock.origin}/group/sub/project/-/{what}/5",
                 place=f"gitlab+{mock.origin}/group/sub/project", write=NOTES[what]["POST"], create=CREATE,
                 upload=UPLOAD, texts=kept.texts, files=kept.files, stays=True)


SCENES = {"gitlab": lambda start: _scene(start, "issues"),
          "gitlab merge request": lambda start: _scene(start, "merge_requests")}
