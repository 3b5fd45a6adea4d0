"""The seal of a report: its own manifest, and the bundle that it was made from."""

from collections.abc import Iterable
from typing import Literal

from capture.record import seal
from capture.record.base import Record


class ReportManifest(Record):
    """Every file of a report directory, and the fingerprint of the bundle that the report speaks of."""

    schema_version: Literal[1] = 1
    """Version of this format."""
    case: str
    """Case number of the bundle."""
    bundle_fingerprint: str
    """Fingerprint of the bundle, hexadecimal."""
    fingerprint: str
    """SHA-256 of the text that `sha256sum` would print for the report's files sorted by path, hexadecimal."""
    files: tuple[seal.FileEntry, ...]
    """Sorted by path, relative to the report directory."""

    @classmethod
    def over(cls, bundle: seal.Manifest, files: Iterable[seal.FileEntry]) -> "ReportManifest":
        """The manifest of these files, made from this bundle."""
        own = seal.manifest(files)
        return cls(case=bundle.case, bundle_fingerprint=bundle.fingerprint, fingerprint=own.fingerprint,
                   files=own.files)

    def own(self) -> seal.Manifest:
        """The report's files as a manifest of their own, for comparing."""
        return seal.Manifest(case=seal.case_number(self.fingerprint), fingerprint=self.fingerprint, files=self.files)
