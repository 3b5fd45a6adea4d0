"""Deliveries to trackers. In: the first tables. Out: one more."""

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "deliveries", sa.Column("id", sa.String(26), nullable=False),
        sa.Column("case_id", sa.String(26), nullable=False), sa.Column("user_id", sa.String(26), nullable=False),
        sa.Column("target", sa.String(32), nullable=False), sa.Column("place", sa.LargeBinary(32), nullable=False),
        sa.Column("ticket", sa.String(64), nullable=True), sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(9), nullable=False), sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True), sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False), sa.Column("share_id", sa.String(26), nullable=True),
        sa.Column("share_url", sa.LargeBinary(), nullable=True), sa.Column("link", sa.Text(), nullable=True),
        sa.Column("what", sa.String(16), nullable=True), sa.Column("left_out", sa.JSON(), nullable=False),
        sa.Column("said", sa.Text(), nullable=True), sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"), sa.ForeignKeyConstraint(["case_id"], ["cases.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["share_id"], ["shares.id"], ondelete="SET NULL"))
    op.create_index("deliveries_to_claim", "deliveries", ["state", "not_before"])
    op.create_index("deliveries_by_place", "deliveries", ["place", "state"])
    op.create_index("ix_deliveries_case_id", "deliveries", ["case_id"])


def downgrade() -> None:
    """Removes it."""
    op.drop_table("deliveries")
