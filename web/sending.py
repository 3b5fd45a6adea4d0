"""The command `attach`. In: a bundle's directory, a target. Out: where the dossier can be seen now."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from capture.errors import BadInput, CaptureError
from capture.policy import ALLOW_ALL

if TYPE_CHECKING:
    from report.deliver.delivery import Delivered
    from report.deliver.targets import Named

SENTENCES: Final = {"written": "Delivered", "created": "A new ticket was made",
                    "seen again": "The same failure was told there before; it says now that it was seen again",
                    "there already": "This case is there already"}


def attach(
    case: Annotated[Path, typer.Argument(help="Directory of a bundle with its dossier.")],
    to: Annotated[str, typer.Option(help="Address of a ticket or project, mailto:, or a name of the targets file.")],
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for the tracker (docs/trackers.md).")] = None,
    link: Annotated[str | None, typer.Option(help="Address under which the dossier can be seen, to be named.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Look whether it would work; write nothing.")] = False,
    allow_network: Annotated[list[str] | None, typer.Option(
        help="Network (CIDR) of the tracker, when it is not public; repeatable.")] = None,
    allow_private: Annotated[bool, typer.Option("--allow-private", help="Allow every network.")] = False,
    targets: Annotated[Path | None, typer.Option(help="The targets file.", envvar="GATEWITNESS_TARGETS")] = None,
    credentials: Annotated[Path | None, typer.Option(
        help="The file of credentials, mode 0600.", envvar="GATEWITNESS_CREDENTIALS")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of it as JSON.")] = False,
) -> None:
    """Bring a dossier to a bug tracker or a help desk. Tokens: docs/trackers.md; never as an option."""
    from report.deliver import delivery
    from report.deliver.parcel import parcel
    from web.delivering import opened, settings

    home = settings(os.environ)
    networks = (*(allow_network or ()), *(ALLOW_ALL if allow_private else ()))
    with _in_a_sentence():
        named = _named(to, targets or home / "targets.toml", targets is not None, option or [])
        with (tempfile.TemporaryDirectory(prefix="gatewitness-") as scratch,
              opened(named, credentials or home / "credentials.toml", networks) as tracker):
            sent = parcel(case, Path(scratch))
            if check:
                account = tracker.check()
                typer.echo(f"{tracker.name} takes it" + (f", as {account.name}." if account.name else "."))
                return
            _tell(delivery.deliver(tracker, sent, _link(link)), as_json)


def _named(to: str, path: Path, must_be_there: bool, options: list[str]) -> "Named":
    from report.deliver import targets

    known = targets.read(path) if must_be_there or path.is_file() else {}
    pairs = [option.partition("=") for option in options]
    if not all(sign and name for name, sign, _ in pairs):
        raise BadInput("--option wants NAME=VALUE")
    return targets.find(to, known, {name: value for name, _, value in pairs})


def _link(text: str | None) -> str | None:
    if text is not None and not (text.startswith(("https://", "http://")) and text.isprintable() and " " not in text):
        raise BadInput("--link wants an address, https://...")
    return text


def _tell(delivered: "Delivered", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(delivered), ensure_ascii=True, indent=1))
        return
    typer.echo(f"{SENTENCES[delivered.what]}{f': {delivered.link}' if delivered.link else '.'}")
    for line in (*(f"  {name}" for name in delivered.files), *(f"  {sentence}" for sentence in delivered.left_out)):
        typer.echo(line)


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    """Failures of a delivery in the errors of the command line."""
    from report.deliver.base import BadTarget, DeliveryFailed

    try:
        yield
    except KeyboardInterrupt:
        typer.echo("gatewitness: interrupted; run it again: what is there already is not sent twice", err=True)
        raise typer.Exit(130) from None
    except BadTarget as error:
        raise BadInput(str(error)) from error
    except DeliveryFailed as error:
        raise CaptureError(str(error)) from error
