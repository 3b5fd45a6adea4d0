"""The commands of the service. In: options. Out: a service that runs, or the answer of one.

Nothing heavy is loaded before a command runs: `capture` goes through this module too.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from web import admin
from web.asking import submit
from web.config import Config, load
from web.sending import attach

app = typer.Typer(rich_markup_mode=None)
"""Its commands stand beside those of gatewitness.py."""
DEFAULT: Final = Config()
Data = Annotated[Path | None, typer.Option(help=f"Directory of database and cases.  [default: {DEFAULT.data}]")]
Settings = Annotated[Path | None, typer.Option("--config", help="TOML file with settings; these options win over it.")]

app.command()(submit)
app.command()(attach)
app.add_typer(admin.app, name="admin", help="Copies, retention and links of a service, by whoever may read its data.")


@app.command()
def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help=f"Address to listen at.  [default: {DEFAULT.host}]")] = None,
    port: Annotated[int | None, typer.Option(help=f"Port; 0 takes a free one.  [default: {DEFAULT.port}]")] = None,
    workers: Annotated[int | None, typer.Option(help="Captures at a time.  [default: by cores]")] = None,
    threads: Annotated[int | None, typer.Option(
        help=f"Threads that answer requests.  [default: {DEFAULT.threads}]")] = None,
    public_url: Annotated[str | None, typer.Option(help="Address that users type, with a proxy in front.")] = None,
    trusted_host: Annotated[list[str] | None, typer.Option(
        help="Further name that may stand in Host; repeatable.")] = None,
    proxies: Annotated[int | None, typer.Option(help="Proxies in front whose X-Forwarded-* is believed.")] = None,
    allow_network: Annotated[list[str] | None, typer.Option(
        help="Network (CIDR) that is not public and may be captured; repeatable.")] = None,
    retention_days: Annotated[int | None, typer.Option(
        help=f"Days until a case is deleted; 0: never.  [default: {DEFAULT.retention_days}]")] = None,
    patience: Annotated[float, typer.Option(help="Seconds that captures get to end in when it is stopped.", min=0,
                                            max=3600)] = 30.0,
    config: Settings = None,
) -> None:
    """Run the service: form, case pages, API, captures. Every setting also has a variable: docs/service.md."""
    from web.workers.serve import serve as run

    given = {"data": data, "host": host, "port": port, "workers": workers, "threads": threads,
             "public_url": public_url, "trusted_hosts": trusted_host or None, "proxies": proxies,
             "allow_networks": allow_network or None, "retention_days": retention_days, "config": config}
    run(load(given), patience_s=patience)
