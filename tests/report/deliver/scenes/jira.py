"""Jira Cloud and Jira Data Center, kept in memory: a project with an issue."""

import html
import json
from typing import Any, Final

from tests.report.deliver.description import Seen
from tests.report.deliver.mock import Answer, Mock
from tests.report.deliver.scenes import Scene, Start

RIGHTS: Final = ("ADD_COMMENTS", "CREATE_ISSUES", "CREATE_ATTACHMENTS", "EDIT_OWN_COMMENTS")
FIELDS: Final = ("summary", "description", "issuetype", "project")


class Jira:
    """What it holds."""

    def __init__(self, cloud: bool) -> None:
        self.cloud = cloud
        self.me: dict[str, Any] = {"displayName": "Witness", "accountId" if cloud else "key": "witness"}
        self.stranger: dict[str, Any] = {**self.me, "accountId" if cloud else "key": "mallory"}
        self.comments: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self.attachments: dict[str, tuple[str, str, bytes]] = {}
        self.rights = dict.fromkeys(RIGHTS, True)
        self.meta: dict[str, Any] = {"enabled": True, "uploadLimit": 10_000_000}
        self.types: list[dict[str, Any]] = [{"id": "1", "name": "Sub-task", "subtask": True},
                                            {"id": "3", "name": "Task", "subtask": False},
                                            {"id": "4", "name": "Bug", "subtask": False}]
        self.fields = [self.field(name, name != "description") for name in FIELDS]
        self.page = 100

    @property
    def api(self) -> str:
        return f"/rest/api/{3 if self.cloud else 2}"

    def name(self, operation: str) -> str:
        """Of an operation, for example "POST /issue"."""
        return operation.replace(" ", f" {self.api}")

    def answers(self) -> dict[str, Any]:
        """By operation."""
        issue, comment = "/issue/{issueIdOrKey}", "/issue/{issueIdOrKey}/comment"
        types = "/issue/createmeta/{projectIdOrKey}/issuetypes"
        found: dict[str, Any] = {
            "GET /myself": lambda _: self.me, "GET /attachment/meta": lambda _: self.meta,
            "GET /mypermissions": lambda _: {"permissions": {
                key: {"id": "1", "key": key, "havePermission": has} for key, has in self.rights.items()}},
            f"GET {types}": lambda _: {"issueTypes" if self.cloud else "values": self.types},
            f"GET {types}/{{issueTypeId}}": lambda _: {"fields" if self.cloud else "values": self.fields},
            f"GET {'/search/jql' if self.cloud else '/search'}": self._search, "POST /issue": self._create,
            f"GET {issue}": self._issue, f"POST {issue}/attachments": self._attach,
            "DELETE /attachment/{id}": self._detach, f"GET {comment}": self._list,
            f"POST {comment}": lambda seen: self.comment(seen.parameters["issueIdOrKey"], **seen.json),
            f"PUT {comment}/{{id}}": self._change,
            "PUT /comment/{commentId}/properties/{propertyKey}": self._keep}
        kind = "Cloud" if self.cloud else "Server"
        return {**{self.name(operation): answer for operation, answer in found.items()},
                "GET /rest/api/2/serverInfo": {"deploymentType": kind}}

    @staticmethod
    def field(name: str, required: bool, default: bool = False) -> dict[str, Any]:
        """What is told of a field of new issues."""
        return {"fieldId": name, "key": name, "name": name.title(), "required": required, "hasDefaultValue": default,
                "operations": ["set"], "schema": {"type": "string"}}

    def comment(self, key: str, body: Any, **more: Any) -> dict[str, Any]:
        """One comment more."""
        made = {"id": str(501 + len(self.comments)), "body": body, "author": dict(self.me), "at": key, **more}
        self.comments.append(made)
        return _shown(made)

    def texts(self) -> list[str]:
        """Of comments and issues, without those of strangers."""
        bodies = [one["body"] for one in self.comments if one["author"] == self.me]
        bodies += [issue["fields"]["description"] for issue in self.issues]
        return [json.dumps(body, ensure_ascii=False) if self.cloud else html.unescape(body) for body in bodies]

    def files(self) -> list[tuple[str, bytes]]:
        """Of all issues."""
        return [(name, data) for _, name, data in self.attachments.values()]

    def _search(self, seen: Seen) -> dict[str, Any]:
        assert 'project = "SHOP" AND creator = currentUser() AND statusCategory != Done' in seen.query["jql"][0]
        found = [{"key": one["key"], **({"properties": one["properties"]} if "properties" in seen.query else {})}
                 for one in reversed(self.issues) if not one.get("done")]
        return {"issues": found, **({"nextPageToken": None} if self.cloud else {"total": len(found)})}

    def _create(self, seen: Seen) -> dict[str, Any]:
        made = {"key": f"SHOP-{21 + len(self.issues)}", **seen.json,
                "properties": {one["key"]: one["value"] for one in seen.json["properties"]}}
        self.issues.append(made)
        return {"id": "1", "key": made["key"], "self": "https://jira.example.com/1"}

    def _issue(self, seen: Seen) -> dict[str, Any]:
        key = seen.parameters["issueIdOrKey"]
        properties: dict[str, Any] = next((one["properties"] for one in self.issues if one["key"] == key), {})
        files = [{"id": number, "filename": name, "size": len(data), "author": self.me}
                 for number, (at, name, data) in self.attachments.items() if at == key]
        wanted = {"fields": {"attachment": files} if seen.query["fields"] == ["attachment"] else {}}
        return {"key": key, **wanted, **({"properties": properties} if "properties" in seen.query else {})}

    def _attach(self, seen: Seen) -> list[dict[str, Any]]:
        [(_, name, _, data)] = seen.files
        number = str(701 + len(self.attachments))
        self.attachments[number] = (seen.parameters["issueIdOrKey"], name, data)
        return [{"id": number, "filename": name, "size": len(data)}]

    def _detach(self, seen: Seen) -> Answer:
        del self.attachments[seen.parameters["id"]]
        return Answer(None, 204)

    def _list(self, seen: Seen) -> dict[str, Any]:
        start, most = int(seen.query["startAt"][0]), min(self.page, int(seen.query["maxResults"][0]))
        found = [_shown(one) for one in reversed(self.comments) if one["at"] == seen.parameters["issueIdOrKey"]]
        return {"comments": found[start:start + most], "total": len(found), "startAt": start, "maxResults": most}

    def _change(self, seen: Seen) -> dict[str, Any]:
        """As Jira does it: without a visibility all see it."""
        found = next(one for one in self.comments if one["id"] == seen.parameters["id"])
        found.pop("visibility", None)
        found.update(seen.json)
        return _shown(found)

    def _keep(self, seen: Seen) -> Answer:
        found = next(one for one in self.comments if one["id"] == seen.parameters["commentId"])
        key = seen.parameters["propertyKey"]
        found["properties"] = [*(one for one in found["properties"] if one["key"] != key),
                               {"key": key, "value": seen.json}]
        return Answer({}, 200)


def _shown(comment: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in comment.items() if key != "at"}


def start_jira(start: Start, cloud: bool) -> tuple[Jira, Mock]:
    """The same for tests of its own."""
    kept = Jira(cloud)
    return kept, start("jira", "jira-newer", "jira-dc", answers=kept.answers())


def _scene(start: Start, cloud: bool) -> Scene:
    kept, mock = start_jira(start, cloud)
    return Scene(mock, ticket=f"jira+{mock.origin}/browse/SHOP-5", place=f"jira+{mock.origin}/projects/SHOP/summary",
                 write=kept.name("POST /issue/{issueIdOrKey}/comment"), create=kept.name("POST /issue"),
                 upload=kept.name("POST /issue/{issueIdOrKey}/attachments"), texts=kept.texts, files=kept.files,
                 user="witness@example.com" if cloud else None)


SCENES = {"jira cloud": lambda start: _scene(start, True), "jira data center": lambda start: _scene(start, False)}
