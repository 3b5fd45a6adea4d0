"""The DevTools pipe, with a fake browser at its other end."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from capture.devtools import DevTools, DevToolsError, Disconnected

PIPE_BYTES = 65_536
"""What a pipe of Linux holds (pipe(7)), bytes."""


class FakeBrowser:
    """Reads commands and says what it is told to."""

    def __init__(self) -> None:
        self.read_fd, self.their_write = os.pipe()
        self.their_read, self.write_fd = os.pipe()

    async def command(self) -> dict[str, Any]:
        """The next command, as it came over the pipe."""
        data = b""
        while not data.endswith(b"\0"):
            data += await asyncio.to_thread(os.read, self.read_fd, 1 << 20)
        message: dict[str, Any] = json.loads(data[:-1])
        return message

    async def say(self, *messages: dict[str, Any]) -> None:
        """Writes messages, all in one go."""
        await self.say_bytes(b"".join(json.dumps(message).encode() + b"\0" for message in messages))

    async def say_bytes(self, data: bytes) -> None:
        """Writes bytes as they are."""
        while data:
            data = data[await asyncio.to_thread(os.write, self.write_fd, data):]

    def hang_up(self) -> None:
        """Ends like a process that dies: both of its ends are closed."""
        for name in ("read_fd", "write_fd"):
            if (fd := getattr(self, name)) >= 0:
                os.close(fd)
                setattr(self, name, -1)


Pair = tuple[DevTools, FakeBrowser]


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    browser = FakeBrowser()
    devtools = DevTools(browser.their_write)
    await devtools.attach(browser.their_read)
    try:
        yield devtools, browser
    finally:
        browser.hang_up()
        await devtools.close()


async def test_a_command_gets_its_answer(pair: Pair) -> None:
    devtools, browser = pair
    call = asyncio.create_task(devtools.call("Page.navigate", "S1", timeout=60, url="http://a/"))
    command = await browser.command()
    assert command == {"id": 1, "method": "Page.navigate", "params": {"url": "http://a/"}, "sessionId": "S1"}
    await browser.say({"id": 1, "sessionId": "S1", "result": {"frameId": "F"}})
    assert await call == {"frameId": "F"}


async def test_a_command_to_the_browser_itself_names_no_session(pair: Pair) -> None:
    devtools, browser = pair
    devtools.send("Browser.getVersion")
    assert "sessionId" not in await browser.command()


async def test_answers_find_their_commands_in_any_order(pair: Pair) -> None:
    devtools, browser = pair
    first, second = devtools.send("A.a"), devtools.send("B.b")
    await browser.say({"id": 2, "result": {"n": 2}}, {"id": 1, "result": {"n": 1}})
    assert (await first, await second) == ({"n": 1}, {"n": 2})


async def test_a_refused_command_raises_the_browsers_own_words(pair: Pair) -> None:
    devtools, browser = pair
    call = devtools.send("Page.navigate", url="x")
    await browser.say({"id": 1, "error": {"code": -32000, "message": "Cannot navigate to invalid URL"}})
    with pytest.raises(DevToolsError, match=r"^Page.navigate: Cannot navigate to invalid URL$") as caught:
        await call
    assert caught.value.reason == "Cannot navigate to invalid URL"
    assert not isinstance(caught.value, Disconnected)


async def test_an_answer_that_does_not_come_is_a_timeout_and_one_that_comes_late_is_ignored(pair: Pair) -> None:
    devtools, browser = pair
    with pytest.raises(TimeoutError):
        await devtools.call("A.a", timeout=0.02)
    await browser.say({"id": 1, "result": {}}, {"id": 99, "result": {}})
    answered = devtools.send("B.b")
    await browser.say({"id": 2, "result": {"still": "there"}})
    assert await answered == {"still": "there"}


async def test_events_come_in_their_order_with_their_session(pair: Pair) -> None:
    devtools, browser = pair
    seen: list[tuple[str, str, dict[str, Any]]] = []
    devtools.handler = lambda *event: seen.append(event)
    waiting = devtools.send("A.a")
    await browser.say({"method": "Page.a", "params": {"n": 1}, "sessionId": "S"}, {"method": "Target.b"},
                      {"id": 1, "result": {}}, {"method": "Page.c", "params": {}})
    await waiting
    await asyncio.sleep(0)
    assert seen[:2] == [("S", "Page.a", {"n": 1}), ("", "Target.b", {})]


async def test_events_before_anybody_listens_do_no_harm(pair: Pair) -> None:
    devtools, browser = pair
    await browser.say({"method": "Page.a", "params": {}})
    answer = devtools.send("A.a")
    await browser.say({"id": 1, "result": {}})
    assert await answer == {}


async def test_a_message_of_many_megabytes_arrives_whole(pair: Pair) -> None:
    devtools, browser = pair
    call = devtools.send("Page.captureScreenshot")
    picture = "A" * 5_000_000
    await browser.say({"id": 1, "result": {"data": picture}})
    assert (await call)["data"] == picture


async def test_a_command_larger_than_the_pipe_waits_until_the_browser_reads(pair: Pair) -> None:
    devtools, browser = pair
    text = "x" * (4 * PIPE_BYTES)
    devtools.send("Page.setDocumentContent", html=text)
    devtools.send("Page.b")
    await asyncio.sleep(0.05)
    received = b""
    while received.count(b"\0") < 2:
        received += await asyncio.to_thread(os.read, browser.read_fd, PIPE_BYTES)
    first, second, rest = received.split(b"\0")
    assert json.loads(first)["params"]["html"] == text
    assert (json.loads(second)["method"], rest) == ("Page.b", b"")


async def test_a_browser_that_does_not_read_does_not_stop_events(pair: Pair) -> None:
    devtools, browser = pair
    heard = asyncio.Event()
    devtools.handler = lambda *_: heard.set()
    devtools.send("Page.a", html="x" * (2 * PIPE_BYTES))
    await asyncio.sleep(0.01)
    await browser.say({"method": "Page.b", "params": {}})
    await asyncio.wait_for(heard.wait(), 60)


async def test_when_the_browser_goes_everything_that_waits_ends(pair: Pair) -> None:
    devtools, browser = pair
    waiting = [devtools.send("A.a"), devtools.send("B.b")]
    browser.hang_up()
    for call in waiting:
        with pytest.raises(Disconnected, match="the browser is gone"):
            await asyncio.wait_for(call, 60)
    assert devtools.closed.is_set()


async def test_a_command_to_a_browser_that_is_gone_fails_at_once(pair: Pair) -> None:
    devtools, browser = pair
    browser.hang_up()
    await asyncio.wait_for(devtools.closed.wait(), 60)
    with pytest.raises(Disconnected):
        await devtools.call("A.a", timeout=600)


async def test_a_browser_that_dies_in_the_middle_of_a_message_is_gone(pair: Pair) -> None:
    devtools, browser = pair
    call = devtools.send("A.a")
    await browser.say_bytes(b'{"id": 1, "res')
    browser.hang_up()
    with pytest.raises(Disconnected):
        await asyncio.wait_for(call, 60)


async def test_closing_twice_is_no_error_and_ends_what_waits(pair: Pair) -> None:
    devtools, _ = pair
    call = devtools.send("A.a")
    await devtools.close()
    await devtools.close()
    with pytest.raises(Disconnected):
        await call


async def test_an_event_that_cannot_be_taken_is_told_as_what_it_is_and_not_as_a_dead_browser(pair: Pair) -> None:
    devtools, browser = pair

    def handler(session: str, method: str, params: dict[str, Any]) -> None:
        raise KeyError("requestId")

    devtools.handler = handler
    call = devtools.send("A.a")
    await browser.say({"method": "Network.odd", "params": {}})
    with pytest.raises(KeyError, match="requestId"):
        await asyncio.wait_for(call, 60)
    with pytest.raises(KeyError, match="requestId"):
        await devtools.call("B.b", timeout=60)


@pytest.mark.parametrize(("escaped", "text"), [
    (rb"a\ud800b", "a\N{REPLACEMENT CHARACTER}b"),
    (rb"\uDC00", "\N{REPLACEMENT CHARACTER}"),
    (rb"\udc00\ud83d\ude00\ud800", "\N{REPLACEMENT CHARACTER}\N{GRINNING FACE}\N{REPLACEMENT CHARACTER}"),
    (rb"\ud83d\ude00", "\N{GRINNING FACE}"),
    (rb"\\ud800", r"\ud800"),
    (rb"\u00e9\u2603", "é\N{SNOWMAN}"),
])
async def test_half_a_character_of_a_page_is_replaced_so_that_it_can_be_written(escaped: bytes, text: str, pair: Pair
                                                                                  ) -> None:
    devtools, browser = pair
    call = devtools.send("Runtime.evaluate")
    await browser.say_bytes(b'{"id":1,"result":{"' + escaped + b'":"' + escaped + b'"}}\0')
    assert await call == {text: text}
