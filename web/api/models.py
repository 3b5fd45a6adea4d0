"""What the API tells. In: rows of the store. Out: records in which every member is there, and their JSON Schema."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

ID: Final = r"^[0-9A-HJKMNP-TV-Z]{26}$"
State = Literal["queued", "running", "done", "cut-short", "failed", "refused", "cancelled"]
Side = Literal["client", "dns", "tls", "network", "edge", "origin", "unknown"]
Moment = Annotated[AwareDatetime, AfterValidator(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))]
"""As exact as it is kept: milliseconds."""


class Told(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Verdict(Told):
    """The head of a diagnosis; diagnosis.json has the rest."""

    summary: str
    """One plain sentence."""
    is_error_page: bool
    """An error was shown."""
    certainty: str
    """How sure the verdict is: certain, probable, possible, undetermined."""
    fault_side: str
    """Where the cause lies: client, dns, tls, network, edge, origin, unknown."""
    fault_code: str | None
    """Stable name of the fault, for example origin.connection-refused; null when nothing failed."""
    generator: str | None
    """Who wrote the page, a slug; null when unknown."""
    vendor_code: str | None
    """Code that the vendor prints."""
    status: int | None
    """HTTP status of the document; null when no answer came."""


class Tombstone(Told):
    """What stays of a capture that was deleted."""

    at: Moment
    """When."""
    by: str
    """Who."""
    reason: str
    """Why."""


class Brief(Told):
    """One capture in a list."""

    id: Annotated[str, Field(pattern=ID)]
    """Id."""
    number: str | None
    """Case number, GW-XXXX-XXXX, once there is a dossier."""
    kind: Literal["capture", "import"]
    """Whether a browser looked, or files were handed in."""
    source: Literal["form", "api", "recheck", "monitor", "import"]
    """Who asked."""
    state: State
    """queued and running go on by themselves; everything else is the end."""
    reason: str | None
    """Why it did not end as done, one sentence."""
    url: str
    """Address; secrets in it are masked."""
    host: str
    """Its host."""
    created_at: Moment
    """When it was asked for."""
    finished_at: Moment | None
    """When it ended."""
    recheck_of: str | None
    """Capture that this one looks at again."""
    failure: str | None
    """Fingerprint: the same for each ticket of one outage."""
    manifest_sha256: str | None
    """SHA-256 of manifest.json; stays after a deletion."""
    verdict: Verdict | None
    """What was found; null while there is nothing."""
    deleted: Tombstone | None
    """Who deleted it and why; null while it is there."""
    links: dict[str, str]
    """Addresses by what they are: self, page, files, dossier_html, dossier_pdf, dossier_zip, recheck_of."""


class Event(Told):
    """One line of progress."""

    id: int
    """Grows."""
    at: Moment
    """When."""
    kind: Literal["state", "step", "picture"]
    """What it tells."""
    data: dict[str, Any]
    """Of state: state and reason; of step: name, status, reason, started_ms, duration_ms; of picture: nothing."""


class File(Told):
    """One file of a capture."""

    name: str
    """Name, as the manifests spell it."""
    size: int
    """Bytes."""
    sha256: str
    """Hash, hexadecimal."""
    link: str
    """Its address."""


class Capture(Brief):
    """One capture with all that is known of it."""

    events: list[Event]
    """Progress so far, the oldest first; at most 500 lines."""
    files: list[File]
    """Its files, once it has ended."""


class Page(Told):
    """Some captures, the newest first."""

    captures: list[Brief]
    """The captures."""
    next: str | None
    """Cursor of the next page; null on the last one."""


class Share(Told):
    """A link that shows one dossier to whoever has it."""

    id: Annotated[str, Field(pattern=ID)]
    """Id."""
    by: str
    """Who made it."""
    created_at: Moment
    """When."""
    expires_at: Moment
    """When it ends by itself."""
    revoked_at: Moment | None
    """When it was ended before its time."""
    works: bool
    """Whether it can be used now."""
    has_passphrase: bool
    """Whether a passphrase is asked for."""
    looks: int
    """How often it was looked through."""


class NewShare(Share):
    """The same with its address, which is told only once."""

    link: str
    """The address to give away."""


class Shares(Told):
    """All links of a capture, the newest first."""

    shares: list[Share]
    """The links; their addresses are not kept."""


class Target(Told):
    """Whereto dossiers can be delivered."""

    name: str
    """Name, by which it is chosen."""
    tracker: str
    """Kind of tracker, in words."""
    ticket: str | None
    """Ticket that is written to; another one of the same place can be named. Null: a new one is made, or there are no
    tickets."""


class Targets(Told):
    """Everything that the operator named."""

    targets: list[Target]
    """The targets."""


class Delivery(Told):
    """A dossier on its way to a tracker, or there."""

    id: Annotated[str, Field(pattern=ID)]
    """Id."""
    by: str
    """Who asked for it."""
    target: str
    """Name of the target."""
    ticket: str | None
    """Ticket that it is written to; null: a new one is made, or there are no tickets."""
    state: Literal["queued", "sending", "delivered", "failed", "cancelled"]
    """queued and sending go on by themselves; everything else is the end."""
    created_at: Moment
    """When it was asked for."""
    ended_at: Moment | None
    """When it ended."""
    attempts: int
    """How often it was tried."""
    next_at: Moment | None
    """Not before this it is tried again; null when it does not wait."""
    what: Literal["written", "created", "seen again", "there already"] | None
    """What came of it, once it was delivered: written to the ticket, a new ticket created, one line where the failure
    had been told, or there already."""
    link: str | None
    """Where people see it."""
    left_out: list[str]
    """A sentence for each file that did not go along."""
    said: str | None
    """Why the last attempt failed, one sentence."""
    share_id: str | None
    """Share link that goes along."""


class Deliveries(Told):
    """All deliveries of a capture, the newest first."""

    deliveries: list[Delivery]
    """The deliveries."""


class Skipped(Told):
    """A message of a monitor for which no capture was made."""

    url: str | None
    """The address it names, without its query; null when it names none."""
    reason: str
    """Why."""


class Heard(Told):
    """What became of a monitor's call."""

    captures: list[Brief]
    """Captures that were asked for."""
    skipped: list[Skipped]
    """Messages that asked for none."""


class Health(Told):
    """That the process is alive."""

    status: Literal["ok"] = "ok"
    """Always ok."""


class Check(Told):
    """One thing that has to work."""

    name: Literal["database", "disk", "runner"]
    """What."""
    ok: bool
    """Whether it works."""
    detail: str
    """In words."""


class Ready(Told):
    """That the service takes captures."""

    status: Literal["ready"] = "ready"
    """Always ready; else the answer is 503."""
    checks: list[Check]
    """What was looked at."""


class FieldError(Told):
    """What is wrong with one field."""

    field: str
    """Name of the field; parts are separated by points."""
    detail: str
    """One sentence."""


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True, json_schema_extra={"example": {
        "type": "/api/v1/#not-found", "title": "Not found", "status": 404, "detail": "There is no such case."}})

    type: str
    """The kind of error; compare this, never the sentences."""
    title: str
    """The kind in words."""
    status: int
    """HTTP status."""
    detail: str
    """What happened this time, one sentence."""
    errors: list[FieldError] = []
    """Fields that are wrong (422)."""
    checks: list[Check] = []
    """What does not work (503)."""
    deleted: Tombstone | None = None
    """What stays of a capture (410)."""
    revoked: Share | None = None
    """What is kept of a link (410)."""


TOLD: Final[tuple[type[BaseModel], ...]] = (
    Brief, Capture, Page, Share, NewShare, Shares, Targets, Delivery, Deliveries, Heard, Health, Ready, Problem)
"""Bodies of answers."""
