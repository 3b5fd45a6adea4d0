"""The style sheet for screens and for paper."""

import re

from report import sheet
from report.failure_path import LIGHT


def test_paper_names_no_colour_by_a_variable() -> None:
    assert set(re.findall(r"var\(--([\w-]+)\)", sheet.paper())) == {"step"}
    assert f"color: {LIGHT['soft']}" in sheet.paper()


def test_paper_keeps_every_rule_but_those_of_screens() -> None:
    assert "@media screen" not in sheet.paper()
    assert "@media screen" in sheet.screen()
    print_rules = sheet.screen()[sheet.screen().index("@media print") :]
    selectors = re.findall(r"[{}]\s*([^{}@]+) \{", print_rules)
    assert len(selectors) > 30
    assert all(selector in sheet.paper() for selector in selectors)
    assert sheet.paper().count("{") == sheet.paper().count("}")


def test_no_comment_goes_out() -> None:
    assert "/*" not in sheet.screen()
