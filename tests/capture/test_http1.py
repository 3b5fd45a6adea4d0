"""An HTTP/1.x answer in whatever pieces and whatever state it arrives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture import http1
from capture.record.request import Limits

WHOLE = (
    b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"
    b"5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n"
)
PIECES = st.lists(st.sampled_from([b"HTTP/1.1 ", b"200 OK", b"\r\n", b"\n", b"Content-Length: 5", b"\r\n\r\n", b"a",
                                   b"Transfer-Encoding: chunked", b"5\r\n", b"0\r\n\r\n", b"\0", b"\xff"]))  # fmt: skip


async def read(*pieces: bytes, limits: Limits | None = None, fails: OSError | None = None) -> http1.Answer:
    """Reads pieces as they would arrive; in the end comes the end, or the failure."""
    waiting = [piece for piece in pieces if piece]

    async def source() -> bytes:
        if not waiting and fails is not None:
            raise fails
        return waiting.pop(0) if waiting else b""

    answer = http1.Answer(limits or Limits())
    await http1.read(source, answer)
    return answer


@given(st.integers(1, len(WHOLE)))
@settings(max_examples=40, deadline=None)
async def test_it_does_not_matter_how_the_bytes_are_cut(size: int) -> None:
    answer = await read(*(WHOLE[start : start + size] for start in range(0, len(WHOLE), size)))
    assert (answer.status, answer.informational, bytes(answer.body)) == (200, [103], b"hello world")
    assert (answer.framing, answer.error) == ("ok", None)


@given(PIECES)
@settings(max_examples=200, deadline=None)
async def test_whatever_arrives_is_described_and_never_raises(pieces: list[bytes]) -> None:
    answer = await read(b"".join(pieces))
    assert answer.status is not None or answer.error is not None


@pytest.mark.parametrize("end", range(1, len(WHOLE)))
async def test_an_answer_that_ends_early_is_never_whole(end: int) -> None:
    answer = await read(WHOLE[:end])
    assert answer.framing == "truncated" or answer.error in ("closed", "not-http")


async def test_a_reset_inside_the_body_is_told_apart_from_the_end() -> None:
    answer = await read(WHOLE[:-20], fails=ConnectionResetError())
    assert (answer.status, answer.framing, answer.error) == (200, "truncated", "reset")


async def test_bare_line_feeds_and_folded_lines_are_understood() -> None:
    answer = await read(b"HTTP/1.0 200\nX-Long: one\n  two\nNo-Colon\n\nbody")
    assert [(header.name, header.value) for header in answer.headers] == [("X-Long", "one two"), ("No-Colon", "")]
    assert (answer.status_line, answer.framing, bytes(answer.body)) == ("HTTP/1.0 200", "until-close", b"body")


async def test_a_head_without_end_stops_at_the_limit() -> None:
    answer = await read(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 5000, limits=Limits(headers_bytes=1000))
    assert (answer.status, answer.stopped_by) == (None, "headers_bytes")


async def test_a_length_that_is_no_number_is_not_believed() -> None:
    answer = await read(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5x\r\n\r\nhello")
    assert (answer.declared, answer.framing, answer.body_bytes) == (None, "until-close", 5)
