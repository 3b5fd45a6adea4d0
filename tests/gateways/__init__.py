"""Real gateways as plain child processes on loopback. In: a gateway's name, its upstream's port. Out: its base URL.

Nothing of the system's own configuration is used or changed: every gateway gets its files in a temporary directory and,
when we are root, runs as `nobody`.
"""

import asyncio
import os
import shutil
import signal
import socket
import tempfile
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.processes import alive

TABLE: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("gateways.toml").read_text())
GATEWAYS = tuple(TABLE)
START_S = 60.0
"""Longest wait for a gateway to accept connections, seconds."""
STOP_S = 20.0
"""Longest wait for killed processes to be gone, seconds."""


class GatewayDown(RuntimeError):
    """A gateway did not start; the message holds its logs."""


@asynccontextmanager
async def gateway(name: str, upstream_port: int) -> AsyncIterator[str]:
    """Runs the gateway in front of a port of 127.0.0.1 and gives its base URL (http://127.0.0.1:PORT).

    At the end the process and all that it started are gone, and so are its files. Raises GatewayDown.
    """
    with tempfile.TemporaryDirectory(prefix="gateway-", ignore_cleanup_errors=True) as made, _own_port() as port:
        directory = Path(made)
        process = await _start(name, upstream_port, directory, port)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            await _stop(process)
            for segment in Path("/dev/shm").glob(f"gateway{port}-*"):
                segment.unlink()  # squid leaves its shared memory when it is ended at once


async def _start(name: str, upstream_port: int, directory: Path, port: int) -> asyncio.subprocess.Process:
    _write_files(name, directory, {"dir": str(directory), "port": str(port), "upstream": str(upstream_port)})
    process = await _spawn(name, directory, port, upstream_port)
    try:
        if await _accepts(process, port):
            return process
    except asyncio.CancelledError:
        await _stop(process)
        raise
    await _stop(process)
    raise GatewayDown(f"{name} does not accept connections; its logs:\n{_logs(directory)}")


async def _spawn(name: str, directory: Path, port: int, upstream_port: int) -> asyncio.subprocess.Process:
    names = {"dir": str(directory), "port": str(port), "upstream": str(upstream_port)}
    command = [_filled(word, names) for word in TABLE[name]["command"]]
    identity: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": ()} if os.geteuid() == 0 else {}
    home = {"HOME": str(directory), "TMPDIR": str(directory), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with (directory / "output.log").open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *command, cwd=directory, env=home, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, **identity)


def _write_files(name: str, directory: Path, names: dict[str, str]) -> None:
    for path, text in TABLE[name]["files"].items():
        (directory / path).write_text(_filled(text, names))
    if os.geteuid() == 0:
        shutil.chown(directory, "nobody", "nogroup")


def _filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"@{name}@", value)
    return text


@contextmanager
def _own_port() -> Iterator[int]:
    """A port that nobody else is given: it is bound, and only who names it can listen there too."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        yield int(sock.getsockname()[1])


async def _accepts(process: asyncio.subprocess.Process, port: int) -> bool:
    """Waits until the port accepts; False when the process ends before or the time is up."""
    loop = asyncio.get_running_loop()
    end = loop.time() + START_S
    while process.returncode is None and loop.time() < end:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
            return True
        await asyncio.sleep(0.02)
    return False


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Kills the process, its group and its descendants (they hold nothing worth a polite end) and sees them gone."""
    family = _family(process.pid)
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    async with asyncio.timeout(STOP_S):
        while any(alive(member) for member in family):
            await asyncio.sleep(0.005)


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def _logs(directory: Path) -> str:
    return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-2000:]}" for path in directory.glob("*.log"))
