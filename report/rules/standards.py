"""What intermediaries say of themselves by standard, read before any vendor's own tricks.

In: header lines. Out: the members of Proxy-Status (RFC 9209) and Cache-Status (RFC 9211), the hops of Via (RFC 9110
section 7.6.3), the metrics of Server-Timing (W3C), the policy of NEL (W3C), each with the number of its line.
"""

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from capture.record.base import Record
from report.rules.structured import LONGEST, items


class ProxyError(Record):
    """An error type of Proxy-Status."""

    meaning: str
    fault: str | None = None


PROXY_ERRORS: Final = {
    name: ProxyError.model_validate(entry)
    for name, entry in tomllib.loads(
        Path(__file__).parents[1].joinpath("data", "proxy_errors.toml").read_text(encoding="utf-8")
    ).items()
}
"""By the name of the type (RFC 9209 section 2.3)."""

_VIA = re.compile(
    r"\s{0,9}(?:[\w.-]{1,40}/)?([\w.]{1,20})\s{1,9}([^\s,()]{1,255})\s{0,9}(\([^()]{0,255}\))?\s{0,9}(?:,|$)"
)
_METRIC_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_METRIC_PART = re.compile(r';\s{0,9}([A-Za-z]{1,20})\s{0,9}=\s{0,9}(?:"([^"\\]{0,1000})"|([^\s;,"]{1,200}))')


@dataclass(frozen=True)
class Member:
    """One member of a structured list: who, and what it says."""

    line: int
    """Number of the header line, from 0."""
    name: str
    parameters: dict[str, str]


@dataclass(frozen=True)
class Via:
    """One hop that Via names, in the order in which the answer passed."""

    line: int
    protocol: str
    by: str
    comment: str


@dataclass(frozen=True)
class Metric:
    """One metric of Server-Timing; the duration in milliseconds."""

    line: int
    name: str
    duration_ms: float | None
    description: str


@dataclass(frozen=True)
class Reporting:
    """Where browsers report this host's network failures: NEL's group, and the addresses of Report-To."""

    line: int
    max_age_s: int
    endpoints: tuple[str, ...]


def members(lines: Iterable[str]) -> list[Member]:
    """Members of Proxy-Status or Cache-Status, the one nearest the origin first; the malformed are left out."""
    return [Member(number, item.value, item.parameters) for number, line in enumerate(lines) for item in items(line)]


def via(lines: Iterable[str]) -> list[Via]:
    """Hops of Via, the one nearest the origin first."""
    return [
        Via(number, hop[1], hop[2], (hop[3] or "").strip("()"))
        for number, line in enumerate(lines)
        for hop in _VIA.finditer(line[:LONGEST])
    ]


def metrics(lines: Iterable[str]) -> list[Metric]:
    """Metrics of Server-Timing; a duration that is no number is unknown."""
    found = []
    for number, line in enumerate(lines):
        for part in line[:LONGEST].split(","):
            if not (name := _METRIC_NAME.match(part.strip())):
                continue
            said = {key.lower(): quoted or bare for key, quoted, bare in _METRIC_PART.findall(part)}
            found.append(Metric(number, name[0], _number(said.get("dur", "")), said.get("desc", "")))
    return found


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,12}(?:\.\d{1,12})?", text) else None


def reporting(nel: Iterable[str], report_to: Iterable[str]) -> list[Reporting]:
    """NEL's policies in force, with the addresses of the groups they name; a policy of age 0 is a removal."""
    groups = {
        str(group.get("group", "default")): _addresses(group)
        for line in report_to
        for group in _objects(f"[{line[:LONGEST]}]")
    }
    found = []
    for number, line in enumerate(nel):
        for policy in _objects(f"[{line[:LONGEST]}]")[:1]:
            age = policy.get("max_age")
            if isinstance(age, int) and age > 0:
                found.append(Reporting(number, age, groups.get(str(policy.get("report_to", "")), ())))
    return found


def _addresses(group: dict[str, object]) -> tuple[str, ...]:
    endpoints = group.get("endpoints")
    known = endpoints if isinstance(endpoints, list) else []
    return tuple(str(each["url"]) for each in known if isinstance(each, dict) and "url" in each)


def _objects(text: str) -> list[dict[str, object]]:
    """The objects of a JSON list; nothing when it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
