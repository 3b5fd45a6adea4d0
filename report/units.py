"""Values as people read them. In: times, durations, sizes, certificates. Out: short words."""

from datetime import datetime

from capture.record.base import Header
from capture.record.network import Certificate, TlsProbe


def moment(at: datetime, *, zone: bool = True) -> str:
    """A time to the second, for example 2026-11-20 07:41:02 UTC."""
    return at.strftime("%Y-%m-%d %H:%M:%S") + (" UTC" if zone else "")


def milliseconds(value: float | None) -> str:
    """A duration to read: 31 ms, 1.24 s; an en dash when unknown."""
    if value is None:
        return "–"
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def size(value: int | None) -> str:
    """A number of bytes to read: 812 B, 5.2 kB, 1.4 MB; an en dash when unknown."""
    if value is None:
        return "–"
    if value < 1000:
        return f"{value} B"
    return f"{value / 1000:.1f} kB" if value < 1_000_000 else f"{value / 1_000_000:.1f} MB"


def header_value(headers: tuple[Header, ...], name: str) -> str:
    """Values of a field, joined by commas; empty when absent."""
    return ", ".join(h.value for h in headers if h.name.lower() == name)


def validity(probe: TlsProbe, at: datetime) -> str:
    """How long the leaf is still valid, or for how long it no longer is, at the time of capture."""
    if not probe.chain:
        return "no certificate received"
    return remaining(probe.chain[0], at)


def remaining(certificate: Certificate, at: datetime) -> str:
    """How long a certificate is still valid, or for how long it no longer is, at the time of capture."""
    if at < certificate.not_before:
        return f"not valid before {moment(certificate.not_before)}"
    days = (certificate.not_after - at).total_seconds() / 86_400
    if days < 0:
        return f"expired {_days(-days)} before this capture"
    return f"valid for {_days(days)} more"


def _days(days: float) -> str:
    whole = int(days)
    return "less than a day" if whole == 0 else f"{whole:,} day{'' if whole == 1 else 's'}"
