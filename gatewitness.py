"""The command line: parse, call one library function, print, map errors to exit statuses.

0 captured, whatever the site did · 1 a fault with --fail-on-fault, or a bundle that `verify` finds changed · 2 usage ·
3 refused by policy · 4 something is not installed · 5 our own failure · 130 interrupted twice.
"""

import asyncio
import json
import os
import re
import signal
import sys
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from capture.errors import BadInput, CaptureError, NotInstalled, Refused
from capture.policy import ALLOW_ALL, admit
from capture.record.base import Header
from capture.record.request import CaptureRequest, Limits, StepRecord, Viewport
from capture.record.seal import MANIFEST
from web import cli

if TYPE_CHECKING:
    from report.diagnosis import Diagnosis
    from report.pdf import PdfWorker
    from report.signatures import Vendor

    Known = tuple[Vendor, ...] | None

EXIT = {BadInput: 2, Refused: 3, NotInstalled: 4, CaptureError: 5}
SIGNS = {"working": "✓", "faulty": "✕", "undetermined": "?", "not-reached": "·"}
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  help="A witness for broken web pages: from a URL to a dossier that names the failing layer.")

vendors_app = typer.Typer(help="The vendors that are recognised; `check FILE` tries a file of your own.",
                          rich_markup_mode=None)
app.add_typer(vendors_app, name="vendors")
app.add_typer(cli.app)
Private = Annotated[Path | None, typer.Option("--vendors", help="Directory of your own vendor files.")]


def say(line: str = "") -> None:
    """One line for the user; control characters of the page never reach the terminal."""
    typer.echo(re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "\N{REPLACEMENT CHARACTER}", line))


@app.command()
def capture(
    url: Annotated[str, typer.Argument(help="The address, http or https.")],
    out: Annotated[Path | None, typer.Option(help="Empty directory for bundle and dossier.")] = None,
    allow_private: Annotated[bool, typer.Option("--allow-private", help="Allow non-public addresses.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds for the whole capture.", min=1, max=600)] = Limits().total_s,
    note: Annotated[str | None, typer.Option(help="For the dossier, for example recent changes.")] = None,
    seen: Annotated[str | None, typer.Option(help="What you saw, in your words.")] = None,
    no_pdf: Annotated[bool, typer.Option("--no-pdf", help="Leave the PDF out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict alone, as JSON.")] = False,
    fail_on_fault: Annotated[bool, typer.Option("--fail-on-fault", help="Exit 1 when something is broken.")] = False,
    header: Annotated[list[str] | None, typer.Option(help="NAME:VALUE for the page's own host; repeatable.")] = None,
    user_agent: Annotated[str | None, typer.Option(help="User-Agent to send.")] = None,
    viewport: Annotated[str, typer.Option(help="Window, WIDTHxHEIGHT in pixels.")] = "1280x800",
    locale: Annotated[str, typer.Option(help="Language, BCP 47.")] = "en-US",
    timezone: Annotated[str | None, typer.Option(help="IANA time zone of the page.")] = None,
    resolver: Annotated[list[str] | None, typer.Option(help="Further DNS resolver to compare; repeatable.")] = None,
    vendors: Private = None,
) -> None:
    """Load a page, record everything, say what failed, write the dossier."""
    request = CaptureRequest(
        url=url, allow_networks=ALLOW_ALL if allow_private else (), headers=tuple(map(_header, header or ())),
        user_agent=user_agent, viewport=_viewport(viewport), locale=_locale(locale), timezone=_timezone(timezone),
        note=note, seen=seen, resolvers=tuple(resolver or ()), limits=Limits(total_s=timeout))
    _admit(request)
    known = _known(vendors)
    directory = out or Path(_directory_name(url))
    try:
        diagnosis, failure = asyncio.run(_capture(request, directory, known, pdf=not no_pdf))
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        kept = f"the capture is kept, gatewitness report {directory} writes its dossier"
        _fail(130, "interrupted; " + (kept if (directory / MANIFEST).is_file() else "nothing is left of it"), error)
    _tell(diagnosis, directory, as_json=as_json)
    if failure is not None:
        raise CaptureError(f"the browser could not look at the page ({failure}); the dossier holds what the probes saw")
    raise typer.Exit(1 if fail_on_fault and _is_faulty(diagnosis) else 0)


@app.command("import")
def bring(
    files: Annotated[list[Path], typer.Argument(
        metavar="FILE...", help="HAR (or ZIP of one), screenshot, saved page, output of curl -v; - is standard input")],
    url: Annotated[str | None, typer.Option(help="The address they speak of; of a HAR, the request meant.")] = None,
    out: Annotated[Path | None, typer.Option(help="Empty directory for bundle and dossier.")] = None,
    note: Annotated[str | None, typer.Option(help="For the dossier, for example recent changes.")] = None,
    seen: Annotated[str | None, typer.Option(help="What you saw, in your words.")] = None,
    no_pdf: Annotated[bool, typer.Option("--no-pdf", help="Leave the PDF out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict alone, as JSON.")] = False,
    fail_on_fault: Annotated[bool, typer.Option("--fail-on-fault", help="Exit 1 when something is broken.")] = False,
    vendors: Private = None,
) -> None:
    """Make one dossier of files from another browser; nobody is contacted."""
    from capture import importers
    from report import dossier

    known = _known(vendors)
    uploads = [importers.Upload("stdin" if path.name == "-" else path.name, _content(path)) for path in files]
    directory = out or Path(_directory_name(url or "import"))
    importers.bring(uploads, directory, importers.Options(url=url, note=note, seen=seen))
    built = dossier.build(directory, pdf=not no_pdf, known=known)
    for warning in built.warnings:
        typer.echo(f"gatewitness: {warning}", err=True)
    _tell(built.diagnosis, directory, as_json=as_json)
    raise typer.Exit(1 if fail_on_fault and _is_faulty(built.diagnosis) else 0)


def _content(path: Path) -> bytes:
    """A file's bytes, or those of standard input; one more than are taken is as many as are read."""
    from capture.importers.given import FILE_BYTES

    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as stream:
            return stream.read(FILE_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error


def _tell(diagnosis: "Diagnosis", directory: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(diagnosis.verdict.model_dump(mode="json"), ensure_ascii=False, indent=1))
    else:
        _print(diagnosis)
        say(f"\nDossier: {directory / 'report' / 'dossier.html'}")


def _is_faulty(diagnosis: "Diagnosis") -> bool:
    return diagnosis.verdict.is_error_page or diagnosis.verdict.fault_code is not None


async def _capture(request: CaptureRequest, directory: Path, known: "Known", *,
                   pdf: bool) -> tuple["Diagnosis", str | None]:
    """Diagnosis, and why the browser could not look; the PDF renderer gets ready while the browser works."""
    from capture import pipeline

    stop = asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def interrupted() -> None:
        if stop.is_set():  # the second one gives up in order, the third at once
            loop.remove_signal_handler(signal.SIGINT)
            task.cancel()
        stop.set()

    def ahead() -> "PdfWorker":
        from report import dossier

        return dossier.prepare(request.limits, pdf=pdf)

    loop.add_signal_handler(signal.SIGINT, interrupted)
    getting_ready = asyncio.ensure_future(asyncio.to_thread(ahead))
    try:
        bundle = await pipeline.capture(request, directory, stop=stop, progress=_progress())
    except BaseException:
        (await getting_ready).close()
        raise
    from report import dossier

    built = await asyncio.to_thread(dossier.build, directory, pdf=pdf, worker=await getting_ready, known=known)
    for warning in built.warnings:
        typer.echo(f"gatewitness: {warning}", err=True)
    page = bundle.evidence.steps[-1]
    return built.diagnosis, page.reason if page.status == "failed" else None


def _progress() -> Callable[[StepRecord], None]:
    """A line a step on a terminal; nothing where nobody watches."""
    if not sys.stderr.isatty():
        return lambda record: None
    from rich.console import Console

    console = Console(stderr=True, highlight=False)

    def show(record: StepRecord) -> None:
        reason = f"  {record.reason}" if record.reason and record.status != "skipped" else ""
        style = "dim" if record.status in ("done", "skipped") else "bold"
        console.print(f"  {record.name:<11}{record.status:<10}{record.duration_ms or 0:>7.0f} ms{reason}", style=style,
                      markup=False)

    return show


def _print(diagnosis: "Diagnosis") -> None:
    from report.failure_path import turned_away
    from report.wording import state

    verdict = diagnosis.verdict
    say(verdict.summary)
    facts = [f"certainty: {verdict.certainty}"]
    facts += [f"{name}: {value}" for name, value in (
        ("status", verdict.status), ("fault", verdict.fault_code), ("request id", verdict.request_id)) if value]
    say("  ".join(facts))
    if diagnosis.warning:
        say(f"Note: {diagnosis.warning}")
    say()
    stop = turned_away(diagnosis.hops, verdict)
    for at, hop in enumerate(diagnosis.hops):
        told = state(hop.state, verdict.certainty)[2:]
        more = ", ".join(filter(None, (hop.detail, stop.words if stop and stop.at == at else "")))
        say(f"  {SIGNS[hop.state]} {hop.name:<16} {told:<14} {more}".rstrip())


@app.command()
def diagnose(
    bundle: Annotated[Path, typer.Argument(help="Directory of a bundle, or a screenshot (PNG, JPEG, WebP).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole diagnosis as JSON.")] = False,
    vendors: Private = None,
) -> None:
    """Diagnose a bundle again, or a screenshot alone, without browser and network."""
    from capture.record import codec

    diagnosis = (_picture if bundle.is_file() else _bundle)(bundle, _known(vendors))
    typer.echo(codec.dump(diagnosis).decode()) if as_json else _print(diagnosis)


def _bundle(directory: Path, known: "Known") -> "Diagnosis":
    """A bundle's diagnosis, its screenshot heard as a witness."""
    from capture.record.bundle import Bundle
    from report import pictures
    from report.diagnose import diagnose as judge

    bundle = Bundle(directory)
    return judge(bundle.evidence, known=known, picture=pictures.witness(bundle))


def _picture(path: Path, known: "Known") -> "Diagnosis":
    """What a screenshot alone says."""
    from capture.importers import picture
    from report import imported

    data = _content(path)
    return imported.diagnose(picture.evidence(path.name, data, datetime.now(UTC)), data, known)


@app.command()
def report(
    bundle: Annotated[Path, typer.Argument(help="Directory of a bundle.")],
    no_pdf: Annotated[bool, typer.Option("--no-pdf", help="Leave the PDF out.")] = False,
    vendors: Private = None,
) -> None:
    """Write the dossier of a bundle again."""
    from report import dossier

    built = dossier.build(bundle, pdf=not no_pdf, known=_known(vendors))
    for warning in built.warnings:
        typer.echo(f"gatewitness: {warning}", err=True)
    say(f"Dossier: {bundle / 'report' / 'dossier.html'}")


@app.command()
def verify(path: Annotated[Path, typer.Argument(help="Directory of a bundle, or dossier.zip.")]) -> None:
    """Recompute every hash and name what differs."""
    from report.verify import verify as check

    differences = check(path)
    for difference in differences:
        say(difference)
    if differences:
        say(f"{path}: {len(differences)} difference{'s' if len(differences) > 1 else ''}; this is not what was sealed")
        raise typer.Exit(1)
    say(f"{path}: every file is as it was sealed")


@vendors_app.callback(invoke_without_command=True)
def vendors(context: typer.Context, folder: Private = None) -> None:
    """List slug, name, layer and number of signatures of every vendor."""
    from report.signatures import vendors as ours
    from report.vendor_check import listing

    if context.invoked_subcommand is None:
        for line in listing(_known(folder) or ours()):
            say(line)


@vendors_app.command("check")
def check_vendor(file: Annotated[Path, typer.Argument(help="A vendor file, SLUG.toml.")]) -> None:
    """Read a vendor file strictly; print its first error, or what each signature matched of its sample."""
    from report.signatures import BadSignature
    from report.vendor_check import check

    try:
        for line in check(file):
            say(line)
    except BadSignature as error:
        say(str(error))
        raise typer.Exit(1) from None


def _known(folder: Path | None) -> "Known":
    """Our vendors and those of a private folder; None, which means ours, when there is none."""
    if folder is None:
        return None
    from report.signatures import BadSignature, with_private

    try:
        return with_private(folder)
    except BadSignature as error:
        raise BadInput(f"--vendors: {error}") from error


@app.command()
def doctor() -> None:
    """Tell what is installed and what is missing."""
    from capture.doctor import check

    rows = check()
    for row in rows:
        say(f"  {'✓' if row.ok else '✕'} {row.name:<18} {row.detail}" + (f"\n      {row.remedy}" if row.remedy else ""))
    raise typer.Exit(0 if all(row.ok for row in rows) else 4)


@app.command()
def schema(directory: Annotated[Path, typer.Argument(help="Where to write.")] = Path("docs/schema")) -> None:
    """Write the JSON Schemas of evidence, manifest and diagnosis."""
    from capture.record import codec
    from capture.record.bundle import write_file
    from capture.record.evidence import Evidence
    from capture.record.seal import Manifest
    from report.diagnosis import Diagnosis

    for name, kind in (("evidence", Evidence), ("manifest", Manifest), ("diagnosis", Diagnosis)):
        write_file(directory / f"{name}.schema.json", codec.to_json(codec.schema(kind)))


def _admit(request: CaptureRequest) -> None:
    """Refuses what the policy refuses, and says when an option would allow it."""
    try:
        admit(request.url, request.allow_networks)
    except Refused as refusal:
        try:
            admit(request.url, ALLOW_ALL)
        except Refused:
            raise refusal from None
        raise Refused(f"{refusal}; --allow-private would allow it") from None


def _header(text: str) -> Header:
    name, colon, value = text.partition(":")
    if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[\r\n\0]", value):
        raise BadInput("--header wants NAME:VALUE, for example --header 'X-Test: 1'")
    return Header(name=name, value=value.strip())


def _viewport(text: str) -> Viewport:
    match = re.fullmatch(r"(\d{3,4})x(\d{3,4})", text)
    if not match or not (100 <= int(match[1]) <= 7680 and 100 <= int(match[2]) <= 4320):
        raise BadInput("--viewport wants WIDTHxHEIGHT from 100x100 to 7680x4320, for example 1280x800")
    return Viewport(width=int(match[1]), height=int(match[2]))


def _locale(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", text):
        raise BadInput("--locale wants a language tag, for example de-DE")
    return text


def _timezone(name: str | None) -> str | None:
    if name is not None and name not in zoneinfo.available_timezones():
        raise BadInput(f"--timezone {name!r} is not an IANA time zone, for example Europe/Berlin")
    return name


def _directory_name(url: str) -> str:
    host = re.sub(r"[^a-z0-9.-]+", "-", url.split("//")[-1].split("/")[0].rpartition("@")[2].lower()).strip("-.")[:60]
    return f"gatewitness-{host or 'capture'}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def main() -> None:
    """Runs the command and turns every failure into one sentence and an exit status."""
    try:
        app()
    except CaptureError as error:
        _fail(EXIT[type(error)], str(error), error)
    except (OSError, ValueError) as error:
        _fail(5, str(error), error)
    except Exception as error:  # noqa: BLE001 - the front door: a user gets a sentence, never a traceback
        _fail(5, f"this is our own failure: {type(error).__name__}: {error}", error)


def _fail(code: int, sentence: str, error: BaseException) -> NoReturn:
    if os.environ.get("GATEWITNESS_DEBUG"):
        raise error
    typer.echo(f"gatewitness: {sentence}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
