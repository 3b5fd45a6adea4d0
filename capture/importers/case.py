"""Several files made into one case. In: Parts. Out: a sealed bundle like a capture's, with nothing of the files in it.

A picture and a saved page join the load that they can belong to; what was recorded by a browser comes first.
"""

import hashlib
import io
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urldefrag

from PIL import Image

from capture import har
from capture.importers.given import Options, Upload
from capture.importers.masking import Masker
from capture.importers.part import Part
from capture.pictures import is_blank
from capture.record import codec
from capture.record.bundle import Bundle, BundleWriter
from capture.record.evidence import Evidence, Imported, ImportedFile
from capture.record.page import PageLoad, Screenshot
from capture.record.request import RequestRecord, StepRecord
from capture.redact import RULESET, Redactor
from capture.steps.vantage import VERSION

_ORDER: Final = {"har": 0, "har-zip": 0, "curl": 1, "singlefile": 2, "mhtml": 2, "html": 2, "picture": 3}
"""Which kind of file is judged before which."""


@dataclass
class _Group:
    """Files that show the same load."""

    main: Part
    saved: Part | None = None
    picture: Part | None = None


def write(parts: Sequence[Part], files: Sequence[Upload], options: Options, now: datetime, writer: BundleWriter
          ) -> Bundle:
    """Masks, writes and seals; raises BundleError when that is not possible."""
    mask = Masker(Redactor(), options.limits)
    mask.learn(parts)
    groups = _groups(parts)
    loads = tuple(_load(group, number, mask, now, writer) for number, group in enumerate(groups, 1))
    evidence = _evidence(groups, parts, files, options, now, mask, loads)
    cleaned = mask.redactor.deep(evidence.model_dump(mode="json", exclude_none=True), "evidence")
    cleaned["redactions"] = [line.model_dump() for line in mask.redactor.ledger()]
    final = codec.load(Evidence, json.dumps(cleaned, ensure_ascii=False).encode("utf-8", "replace"))
    writer.add("page.har", codec.to_json(har.har(final, lambda path: (writer.directory / path).read_bytes())))
    return writer.seal(final)


def _groups(parts: Sequence[Part]) -> list[_Group]:
    """What belongs together, the load that is judged first."""
    ranked = sorted(parts, key=lambda part: (_ORDER[part.format], not part.failed))
    groups: list[_Group] = []
    for part in ranked:
        if part.source is not None and (group := _home(part, groups)) is not None:
            group.saved = part
        elif part.picture is not None and groups and groups[0].picture is None:
            groups[0].picture = part
        else:
            groups.append(_Group(part, picture=part if part.picture is not None else None,
                                 saved=part if part.source is not None else None))
    return groups


def _home(saved: Part, groups: list[_Group]) -> _Group | None:
    """The load that a saved page is of: the one of its address, or the first when it does not name one."""
    free = [group for group in groups if group.saved is None]
    if saved.url is None:
        return free[0] if free else None
    wanted = urldefrag(saved.url).url
    return next((group for group in free for shown in [group.main.exchange]
                 if shown and urldefrag(shown.url).url == wanted), None)


def _load(group: _Group, number: int, mask: Masker, now: datetime, writer: BundleWriter) -> PageLoad:
    """One load, everything that files show of it in one record."""
    main, judged = group.main, group.main.exchange
    suffix = "" if number == 1 else f"-{number}"
    exchanges = mask.calls(main, writer)
    url = judged.url if judged else group.saved.url if group.saved else None
    dom, source = (None, None)
    if group.saved is not None and group.saved.source is not None:
        data, source = mask.source(group.saved.source)
        dom = writer.add(f"page{suffix}.html", data)
    return PageLoad(
        label="imported", started_at=judged.started_at if judged else main.recorded_at or now,
        ended=_ended(main), error=judged.error if judged and _ended(main) in ("failed", "broken-off") else None,
        main_exchange=main.main, final_url=None if url is None else mask.redactor.url(url, "final URL"),
        title=None if main.title is None else mask.redactor.text(main.title, "title"), dom=dom, source=source,
        exchanges=exchanges, exchanges_dropped=_dropped(main, mask), security_state=main.security_state,
        dom_content_loaded_ms=main.dom_ms, load_ms=main.load_ms,
        screenshot=None if group.picture is None else _picture(group.picture, suffix, now, writer))


def _ended(main: Part) -> str:
    judged = main.exchange
    if judged is None:
        return "load"
    if judged.response is None:
        return "no-content" if judged.canceled else "failed"
    if judged.error is not None:
        return "broken-off"
    return "no-content" if judged.response.status in (204, 205) else "load"


def _dropped(main: Part, mask: Masker) -> int:
    if main.dropped:
        mask.hit("exchanges", f"{main.dropped:,} requests past the first {mask.limits.exchanges:,} were only counted")
    return main.dropped


def _picture(part: Part, suffix: str, now: datetime, writer: BundleWriter) -> Screenshot | None:
    data = part.picture
    if data is None:
        return None
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        (width, height), blank = image.size, is_blank(image)
    return Screenshot(path=writer.add(f"screenshot{suffix}.png", data), width=width, height=height, at=now, blank=blank,
                      sha256=hashlib.sha256(data).hexdigest())


def _evidence(groups: Sequence[_Group], parts: Sequence[Part], files: Sequence[Upload], options: Options, now: datetime,
              mask: Masker, loads: tuple[PageLoad, ...]) -> Evidence:
    text = mask.redactor.text
    main = groups[0].main
    saved = groups[0].saved
    url = options.url or main.url or (saved.url if saved else None) or files[0].name
    request = RequestRecord(
        url=mask.redactor.url(url, "address asked for"), limits=options.limits,
        note=None if options.note is None else text(options.note, "note"),
        seen=None if options.seen is None else text(options.seen, "what was seen"))
    told = main.recorded_at or (saved.recorded_at if saved else None)
    clock = "unknown" if told is None else "server" if main.clock_is_server else "files"
    imported = Imported(
        tool=f"gatewitness {VERSION}", at=now, clock=clock,
        files=tuple(_file(part, file, mask) for part, file in zip(parts, files, strict=True)))
    return Evidence(
        id=str(uuid.uuid4()), request=request, started_at=told or now, finished_at=told or now, outcome="complete",
        steps=(StepRecord(name="import", status="done"),), limits_hit=mask.limits_hit(), imported=imported,
        tcp=tuple(probe for part in parts for probe in part.tcp) or None,
        tls=tuple(probe for part in parts for probe in part.tls) or None, pages=loads, redaction_ruleset=RULESET)


def _file(part: Part, file: Upload, mask: Masker) -> ImportedFile:
    text = mask.redactor.text
    return ImportedFile(
        name=text(file.name, "file name"), format=part.format, size=len(file.data),
        sha256=hashlib.sha256(file.data).hexdigest(),
        creator=None if part.creator is None else text(part.creator, "file's maker"),
        browser=None if part.browser is None else text(part.browser, "file's maker"),
        recorded_at=part.recorded_at, notes=tuple(text(note, "note on a file") for note in part.notes))
