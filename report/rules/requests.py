"""Requests that a page's script made of its own host and that failed: a page may come with success and yet not work.

In: Facts. Out: for each such request where that stands, and what happened, in words. Refusals (4xx) do not count:
applications ask who is logged in, and a no is an answer.
"""

from typing import Final
from urllib.parse import urlsplit

from capture.record.page import Exchange
from report.diagnosis import Citation
from report.facts import NO_FAILURES, Facts
from report.text import short

KINDS: Final = ("xhr", "fetch")
OURS: Final = (*NO_FAILURES, "net::ERR_BLOCKED_BY_CLIENT", "net::ERR_NETWORK_ACCESS_DENIED")
"""What the browser or our guard ended."""
PATH_CHARS: Final = 80


def failed(facts: Facts) -> list[tuple[Citation, str]]:
    """The failed ones in the order in which they were made."""
    found = []
    for at, each in enumerate(facts.load.exchanges if facts.load else ()):
        where = f"{facts.load_pointer}/exchanges/{at}"
        if each.resource_type.lower() not in KINDS or urlsplit(each.url).hostname != facts.host:
            continue
        if each.blocked or each.canceled:
            continue
        if each.response is None:
            named = "guard_error" if each.guard_error else "error"
            failure = each.guard_error or each.error
            if failure and failure not in OURS:
                found.append((facts.citer.cite(f"{where}/{named}"), f"{_asked(each)} failed with {failure}"))
        elif each.response.status >= 500:
            cite = facts.citer.cite(f"{where}/response/status")
            found.append((cite, f"{_asked(each)} was answered {each.response.status}"))
    return found


def _asked(each: Exchange) -> str:
    return f"its request {each.method} {short(urlsplit(each.url).path or '/', PATH_CHARS)}"
