"""What tells one delivery to the next. In: a failure, a case. Out: a mark, and the cases of the marks in a text.

The mark holds nothing secret. Where a markup can hide it, it is hidden; it is believed only in what we wrote ourselves.
"""

import re

_MARK = re.compile(r"gatewitness:([0-9A-Za-z-]{1,64}):(GW-[0-9A-Z]{4}-[0-9A-Z]{4})")


def mark(failure: str, case: str) -> str:
    """The mark of one case of one failure."""
    return f"gatewitness:{failure}:{case}"


def cases(text: str, failure: str) -> tuple[str, ...]:
    """Case numbers that stand in a text as marks of this failure, in their order; empty when there is none."""
    return tuple(dict.fromkeys(case for told, case in _MARK.findall(text) if told == failure))
