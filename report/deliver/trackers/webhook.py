"""Webhooks: one POST for a case, as JSON that is signed, or in the forms of Slack and Microsoft Teams.

In: an address. Out: what stands there has it. An address by which anybody may write is itself the secret: it is the
credential, the target names its host only, and nothing shows more of it than that.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import SplitResult, parse_qsl, urlsplit
from uuid import NAMESPACE_URL, uuid5

import httpx

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
)
from report.deliver.fitting import fitted
from report.deliver.http import Http
from report.deliver.targets import origin
from report.markup.blocks import Blocks, Paragraph, Strong
from report.markup.card import card
from report.markup.plain import plain
from report.markup.slack import slack

HOSTS: Final = {
    "slack": re.compile(r"hooks\.slack(?:-gov)?\.com"),
    "teams": re.compile(r"(?:[a-z0-9-]+\.)+(?:webhook\.office|logic\.azure|environment\.api\.powerplatform)\.com")}
"""By which a preset is known. Their addresses are secrets (https://docs.slack.dev/messaging/sending-messages-using-
incoming-webhooks; https://learn.microsoft.com/power-automate/, both 2026-11)."""
NAMES: Final = {"plain": "The webhook", "slack": "Slack", "teams": "Microsoft Teams"}
NO_FILES: Final = {
    "plain": "the option max_bytes of this webhook allows no files", "slack": "Slack's webhooks take no files",
    "teams": "Microsoft Teams takes no files by webhooks"}
TEXT_CHARS: Final = 30_000
SLACK_CHARS: Final = 12_000
"""Blocks of one message as JSON: above some 13,000 characters Slack says msg_blocks_too_long
(https://github.com/slackapi/bolt-js/issues/2509)."""
SLACK_BLOCKS: Final = 50
TEAMS_BYTES: Final = 28_000
"""One message (https://learn.microsoft.com/connectors/teams, known issues: about 28 KB)."""
SECRET_CHARS: Final = 6
"""Shortest part of an address that is kept out of errors."""
SLACK_SAYS: Final = {
    "no_service": "the webhook was removed or switched off", "no_active_hooks": "the webhook was switched off",
    "no_team": "the workspace is gone", "invalid_token": "the address is wrong or was revoked",
    "channel_not_found": "its channel is gone", "channel_is_archived": "its channel is archived",
    "action_prohibited": "an administrator of the workspace does not allow it",
    "posting_to_general_channel_denied": "an administrator of the workspace does not allow it"}
"""Answers of incoming webhooks (https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks)."""
_FAILED: Final = re.compile(r"failed with error.*?HTTP error (\d{3})", re.DOTALL)
Body = dict[str, Any]


class Webhook(Tracker):
    """Posts to one address."""

    kind = "webhook"
    name = "Webhook"
    credential = ""
    searchable = False
    options: ClassVar = {
        "preset": "plain, slack or teams; without it the host decides",
        "max_bytes": "files go along that are together at most so large, bytes; without it none do"}

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """The hosts of Slack and Teams."""
        return cls.recognise_own(url) if url.scheme == "https" and _preset(url.hostname or "") != "plain" else None

    @classmethod
    def recognise_own(cls, url: SplitResult) -> Target | None:
        """Any address that is no secret; of one that is, its host."""
        if url.scheme not in ("http", "https") or not url.hostname:
            return None
        place = url.path if url.path != "/" else ""
        if url.query or (place and _preset(url.hostname) != "plain"):
            raise BadTarget("the address of this webhook is itself the secret: keep all of it as the credential "
                            "(GATEWITNESS_TRACKER_TOKEN, the file or the keyring, see docs/trackers.md), and name the "
                            f"target webhook+{origin(url)}")
        return Target(cls.kind, origin(url), place)

    @classmethod
    def ticket(cls, target: Target, text: str) -> str | None:
        """None: there are no tickets."""
        return None

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        """Takes the credential for the address when it is one, else for the secret to sign with."""
        super().__init__(target, credential, door)
        host = urlsplit(target.origin).hostname or ""
        self.preset = target.options.get("preset") or _preset(host)
        most = target.options.get("max_bytes", "0")
        if self.preset not in NAMES:
            raise BadTarget(f"the option `preset` is one of: {', '.join(NAMES)}")
        if not (most.isascii() and most.isdigit() and len(most) < 12):
            raise BadTarget("the option `max_bytes` is a number of bytes")
        self.most_bytes = int(most) if self.preset == "plain" else 0
        secret = credential.secret if credential else ""
        is_address = secret.startswith(("https://", "http://"))
        self.path = _path(secret, target) if is_address else target.place or "/"
        self.key = "" if is_address else secret
        if self.preset == _preset(host) != "plain" and not is_address:
            raise BadTarget(f"{NAMES[self.preset]} wants the whole address of the webhook as the credential")
        self.http = Http(door, target.origin, NAMES[self.preset], {}, (*_secrets(self.path), *filter(None, [self.key])))
        self._files: dict[str, File] = {}

    def check(self) -> Account:
        """Nothing: whatever is posted there is taken for a message."""
        return Account("", Limits(file_bytes=self.most_bytes, total_bytes=self.most_bytes,
                                  files=None if self.most_bytes else 0, no_files=NO_FILES[self.preset],
                                  text_chars=TEXT_CHARS))

    def find(self, failure: str) -> Found | None:
        """Nothing: there is nothing to look at."""
        return None

    def attach(self, file: File) -> Upload:
        """Keeps it for the message."""
        self._files[file.name] = file
        return Upload(file.name, file.sha256)

    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """The same as `create`."""
        return self.create(message, uploads)[1]

    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """Posts; the key by which what comes twice is known, and the link if the receiver names one."""
        return self._post("dossier", message, [self._files[upload.name] for upload in uploads], ())

    def again(self, found: Found, message: Message) -> str:
        """Posts the line."""
        return self._post("seen_again", message, (), found.cases)[1]

    def discard(self, uploads: Sequence[Upload]) -> None:
        """Forgets the files."""
        self._files.clear()

    def _post(self, event: str, message: Message, files: Sequence[File], told: Sequence[str]) -> tuple[str, str]:
        key = str(uuid5(NAMESPACE_URL, f"gatewitness:{event}:{message.failure}:{message.case}"))
        made = FORMS[self.preset](message) if self.preset in FORMS else _plain(event, message, files, told)
        body = _written(made)
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, **self._signature(body)}
        # Slack's reasons stand in its refusals; who takes our own form knows by the key what comes twice.
        good = tuple(range(200, 300)) + ((400, 403, 404, 410) if self.preset == "slack" else ())
        answer = self.http.ask("POST", self.path, content=body, headers=headers, good=good,
                               repeat=True if self.preset == "plain" else None)
        if self.preset != "plain":
            _look(answer, self.preset)
        return key, _link(answer) or f"{self.target.origin}/"

    def _signature(self, body: bytes) -> dict[str, str]:
        """Of the time and the body, so that what was overheard is of no use later."""
        if not self.key:
            return {}
        at = str(int(time.time()))
        signed = hmac.new(self.key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Gatewitness-Timestamp": at, "X-Gatewitness-Signature": f"sha256={signed}"}


def _written(made: Any) -> bytes:
    return json.dumps(made, separators=(",", ":")).encode("ascii")


def _preset(host: str) -> str:
    return next((preset for preset, known in HOSTS.items() if known.fullmatch(host.lower())), "plain")


def _path(address: str, target: Target) -> str:
    """Path and query of the address that is the credential. Raises BadTarget without showing it."""
    try:
        url = urlsplit(address)
        there = origin(url)
    except ValueError:
        there = ""
    if there != target.origin or url.username or url.password:
        raise BadTarget(f"the credential is the address of a webhook, but not of one at {target.origin}")
    if target.place:
        raise BadTarget("the credential is the address of a webhook, so the target names its host only: "
                        f"webhook+{target.origin}")
    return f"{url.path or '/'}{f'?{url.query}' if url.query else ''}"


def _secrets(path: str) -> list[str]:
    """What must not be shown of an address, the longest first: all of it, and each part that could be a token."""
    way, _, query = path.partition("?")
    parts = {path, way, query, *way.split("/"), *query.split("&"), *(value for _, value in parse_qsl(query))}
    return sorted((part for part in parts if len(part) >= SECRET_CHARS), key=len, reverse=True)


def _plain(event: str, message: Message, files: Sequence[File], told: Sequence[str]) -> Body:
    """Our own form, version 1; its meaning stands in docs/trackers.md."""
    return {"version": 1, "event": event, "case": message.case, "failure": message.failure, "earlier": list(told),
            "title": message.title, "text": fitted(message.blocks, plain, TEXT_CHARS),
            "verdict": {name: fact for name, fact in message.facts.items() if name != "share"},
            "share": message.facts.get("share"),
            "files": [{"name": file.name, "media_type": file.media_type, "size": len(file.data),
                       "sha256": file.sha256, "content_base64": base64.b64encode(file.data).decode("ascii")}
                      for file in files]}


def _slack(message: Message) -> Body:
    """The text besides is what notifications show; it is markup, so what would be live in it is escaped."""
    blocks = fitted(_titled(message), slack, SLACK_CHARS,
                    lambda made: max(len(_written(made)), len(made) * SLACK_CHARS // SLACK_BLOCKS))
    text = message.title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _teams(message: Message) -> Body:
    return fitted(_titled(message), _card, TEAMS_BYTES, lambda made: len(_written(made)))


def _card(blocks: Blocks) -> Body:
    """In the envelope that workflows take (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/
    how-to/connectors-using, 2026-11)."""
    content = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard",
               "version": "1.4", "body": card(blocks), "msteams": {"width": "Full"}}
    return {"type": "message", "attachments": [
        {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}]}


FORMS: Final[Mapping[str, Callable[[Message], Body]]] = {"slack": _slack, "teams": _teams}


def _titled(message: Message) -> Blocks:
    return (Paragraph((Strong(message.title),)), *message.blocks)


def _look(answer: httpx.Response, preset: str) -> None:
    """Raises DeliveryFailed when the answer is a refusal."""
    if answer.status_code >= 400:
        found = re.fullmatch(r"[a-z_]{3,60}", answer.text.strip())
        code = found[0] if found else ""
        why = f": {SLACK_SAYS[code]}" if code in SLACK_SAYS else ""
        raise DeliveryFailed(f"Slack did not take it{why} ({answer.status_code}{f' {code}' if code else ''})")
    failed = _FAILED.search(answer.text) if preset == "teams" else None
    if failed:
        later = failed[1] == "429" or failed[1].startswith("5")
        raise DeliveryFailed(f"Microsoft Teams did not take it ({failed[1]})", again=later, unclear=failed[1][0] == "5")


def _link(answer: httpx.Response) -> str | None:
    """Where people see it, when the receiver says so: {"link": "https://..."}."""
    try:
        found = answer.json()
    except ValueError:
        return None
    link = found.get("link") if isinstance(found, dict) else None
    return link if isinstance(link, str) and re.fullmatch(r"https?://[\x21-\x7e]{1,2000}", link) else None
