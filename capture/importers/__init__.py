"""Files from somebody else's browser, made into the same evidence as a capture. In: uploads. Out: a sealed bundle.

    from capture.importers import Options, Upload, bring

    bundle = bring([Upload("shop.har", data)], Path("case"), Options(note="new firewall rule at 02:10"))

A HAR (also in Playwright's ZIP), pictures, saved pages and the output of curl are told apart by their content. Several
files make one case. Nothing is contacted, and nothing of a file is written that was not masked first.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from capture.errors import BadInput, CaptureError
from capture.importers import archive, case, curl, detect, har, mhtml, picture, saved
from capture.importers.given import Options, Upload, bad, bounded
from capture.importers.part import Part
from capture.importers.texts import text_of
from capture.policy import canonical
from capture.record.bundle import Bundle, BundleError, BundleWriter

__all__ = ["Options", "Upload", "bring"]
TOO_MUCH = "the files hold more than fits into memory; record the page alone"


def bring(files: Sequence[Upload], directory: Path, options: Options | None = None) -> Bundle:
    """Makes one case of these files in an empty directory.

    Raises BadInput with one sentence for the first file that cannot be taken, and CaptureError when the directory
    cannot be written; nothing is left behind then.
    """
    given = bounded(tuple(files))
    options = options or Options()
    options = options if options.url is None else options.model_copy(update={"url": canonical(options.url)})
    now = options.now or datetime.now(UTC)
    try:
        parts = tuple(_part(file, options, now) for file in given)
    except MemoryError:
        raise BadInput(TOO_MUCH) from None
    try:
        writer = BundleWriter(directory)
    except BundleError as error:
        raise CaptureError(str(error)) from error
    try:
        return case.write(parts, given, options, now, writer)
    except MemoryError:
        writer.discard()
        raise BadInput(TOO_MUCH) from None
    except OSError as error:
        writer.discard()
        raise CaptureError(str(error) if isinstance(error, BundleError) else
                           f"cannot write to {directory}: {error.strerror or error}") from error
    except BaseException:
        writer.discard()
        raise


def _part(file: Upload, options: Options, now: datetime) -> Part:
    """One file, read as what it is."""
    kind = detect.kind_of(file)
    if kind == "picture":
        return picture.part(file.name, file.data)
    if kind == "zip":
        packed = archive.Archive(file)
        return har.part(file.name, packed.har(), options, now, kind="har-zip", attachment=packed.read)
    if kind == "mhtml":
        return mhtml.part(file.name, file.data)
    text = text_of(file.data)
    if text is None:
        raise bad(file.name, detect.NONE)
    if kind == "json":
        return har.part(file.name, text, options, now)
    return curl.part(file.name, text, options, now) if kind == "curl" else saved.part(file.name, text)
