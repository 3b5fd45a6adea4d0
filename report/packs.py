"""Packs: for each addressee a folder with the letters and only the files that its support takes.

In: a bundle, its diagnosis, the report files made so far. Out: `packs/owner/...` and `packs/<vendor>/...` as bytes. A
file over the addressee's limit is replaced by a smaller form, or left out, and the letter says so.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from capture.record.base import Header
from capture.record.bundle import Bundle
from capture.record.evidence import Evidence
from capture.record.page import Exchange
from capture.record.seal import Manifest
from report import letters, reproduce
from report.diagnosis import Diagnosis
from report.letters import Attached, Form, Kind
from report.signatures import OWNER, Vendor
from report.text import visible
from report.units import size
from report.view import has_failed, main_load, screenshot_shown

FOLDER: Final = "packs"
UNKNOWN_TYPES: Final = (".html", ".har", ".png", ".txt")
"""What is sent where the types that a support takes are not known."""
OWNER_TYPES: Final = (".md", ".html", ".pdf", ".har", ".png", ".txt")
OWNER_BYTES: Final = 20_000_000
"""Largest file for an owner, or for a support that names no limit: what mail servers usually still take."""
HAR: Final = "page.har"
LETTERS: Final[Mapping[Kind, str]] = {"owner": "letter-owner.md", "vendor": "letter-vendor.md"}
SUMMARY: Final = "summary.md"
PASTED: Final = (*LETTERS.values(), SUMMARY)
"""What is pasted into a mail or a form, and therefore goes into every pack, whatever files are taken."""
OURS: Final = frozenset({"network.policy"})
"""Faults that nobody else needs to hear of."""

_WHAT: Final = {
    "dossier.html": "the whole dossier, one file, opens in any browser",
    "dossier.pdf": "the same to print",
    HAR: "every request and answer (HAR 1.2)",
    "screenshot.png": "what the visitor saw",
    "headers.txt": "headers of request and answer, verbatim",
    "reproduce.txt": "shell lines that repeat what was seen",
    SUMMARY: "the summary, to paste into a ticket",
    LETTERS["vendor"]: "a letter to the service in front of the site, for you to send on"}
"""Files that may go with a letter, in the order in which it names them."""


@dataclass(frozen=True)
class Taker:
    """Who gets a pack, and what it takes."""

    folder: str
    """Name of the folder inside `packs`."""
    name: str
    kind: Kind
    types: tuple[str, ...]
    limit: int
    """Largest file, bytes."""

    def takes(self, name: str) -> bool:
        """Whether a file of this name is of a type that is taken."""
        return name.endswith(self.types)


@dataclass(frozen=True)
class Choice:
    """What goes into a pack."""

    attached: tuple[Attached, ...]
    left_out: tuple[str, ...]
    """Sentences about files that are too large."""
    without_bodies: bool
    """The HAR goes in without bodies."""


@dataclass(frozen=True)
class Written:
    """A letter as the dossier shows it."""

    name: str
    """Path inside the report directory."""
    title: str
    text: str


def are_due(diagnosis: Diagnosis) -> bool:
    """Whether there is anything to tell anybody."""
    return has_failed(diagnosis) and diagnosis.verdict.fault_code not in OURS


def takers(diagnosis: Diagnosis, known: tuple[Vendor, ...] | None = None) -> tuple[Taker, ...]:
    """The owner, and the vendor whose support can help, if there is one among the `known`, by default ours."""
    vendor = letters.addressee(diagnosis, known)
    owner = Taker(OWNER, "the site's owner", "owner", OWNER_TYPES, OWNER_BYTES)
    return (owner, _taker(vendor)) if vendor else (owner,)


def _taker(vendor: Vendor) -> Taker:
    told = vendor.support
    refused = told.refuses if told else ()
    types = tuple(t for t in (told.files if told and told.files else UNKNOWN_TYPES) if t not in refused)
    return Taker(vendor.slug, vendor.name, "vendor", types, (told.file_bytes if told else None) or OWNER_BYTES)


def choose(taker: Taker, sizes: Mapping[str, int], small_har: int = 0) -> Choice:
    """Which of the files of these sizes go in; `small_har` is the size of the HAR without bodies; 0 when it is
    not known yet, and then it is taken to be small enough."""
    attached, left_out, without = [], [], False
    for name, what in _WHAT.items():
        if name not in sizes or not taker.takes(name):
            continue
        if sizes[name] <= taker.limit:
            attached.append(Attached(name, what))
        elif name == HAR and small_har <= taker.limit:
            attached.append(Attached(name, f"{what}, without bodies: the whole one is {size(sizes[name])}, "
                                           f"and {size(taker.limit)} is the most that can be sent"))
            without = True
        else:
            left_out.append(f"{name} is not attached: it is {size(sizes[name])}, and {size(taker.limit)} is the most "
                            "that can be sent. Ask for it.")
    return Choice(tuple(attached), tuple(left_out), without)


def written(evidence: Evidence, diagnosis: Diagnosis, manifest: Manifest,
            known: tuple[Vendor, ...] | None = None) -> tuple[Written, ...]:
    """The letters as text for the dossier itself; none when there is nobody to tell.

    The size of the dossier is not known while it is made; it is taken to be small enough.
    """
    if not are_due(diagnosis):
        return ()
    said = letters.letter(evidence, diagnosis, manifest, letters.addressee(diagnosis, known))
    recorded = {file.path: file.size for file in manifest.files}
    sizes = {name: recorded.get(name, 0) for name in _available(evidence, recorded)}
    everyone = takers(diagnosis, known)
    if len(everyone) > 1:
        sizes[LETTERS["vendor"]] = 0
    return tuple(Written(_path(taker, LETTERS[taker.kind]), f"To {taker.name}",
                         _write(taker.kind, said, choose(taker, sizes), "txt")) for taker in everyone)


def _available(evidence: Evidence, recorded: Mapping[str, int]) -> Iterator[str]:
    """Files that there are to choose from, besides those that may not have been made."""
    shot = screenshot_shown(evidence)
    for name in _WHAT:
        kept = {HAR: HAR in recorded, "screenshot.png": bool(shot and shot[1].path in recorded),
                LETTERS["vendor"]: False}
        if kept.get(name, True):
            yield name


def make(bundle: Bundle, diagnosis: Diagnosis, made: Mapping[str, bytes],
         known: tuple[Vendor, ...] | None = None) -> dict[str, bytes]:
    """Every file of every pack by its path inside the report directory; none when there is nobody to tell.

    `made` are the report's other files. Raises BundleError when the bundle cannot be read.
    """
    if not are_due(diagnosis):
        return {}
    said = letters.letter(bundle.evidence, diagnosis, bundle.manifest, letters.addressee(diagnosis, known))
    files = _files(bundle, diagnosis, made)
    everyone = takers(diagnosis, known)
    small = without_bodies(files[HAR]) if any(len(files.get(HAR, b"")) > taker.limit for taker in everyone) else b""
    packed: dict[str, bytes] = {}
    for taker in reversed(everyone):  # the owner last: a vendor's letter goes along
        choice = choose(taker, {name: len(data) for name, data in files.items()}, len(small))
        if taker.kind == "vendor":
            files[LETTERS["vendor"]] = _write("vendor", said, choice, "md").encode()
        inside = {file.name: small if file.name == HAR and choice.without_bodies else files[file.name]
                  for file in choice.attached}
        inside |= {name: files[name] for name in PASTED if name in files and len(files[name]) <= taker.limit}
        inside[LETTERS["owner"]] = _write("owner", said, _with_pasted(choice, inside), "md").encode()
        packed |= {_path(taker, name): data for name, data in inside.items()}
    return dict(sorted(packed.items()))


def _with_pasted(choice: Choice, inside: Mapping[str, bytes]) -> Choice:
    """What goes with the owner's letter of a pack: everything that lies beside it."""
    names = {file.name for file in choice.attached}
    more = tuple(Attached(name, what) for name, what in _WHAT.items() if name in inside and name not in names)
    return replace(choice, attached=(*choice.attached, *more))


def _write(kind: Kind, said: letters.Letter, choice: Choice, form: Form) -> str:
    return letters.write(kind, said, form, choice.attached, choice.left_out)


def _path(taker: Taker, name: str) -> str:
    return f"{FOLDER}/{taker.folder}/{name}"


def _files(bundle: Bundle, diagnosis: Diagnosis, made: Mapping[str, bytes]) -> dict[str, bytes]:
    evidence = bundle.evidence
    recorded = {file.path: file.size for file in bundle.manifest.files}
    shot = screenshot_shown(evidence)
    from_bundle = {HAR: HAR, "screenshot.png": shot[1].path if shot else ""}
    found = {name: bundle.read(path) for name, path in from_bundle.items() if path in recorded}
    found |= {name: made[name] for name in ("dossier.html", "dossier.pdf", SUMMARY) if name in made}
    found["headers.txt"] = headers_text(evidence).encode()
    found["reproduce.txt"] = reproduce.text(reproduce.lines(evidence, diagnosis)).encode()
    return found


def without_bodies(har: bytes) -> bytes:
    """A HAR with the texts of bodies taken out, and a comment that says so; as it is when it cannot be read."""
    try:
        log = json.loads(har)
        for entry in log["log"]["entries"]:
            _drop_text(entry["response"].get("content"))
            _drop_text(entry["request"].get("postData"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return har
    return json.dumps(log, ensure_ascii=False, separators=(",", ":")).encode()


def _drop_text(part: dict[str, Any] | None) -> None:
    if part and "text" in part:
        del part["text"]
        part.pop("encoding", None)
        part["comment"] = "left out of this copy"


def headers_text(evidence: Evidence) -> str:
    """Headers of the document and its redirects, then those of the plain requests, as plain text."""
    main = main_load(evidence)
    by = "in the files handed in" if evidence.imported else "by the browser"
    parts = [_exchange(x, by) for x in (main.exchanges if main else ()) if x.main_document]
    for probe in evidence.plain_http or ():
        for hop in probe.hops:
            head = hop.request_head.replace("\r\n", "\n").strip()
            answer = "\n".join([hop.status_line or hop.error or "no answer", *_lines(hop.headers)])
            parts.append(f"## Without a browser, {probe.protocol}, {probe.family}: {hop.url}\n\n{head}\n\n{answer}")
    return visible("\n\n\n".join(["# Headers as sent and as received; secrets are masked.", *parts])) + "\n"


def _exchange(exchange: Exchange, by: str) -> str:
    answer = exchange.response
    first = f"{answer.protocol} {answer.status} {answer.status_text}".strip() if answer else (
        exchange.guard_error or exchange.error or "no answer")
    asked = "\n".join([f"{exchange.method} {exchange.url}", *_lines(exchange.request_headers)])
    given = "\n".join([first, *_lines(answer.headers if answer else ())])
    return f"## {exchange.id}, {by}\n\n{asked}\n\n{given}"


def _lines(headers: tuple[Header, ...]) -> list[str]:
    return [f"{header.name}: {header.value}" for header in headers]
