"""What of a case can be saved. In: the names and sizes in its manifests. Out: buttons with words and sizes."""

import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from report.signatures import OWNER, vendors
from report.units import size

PACKS: Final = "report/packs/"
_IN_MEMORY: Final = 4_000_000
"""Size up to which a pack is put together in memory, bytes."""


@dataclass(frozen=True)
class File:
    """One file to save."""

    path: str
    """As the manifests spell it."""
    title: str

    @property
    def name(self) -> str:
        """The same as addresses spell it."""
        return self.path.removeprefix("report/")


@dataclass(frozen=True)
class Pack:
    """The files for one addressee."""

    folder: str
    title: str
    size: str


DOWNLOADS: Final = (File("report/dossier.pdf", "PDF"), File("report/dossier.html", "HTML"),
                    File("report/dossier.zip", "ZIP with everything"), File("page.har", "HAR"))


def downloads(names: Mapping[str, int]) -> list[File]:
    """Those of the usual files that this case has."""
    return [file for file in DOWNLOADS if file.path in names]


def packs(names: Mapping[str, int]) -> list[Pack]:
    """The packs of a case, the owner's first."""
    sizes: dict[str, int] = {}
    for path, count in names.items():
        folder, _, inner = path.removeprefix(PACKS).partition("/")
        if path.startswith(PACKS) and inner:
            sizes[folder] = sizes.get(folder, 0) + count
    return [Pack(folder, _addressee(folder), size(sizes[folder]))
            for folder in sorted(sizes, key=lambda folder: (folder != OWNER, folder))]


def zipped(members: Mapping[str, Path]) -> IO[bytes]:
    """A ZIP of these files, by their names in it; large ones are put together on disk."""
    made = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in members.items():
            archive.write(path, name)
    made.seek(0)
    return made


def _addressee(folder: str) -> str:
    if folder == OWNER:
        return "for the site’s owner"
    return f"for {next((vendor.name for vendor in vendors() if vendor.slug == folder), folder)}"
