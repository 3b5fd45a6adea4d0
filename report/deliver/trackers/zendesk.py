"""Zendesk: tickets, comments, uploads. In: a ticket, or the agents' site. Out: an internal note, or a new ticket.

Ticketing API: https://developer.zendesk.com/api-reference/ticketing/introduction/ (2026-11).

Comments cannot be changed, so the same failure once more is a further note. The mark stands in the custom metadata of
the update, which only the audits of the ticket show, and for new tickets in external_id, which can be asked for.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
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
    says_yes,
)
from report.deliver.fitting import fitted
from report.deliver.http import Http, part
from report.deliver.mark import cases
from report.deliver.targets import origin
from report.markup.html import html, unfilled

FILE_BYTES: Final = 50_000_000
"""Where the account does not tell its own limit (ticket-attachments, 2026-11)."""
TEXT_BYTES: Final = 60_000
"""Of one comment; Zendesk cuts at 64 KB (tickets, 2026-11)."""
PAGE: Final = 100
PAGES: Final = 20
"""Audits of a ticket that are looked through are at most PAGES * PAGE."""
TRIES, CONFLICT_S = 3, 2.0
"""How often a comment is sent while somebody else is changing the ticket, and the pause after it, seconds."""
READ: Final = "an agent who sees the ticket; of OAuth, the scope read"
WRITE: Final = "an agent who may add notes and make tickets; of OAuth, the scope write"
ENDED: Final = ("solved", "closed")
_SITE: Final = re.compile(r"[a-z0-9][a-z0-9-]*\.zendesk\.com")
_TICKET: Final = re.compile(r"(?:/agent|/api/v2)?/tickets/(?P<ticket>[0-9]+)(?:\.json)?(?:/.*)?"
                            r"|/hc/(?:[a-z-]+/)?requests/(?P<request>[0-9]+)", re.IGNORECASE)
_NEW: Final = re.compile(r"/agent(?:/.*)?")


class Zendesk(Tracker):
    """One ticket or site of Zendesk."""

    kind: ClassVar[str] = "zendesk"
    name: ClassVar[str] = "Zendesk"
    credential: ClassVar[str] = ("an API token and as its user the mail address of an agent, or an OAuth token with "
                                 "the scopes read and write and no user")
    options: ClassVar[Mapping[str, str]] = {
        "public": "yes: a public comment, which the requester is sent; else an internal note",
        "tags": "of a new ticket, separated by commas"}

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """Sites at zendesk.com: /agent/tickets/12, or /agent for a new ticket."""
        is_site = url.scheme == "https" and _SITE.fullmatch((url.hostname or "").lower())
        return cls.recognise_own(url) if is_site else None

    @classmethod
    def recognise_own(cls, url: SplitResult) -> Target | None:
        """The same at any host, because sites may have names of their own."""
        if url.scheme not in ("http", "https"):
            return None
        found = _TICKET.fullmatch(url.path.rstrip("/"))
        if found:
            return Target(cls.kind, origin(url), "", found["ticket"] or found["request"])
        return Target(cls.kind, origin(url)) if _NEW.fullmatch(url.path) else None

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        super().__init__(target, credential, door)
        self.public = says_yes(target, "public")
        secret, user = (credential.secret, credential.user) if credential else ("", None)
        basic = base64.b64encode(f"{(user or '').removesuffix('/token')}/token:{secret}".encode()).decode()
        header = f"Basic {basic}" if user else f"Bearer {secret}"
        self.http = Http(door, f"{target.origin}/api/v2", self.name, {"Authorization": header},
                         (secret, basic) if secret else ())

    def check(self) -> Account:
        """The credential, whether it is an agent's, whether the ticket takes comments; the account's largest file."""
        user = self._user
        if user["role"] == "end-user":
            raise DeliveryFailed("this credential of Zendesk is not of an agent; only agents write internal notes")
        if self.public and user.get("only_private_comments"):
            raise DeliveryFailed("this agent of Zendesk may write internal notes only; set the option public to no")
        limits = Limits(self._largest())
        if self.target.ticket:
            ticket = self._ticket(self.target.ticket)
            if ticket.get("status") == "closed":
                raise DeliveryFailed(f"the ticket {self.target.ticket} of Zendesk is closed and takes no comment; name "
                                     f"another, or {self.target.origin}/agent for a new one")
            if ticket.get("allow_attachments") is False:
                limits = Limits(files=0, no_files="this ticket takes no files")
        return Account(str(user.get("email") or user.get("name") or ""), limits)

    def find(self, failure: str) -> Found | None:
        """Our notes with its mark; without a ticket, in the open tickets that we made for it."""
        if self.target.ticket:
            return self._told(self.target.ticket, failure)
        found = self.http.member(
            "GET", "/tickets", "tickets", shape=list, need=READ, params={"external_id": _external(failure)})
        ours = (str(ticket["id"]) for ticket in found
                if ticket.get("submitter_id") == self._user["id"] and ticket.get("status") not in ENDED)
        return next((found for ticket in ours if (found := self._told(ticket, failure))), None)

    def attach(self, file: File) -> Upload:
        """Uploads it; Zendesk forgets within the hour what no comment takes up."""
        answer = self.http.ask("POST", "/uploads", good=(201, 422), need=WRITE, params={"filename": file.name},
                               headers={"Content-Type": file.media_type}, content=file.data)
        if answer.status_code == 422:
            # The types that an account takes (Admin Center > Allowed file types) cannot be asked for.
            raise DeliveryFailed(f"Zendesk does not take {file.name} (422)", unfit="type")
        return Upload(file.name, str(self.http.read(answer, dict)["upload"]["token"]))

    def discard(self, uploads: Sequence[Upload]) -> None:
        """Deletes them."""
        for upload in uploads:
            self.http.ask("DELETE", f"/uploads/{part(upload.ref)}", good=(204, 404))

    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """A note with files."""
        assert self.target.ticket is not None
        return self._note(self.target.ticket, message, uploads)

    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """A ticket of which we are the requester."""
        fields = {**self._update(message, uploads), "subject": unfilled(message.title),
                  "external_id": _external(message.failure)}
        tags = [tag.strip() for tag in self.target.options.get("tags", "").split(",") if tag.strip()]
        body = json.dumps({"ticket": {**fields, **({"tags": tags} if tags else {})}}).encode()
        # The same request within two hours makes no second ticket.
        headers = {"Content-Type": "application/json", "Idempotency-Key": hashlib.sha256(body).hexdigest()}
        ticket = str(self.http.member("POST", "/tickets", "ticket", need=WRITE, content=body, headers=headers)["id"])
        return ticket, self._link(ticket)

    def again(self, found: Found, message: Message) -> str:
        """A further note."""
        return self._note(found.ticket, message)

    @cached_property
    def _user(self) -> Mapping[str, Any]:
        """Who we are, asked for once; nobody is told as a user without number, with status 200."""
        user: Mapping[str, Any] = self.http.member("GET", "/users/me", "user", need=READ)
        if user.get("id") is None:
            raise DeliveryFailed("Zendesk does not accept the credential: it is wrong, has ended or was revoked, or "
                                 "access by API tokens is switched off")
        return user

    def _largest(self) -> int:
        """The account's largest file; only some roles are told."""
        answer = self.http.ask("GET", "/account/settings", good=(200, 403, 404))
        told = self.http.read(answer, dict)["settings"].get("limits", {}) if answer.status_code == 200 else {}
        return int(told.get("attachment_size") or FILE_BYTES)

    def _ticket(self, ticket: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.http.member("GET", f"/tickets/{part(ticket)}", "ticket", need=READ)
        return found

    def _told(self, ticket: str, failure: str) -> Found | None:
        told = tuple(dict.fromkeys(
            case for audit in self._audits(ticket) if audit.get("author_id") == self._user["id"]
            for case in cases(json.dumps((audit.get("metadata") or {}).get("custom")), failure)))
        return Found(self._link(ticket), ticket, "", told) if told else None

    def _audits(self, ticket: str) -> Iterator[Mapping[str, Any]]:
        """What was done to a ticket, oldest first; archived tickets tell it on one page."""
        query = {"page[size]": str(PAGE)}
        for _ in range(PAGES):
            page = self.http.json("GET", f"/tickets/{part(ticket)}/audits", shape=dict, need=READ, params=query)
            yield from page.member("audits", list)
            more = page.get("meta") or {}
            if not more.get("has_more"):
                return
            query["page[after]"] = str(more["after_cursor"])

    def _update(self, message: Message, uploads: Sequence[Upload]) -> dict[str, Any]:
        text = fitted(message.blocks, html, TEXT_BYTES, lambda text: len(text.encode()))
        comment = {"html_body": text, "public": self.public, "uploads": [upload.ref for upload in uploads]}
        return {"comment": comment, "metadata": {"gatewitness": message.mark}}

    def _note(self, ticket: str, message: Message, uploads: Sequence[Upload] = ()) -> str:
        fields = {"ticket": self._update(message, uploads)}
        for _ in range(TRIES):
            answer = self.http.ask("PUT", f"/tickets/{part(ticket)}", good=(200, 409), repeat=False, need=WRITE,
                                   json=fields)
            if answer.status_code == 200:
                return self._link(ticket)
            self.door.sleep(CONFLICT_S)  # somebody else is changing it; nothing was done
        raise DeliveryFailed(f"somebody else is changing the ticket {ticket} of Zendesk all the time (409)", again=True)

    def _link(self, ticket: str) -> str:
        return f"{self.target.origin}/agent/tickets/{ticket}"


def _external(failure: str) -> str:
    """What our tickets of a failure are known by."""
    return f"gatewitness:{failure}"
