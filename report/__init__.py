"""Everything that interprets. In: a sealed bundle. Out: a diagnosis and a dossier. Touches nothing but the bundle."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from report.dossier import Dossier


def build_dossier(bundle: str | Path, *, pdf: bool = True, vendors: str | Path | None = None) -> "Dossier":
    """Makes the dossier of the bundle in this directory again, in its `report/`, without browser and network.

    `pdf` makes the PDF too; `vendors` is a directory with vendor files of your own. Raises
    capture.record.bundle.BundleError when the directory is no bundle or cannot be written to,
    capture.record.codec.UnreadableRecord when the evidence is not understood, and report.signatures.BadSignature for a
    bad vendor file.
    """
    # Not at the top: whoever only diagnoses must not wait for the renderer.
    from report.dossier import build
    from report.signatures import with_private

    return build(Path(bundle), pdf=pdf, known=None if vendors is None else with_private(Path(vendors)))
