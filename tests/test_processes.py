"""The watcher over processes sees children and grandchildren, those that left their parent too."""

import asyncio

import psutil
import pytest

from tests.processes import LOOK_S, alive, no_process_left


async def test_a_grandchild_whose_parent_has_gone_is_still_found() -> None:
    started: set[psutil.Process] = set()

    async def leave_one_behind() -> None:
        async with no_process_left() as seen:
            shell = await asyncio.create_subprocess_exec("sh", "-c", "setsid sleep 60 & sleep 0.3")
            await shell.wait()
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
        await asyncio.sleep(LOOK_S * 5)
        process.kill()
        await process.wait()
    assert psutil.Process().pid not in {process.pid for process in seen}
    assert process.pid in {process.pid for process in seen}
