"""Which files go along. In: what there is, what the tracker takes. Out: the files, and a sentence for each left out.

Types come first: what is not taken is left out. Of the rest the highest rung goes along that fits as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from report.deliver.base import Limits, Unfit
from report.units import size

PDF: Final = "dossier.pdf"
HTML: Final = "dossier.html"
SMALL: Final = "dossier-small.html"
HAR: Final = "page.har"
PICTURE: Final = "screenshot"
RUNGS: Final = ((PDF, HTML, HAR), (PDF, HTML), (HTML,), (SMALL,), (PICTURE,), ())
"""From the best on, by names on the ladder; what does not exist counts as none."""
FORMS: Final = (SMALL, PICTURE)
"""Smaller forms of others, missed by nobody."""


@dataclass(frozen=True)
class Offer:
    """A file that could go along."""

    name: str
    media_type: str
    what: str
    """In words, for example "the whole dossier, opens in any browser"."""
    source: Path

    @cached_property
    def size(self) -> int:
        """Bytes."""
        return self.source.stat().st_size

    def read(self) -> bytes:
        """Its bytes."""
        return self.source.read_bytes()


@dataclass(frozen=True)
class Choice:
    """What goes along."""

    offers: tuple[Offer, ...]
    left_out: tuple[str, ...]
    """A sentence for each file that was not taken along."""


def choose(offers: Mapping[str, Offer], limits: Limits) -> Choice:
    """The highest rung that fits; every other file of the ladder is named with its reason."""
    taken = {name: offer for name, offer in offers.items() if _takes(limits, offer.name)}
    for rung in RUNGS:
        chosen = tuple(taken[name] for name in rung if name in taken)
        if _fits(chosen, limits) and (chosen or not rung):
            missed = (offer for name, offer in offers.items() if offer not in chosen and name not in FORMS)
            return Choice(chosen, tuple(_why(offer, limits) for offer in missed))
    raise AssertionError("the last rung is empty and always fits")


def narrowed(limits: Limits, offer: Offer, why: Unfit) -> Limits:
    """The limits, when this file was turned away."""
    if why == "size":
        return replace(limits, below=offer.size)
    return replace(limits, refused=(*limits.refused, Path(offer.name).suffix.lower()))


def _takes(limits: Limits, name: str) -> bool:
    ending = Path(name).suffix.lower()
    return ending not in limits.refused and (limits.types is None or ending in limits.types)


def _fits(chosen: tuple[Offer, ...], limits: Limits) -> bool:
    sizes = [offer.size for offer in chosen]
    return (max(sizes, default=0) <= limits.file_bytes
            and (limits.below is None or max(sizes, default=0) < limits.below)
            and (limits.total_bytes is None or sum(sizes) <= limits.total_bytes)
            and (limits.files is None or len(sizes) <= limits.files))


def _why(offer: Offer, limits: Limits) -> str:
    if limits.files == 0:
        return f"{offer.name} is left out: {limits.no_files}."
    if not _takes(limits, offer.name):
        return f"{offer.name} is left out: files of this type are not taken here."
    if offer.size > limits.file_bytes:
        return (f"{offer.name} is left out: it is {size(offer.size)}, and {size(limits.file_bytes)} is the most that "
                "is taken here.")
    if limits.below is not None and offer.size >= limits.below:
        return f"{offer.name} is left out: it is {size(offer.size)}, which was turned away here as too large."
    return f"{offer.name} ({size(offer.size)}) is left out: together the files are more than is taken here."
