"""The audit log: every line once, in order, with nothing in it that acts."""

import pytest

from tests.web.serving import Served
from web.access import audit
from web.store.tables import Audit


def test_lines_come_newest_first_page_by_page(service: Served) -> None:
    with service.database.transaction() as db:
        for number in range(audit.PAGE + 5):
            audit.note(db, "ann" if number % 2 else "bob", "192.0.2.1", "login", str(number))
    with service.database.reading() as db:
        first = audit.page(db)
        rest = audit.page(db, first[-1].id)
        assert [int(line.subject) for line in (*first, *rest)] == list(reversed(range(audit.PAGE + 5)))
        assert {line.user_name for line in audit.page(db, user="ann")} == {"ann"}
        assert audit.page(db, action="logout") == []


def test_nothing_in_a_line_acts_and_long_ones_are_cut(service: Served) -> None:
    with service.database.transaction() as db:
        audit.note(db, "ann\r\nroot", "1\x1b[31m", "login", "\u202egpj", "x\ud800\0\u2028" + "y" * 600)
    with service.database.reading() as db:
        line = db.query(Audit).one()
    assert (line.user_name, line.address, line.subject) == ("ann��root", "1�[31m", "�gpj")
    assert line.detail.startswith("x���y")
    assert len(line.detail) == 500


@pytest.mark.parametrize(("text", "number"), [
    ("7", 7), ("", None), ("-1", None), ("1e3", None), ("٣", None), ("9" * 19, None), ("1; DROP TABLE audit", None)])
def test_only_numbers_are_numbers(text: str, number: int | None) -> None:
    assert audit.number(text) == number
