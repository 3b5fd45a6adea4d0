"""Chromium's names of failures, translated in one place. In: net::ERR_*. Out: a fault code of report/data/faults."""

import tomllib
from pathlib import Path
from typing import Final

ERRORS: Final[dict[str, str]] = tomllib.loads(
    Path(__file__).parents[1].joinpath("data", "errors.toml").read_text(encoding="utf-8")
)
"""Fault by name of the failure."""


def fault_of(error: str) -> str:
    """The fault that a failure stands for; network.failed when the name says nothing known."""
    return ERRORS.get(error, "tls.invalid" if error.startswith("net::ERR_CERT_") else "network.failed")
