"""Which page load of a HAR is meant, and which request of it is judged. In: entries. Out: a Choice.

A HAR may hold a whole working day. The load that counts is the last one that failed, else the last; whoever means
another names its address.
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from capture.importers.har_entry import Entry

Chain = tuple[Entry, ...]
"""A document and the redirects before it, in their order."""


@dataclass(frozen=True)
class Choice:
    """What of the HAR is taken over."""

    entries: tuple[Entry, ...]
    """The load's requests in the order of time."""
    chain: Chain
    """The request that is judged, last, and the redirects before it."""
    is_document: bool
    """What is judged is a document."""
    others: tuple[Entry, ...] = ()
    """The documents of the other loads."""


def choose(entries: Sequence[Entry], url: str | None) -> Choice | None:
    """The load and the request that are meant; None when `url` is given and no request has that address."""
    groups = _groups(entries)
    if url is not None:
        return _by_url(groups, url)
    shown = {page: _shown(chains(group)) for page, group in groups.items()}
    known = [page for page, chain in shown.items() if chain]
    broken = [page for page in known if _failed(shown[page])]
    page = (broken or known or [page for page in groups if any(e.failed for e in groups[page])] or list(groups))[-1]
    others = tuple(chain[-1] for other, chain in shown.items() if chain and other != page)
    chain = shown[page]
    return Choice(groups[page], chain or (_fallback(groups[page]),), bool(chain), others)


def chains(group: Sequence[Entry]) -> list[Chain]:
    """The documents of a load, each with the redirects that led to it."""
    places: dict[str, list[int]] = {}
    for at, entry in enumerate(group):
        places.setdefault(entry.bare_url, []).append(at)
    found: list[Chain] = []
    used: set[int] = set()
    for at, entry in enumerate(group):
        if at in used or not entry.navigates:
            continue
        hops = [at]
        while (following := _next(group[hops[-1]], hops[-1], places, used)) is not None:
            hops.append(following)
            used.add(following)
        found.append(tuple(group[hop] for hop in hops))
    return found


def _next(entry: Entry, at: int, places: dict[str, list[int]], used: set[int]) -> int | None:
    """Where the request stands that a redirect led to; the nearest later one that no other redirect led to."""
    known = places.get(entry.target or "", [])
    following = known[bisect(known, at):][:1]
    return following[0] if following and following[0] not in used else None


def _groups(entries: Sequence[Entry]) -> dict[str, tuple[Entry, ...]]:
    """Entries by their page, pages in the order in which they began; all together where no pages are named."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.page, []).append(entry)
    return {page: tuple(group) for page, group in groups.items()}


def _shown(found: list[Chain]) -> Chain:
    """What the window showed of several documents of a load.

    Where the browser says which are documents of the window: the last that failed, else the last. Else the first,
    because the others may be frames.
    """
    if not found:
        return ()
    if not found[0][0].sure:
        return found[0]
    return next((chain for chain in reversed(found) if _failed(chain)), found[-1])


def _failed(chain: Chain) -> bool:
    return chain[-1].failed


def _fallback(group: Sequence[Entry]) -> Entry:
    """What is judged when the file holds no document: the weightiest failure, else the first request."""
    asked = [entry for entry in group if not urlsplit(entry.bare_url).path.endswith("/favicon.ico")] or list(group)
    failed = [entry for entry in asked if entry.failed]
    return max(failed, key=lambda entry: (entry.status or 0) >= 500, default=asked[0])


def _by_url(groups: dict[str, tuple[Entry, ...]], url: str) -> Choice | None:
    """The last request of this address, a document before anything else, and the load around it."""
    wanted = url.partition("#")[0]
    for form in (_bare, _without_query):
        hits = [(page, entry) for page, group in groups.items() for entry in group
                if form(entry.bare_url) == form(wanted)]
        if hits:
            page, entry = max(hits, key=lambda hit: (hit[1].navigates, hit[1].position))
            chain = next((found for found in chains(groups[page]) if entry in found), (entry,))
            return Choice(groups[page], chain, entry.navigates or chain[0].navigates)
    return None


def _bare(url: str) -> str:
    return url.rstrip("/")


def _without_query(url: str) -> str:
    return url.partition("?")[0].rstrip("/")
