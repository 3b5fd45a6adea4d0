"""Rules about what the hops announce by standard: who failed, what came out of a cache, who took how long, where
browsers report failures.

In: Facts, and whether the page is an error. Out: findings; that somebody says so is certain, that it is so is not.
"""

from collections.abc import Iterator
from typing import Final

from report.diagnosis import Citation, Finding
from report.facts import Facts
from report.matching import Document
from report.rules.standards import PROXY_ERRORS, Member, members, metrics, reporting

SLOW_MS: Final = 1_000.0
"""A hop that says that it took this long is worth naming."""


def findings(facts: Facts, *, is_error: bool) -> list[Finding]:
    """Everything announced that helps; nothing when no answer came."""
    page = facts.page
    if page is None:
        return []
    told = [*_proxies(facts, page), *_caches(facts, page, is_error)]
    return [*told, *_timing(facts, page, is_error), *_nel(facts, page)]


def announced(page: Document, header: str) -> list[tuple[str, Member]]:
    """(pointer, member) of Proxy-Status or Cache-Status, the one nearest the origin first."""
    lines = list(page.lines(header))
    return [(lines[member.line][0], member) for member in members(value for _, value in lines)]


def _finding(code: str, sentence: str, cite: Citation, parameters: dict[str, str]) -> Finding:
    return Finding(code=code, layer="none", certainty="proven", sentence=sentence, cites=(cite,),
                   parameters={name: value for name, value in parameters.items() if value})


def _proxies(facts: Facts, page: Document) -> Iterator[Finding]:
    """What an intermediary says went wrong, and the status that it got (RFC 9209)."""
    for pointer, member in announced(page, "proxy-status"):
        said = member.parameters
        kind = PROXY_ERRORS.get(said.get("error", ""))
        if not kind and "received-status" not in said:
            continue
        meaning = kind.meaning if kind else f"the next hop answered {said['received-status']}"
        next_hop = f" (next hop {said['next-hop']})" if "next-hop" in said else ""
        details = f": {said['details']}" if "details" in said else ""
        yield _finding("http.proxy-status", f"{member.name} says by Proxy-Status that {meaning}{next_hop}{details}.",
                       facts.citer.cite(pointer), {"by": member.name, **said})


def _caches(facts: Facts, page: Document, is_error: bool) -> Iterator[Finding]:
    """An error that came out of a cache, and the status that a cache got from behind (RFC 9211)."""
    for pointer, member in announced(page, "cache-status"):
        said = member.parameters
        if is_error and "hit" in said:
            rest = f" for {said['ttl']} s more" if said.get("ttl", "").isdigit() else ""
            yield _finding("http.cached-error", f"{member.name} gave this error out of its cache{rest}: what stands "
                           "behind it may work again.", facts.citer.cite(pointer), {"by": member.name, **said})
        elif "fwd-status" in said:
            yield _finding("http.forward-status", f"{member.name} says by Cache-Status that the next hop answered "
                           f"{said['fwd-status']}.", facts.citer.cite(pointer), {"by": member.name, **said})


def _timing(facts: Facts, page: Document, is_error: bool) -> Iterator[Finding]:
    """The metric that took longest, when it was long (W3C Server Timing)."""
    lines = list(page.lines("server-timing"))
    slow = [metric for metric in metrics(value for _, value in lines) if (metric.duration_ms or 0) >= SLOW_MS]
    if slow and is_error:
        worst = max(slow, key=lambda metric: metric.duration_ms or 0)
        told = f" ({worst.description})" if worst.description else ""
        sentence = f"The answer says that {worst.name}{told} took {worst.duration_ms:.0f} ms."
        yield _finding("http.server-timing", sentence, facts.citer.cite(lines[worst.line][0]),
                       {"metric": worst.name})


def _nel(facts: Facts, page: Document) -> Iterator[Finding]:
    """Where other visitors' browsers report failures of this host (W3C Network Error Logging)."""
    lines = list(page.lines("nel"))
    for policy in reporting((value for _, value in lines), (value for _, value in page.lines("report-to"))):
        where = f" to {policy.endpoints[0]}" if policy.endpoints else ""
        yield _finding("http.network-error-logging", f"Browsers of other visitors report failures of this host{where}: "
                       "its owner can see there how many met the same.", facts.citer.cite(lines[policy.line][0]),
                       {"endpoint": policy.endpoints[0] if policy.endpoints else ""})
