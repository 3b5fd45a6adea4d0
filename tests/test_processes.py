"""The watcher over processes sees children and grandchildren, those that left their parent too."""

import asyncio

import psutil
import pytest

from tests import processes
from tests.processes import LOOK_S, alive, no_process_left


async def test_a_grandchild_whose_parent_has_gone_is_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE_S", 0.5)
    started: set[psutil.Process] = set()

    async def leave_one_behind() -> None:
        async with no_process_left() as seen:
            shell = await asyncio.create_subprocess_exec("sh", "-c", "setsid sleep 600 & read -r line",
                                                         stdin=asyncio.subprocess.PIPE)
            while len(seen) < 2:
                await asyncio.sleep(LOOK_S)
            await shell.communicate(b"go\n")
            started.update(seen)

    with pytest.raises(AssertionError):
        await leave_one_behind()
    left = [process for process in started if alive(process)]
    for process in left:
        process.kill()
    assert len(left) == 1


async def test_processes_that_end_are_no_complaint() -> None:
    async with no_process_left() as seen:
        process = await asyncio.create_subprocess_exec("sleep", "60")
        while process.pid not in {found.pid for found in seen}:
            await asyncio.sleep(LOOK_S)
        process.kill()
        await process.wait()
    assert psutil.Process().pid not in {process.pid for process in seen}
