"""Marks are found again, each for its own failure."""

from report.deliver.mark import cases, mark


def test_the_cases_of_a_failure_are_read_in_their_order() -> None:
    text = " ".join([mark("aa", "GW-0000-0001"), mark("bb", "GW-0000-0002"), mark("aa", "GW-0000-0003"),
                     mark("aa", "GW-0000-0001")])
    assert cases(text, "aa") == ("GW-0000-0001", "GW-0000-0003")
    assert cases(text, "a") == ()
    assert cases(f"<!-- {mark('aa', 'GW-7K3F-22QD')} -->", "aa") == ("GW-7K3F-22QD",)


def test_a_case_in_which_nothing_failed_has_a_mark_too() -> None:
    assert cases(mark("GW-7K3F-22QD", "GW-7K3F-22QD"), "GW-7K3F-22QD") == ("GW-7K3F-22QD",)
