"""Signatures are data: one TOML file a vendor or product, read strictly.

In: a folder of TOML files. Out: Vendors, in the order of their slugs. A bad file is refused with file, line and key,
never skipped: an unknown key, a pattern that could blow up (report/patterns.py), a signature without sample or source,
a fault that report/data/faults does not know, an id used twice.
"""

import datetime
import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from capture.record.base import Record
from report.diagnosis import Certainty, Layer
from report.faults import FAULTS
from report.patterns import BadPattern, Pattern

VENDORS_DIR = Path(__file__).with_name("vendors")
OWNER = "owner"
"""Name of the pack for the site's owner, which no vendor may have."""

Shows = Literal["generated", "blocked", "challenged", "maintenance", "welcome", "presence"]
"""What a match means. generated: this vendor wrote the page. blocked: it wrote it and refuses this visitor.
challenged: it wrote it and wants a proof first; no error. maintenance: it wrote it, on purpose. welcome: its page for a
fresh installation; no error. presence: it is in the path; it never says who wrote the page."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Text = Annotated[str, Field(min_length=1)]
Suffix = Annotated[str, Field(pattern=r"^\.[a-z0-9]{1,8}$")]
Count = Annotated[int, Field(ge=1)]


class BadSignature(ValueError):
    """A signature file is refused; the message names file, line and key."""


def _checked(pattern: str) -> str:
    try:
        Pattern(pattern)
    except BadPattern as error:
        raise ValueError(str(error)) from error
    return pattern


class Sample(Record):
    """A response that the signature must match: written by us, with invented ids and hosts."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    body_kept: bool = True
    """False when what the body was is not known."""


class Extract(Record):
    """Where on the page a value stands."""

    place: Annotated[str, Field(alias="in", pattern=r"^(title|text|body|header:[a-z0-9-]+)$")]
    """title, text, body or header:NAME."""
    pattern: str
    """Its first group is the value."""

    _pattern = field_validator("pattern")(_checked)

    @cached_property
    def compiled(self) -> Pattern:
        """The pattern, ready."""
        return Pattern(self.pattern)


class Signature(Record):
    """All-of conditions and what they show."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
    shows: Shows
    certainty: Certainty
    source: Text
    """Where the product's page or header is described or made."""
    date: datetime.date
    """Day on which the rule was written or last checked."""
    sample: Sample
    status: tuple[int | str, ...] = ()
    """Codes, or ranges as "500-599"; empty means any."""
    header: dict[str, str] = Field(default_factory=dict)
    """Patterns by header name in lower case."""
    header_absent: tuple[str, ...] = ()
    """Names in lower case that must not be there."""
    cookie: str | None = None
    """Pattern for the name of a cookie that is set."""
    title: str | None = None
    text: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    body_absent: tuple[str, ...] = ()
    url: str | None = None
    cname: str | None = None
    issuer: str | None = None
    empty_body: bool = False
    """The answer has no body at all."""
    body_unknown: bool = False
    """Only when nothing is known of the body: by headers alone one cannot be sure."""
    vendor_code: Extract | str | None = None
    """Code that the vendor prints: where it stands, or the code itself."""
    request_id: Extract | None = None
    fault: str | None = None
    """Fault that the page itself names; absent: by code, then by status."""
    layer: Layer | None = None
    """When it is not the vendor's own."""

    @field_validator("title", "cookie", "url", "cname", "issuer")
    @classmethod
    def _single(cls, pattern: str | None) -> str | None:
        return pattern and _checked(pattern)

    @field_validator("text", "body", "body_absent", "header", mode="before")
    @classmethod
    def _several(cls, patterns: Any) -> Any:
        if isinstance(patterns, str):
            patterns = (patterns,)
        for pattern in patterns.values() if isinstance(patterns, dict) else patterns:
            _checked(pattern)
        return patterns

    @field_validator("fault")
    @classmethod
    def _known(cls, fault: str | None) -> str | None:
        return _known_fault(fault)

    @model_validator(mode="after")
    def _says_something(self) -> "Signature":
        where = (self.header, self.cookie, self.title, self.text, self.body, self.url, self.cname, self.issuer)
        if not any(where):
            raise ValueError("a signature needs a condition besides status and absence")
        return self

    @cached_property
    def statuses(self) -> frozenset[int]:
        """Every status allowed; empty means any."""
        ranges = (str(entry).partition("-") for entry in self.status)
        return frozenset(code for low, _, high in ranges for code in range(int(low), int(high or low) + 1))

    def allows(self, status: int, *, markup: bool) -> bool:
        """Whether an answer with this status may be meant.

        Markup that says how it was made is the same page when it is served with success (a soft error). Plain text and
        JSON of the same shape are not, nor are headers alone; and a challenge or a welcome is no error. Of a saved page
        no status is known: 0, which forbids nothing.
        """
        if not self.statuses or status in self.statuses or status == 0:
            return True
        soft = self.shows in ("generated", "blocked", "maintenance") and bool(self.text or self.body)
        return status == 200 and markup and soft

    @cached_property
    def patterns(self) -> Mapping[str, tuple[Pattern, ...]]:
        """Patterns by place: title, text, body, not-body, cookie, url, cname, issuer, header:NAME."""
        places: dict[str, tuple[str | None, ...]] = {
            **{f"header:{name}": (pattern,) for name, pattern in self.header.items()},
            "cookie": (self.cookie,),
            "url": (self.url,),
            "cname": (self.cname,),
            "issuer": (self.issuer,),
            "title": (self.title,),
            "text": self.text,
            "body": self.body,
        }
        return {place: tuple(Pattern(p) for p in texts if p) for place, texts in places.items() if any(texts)}

    @cached_property
    def absent_patterns(self) -> tuple[Pattern, ...]:
        """Patterns that must not be in the body."""
        return tuple(Pattern(text) for text in self.body_absent)


class Code(Record):
    """What a code that a vendor prints means."""

    meaning: Text
    fault: str
    certainty: Certainty | None = None
    """Cap of the certainty about the cause; absent: the fault's own."""
    source: str | None = None
    """Absent: the vendor's source."""
    date: datetime.date | None = None

    @field_validator("fault")
    @classmethod
    def _known(cls, fault: str) -> str:
        return str(_known_fault(fault))


class Reason(Record):
    """Words on a vendor's own page that name the fault more exactly than its code or status."""

    says: Annotated[str, Field(min_length=5)]
    """The words, plain; letter case and white space do not matter."""
    place: Annotated[str, Field(alias="in", pattern=r"^(title|text|body|header:[a-z0-9-]+)$")] = "text"
    fault: str
    slow: str | None = None
    """Fault when the answer took a second or more: the same words also come when a time limit ends. A hint only."""

    @field_validator("fault", "slow")
    @classmethod
    def _known(cls, fault: str | None) -> str | None:
        return _known_fault(fault)


class Identity(Record):
    """Which header fields identify a request at this vendor, names in lower case."""

    request_id: tuple[str, ...] = ()
    """The first that is there is quoted."""
    label: str = "Request id"
    """The vendor's own word for it."""
    pop: Extract | None = None
    """Where the code of the serving location stands."""
    cache: tuple[str, ...] = ()
    """Cache status."""


class Support(Record):
    """What the vendor's support takes, for letters and packs."""

    where: Text
    """Where to report."""
    who: str | None = None
    """Who may report."""
    asks: tuple[str, ...] = ()
    """What it asks for first."""
    files: tuple[Suffix, ...] = ()
    """File types it takes, lower-case suffixes with their dot."""
    refuses: tuple[Suffix, ...] = ()
    """File types it refuses."""
    file_bytes: Count | None = None
    """Largest file, bytes."""
    log_hours: Count | None = None
    """How long its logs last, hours: the time before which it must be sent."""
    debug: str | None = None
    """How to make it tell more."""
    source: Text
    date: datetime.date


class Vendor(Record):
    """One vendor or product."""

    slug: Slug
    name: Text
    layer: Layer
    source: Text
    date: datetime.date
    identity: Identity = Identity()
    support: Support | None = None
    replaces: bool = False
    """In a private file: takes the place of our vendor of the same slug, which is refused otherwise."""
    codes: dict[str, Code] = Field(default_factory=dict)
    status: dict[str, str] = Field(default_factory=dict)
    """Fault by status code where it is not the usual one."""
    reason: tuple[Reason, ...] = ()
    """The first that is on the page counts."""
    signature: tuple[Signature, ...] = ()

    @field_validator("slug")
    @classmethod
    def _free(cls, slug: str) -> str:
        if slug == OWNER:
            raise ValueError(f"{slug!r} is the name of the pack for the site's owner")
        return slug

    @field_validator("status")
    @classmethod
    def _known(cls, status: dict[str, str]) -> dict[str, str]:
        for fault in status.values():
            _known_fault(fault)
        return status


def _known_fault(fault: str | None) -> str | None:
    if fault is not None and fault not in FAULTS:
        raise ValueError(f"fault {fault!r} is not in report/data/faults")
    return fault


@cache
def vendors(folder: Path = VENDORS_DIR) -> tuple[Vendor, ...]:
    """Every vendor of a folder, read once in a process. Raises BadSignature."""
    found = tuple(read(path) for path in sorted(folder.glob("*.toml")))
    seen: dict[str, str] = {}
    for vendor in found:
        for name in (vendor.slug, *(signature.id for signature in vendor.signature)):
            if name in seen:
                raise BadSignature(f"{vendor.slug}.toml: {name!r} is already used in {seen[name]}.toml")
            seen[name] = vendor.slug
    return found


def with_private(folder: Path) -> tuple[Vendor, ...]:
    """Our vendors and those of a private folder, for example a company's own proxy pages.

    Raises BadSignature for a bad file, for a folder without files, and for a slug or signature of ours that a private
    file uses without `replaces = true`.
    """
    added = {vendor.slug: vendor for vendor in vendors(folder)}
    if not added:
        raise BadSignature(f"{folder}: there is no .toml file")
    ours = {vendor.slug: vendor for vendor in vendors()}
    taken = {signature.id: vendor.slug for vendor in ours.values() for signature in vendor.signature}
    for vendor in added.values():
        if vendor.slug in ours and not vendor.replaces:
            raise BadSignature(f"{vendor.slug}.toml: slug: {vendor.slug!r} is one of ours; to take its place say "
                               "replaces = true")
        for signature in vendor.signature:
            if taken.get(signature.id, vendor.slug) != vendor.slug:
                raise BadSignature(f"{vendor.slug}.toml: id: {signature.id!r} is already used in our "
                                   f"{taken[signature.id]}.toml")
    return tuple((ours | added)[slug] for slug in sorted(ours | added))


def read(path: Path) -> Vendor:
    """One file. Raises BadSignature naming file, line and key."""
    text = path.read_text(encoding="utf-8")
    try:
        vendor = Vendor.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadSignature(f"{path.name}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadSignature(f"{path.name}:{_line(text, first['loc'])}: {key or '(file)'}: {first['msg']}") from error
    if path.stem != vendor.slug:
        raise BadSignature(f"{path.name}:{_line(text, ('slug',))}: slug: {vendor.slug!r} must be the file's name")
    return vendor


def line_of(path: Path, place: tuple[int | str, ...]) -> int:
    """Line of a key in a file that could be read, from 1; of its table when the key is not written there."""
    return _line(path.read_text(encoding="utf-8"), place)


def _line(text: str, place: tuple[int | str, ...]) -> int:
    """Line of a key, from 1; of the innermost table that is there when the key is not."""
    lines = text.splitlines()
    found, end, rest = 0, len(lines), place
    if len(place) > 1 and isinstance(place[1], int):
        heads = [number for number, line in enumerate(lines) if line.strip() == f"[[{place[0]}]]"]
        found = heads[place[1]] if place[1] < len(heads) else 0
        end = next((head for head in heads if head > found), end)
        rest = place[2:]
    for name in rest:
        hit = next((number for number in range(found, end) if _key(lines[number]) == str(name)), None)
        if hit is None:
            break
        found = hit
    return found + 1


def _key(line: str) -> str:
    """The key that a line of TOML sets, or the last part of the table that it opens."""
    if line.lstrip().startswith("["):
        return line.strip("[] ").rpartition(".")[2].strip('"')
    return line.partition("=")[0].strip().strip('"')


def version_with(known: tuple[Vendor, ...]) -> str:
    """The same for rules applied to other vendors than ours alone."""
    digest = hashlib.sha256(version().encode())
    for vendor in known:
        digest.update(vendor.model_dump_json().encode())
    return digest.hexdigest()


@cache
def version(folder: Path = VENDORS_DIR) -> str:
    """SHA-256 over the names and bytes of every file of rules and signatures, hexadecimal."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    names = ("diagnose.py", "facts.py", "faults.py", "limits.py", "matching.py", "patterns.py", "signatures.py")
    rules = [root / name for name in names]
    for path in (
        *rules,
        *sorted(root.glob("rules/*.py")),
        *sorted(root.glob("visual/*.py")),
        *sorted(root.glob("looks/*.toml")),
        root / "data" / "looks.json",
        *sorted(root.glob("data/**/*.toml")),
        *sorted(folder.glob("*.toml")),
    ):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
