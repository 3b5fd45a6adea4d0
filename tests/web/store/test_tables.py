"""The tables: what a moment becomes in the database and back."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from tests.web.store.made import Store
from web.store.ids import new_id
from web.store.tables import Instant, Row, User

DIALECT = SQLiteDialect()


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - given a zone below
                    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-11)), timezone(timedelta(hours=14))])))
def test_a_moment_is_kept_to_the_millisecond_whatever_its_zone(moment: datetime) -> None:
    kept = Instant().process_bind_param(moment, DIALECT)
    back = Instant().process_result_value(kept, DIALECT)
    assert back is not None
    assert abs(back - moment) <= timedelta(microseconds=500)
    assert back.tzinfo is UTC
    assert Instant().process_bind_param(back, DIALECT) == kept


def test_no_moment_stays_none() -> None:
    assert Instant().process_bind_param(None, DIALECT) is None
    assert Instant().process_result_value(None, DIALECT) is None


def test_moments_are_numbers_in_the_database_and_compare_there(store: Store) -> None:
    early, late = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, 0, 0, 0, 1000, tzinfo=UTC)
    with store.database.transaction() as db:
        for name, at in (("early", early), ("late", late)):
            db.add(User(id=new_id(), name=name, role="member", created_at=at))
    with store.database.reading() as db:
        assert db.scalar(select(User.name).where(User.created_at > early)) == "late"
        assert db.scalar(text("SELECT created_at FROM users WHERE name = 'late'")) == 1767312000001


def test_nothing_in_the_tables_is_of_one_database_only() -> None:
    tables, other = Row.metadata.sorted_tables, PGDialect()  # type: ignore[no-untyped-call]
    told = [str(CreateTable(table).compile(dialect=other)) for table in tables]
    told += [str(CreateIndex(index).compile(dialect=other)) for table in tables for index in table.indexes]
    assert len(told) > len(tables) > 10


def test_every_constraint_has_a_name() -> None:
    """A later revision can change only what it can name."""
    nameless = [table.name for table in Row.metadata.sorted_tables for rule in table.constraints if not rule.name]
    assert nameless == []
