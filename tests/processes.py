"""Who still runs. In: a block of a test. Out: a failed test when the block leaves a process behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psutil

LOOK_S = 0.02
GRACE_S = 20.0
"""How long killed processes may take to be gone, seconds."""


def alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that is dead and only not yet reaped does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@contextlib.asynccontextmanager
async def no_process_left() -> AsyncIterator[set[psutil.Process]]:
    """Gives the set of every descendant that the block starts, also those that leave their parent; all must end."""
    before = set(psutil.Process().children(recursive=True))
    seen: set[psutil.Process] = set()
    looking = asyncio.create_task(_look(seen, before))
    try:
        yield seen
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    seen.update(set(psutil.Process().children(recursive=True)) - before)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            while any(map(alive, seen)):
                await asyncio.sleep(LOOK_S)
    assert [process for process in seen if alive(process)] == []


async def _look(seen: set[psutil.Process], before: set[psutil.Process]) -> None:
    while True:
        seen.update(set(psutil.Process().children(recursive=True)) - before)
        await asyncio.sleep(LOOK_S)
