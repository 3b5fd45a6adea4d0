"""Jira: a comment, or a new issue; Cloud and Data Center. In: a target. Out: comments, files as attachments.

The mark stands in a property of the comment or issue, which nobody sees. Source: https://developer.atlassian.com/cloud/
jira/platform/rest/v3 and https://docs.atlassian.com/software/jira/docs/api/REST/9.17.0, 2026-11.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from html import unescape
from typing import Any, ClassVar, Final
from urllib.parse import SplitResult, parse_qs

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
from report.deliver.fitting import SEEN, extended, fitted
from report.deliver.http import Http, entries, members
from report.deliver.mark import cases, mark
from report.deliver.targets import origin
from report.markup.adf import adf
from report.markup.blocks import Blocks
from report.markup.wiki import wiki

CLOUD: Final = ".atlassian.net"
SCOPED: Final = "https://api.atlassian.com/ex/jira/"
"""Where API tokens with scopes are taken, with the ID of the site behind it (support.atlassian.com, 2026-11)."""
TEXT_CHARS: Final = 32_767
"""Longest comment and description (jira.text.field.character.limit); of a document its JSON is counted, which is never
less than what Jira counts."""
TITLE_CHARS: Final = 255
PROPERTY: Final = "gatewitness"
INTERNAL: Final = "sd.public.comment"
"""Property of comments in Jira Service Management; the value `internal` keeps customers from seeing them."""
MARKS: Final = 300
"""Most cases that a comment remembers; a property holds 32,768 characters."""
PAGES: Final = 10
"""Most pages of 100 comments or 50 issues that are looked through, the newest first; of issues of Data Center one."""
OURS: Final = frozenset({"project", "issuetype", "summary", "description", "reporter", "labels"})
"""Fields of a new issue that are filled in."""
RIGHTS: Final[Mapping[str, str]] = {
    "ADD_COMMENTS": "Add Comments", "CREATE_ISSUES": "Create Issues", "CREATE_ATTACHMENTS": "Create Attachments",
    "EDIT_OWN_COMMENTS": "Edit Own Comments"}
_KEY: Final = re.compile(r"([A-Z][A-Z0-9_]{1,60})(?:-([1-9]\d{0,17}))?", re.ASCII)
_BEGINS: Final = ("browse", "projects", "servicedesk", "secure")
"""Where Jira's own paths begin, behind that under which it is served."""
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Jira(Tracker):
    """One issue or project."""

    kind = "jira"
    name = "Jira"
    credential = ("your mail address and an API token (Cloud), or a personal access token (Data Center), with the "
                  "permissions Browse Projects, Add Comments, Create Attachments, and Create Issues for new ones")
    options: ClassVar = {
        "type": "type of a new issue, for example Task; without it Bug, or the first that there is",
        "labels": "labels of a new issue, with commas between them",
        "visibility": "who sees the comment: role:NAME or group:NAME; without it all who see the issue",
        "public": "no: customers of Jira Service Management do not see the comment",
        "cloud": "ID of the site (https://SITE/_edge/tenant_info) when the API token has scopes"}
    ticket_first = True

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """At NAME.atlassian.net, but not Confluence, which is there too."""
        is_ours = url.scheme == "https" and not url.port and (url.hostname or "").endswith(CLOUD)
        return cls.recognise_own(url) if is_ours and not url.path.startswith("/wiki") else None

    @classmethod
    def recognise_own(cls, url: SplitResult) -> Target | None:
        """Addresses of issues, projects and boards."""
        parts, query = url.path.strip("/").split("/"), parse_qs(url.query)
        begin = next((at for at, name in enumerate(parts) if name in _BEGINS), None)
        if parts[0] == "jira" and (begin != 1 or parts[1:3] == ["servicedesk", "projects"]):
            begin = 0  # /jira/software/projects/KEY and the like, which only Cloud has
        if begin is None:
            return None
        pairs = list(zip(["", *parts], parts, strict=False))
        names = [*query.get("selectedIssue", ()),
                 *(part.upper() if before == "browse" else part for before, part in reversed(pairs))]
        tickets = [found for found in map(_KEY.fullmatch, names) if found and found[2]]
        places = [*(part.upper() for before, part in pairs if before in ("browse", "projects")),
                  *query.get("projectKey", ())]
        place = next((found[1] for found in (*tickets, *filter(None, map(_KEY.fullmatch, places)))), None)
        ticket = tickets[0][0] if tickets else None
        base = "".join(f"/{part}" for part in parts[:begin])
        return Target(cls.kind, origin(url), place, ticket, base=base) if place else None

    @classmethod
    def ticket(cls, target: Target, text: str) -> str | None:
        """A key, or the number of one."""
        found = re.fullmatch(rf"(?:#|{re.escape(target.place)}-)?([1-9]\d{{0,17}})", text, re.ASCII | re.IGNORECASE)
        return f"{target.place}-{found[1]}" if found else None

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        super().__init__(target, credential, door)
        kind, _, value = target.options.get("visibility", "").partition(":")
        if (kind or value) and not (kind in ("role", "group") and value):
            raise BadTarget("the option visibility of jira is role:NAME or group:NAME")
        site = target.options.get("cloud")
        if site is not None and not _ID.fullmatch(site):
            raise BadTarget("the option cloud of jira is the cloudId of https://SITE/_edge/tenant_info")
        secret, user = (credential.secret, credential.user) if credential else ("", None)
        if target.origin.endswith(CLOUD) and not user:
            raise BadTarget(f"the credential for {target.origin} lacks its user: Jira Cloud wants the mail address of "
                            "the account besides its API token")
        basic = b64encode(f"{user}:{secret}".encode()).decode("ascii")
        self.visibility = {"type": kind, "value": value} if kind else None
        self.internal = not says_yes(target, "public", default=True)
        self.root = target.origin + target.base
        self.http = Http(door, SCOPED + site if site else self.root, self.name,
                         {"Authorization": f"Basic {basic}" if user else f"Bearer {secret}"}, (secret, basic))

    @cached_property
    def cloud(self) -> bool:
        """Whether it is Jira Cloud; some sites have an address of their own."""
        if self.target.origin.endswith(CLOUD) or "cloud" in self.target.options:
            return True
        told = self.http.json("GET", "/rest/api/2/serverInfo", shape=dict)
        return bool(told.get("deploymentType") == "Cloud")

    @cached_property
    def api(self) -> str:
        """Begin of the paths."""
        return f"/rest/api/{3 if self.cloud else 2}"

    @cached_property
    def me(self) -> dict[str, Any]:
        """The user that we are."""
        found = self._get("/myself")
        _ = found[self._name]  # else it is another program's
        return dict(found)

    @property
    def _name(self) -> str:
        """The member by which users are told apart."""
        return "accountId" if self.cloud else "key"

    @cached_property
    def rights(self) -> Mapping[str, bool]:
        """Which of the permissions we have."""
        where = {"issueKey": self.target.ticket} if self.target.ticket else {"projectKey": self.target.place}
        params = {**where, "permissions": ",".join(RIGHTS)} if self.cloud else where
        told = self._get("/mypermissions", **params).member("permissions")
        return {key: members(told.get(key)).get("havePermission") is True for key in RIGHTS}

    def check(self) -> Account:
        """The account, its permissions, and the fields that a new issue wants."""
        name = str(self.me.get("displayName") or self.me.get("name", ""))
        if self.target.ticket:
            self._get(f"/issue/{self.target.ticket}", fields="status")
            self._check_right("ADD_COMMENTS")
        else:
            self._check_right("CREATE_ISSUES")
            self._check_fields()
        meta = self._get("/attachment/meta")
        most = meta.get("uploadLimit")
        limits = Limits(text_chars=TEXT_CHARS, file_bytes=most if isinstance(most, int) else Limits.file_bytes)
        if not meta.get("enabled"):
            limits = replace(limits, files=0, no_files="attachments are switched off in this Jira")
        elif not self.rights["CREATE_ATTACHMENTS"]:
            limits = replace(limits, files=0, no_files="the permission Create Attachments is missing")
        return Account(name, limits)

    def _check_right(self, key: str) -> None:
        if not self.rights[key]:
            raise DeliveryFailed(f"in {self.target.place} this credential lacks {_need(key)}")

    def _check_fields(self) -> None:
        """That a new issue of the type can have our text and wants nothing besides."""
        told = self._meta(f"/{self.type['id']}", "fields") if "id" in self.type else []
        wanted = [field.get("name", field["fieldId"]) for field in told
                  if field["required"] and not field.get("hasDefaultValue") and field["fieldId"] not in OURS]
        kind = self.type["name"]
        if wanted:
            raise DeliveryFailed(f"{self.target.place} wants the field {wanted[0]!r} for a new {kind}, which cannot be "
                                 "known here; give it a default, or name another type by the option type")
        if told and not any(field["fieldId"] == "description" for field in told):
            raise DeliveryFailed(f"{self.target.place} takes no description for a new {kind}; name another type by the "
                                 "option type")

    @cached_property
    def type(self) -> Mapping[str, Any]:
        """Type of a new issue."""
        told = [kind for kind in self._meta("", "issueTypes") if not kind.get("subtask")]
        wanted = self.target.options.get("type")
        named = [kind for kind in told if str(kind["name"]).casefold() == (wanted or "Bug").casefold()]
        if wanted and told and not named:
            raise DeliveryFailed(f"{self.target.place} has no type {wanted!r}; it has "
                                 f"{', '.join(kind['name'] for kind in told)}")
        return dict((named or told or [{"name": wanted or "Bug"}])[0])

    def _meta(self, path: str, name: str) -> list[dict[str, Any]]:
        """What new issues of the project are like; nothing where Jira is too old to tell (before 8.4)."""
        answer = self.http.ask("GET", f"{self.api}/issue/createmeta/{self.target.place}/issuetypes{path}",
                               params={"maxResults": 200}, good=(200, 404))
        told = self.http.read(answer, dict) if answer.status_code == 200 else {}
        return entries(told.get(name) or told.get("values"))

    def find(self, failure: str) -> Found | None:
        """In comments of ours; without a ticket, in open issues of ours and our comments there."""
        if self.target.ticket:
            return self._comment(self.target.ticket, failure)
        for key, told in self._issues(failure):
            comment = self._comment(key, failure)
            all_told = (*told, *(comment.cases if comment else ()))
            return Found(self._link(key), key, comment.ref if comment else "", tuple(dict.fromkeys(all_told)),
                         comment.text if comment else "")
        return None

    def _issues(self, failure: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Keys of open issues that we made of the failure, the newest first, with their cases."""
        jql = (f'project = "{self.target.place}" AND creator = currentUser() AND statusCategory != Done '
               "ORDER BY created DESC")
        params = {"jql": jql, "maxResults": "50", "fields": "created"}
        if self.cloud:
            found = self._searched({**params, "properties": PROPERTY})
        else:  # its search tells no properties
            found = (self._get(f"/issue/{issue['key']}", fields="created", properties=PROPERTY)
                     for issue in self._get("/search", **params).member("issues", list))
        for issue in found:
            told = cases(_marks(members(issue.get("properties")).get(PROPERTY)), failure)
            if told:
                yield issue["key"], told

    def _searched(self, params: dict[str, str]) -> Iterator[dict[str, Any]]:
        for _ in range(PAGES):
            found = self._get("/search/jql", **params)
            yield from found.member("issues", list)
            if not found.get("nextPageToken"):
                break
            params["nextPageToken"] = found["nextPageToken"]

    def _comment(self, ticket: str, failure: str) -> Found | None:
        """Our oldest comment of the failure, with the cases of all of them. What not all may see is not added to a
        comment that they see."""
        ours = [(comment, properties) for comment, properties in self._comments(ticket)
                if self._is_me(comment.get("author")) and self._is_as_closed(comment, properties)
                and cases(_marks(properties.get(PROPERTY)), failure)]
        if not ours:
            return None
        told = "\n".join(_marks(properties.get(PROPERTY)) for _, properties in reversed(ours))
        oldest, number = ours[-1][0], str(ours[-1][0]["id"])
        kept = {"body": oldest["body"], **({"visibility": oldest["visibility"]} if oldest.get("visibility") else {})}
        return Found(self._link(ticket, number), ticket, number, cases(told, failure), json.dumps(kept))

    def _comments(self, ticket: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Comments with their properties, the newest first."""
        start = 0
        for _ in range(PAGES):
            page = self._get(f"/issue/{ticket}/comment", expand="properties", orderBy="-created", maxResults=100,
                             startAt=start)
            comments = page.member("comments", list)
            for comment in comments:
                yield comment, {str(one.get("key")): one.get("value") for one in entries(comment.get("properties"))}
            start += len(comments)
            if not comments or start >= int(page.get("total") or 0):
                break

    def _is_me(self, author: Any) -> bool:
        return bool(members(author).get(self._name) == self.me[self._name])

    def _is_as_closed(self, comment: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
        seen_by = members(comment.get("visibility"))
        hidden = members(properties.get(INTERNAL)).get("internal") is True
        return (not self.visibility or self.visibility.items() <= seen_by.items()) and (hidden or not self.internal)

    def attached(self, file: File) -> Upload | None:
        """By name and size, among those that are ours."""
        if not self.target.ticket:
            return None
        issue = self._get(f"/issue/{self.target.ticket}", fields="attachment")
        found = (one for one in entries(issue.member("fields").get("attachment")) if self._is_me(one.get("author"))
                 and (one["filename"], one["size"]) == (file.name, len(file.data)))
        return next((Upload(file.name, str(one["id"])) for one in found), None)

    def attach(self, file: File) -> Upload:
        """To the issue, where it stands by itself."""
        made = self.http.json("POST", f"{self.api}/issue/{self.target.ticket}/attachments", shape=list,
                              headers={"X-Atlassian-Token": "no-check"}, need=_need("CREATE_ATTACHMENTS"),
                              files={"file": (file.name, file.data, file.media_type)})
        if not made:
            raise DeliveryFailed("Jira took the file and told nothing of it", unclear=True)
        return Upload(file.name, str(made[0]["id"]))

    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """The text; attachments stand at the issue."""
        return self._write(self.target.ticket or "", message)

    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """An issue with the mark in it from the beginning."""
        labels = [label.strip().replace(" ", "-") for label in self.target.options.get("labels", "").split(",")]
        fields = {"project": {"key": self.target.place}, "summary": message.title[:TITLE_CHARS],
                  "issuetype": {key: self.type[key] for key in ("id", "name") if key in self.type},
                  "description": self._text(message.blocks), **({"labels": labels} if labels != [""] else {})}
        made = self.http.json("POST", f"{self.api}/issue", shape=dict, need=_need("CREATE_ISSUES"), json={
            "fields": fields, "properties": [_property(message.mark)]})
        return str(made["key"]), self._link(made["key"])

    def again(self, found: Found, message: Message) -> str:
        """Added to our comment, or written as one where there is none yet or comments cannot be changed."""
        if not found.ref or not self.rights["EDIT_OWN_COMMENTS"]:
            return self._write(found.ticket, message)
        kept = json.loads(found.text)
        path = f"{self.api}/issue/{found.ticket}/comment/{found.ref}"
        if message.case not in unescape(found.text):  # else only the property was not written the last time
            # Without the visibility that it has a comment is seen by all.
            self.http.json("PUT", path, need=_need("EDIT_OWN_COMMENTS"),
                           json={**kept, "body": self._longer(kept["body"], message.blocks)})
        marks = [mark(message.failure, case) for case in (*found.cases, message.case)][-MARKS:]
        self.http.ask("PUT", f"{self.api}/comment/{found.ref}/properties/{PROPERTY}", json={"marks": marks})
        return self._link(found.ticket, found.ref)

    def discard(self, uploads: Sequence[Upload]) -> None:
        """What we attached, where we may delete it."""
        for upload in uploads:
            self.http.ask("DELETE", f"{self.api}/attachment/{upload.ref}", good=(204, 403, 404))

    def _write(self, ticket: str, message: Message) -> str:
        properties = [_property(message.mark)]
        if self.internal:
            properties.append({"key": INTERNAL, "value": {"internal": True}})
        visibility = {"visibility": self.visibility} if self.visibility else {}
        made = self.http.json("POST", f"{self.api}/issue/{ticket}/comment", shape=dict, need=_need("ADD_COMMENTS"),
                              json={"body": self._text(message.blocks), "properties": properties, **visibility})
        return self._link(ticket, str(made["id"]))

    def _text(self, blocks: Blocks) -> Any:
        """A document for Cloud, wiki text for Data Center."""
        write: Callable[[Blocks], Any] = adf if self.cloud else wiki
        return fitted(blocks, write, TEXT_CHARS, _measure)

    def _longer(self, body: Any, line: Blocks) -> Any:
        if not self.cloud:
            return extended(body, wiki(line), TEXT_CHARS)
        nodes = [*body["content"], *adf(line)["content"]]
        while _measure(nodes) > TEXT_CHARS - 50 and (oldest := next(filter(_is_line, nodes[:-1]), None)):
            nodes.remove(oldest)
        return {**body, "content": nodes}

    def _get(self, path: str, **params: str | int) -> Any:
        return self.http.json("GET", self.api + path, shape=dict, params=params, need=_need("BROWSE"))

    def _link(self, ticket: str, comment: str = "") -> str:
        return f"{self.root}/browse/{ticket}{f'?focusedCommentId={comment}' if comment else ''}"


def _need(right: str) -> str:
    return f"the permission {RIGHTS.get(right, 'Browse Projects')}"


def _property(told: str) -> dict[str, Any]:
    return {"key": PROPERTY, "value": {"marks": [told]}}


def _marks(value: Any) -> str:
    """The marks of a property, one a line."""
    told = members(value).get("marks")
    return "\n".join(map(str, told)) if isinstance(told, list) else ""


def _measure(text: Any) -> int:
    """Characters, of a document as JSON."""
    return len(text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, separators=(",", ":")))


def _is_line(node: Mapping[str, Any]) -> bool:
    """Whether it is the line of the same failure once more."""
    first = (node.get("content") or [{}])[0]
    return node.get("type") == "paragraph" and str(first.get("text", "")).startswith(f"{SEEN} ")
