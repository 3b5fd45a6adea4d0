"""The command `submit`. In: a URL, a server. Out: what the server found, its dossier; exit statuses as `capture`."""

import json
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from capture.errors import BadInput, CaptureError, Refused

_ACTING: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
TOKEN_HELP: Final = "API token. Better in GATEWITNESS_TOKEN: everybody on this machine can read arguments."


def submit(
    url: Annotated[str, typer.Argument(help="The address, http or https.")],
    server: Annotated[str, typer.Option(help="Address of the service.", envvar="GATEWITNESS_SERVER")],
    token: Annotated[str | None, typer.Option(
        help=TOKEN_HELP, envvar="GATEWITNESS_TOKEN", show_envvar=False)] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it has ended.")] = False,
    out: Annotated[Path | None, typer.Option(help="Empty directory for the dossier; waits.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the capture as the API tells it.")] = False,
    fail_on_fault: Annotated[bool, typer.Option("--fail-on-fault", help="Exit 1 on a fault; waits.")] = False,
    seen: Annotated[str | None, typer.Option(help="What you saw, in your words.")] = None,
    note: Annotated[str | None, typer.Option(help="For the dossier, for example recent changes.")] = None,
    timeout: Annotated[float, typer.Option(help="Longest wait for the server, seconds.", min=1, max=86_400)] = 900.0,
) -> None:
    """Ask a service for a capture; with --wait, tell what it found."""
    from web.client import Client, is_faulty

    if out is not None and out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise BadInput(f"{out} is there already and not an empty directory")
    client = Client(server, token or None, patience_s=timeout)
    asked = {name: value for name, value in (("url", url), ("seen", seen), ("note", note)) if value is not None}
    found = client.submit(asked, secrets.token_urlsafe(24))
    if not (wait or out is not None or fail_on_fault):
        _print(found, as_json, f"Accepted. Follow it under {client.page(found)}")
        return
    found = client.wait(found, _progress())
    _check(found)
    saved = client.download(found, out) if out is not None else []
    _print(found, as_json, *(f"Saved: {path}" for path in saved), f"Case: {client.page(found)}")
    raise typer.Exit(1 if fail_on_fault and is_faulty(found) else 0)


def _check(found: Mapping[str, Any]) -> None:
    """Raises what the command line turns into an exit status, when there is no result."""
    state, reason = found.get("state"), str(found.get("reason") or "")
    if state == "refused":
        raise Refused(reason or "the server refused the address")
    if state not in ("done", "cut-short"):
        raise CaptureError(reason or f"the capture ended as {state}")


def _print(found: Mapping[str, Any], as_json: bool, *more: str) -> None:
    from web.client import lines

    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=True, indent=1))
        return
    for line in (*(lines(found) if found.get("verdict") else ()), *more):
        typer.echo(_ACTING.sub("\N{REPLACEMENT CHARACTER}", line))


def _progress() -> Callable[[Mapping[str, Any]], None]:
    """A line a state on a terminal; nothing where nobody watches."""
    last = ""

    def show(found: Mapping[str, Any]) -> None:
        nonlocal last
        state = str(found.get("state"))
        if state != last and sys.stderr.isatty():
            typer.echo(_ACTING.sub("", f"  {state}"), err=True)
        last = state

    return show
