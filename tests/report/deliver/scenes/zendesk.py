"""Zendesk, kept in memory: tickets with their audits. Uploads count where a comment took them up."""

from collections.abc import Mapping
from typing import Any, Final

from tests.report.deliver.description import Seen
from tests.report.deliver.mock import Answer, Mock
from tests.report.deliver.scenes import Scene, Start

API: Final = "/api/v2"
ME_OF, SETTINGS = f"GET {API}/users/me", f"GET {API}/account/settings"
UPLOAD, UPLOADED = f"POST {API}/uploads", f"DELETE {API}/uploads/{{token}}"
TICKET, UPDATE = f"GET {API}/tickets/{{ticket_id}}", f"PUT {API}/tickets/{{ticket_id}}"
TICKETS, CREATE = f"GET {API}/tickets", f"POST {API}/tickets"
AUDITS: Final = f"GET {API}/tickets/{{ticket_id}}/audits"
ME: Final = 7
AGENT: Final = "agent@shop.example"


class Zendesk:
    """What it holds."""

    def __init__(self) -> None:
        self.user: dict[str, Any] = {"id": ME, "name": "Witness", "email": AGENT, "role": "agent",
                                     "only_private_comments": False}
        self.settings = Answer({"settings": {"limits": {"attachment_size": 50_000_000}}})
        self.tickets: dict[str, dict[str, Any]] = {
            "12": {"id": 12, "status": "open", "submitter_id": 3, "requester_id": 3}}
        self.audits: list[dict[str, Any]] = []
        self.uploads: dict[str, tuple[str, bytes]] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        self.page = 100

    def answers(self) -> dict[str, Any]:
        """By operation."""
        return {ME_OF: lambda _: {"user": self.user}, SETTINGS: lambda _: self.settings, UPLOAD: self._upload,
                UPLOADED: self._discard, TICKETS: self._listed, CREATE: self._create, AUDITS: self._audits,
                TICKET: lambda seen: {"ticket": self.tickets[seen.parameters["ticket_id"]]}, UPDATE: self._update}

    def note(self, ticket: str, author: int = ME, **fields: Any) -> dict[str, Any]:
        """One audit more, with its comment."""
        made = {"id": 900 + len(self.audits), "ticket_id": int(ticket), "author_id": author,
                "metadata": {"custom": fields.get("metadata", {}), "system": {}},
                "events": [{"type": "Comment", **fields["comment"]}]}
        self.audits.append(made)
        return made

    def comments(self) -> list[dict[str, Any]]:
        """Ours, as they were sent."""
        return [audit["events"][0] for audit in self.audits if audit["author_id"] == ME]

    def texts(self) -> list[str]:
        """Of our comments."""
        return [comment["html_body"] for comment in self.comments()]

    def files(self) -> list[tuple[str, bytes]]:
        """Those that a comment took up."""
        return [self.uploads[token] for comment in self.comments() for token in comment["uploads"]]

    def _listed(self, seen: Seen) -> dict[str, Any]:
        wanted = seen.query["external_id"][0]
        return {"tickets": [ticket for ticket in self.tickets.values() if ticket.get("external_id") == wanted]}

    def _create(self, seen: Seen) -> dict[str, Any]:
        key, fields = seen.headers["idempotency-key"], seen.json["ticket"]
        if key not in self.keys:
            number = str(20 + len(self.tickets))
            self.keys[key] = {"id": int(number), "status": "new", "submitter_id": ME, "requester_id": ME,
                              "subject": fields["subject"], "external_id": fields["external_id"]}
            self.tickets[number] = self.keys[key]
            self.note(number, **fields)
        return {"ticket": self.keys[key]}

    def _update(self, seen: Seen) -> dict[str, Any]:
        made = self.note(seen.parameters["ticket_id"], **seen.json["ticket"])
        return {"ticket": self.tickets[seen.parameters["ticket_id"]], "audit": made}

    def _audits(self, seen: Seen) -> dict[str, Any]:
        found = [audit for audit in self.audits if str(audit["ticket_id"]) == seen.parameters["ticket_id"]]
        begin = int(seen.query.get("page[after]", ["0"])[0])
        end = begin + min(self.page, int(seen.query["page[size]"][0]))
        return {"audits": found[begin:end], "meta": {"has_more": end < len(found), "after_cursor": str(end)}}

    def _upload(self, seen: Seen) -> dict[str, Any]:
        token = f"token{len(self.uploads)}"
        self.uploads[token] = (seen.query["filename"][0], seen.body)
        return {"upload": {"token": token}}

    def _discard(self, seen: Seen) -> Answer:
        del self.uploads[seen.parameters["token"]]
        return Answer(None, 204)


def start_zendesk(start: Start) -> tuple[Zendesk, Mock]:
    """The same for tests of its own."""
    kept = Zendesk()
    return kept, start("zendesk", answers=kept.answers())


def _scene(start: Start, user: str | None) -> Scene:
    kept, mock = start_zendesk(start)
    return Scene(mock, ticket=f"zendesk+{mock.origin}/agent/tickets/12", place=f"zendesk+{mock.origin}/agent",
                 write=UPDATE, create=CREATE, upload=UPLOAD, texts=kept.texts, files=kept.files, user=user)


SCENES: Final[Mapping[str, Any]] = {"zendesk": lambda start: _scene(start, AGENT)}
