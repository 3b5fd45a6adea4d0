"""Lists of structured fields by RFC 8941; what is malformed is left out and harms nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.rules.structured import Item, items


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a", [Item("a", {})]),
        ("a;hit, b;ttl=-5;x=?0", [Item("a", {"hit": "?1"}), Item("b", {"ttl": "-5", "x": "?0"})]),
        ('"A, \\"B\\"" ; k="c;d"', []),
        ('"A, \\"B\\"";  k="c;d"', [Item('A, "B"', {"k": "c;d"})]),
        ("cdn.example:443;next-hop=*x/1, :aGk=:;q=1.5", [Item("cdn.example:443", {"next-hop": "*x/1"}),
                                                         Item(":aGk=:", {"q": "1.5"})]),
        ("a;;b, good", [Item("good", {})]),
        ('good, "never closed, b', [Item("good", {})]),
        ("A;Key=1, good;key=", [],),
        ("", []),
    ],
)  # fmt: skip
def test_lists_are_read_by_the_rules(line: str, expected: list[Item]) -> None:
    assert items(line) == expected


@given(st.text(alphabet='ab*"\\\\;,=?:1-. \t', max_size=300))
def test_no_line_raises(line: str) -> None:
    assert isinstance(items(line), list)
