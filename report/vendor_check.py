"""What is known of vendors, and whether a user's own file is good. In: vendor files. Out: lines for people."""

from pathlib import Path

from capture.record.base import Header
from capture.record.evidence import Evidence
from capture.record.page import Body, Exchange, PageLoad, Response
from capture.record.request import RequestRecord
from report.facts import Facts, facts
from report.signatures import BadSignature, Sample, Vendor, line_of, read, vendors

_EPOCH = "2000-01-01T00:00:00Z"


def listing(known: tuple[Vendor, ...]) -> list[str]:
    """Slug, name, layer and number of signatures of each vendor, a line each."""
    return [f"{vendor.slug:<22}{vendor.name:<44}{vendor.layer:<15}{len(vendor.signature):>3}" for vendor in known]


def check(path: Path) -> list[str]:
    """What each signature of a file matched of its own sample, a line each, the last one "ok".

    Raises BadSignature naming file, line and key of the first error: a file that the loader refuses, a signature that
    does not match its own sample, a sample that another of our vendors claims to have written, a slug of ours that is
    used without `replaces = true`.
    """
    vendor = read(path)
    ours = tuple(each for each in vendors() if each.slug != vendor.slug)
    if len(ours) < len(vendors()) and not vendor.replaces and path.resolve().parent != _home():
        raise BadSignature(f"{path.name}:{line_of(path, ('slug',))}: slug: {vendor.slug!r} is one of ours; to take its "
                           "place say replaces = true")
    told = []
    for number, signature in enumerate(vendor.signature):
        seen = _seen(signature.sample, (vendor, *ours))
        where = f"{path.name}:{line_of(path, ('signature', number, 'sample'))}: signature.{number}.sample"
        own = next((found for found in seen.matches if found.signature.id == signature.id), None)
        if own is None:
            raise BadSignature(f"{where}: {signature.id} does not match its own sample")
        for other in seen.matches:
            if other.vendor.slug != vendor.slug and other.signature.shows != "presence":
                raise BadSignature(f"{where}: {other.signature.id} of {other.vendor.name} matches it too")
        told.append(f"{signature.id}: {', '.join(repr(cite.excerpt[:80]) for cite in own.cites)}")
    return [*told, f"{path.name}: ok, {len(vendor.signature)} signatures"]


def _home() -> Path:
    return Path(__file__).with_name("vendors")


def _seen(sample: Sample, known: tuple[Vendor, ...]) -> Facts:
    """The facts of a capture that got this sample."""
    lines = tuple(Header(name=name, value=value) for name, value in sample.headers)
    kinds = [line.value.split(";")[0].strip() for line in lines if line.name.lower() == "content-type"]
    body = Body(size=len(sample.body.encode()), text=sample.body) if sample.body_kept else None
    answer = Response(status=sample.status, status_text="", protocol="http/1.1", headers=lines, header_source="wire",
                      body=body, mime_type=kinds[0] if kinds else "text/html")
    exchange = Exchange.model_validate({
        "id": "E1", "url": "https://sample.example/", "method": "GET", "resource_type": "document",
        "main_document": True, "started_at": _EPOCH, "started_ms": 0.0, "response": answer})
    load = PageLoad.model_validate({"label": "strict", "started_at": _EPOCH, "duration_ms": 0.0, "ended": "load",
                                    "main_exchange": "E1", "final_url": exchange.url, "exchanges": (exchange,)})
    return facts(Evidence.model_validate({
        "id": "0" * 16, "started_at": _EPOCH, "finished_at": _EPOCH, "outcome": "complete", "steps": (),
        "request": RequestRecord(url=exchange.url), "redaction_ruleset": "sample", "pages": (load,)}), known)
