"""Recorded responses with the answer expected of each. In: a folder of JSON files {"id", "status", "headers", "body",
"expected"}. Out: Cases, their variants (a half withheld, relayed by another hop), the evidence that a capture would
have recorded, and how a verdict compares with what was expected.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.pagetext import rendered
from capture.record.base import Header
from capture.record.evidence import Evidence
from capture.record.page import Body, Exchange, PageLoad, Response
from capture.record.request import RequestRecord
from report.diagnosis import Verdict

FIELDS: Final = ("is_error_page", "generator", "layer", "fault_side", "vendor_code", "request_id")
SURE: Final = ("proven", "likely")
Pairs = tuple[tuple[str, str], ...]

_NOW: Final = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
_URL: Final = "https://shop.example/checkout"
_RAY: Final = "9a0b1c2d3e4f5061-FRA"
_RELAYS: Final[dict[str, tuple[tuple[str, ...], Pairs]]] = {
    "cloudflare": (("server", "cf-ray"), (("Server", "cloudflare"), ("CF-RAY", _RAY), ("CF-Cache-Status", "DYNAMIC"))),
    "nginx": (("server",), (("Server", "nginx"),)),
    "fastly": ((), (("Via", "1.1 varnish"), ("X-Served-By", "cache-fra10001-FRA"), ("X-Cache", "MISS"),
                    ("X-Timer", "S1770000000.000000,VS0,VE12"))),
    "cloudfront": ((), (("X-Cache", "Error from cloudfront"), ("X-Amz-Cf-Pop", "FRA60-P4"), ("X-Amz-Cf-Id", "x" * 56),
                        ("Via", "1.1 0123456789abcdef.cloudfront.net (CloudFront)"))),
}
"""By relay: the header fields that it overwrites, and those that it adds."""
_REPLACED: Final = {"cloudflare": (502, 504)}
"""Statuses for which a relay writes a page of its own, so that none is passed on."""


@dataclass(frozen=True)
class Case:
    """One recorded response."""

    id: str
    status: int
    headers: Pairs
    body: str | None
    """None when it is withheld."""
    expected: dict[str, Any]

    def evidence(self) -> Evidence:
        """What a capture of this response would have recorded."""
        lines = tuple(Header(name=name, value=value) for name, value in self.headers)
        kinds = [line.value.split(";")[0].strip() for line in lines if line.name.lower() == "content-type"]
        body = None if self.body is None else Body(size=len(self.body.encode()), text=self.body)
        answer = Response(status=self.status, status_text="", headers=lines, header_source="wire", body=body,
                          protocol="http/1.1", mime_type=kinds[0] if kinds else "text/html")
        exchange = Exchange(id="E1", url=_URL, method="GET", resource_type="document", main_document=True,
                            started_at=_NOW, started_ms=0.0, duration_ms=120.0, response=answer)
        title, text = rendered(self.body or "")
        load = PageLoad(label="strict", started_at=_NOW, duration_ms=800.0, ended="load", main_exchange="E1",
                        final_url=_URL, exchanges=(exchange,), title=title, text=text)
        return Evidence(id="0123456789abcdef", started_at=_NOW, finished_at=_NOW, outcome="complete", steps=(),
                        request=RequestRecord(url=_URL), redaction_ruleset="bench", pages=(load,))


def cases(folder: Path) -> list[Case]:
    """Every case of a folder, by name. Raises ValueError when a file is not a case, OSError when it cannot be read."""
    found = []
    for path in sorted(folder.glob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        if missing := {"id", "status", "headers", "body", "expected"} - case.keys():
            raise ValueError(f"{path}: {', '.join(sorted(missing))} missing")
        pairs = tuple((name, value) for name, value in case["headers"])
        found.append(Case(case["id"], case["status"], pairs, case["body"], case["expected"]))
    return found


def variants(case: Case) -> Iterator[tuple[str, Case]]:
    """(kind, case): as recorded, each half alone, and passed on by each relay that is not in the path already."""
    yield "as recorded", case
    yield "headers alone", replace(case, body=None)
    yield "body alone", replace(case, headers=())
    there = " ".join(value.lower() for pair in case.headers for value in pair)
    for relay, (overwritten, added) in _RELAYS.items():
        if relay in there or case.status in _REPLACED.get(relay, ()) or case.expected["generator"] == relay:
            continue
        kept = tuple(pair for pair in case.headers if pair[0].lower() not in overwritten)
        yield f"behind {relay}", replace(case, headers=kept + added)


def asked(case: Case) -> Iterator[str]:
    """The fields of a verdict that count for a case: of a page that is no error, only that it is none."""
    want = case.expected
    for field in FIELDS:
        if field in ("vendor_code", "request_id") and want.get(field) is None:
            continue
        if field in ("generator", "layer", "fault_side") and not want["is_error_page"]:
            continue
        if field == "generator" and want.get("unseen"):
            continue
        yield field


def right(case: Case, verdict: Verdict, field: str) -> bool:
    """Whether a field is as expected; request ids with and without the place that follows them are the same."""
    want, got = case.expected.get(field), getattr(verdict, field)
    if isinstance(want, list):
        return bool(got in want)
    if field == "vendor_code" and want and got:
        return bool(str(want).strip().lower() == got.strip().lower())
    if field == "request_id" and want and got:
        short, long = sorted((str(want).strip().lower(), got.strip().lower()), key=len)
        return short == long or (len(short) >= 6 and long.startswith(short))
    return bool(want == got) or (want == "none" and got is None)


def accuses(case: Case, verdict: Verdict) -> bool:
    """Whether somebody is blamed, surely and wrongly."""
    if verdict.certainty not in SURE:
        return False
    if not case.expected["is_error_page"]:
        return verdict.is_error_page
    named = verdict.generator is not None and not right(case, verdict, "generator")
    return named or not right(case, verdict, "layer")
