"""The commands `admin ...`, for whoever may read the data directory. In: its path. Out: copies, findings, links."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture.errors import BadInput
from web.config import Config, load

if TYPE_CHECKING:
    from web.store.database import Database

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
Data = Annotated[Path | None, typer.Option(help=f"Directory of database and cases.  [default: {Config().data}]")]
Settings = Annotated[Path | None, typer.Option("--config", help="TOML file with settings; these options win over it.")]


@app.command()
def backup(target: Annotated[Path, typer.Argument(help="Tar file to write.")], data: Data = None,
           config: Settings = None) -> None:
    """Copy everything into one file, also while the service runs. The copy is as secret as the original."""
    from web.store import backup as copies

    count = copies.write(_settings(data, config).data, target)
    typer.echo(f"{target}: {_cases(count)}")


@app.command()
def restore(source: Annotated[Path, typer.Argument(help="Tar file that `backup` wrote.")], data: Data = None,
            config: Settings = None) -> None:
    """Make a data directory of a copy; it must be empty or not there."""
    from web.store import backup as copies

    place = _settings(data, config).data
    count = copies.restore(source, place)
    typer.echo(f"{place}: {_cases(count)}")
    _tell(copies.verify_all(place))


@app.command("verify-all")
def verify_all(data: Data = None, config: Settings = None) -> None:
    """Check every case against its seal and the database; exit status 1 when something differs."""
    from web.store import backup as copies

    _tell(copies.verify_all(_settings(data, config).data))


@app.command()
def expire(data: Data = None, config: Settings = None) -> None:
    """Delete now what is too old or too much, as the service does every hour."""
    from web.store import retention
    from web.store.files import Folder

    settings = _settings(data, config)
    with _database(settings) as database:
        gone = retention.expire(database, Folder(settings.data), settings)
    typer.echo(f"deleted: {_cases(len(gone))}")


@app.command()
def link(name: Annotated[str | None, typer.Argument(help="User; without one, the first administrator.")] = None,
         data: Data = None, config: Settings = None) -> None:
    """Print a link, good once and for three days, by which a password is set."""
    from web.access import invitations, users

    settings = _settings(data, config)
    with _database(settings) as database, database.transaction() as db:
        if name is None and users.has_team(db):
            raise BadInput("there are users already; name the one whose password is to be set")
        user = None if name is None else users.by_name(db, name)
        if name is not None and (user is None or user.name == users.LOCAL):
            raise BadInput(f"there is no user {name!r}")
        token = invitations.invite(db, user)
    typer.echo(invitations.link(settings, f"http://{settings.host}:{settings.port}", token))


def _settings(data: Path | None, config: Path | None) -> Config:
    return load({"data": data, "config": config})


@contextmanager
def _database(settings: Config) -> "Iterator[Database]":
    from web.store import database, migrations

    if not (settings.data / database.FILE).is_file():
        raise BadInput(f"{settings.data} is no data directory of gatewitness: it has no {database.FILE}")
    opened = database.Database(settings.data)
    try:
        migrations.upgrade(opened)
        yield opened
    finally:
        opened.close()


def _tell(findings: Iterator[str]) -> None:
    found = False
    for line in findings:
        found = True
        typer.echo(line)
    if found:
        raise typer.Exit(1)
    typer.echo("every case is as it was sealed")


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count:,} cases"
