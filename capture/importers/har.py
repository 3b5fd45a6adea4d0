"""A HAR, as browsers and proxies export it. In: its text, and the files beside it in an archive. Out: a Part."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from capture.importers.fields import Json, duration, moment, obj, objs, string
from capture.importers.given import Options, bad
from capture.importers.har_entry import Entry, call
from capture.importers.har_load import Choice, choose
from capture.importers.part import Part
from capture.importers.texts import json_of
from capture.record.evidence import ImportFormat

ENTRIES: Final = 50_000
"""Requests in one HAR."""
NAMED: Final = 5
"""Other page loads whose addresses are named."""
_STATES: Final = {"secure": "secure", "weak": "weak", "insecure": "insecure", "broken": "insecure-broken"}


def part(name: str, text: str, options: Options, now: datetime, *, kind: ImportFormat = "har",
         attachment: Callable[[str], bytes | None] = lambda _: None) -> Part:
    """The load of a HAR that is meant; raises BadInput when it is no HAR, or has no request to `options.url`."""
    log = obj(json_of(name, text), "log")
    if not isinstance(log.get("entries"), list):
        raise bad(name, "this is JSON but no HAR: it has no log with entries")
    entries = [entry for at, raw in enumerate(objs(log, "entries")) if (entry := Entry(raw, at)).is_web]
    if len(entries) > ENTRIES:
        raise bad(name, f"the HAR holds more than {ENTRIES:,} requests; record the page alone")
    if not entries:
        raise bad(name, "the HAR holds no request to a web address; record the page again while it loads")
    if all(entry.started for entry in entries):
        entries.sort(key=lambda entry: (entry.started, entry.position))
    chosen = choose(entries, options.url)
    if chosen is None:
        raise bad(name, "the HAR holds no request to the address given; leave the address out to have its last failed "
                        "page judged")
    return _part(name, kind, log, chosen, options, now, attachment)


def _part(name: str, kind: ImportFormat, log: Json, chosen: Choice, options: Options, now: datetime,
          attachment: Callable[[str], bytes | None]) -> Part:
    kept = _kept(chosen, options.limits.exchanges)
    start = next((entry.started for entry in chosen.entries if entry.started), None)
    hops = {entry.position: hop for hop, entry in enumerate(chosen.chain)}
    judged = chosen.chain[-1]
    calls = tuple(call(entry, number, start or now, attachment, hops) for number, entry in enumerate(kept, 1))
    main = f"E{kept.index(judged) + 1}"
    page = next((each for each in objs(log, "pages") if string(each, "id") == judged.page), {})
    times = obj(page, "pageTimings")
    return Part(
        name=name, format=kind, creator=_program(log, "creator"), browser=_program(log, "browser"),
        recorded_at=judged.started or moment(string(page, "startedDateTime")), notes=tuple(_notes(log, chosen)),
        calls=calls, main=main, dropped=len(chosen.entries) - len(kept), url=chosen.chain[0].url,
        title=_title(page, judged), security_state=_STATES.get(string(judged.raw, "_securityState")),
        dom_ms=duration(times, "onContentLoad"), load_ms=duration(times, "onLoad"))


def _kept(chosen: Choice, most: int) -> list[Entry]:
    """In the order of time; where there are too many, the judged one before its redirects before what failed."""
    weight = {entry.position: 1 for entry in chosen.chain} | {chosen.chain[-1].position: 0}
    ranked = sorted(chosen.entries, key=lambda entry: weight.get(entry.position, 2 if entry.failed else 3))
    positions = {entry.position for entry in ranked[:max(1, most)]}
    return [entry for entry in chosen.entries if entry.position in positions]


def _program(log: Json, key: str) -> str | None:
    """Name and version of a program."""
    given = obj(log, key)
    return f"{string(given, 'name', 60)} {string(given, 'version', 60)}".strip() or None


def _title(page: Json, judged: Entry) -> str | None:
    """The page's title where the file has no body to read it from; some browsers write the address there."""
    title = string(page, "title", 4_096)
    content = obj(judged.response, "content")
    return None if "://" in title or content.get("text") or content.get("_file") else title or None


def _notes(log: Json, chosen: Choice) -> list[str]:
    notes = []
    if not chosen.is_document:
        notes.append("The file holds no request for a page; what is judged is the request to "
                     f"{chosen.chain[-1].bare_url}.")
    if chosen.others:
        named = ", ".join(_told(entry) for entry in chosen.others[:NAMED])
        more = " and more" if len(chosen.others) > NAMED else ""
        notes.append(f"The file holds other page loads, which are left out: {named}{more}. "
                     "The address says which one is meant.")
    if chosen.chain[-1].target:
        notes.append(f"The last answer is a redirect to {chosen.chain[-1].target}; what came after it is not in the "
                     "file.")
    skipped = sum(not Entry(raw, 0).is_web for raw in objs(log, "entries"))
    if skipped:
        notes.append(f"{skipped:,} entries that are no requests to web addresses are left out.")
    return notes


def _told(entry: Entry) -> str:
    return f"{entry.bare_url} ({entry.status or entry.error or 'no answer'})"

