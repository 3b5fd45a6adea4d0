"""How the service is set up. In: options of `serve`, GATEWITNESS_* variables, a TOML file. Out: Config."""

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from capture.errors import BadInput

PREFIX: Final = "GATEWITNESS_"
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


class Config(BaseModel):
    """Everything that can be set; the command line wins over the environment, which wins over the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Path("gatewitness-data")
    """Directory of the database, the cases and the instance's secret; made with mode 0700."""
    host: str = "127.0.0.1"
    """Address to listen at."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8502
    """Port to listen at; 0 takes a free one."""
    public_url: str | None = None
    """Address under which users reach the service, when a proxy stands before it; https there makes cookies Secure."""
    trusted_hosts: tuple[str, ...] = ()
    """Further names accepted in Host, besides the loopback names and that of public_url."""
    proxies: Count = 0
    """Reverse proxies before the service whose X-Forwarded-* may be believed; 0 believes none."""
    workers: Annotated[int, Field(ge=1, le=64)] = max(1, (os.cpu_count() or 2) // 2)
    """Captures at a time."""
    threads: Annotated[int, Field(ge=4, le=512)] = 48
    """Threads that answer requests; each open progress stream holds one."""
    allow_networks: tuple[str, ...] = ()
    """Networks (CIDR) that captures may reach although they are not globally routable."""
    queue_length: Count = 200
    """Captures that may wait; past it a request is answered 429 with Retry-After."""
    queue_length_per_user: Count = 50
    """Captures of one user that may wait."""
    captures_per_minute: Count = 30
    """New captures of one user, and of one address, a minute."""
    target_host_per_minute: Count = 12
    """New captures of one target host a minute, by everybody together: nobody's site is flooded in our name."""
    logins_per_minute: Count = 5
    """Attempts to log in, for one name and for one address, a minute."""
    min_free_bytes: Count = 500_000_000
    """Free disk space below which nothing new is accepted."""
    upload_bytes: Count = 50_000_000
    """Largest upload, bytes."""
    upload_unpacked_bytes: Count = 200_000_000
    """Largest upload after decompression, bytes."""
    picture_pixels: Count = 50_000_000
    """Largest picture of an upload, pixels."""
    retention_days: Count = 90
    """Age at which a case without a hold is deleted; 0 keeps it for ever."""
    retention_bytes: Count = 0
    """Size of all cases past which the oldest without a hold is deleted; 0 sets no limit."""
    share_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """Life of a share link, unless it is made shorter."""
    targets: Path | None = None
    """File of the targets to which dossiers may be delivered (docs/trackers.md); none: to nobody."""
    credentials: Path | None = None
    """File of the credentials for them, mode 0600; none: credentials.toml in the data directory."""
    deliveries_per_minute: Count = 10
    """Deliveries that one user may ask for, a minute."""
    session_hours: Positive = 12.0
    """Life of a login without use, hours."""

    @field_validator("allow_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        """Found at the start, not at the first capture."""
        for network in networks:
            try:
                ip_network(network)
            except ValueError as error:
                raise ValueError(f"{network!r} is not a network in CIDR form: {error}") from None
        return networks


def load(options: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Config:
    """Puts together what was set; options that are None count as not set.

    The file is named by the option or variable CONFIG. Raises BadInput with a sentence that names the wrong value.
    """
    environment = os.environ if environment is None else environment
    given = {key: value for key, value in options.items() if value is not None}
    file = given.pop("config", None) or environment.get(f"{PREFIX}CONFIG")
    variables = {name: _value(name, environment[PREFIX + name.upper()])
                 for name in Config.model_fields if PREFIX + name.upper() in environment}
    try:
        return Config.model_validate({**(_file(Path(file)) if file else {}), **variables, **given})
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"the setting {'.'.join(map(str, first['loc']))} is wrong: "
                       f"{first['msg'].removeprefix('Value error, ')}") from error


def _value(name: str, text: str) -> Any:
    """Lists are written with commas."""
    annotation = str(Config.model_fields[name].annotation)
    return [part.strip() for part in text.split(",") if part.strip()] if annotation.startswith("tuple") else text


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"the configuration {path} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"the configuration {path} is not TOML: {error}") from error


def is_loopback(config: Config) -> bool:
    """Whether only this machine can reach the service."""
    if config.host == "localhost":
        return True
    try:
        return ip_address(config.host).is_loopback
    except ValueError:
        return False
