"""The first tables. In: an empty database. Out: users, cases, jobs and what belongs to them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None


def upgrade() -> None:
    """Makes everything."""
    _users()
    _cases()
    _work()
    _words()
    _shares()


def downgrade() -> None:
    """Removes everything; indexes go with their tables."""
    for table in ("share_views", "shares", "audit", "notes", "log_excerpts", "idempotency_keys", "events", "jobs",
                  "cases", "tokens", "invitations", "logins", "users"):
        op.drop_table(table)


def _column(name: str, kind: sa.types.TypeEngine[Any], *, null: bool = False) -> "sa.Column[Any]":
    return sa.Column(name, kind, nullable=null)


def _moment(name: str, *, null: bool = False) -> "sa.Column[Any]":
    return _column(name, sa.BigInteger(), null=null)


def _id(name: str = "id") -> "sa.Column[Any]":
    return _column(name, sa.String(26))


def _number() -> "sa.Column[Any]":
    return sa.Column("id", sa.Integer(), autoincrement=True, nullable=False)


def _refers(name: str, to: str, *, cascades: bool = False) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{to}.id"], ondelete="CASCADE" if cascades else None)


def _indexes(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column])


def _users() -> None:
    op.create_table(
        "users", _id(), _column("name", sa.String(64)), _column("role", sa.String(8)),
        _column("password_hash", sa.Text(), null=True), _moment("created_at"), _moment("disabled_at", null=True),
        _moment("served_at", null=True), sa.PrimaryKeyConstraint("id"), sa.UniqueConstraint("name"))
    op.create_table(
        "logins", _id(), _column("token_hash", sa.LargeBinary(32)), _id("user_id"), _moment("created_at"),
        _moment("seen_at"), _moment("expires_at"), _column("address", sa.String(64)), _column("agent", sa.String(256)),
        sa.PrimaryKeyConstraint("id"), sa.UniqueConstraint("token_hash"), _refers("user_id", "users", cascades=True))
    op.create_table(
        "tokens", _id(), _column("token_hash", sa.LargeBinary(32)), _id("user_id"), _column("name", sa.String(64)),
        _column("scopes", sa.String(64)), _moment("created_at"), _moment("expires_at", null=True),
        _moment("revoked_at", null=True), _moment("used_at", null=True), sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"), _refers("user_id", "users", cascades=True))
    op.create_table(
        "invitations", _id(), _column("token_hash", sa.LargeBinary(32)), _column("user_id", sa.String(26), null=True),
        _moment("created_at"), _moment("expires_at"), sa.PrimaryKeyConstraint("id"), sa.UniqueConstraint("token_hash"),
        _refers("user_id", "users", cascades=True))
    _indexes("logins", "user_id")
    _indexes("invitations", "user_id")
    _indexes("tokens", "user_id")


def _cases() -> None:
    op.create_table(
        "cases", _id(), _id("owner_id"), _column("kind", sa.String(8)), _moment("created_at"),
        _column("url", sa.Text()), _column("host", sa.String(255)), _column("address", sa.String(64)),
        _column("request", sa.JSON()), _column("source", sa.String(16)),
        _column("recheck_of", sa.String(26), null=True), _column("state", sa.String(12)),
        _column("reason", sa.Text(), null=True), _moment("finished_at", null=True),
        _column("number", sa.String(16), null=True), _column("is_error_page", sa.Boolean(), null=True),
        _column("summary", sa.Text(), null=True), _column("generator", sa.String(64), null=True),
        _column("fault_side", sa.String(16), null=True), _column("fault_code", sa.String(64), null=True),
        _column("vendor_code", sa.String(64), null=True), _column("status", sa.Integer(), null=True),
        _column("certainty", sa.String(16), null=True), _column("failure", sa.String(64), null=True),
        _column("manifest_sha256", sa.String(64), null=True), _column("size_bytes", sa.BigInteger()),
        _column("team", sa.Boolean()), _column("hold", sa.Boolean()), _moment("deleted_at", null=True),
        _column("deleted_by", sa.String(64), null=True), _column("deleted_why", sa.Text(), null=True),
        _refers("owner_id", "users"), _refers("recheck_of", "cases"), sa.PrimaryKeyConstraint("id"))
    op.create_index("cases_by_time", "cases", ["created_at", "id"])
    op.create_index("cases_by_owner", "cases", ["owner_id", "created_at"])
    op.create_index("cases_by_host", "cases", ["host", "created_at"])
    op.create_index("cases_by_vendor", "cases", ["generator", "created_at"])
    op.create_index("cases_by_group", "cases", ["failure", "created_at", "deleted_at", "owner_id", "team"])
    op.create_index("cases_by_state", "cases", ["state", "deleted_at"])
    _indexes("cases", "address", "recheck_of", "number")


def _work() -> None:
    op.create_table(
        "jobs", _id("case_id"), _column("state", sa.String(8)), _column("payload", sa.LargeBinary(), null=True),
        _moment("created_at"), _moment("not_before"), _column("attempts", sa.Integer()), _column("fence", sa.Integer()),
        _column("owner", sa.String(64), null=True), _moment("lease_until", null=True),
        _column("cancel_asked", sa.Boolean()), _column("error", sa.Text(), null=True), _refers("case_id", "cases"),
        sa.PrimaryKeyConstraint("case_id"))
    op.create_table(
        "events", _number(), _id("case_id"), _moment("at"), _column("kind", sa.String(16)), _column("data", sa.JSON()),
        _refers("case_id", "cases"), sa.PrimaryKeyConstraint("id"))
    op.create_table(
        "idempotency_keys", _number(), _id("user_id"), _column("key", sa.String(255)),
        _column("request_hash", sa.LargeBinary(32)), _id("case_id"), _moment("created_at"),
        sa.PrimaryKeyConstraint("id"), sa.UniqueConstraint("user_id", "key"), _refers("user_id", "users"),
        _refers("case_id", "cases"))
    op.create_index("jobs_to_claim", "jobs", ["state", "not_before"])
    _indexes("events", "case_id")
    _indexes("idempotency_keys", "created_at")


def _words() -> None:
    op.create_table(
        "log_excerpts", _id("case_id"), _column("text", sa.Text()), _refers("case_id", "cases"),
        sa.PrimaryKeyConstraint("case_id"))
    op.create_table(
        "notes", _id(), _id("case_id"), _id("user_id"), _moment("at"), _column("text", sa.Text()),
        _refers("case_id", "cases"), _refers("user_id", "users"), sa.PrimaryKeyConstraint("id"))
    op.create_table(
        "audit", _number(), _moment("at"), _column("user_name", sa.String(64)), _column("address", sa.String(64)),
        _column("action", sa.String(32)), _column("subject", sa.String(64)), _column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("id"))
    _indexes("notes", "case_id")
    _indexes("audit", "at")


def _shares() -> None:
    op.create_table(
        "shares", _id(), _id("case_id"), _column("token_hash", sa.LargeBinary(32)), _id("created_by"),
        _moment("created_at"), _moment("expires_at"), _moment("revoked_at", null=True),
        _column("passphrase_hash", sa.Text(), null=True), sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"), _refers("case_id", "cases"), _refers("created_by", "users"))
    op.create_table(
        "share_views", _number(), _id("share_id"), _moment("at"), _column("address", sa.String(64)),
        _column("agent", sa.String(256)), _refers("share_id", "shares"), sa.PrimaryKeyConstraint("id"))
    _indexes("shares", "case_id")
    _indexes("share_views", "share_id")
