"""The types of a diagnosis. A Finding without a citation cannot be built; "cannot tell" is a legal verdict."""

from typing import Annotated, Literal

from pydantic import Field

from capture.record.base import Record

Layer = Literal["visitor", "dns", "network", "tls", "cdn", "load-balancer", "reverse-proxy", "platform", "app",
                "database", "none"]
FaultSide = Literal["client", "dns", "tls", "network", "edge", "origin", "unknown"]
Certainty = Literal["proven", "likely", "possible", "undetermined"]
HopState = Literal["working", "faulty", "undetermined", "not-reached"]
Interstitial = Literal["challenge", "block", "maintenance", "consent"]


class PictureRegion(Record):
    """A part of a screenshot, pixels from its upper left corner."""

    tag: str
    """What it is, in a word or two."""
    x: int
    """Left edge, pixels."""
    y: int
    """Upper edge, pixels."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""


class Citation(Record):
    """Where in the evidence a claim rests."""

    pointer: str
    """RFC 6901 pointer into evidence.json."""
    excerpt: str
    """The text found there, verbatim; long values are cut to the part that matters. Of a picture: the
    words as they were read, or what was seen."""
    region: PictureRegion | None = None
    """Where in the screenshot that the pointer leads to; absent for text."""


class Finding(Record):
    """One claim and the evidence it rests on."""

    code: str
    """Stable name, `<layer>.<fault>`, for example tls.expired or cloudflare.521."""
    layer: Layer
    """Layer it speaks of."""
    certainty: Certainty
    """How sure it is."""
    sentence: str
    """The claim in plain words."""
    parameters: dict[str, str] = Field(default_factory=dict)
    """Values of the claim, for example the address."""
    cites: Annotated[tuple[Citation, ...], Field(min_length=1)]
    """What it rests on; never empty."""


class HopVerdict(Record):
    """One hop of the chain from the visitor to the application."""

    name: str
    """Word shown, for example DNS, Cloudflare, Origin."""
    layer: Layer
    """Layer of the hop."""
    vendor: str | None = None
    """Slug of the vendor or product; absent when unknown."""
    state: HopState
    """working, faulty, undetermined, not-reached; undetermined is never shown as working."""
    detail: str | None = None
    """A few words, for example "2 addresses, 12 ms" or "POP FRA"."""
    evidence_for: tuple[Citation, ...] = ()
    """What speaks for the state."""
    evidence_against: tuple[Citation, ...] = ()
    """What speaks against it."""


class Verdict(Record):
    """The head of a diagnosis: who wrote the page, which hand-off failed."""

    is_error_page: bool
    """An error was shown; a soft error with status 200 counts, a blog post about errors does not."""
    interstitial: Interstitial | None = None
    """Something stands before the page; a challenge alone is not an error page."""
    generator: str | None = None
    """Who wrote the page, a slug; absent when unknown."""
    layer: Layer
    """The generator's layer."""
    fault_side: FaultSide
    """Where the cause lies, as far as the evidence says."""
    failing_handoff: tuple[str, str] | None = None
    """The two hops between which the request was lost, for example cdn and origin."""
    fault_code: str | None = None
    """Stable name of the fault, for example origin.connection-refused; absent when nothing failed."""
    status: int | None = None
    """Status code of the document; absent when no HTTP answer came."""
    vendor_code: str | None = None
    """Code that the vendor prints, for example 521 or NoSuchKey."""
    request_id: str | None = None
    """Identifier to quote to support."""
    certainty: Certainty
    """How sure the verdict is."""
    summary: str
    """One plain sentence."""


class Alternative(Record):
    """Another explanation that was not excluded."""

    sentence: str
    """The explanation."""
    decided_by: str | None = None
    """What would decide it."""


class SupportFact(Record):
    """One line of the table of what support asks for."""

    label: str
    """For example Ray ID."""
    value: str
    """The value, verbatim."""
    mono: bool = False
    """Whether it is machine text, to be copied letter by letter."""


class Diagnosis(Record):
    """What the evidence says; the same evidence and rules give the same bytes."""

    schema_version: Literal[1] = 1
    """Version of this format."""
    verdict: Verdict
    """The head."""
    hops: tuple[HopVerdict, ...] = ()
    """The chain from the visitor inward."""
    findings: tuple[Finding, ...] = ()
    """Every claim, the decisive ones first."""
    alternatives: tuple[Alternative, ...] = ()
    """What was not excluded."""
    unknowns: tuple[str, ...] = ()
    """What is not known, and which missing step would tell."""
    support: tuple[SupportFact, ...] = ()
    """What support asks for first, in that order."""
    repair: str
    """Who can repair it, one or two sentences."""
    next_steps: tuple[str, ...] = ()
    """What to do next, in order of risk."""
    send: str | None = None
    """What to send to whom, and before when."""
    warning: str | None = None
    """What must be known before the verdict is used, for example that this capture may have been taken for a bot."""
    evidence_sha256: str
    """SHA-256 of evidence.json, hexadecimal."""
    rules_version: str
    """Version of rules and signatures: a hash over their files."""
