"""The tables. In: nothing. Out: classes of rows; migrations/ holds how they came to be.

Tokens and passwords are kept as hashes only; the request of a job and the share link of a delivery are sealed with the
instance's key, and erased when it has ended.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Instant(TypeDecorator[datetime]):
    """A moment, kept as milliseconds since 1970 in UTC: sorts, compares and means the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To the database."""
        return None if value is None else round(value.timestamp() * 1000)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


class Row(DeclarativeBase):
    """What all tables share; constraints have names, so that a later revision can change them in every database."""

    metadata = MetaData(naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s"})
    type_annotation_map: ClassVar = {datetime: Instant, dict[str, Any]: JSON, list[str]: JSON}


class User(Row):
    """Who may use the service. Local mode has one, named `local`, without a password."""

    __tablename__ = "users"
    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    """Compared in lower case."""
    role: Mapped[str] = mapped_column(String(8))
    """viewer, member or admin."""
    password_hash: Mapped[str | None] = mapped_column(Text)
    """Argon2id."""
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    served_at: Mapped[datetime | None]
    """When work of theirs was last begun: of those who wait, who was served longest ago is next."""


class Login(Row):
    """A browser that is logged in."""

    __tablename__ = "logins"
    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(256))


class Invitation(Row):
    """A one-time link that lets somebody set a password; erased when it is used."""

    __tablename__ = "invitations"
    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    """Whose password it sets; none: it makes the first administrator."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Token(Row):
    """An API token."""

    __tablename__ = "tokens"
    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[str] = mapped_column(String(64))
    """read, capture, admin: separated by spaces."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class Case(Row):
    """A bundle plus its reports. Columns from `state` on follow from the result, so that history can be searched."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("cases_by_time", "created_at", "id"), Index("cases_by_owner", "owner_id", "created_at"),
        Index("cases_by_host", "host", "created_at"), Index("cases_by_vendor", "generator", "created_at"),
        Index("cases_by_state", "state", "deleted_at"),
        # Holds all that groups are made of: the rows themselves are not read.
        Index("cases_by_group", "failure", "created_at", "deleted_at", "owner_id", "team"))
    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(8))
    """capture or import."""
    created_at: Mapped[datetime]
    url: Mapped[str] = mapped_column(Text)
    """Secrets in it are masked."""
    host: Mapped[str] = mapped_column(String(255))
    address: Mapped[str] = mapped_column(String(64), index=True)
    """Hash of the URL without its secrets: the same for every capture of one page."""
    request: Mapped[dict[str, Any]]
    """The request as it is kept (RequestRecord): options, note, what was seen; secrets are masked."""
    source: Mapped[str] = mapped_column(String(16))
    """Who asked: form, api, recheck, monitor, import."""
    recheck_of: Mapped[str | None] = mapped_column(ForeignKey("cases.id"), index=True)
    state: Mapped[str] = mapped_column(String(12))
    """queued, running, done, cut-short, failed, refused, cancelled."""
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it did not end as done, one sentence."""
    finished_at: Mapped[datetime | None]
    number: Mapped[str | None] = mapped_column(String(16), index=True)
    """Case number, GW-XXXX-XXXX."""
    is_error_page: Mapped[bool | None]
    summary: Mapped[str | None] = mapped_column(Text)
    generator: Mapped[str | None] = mapped_column(String(64))
    fault_side: Mapped[str | None] = mapped_column(String(16))
    fault_code: Mapped[str | None] = mapped_column(String(64))
    vendor_code: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[int | None]
    """HTTP status of the document."""
    certainty: Mapped[str | None] = mapped_column(String(16))
    failure: Mapped[str | None] = mapped_column(String(64))
    """Fingerprint of the failure: the same for every ticket of one outage."""
    manifest_sha256: Mapped[str | None] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    team: Mapped[bool] = mapped_column(default=False)
    """Whether everybody who may log in can read it; else its owner and admins only."""
    hold: Mapped[bool] = mapped_column(default=False)
    """Legal hold: never deleted by age or size."""
    deleted_at: Mapped[datetime | None]
    """A tombstone: the files are gone, the row and manifest_sha256 stay."""
    deleted_by: Mapped[str | None] = mapped_column(String(64))
    deleted_why: Mapped[str | None] = mapped_column(Text)


class Job(Row):
    """The work of a case; made in one transaction with it."""

    __tablename__ = "jobs"
    __table_args__ = (Index("jobs_to_claim", "state", "not_before"),)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(8))
    """queued, leased or ended."""
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The request with its secrets, sealed with the instance's key; erased at the end."""
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(default=0)
    """Grows with every claim; whoever holds an older one may write nothing."""
    owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None] = mapped_column(Text)
    """Why the last attempt of ours failed."""


class Event(Row):
    """One line of a case's progress."""

    __tablename__ = "events"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))
    """state, step or picture."""
    data: Mapped[dict[str, Any]]


class LogExcerpt(Row):
    """Lines of the site's own logs that came with the request."""

    __tablename__ = "log_excerpts"
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    """Secrets in it are masked."""


class Note(Row):
    """What a user wrote to a case, after the capture."""

    __tablename__ = "notes"
    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)


class Share(Row):
    """A link that shows one dossier to whoever has it."""

    __tablename__ = "shares"
    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    passphrase_hash: Mapped[str | None] = mapped_column(Text)


class ShareView(Row):
    """One look through a share link."""

    __tablename__ = "share_views"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    share_id: Mapped[str] = mapped_column(ForeignKey("shares.id"), index=True)
    at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(256))


class Delivery(Row):
    """A dossier on its way to a tracker, or there."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_to_claim", "state", "not_before"), Index("deliveries_by_place", "place", "state"))
    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    """Who asked for it."""
    target: Mapped[str] = mapped_column(String(32))
    """Name in the targets file."""
    place: Mapped[bytes] = mapped_column(LargeBinary(32))
    """Hash of what that name stood for: addresses of webhooks are secrets."""
    ticket: Mapped[str | None] = mapped_column(String(64))
    """Number or key of the ticket that it is written to; none: a new one is made, or there are no tickets."""
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(9))
    """queued, sending, delivered, failed or cancelled."""
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    """Grows with every claim; whoever holds an older one may write nothing."""
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    share_id: Mapped[str | None] = mapped_column(ForeignKey("shares.id", ondelete="SET NULL"))
    """The share link that goes along."""
    share_url: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Its address, sealed with the instance's key; erased at the end."""
    link: Mapped[str | None] = mapped_column(Text)
    """Where people see what was delivered."""
    what: Mapped[str | None] = mapped_column(String(16))
    """What came of it: written, created, seen again, there already."""
    left_out: Mapped[list[str]]
    """A sentence for each file that did not go along."""
    said: Mapped[str | None] = mapped_column(Text)
    """Why the last attempt failed, one sentence."""
    ended_at: Mapped[datetime | None]


class IdempotencyKey(Row):
    """A request that was made under a key, so that its repetition makes nothing new."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("user_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    key: Mapped[str] = mapped_column(String(255))
    request_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"))
    created_at: Mapped[datetime] = mapped_column(index=True)


class Audit(Row):
    """Who did what; nothing secret in it."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    user_name: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(32))
    """For example login, login-failed, delete, share, revoke, token, user."""
    subject: Mapped[str] = mapped_column(String(64))
    """Id of what it was done to."""
    detail: Mapped[str] = mapped_column(Text, default="")
