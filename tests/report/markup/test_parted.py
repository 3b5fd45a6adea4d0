"""Nothing in a line of strangers is found by programs that look at what is shown."""

import pytest

from report.markup.parted import JOINER, parted


@pytest.mark.parametrize(("line", "found"), [
    ("see #12, ##12", [" #", "##"]), ("ask @root", [" @"]), ("a@b.c", ["a@"]), ("commit:abc r12", ["commit:", " r12"]),
    ("[[Page]] {{toc}} {%x%} [ ] [x]", ["[[", "{{", "{%", "[ ]", "[x]"]),
    ("https://x www.x WWW.x", ["https:", "www.", "WWW."])])
def test_what_programs_look_for_is_parted(line: str, found: list[str]) -> None:
    made = parted(line)
    assert not [part for part in found if part in made]
    assert made.replace(JOINER, "") == line


def test_plain_words_stay_as_they_are() -> None:
    line = "Path: browser → proxy (failed), error 502; at 03:12: yes [y] {z}"
    assert parted(line) == line
