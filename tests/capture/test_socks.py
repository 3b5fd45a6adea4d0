"""What may knock at the guard: SOCKS5 CONNECT and nothing else."""

import asyncio
import socket

import pytest

from capture.dialer import connect_tcp
from tests.socksclient import (
    REFUSED,
    Connects,
    guard,
    read_all,
)


@pytest.mark.parametrize(("sent", "answer"), [
    (b"GET / HTTP/1.1\r\n\r\n", b""),
    (b"\4\1\0\x50\x7f\0\0\1\0", b""),
    (b"\5\1\2", b"\5\xff"),
    (b"\5\1\0\5\2\0\1\x7f\0\0\1\0\x50", b"\5\0\5\7\0\1" + bytes(6)),
    (b"\5\1\0\5\1\0\x09\x7f\0\0\1\0\x50", b"\5\0\5\7\0\1" + bytes(6)),
    (b"\5\1\0\5\1\0\3\x0asite", b"\5\0"),
])
async def test_what_is_not_a_socks5_connect_is_turned_away_and_not_logged(sent: bytes, answer: bytes) -> None:
    async with guard(connect := Connects()) as subject:
        client = await connect_tcp("127.0.0.1", await subject.listen("page"))
        with client:
            await asyncio.get_running_loop().sock_sendall(client, sent)
            client.shutdown(socket.SHUT_WR)
            assert (await read_all(client))[0] == answer
        assert subject.dials() == ()
    assert connect.dialled == []


@pytest.mark.parametrize("request_", [b"\5\1\0\1" + bytes([10, 0, 0, 1]), b"\5\1\0\4" + bytes(15) + b"\1"])
async def test_binary_addresses_are_judged_too(request_: bytes) -> None:
    async with guard(connect := Connects()) as subject:
        client = await connect_tcp("127.0.0.1", await subject.listen("page"))
        with client:
            await asyncio.get_running_loop().sock_sendall(client, b"\5\1\0" + request_ + b"\0\x50")
            data, _ = await read_all(client)
    assert (data[3], connect.dialled) == (REFUSED, [])


async def test_hosts_that_are_no_text_are_refused() -> None:
    async with guard(connect := Connects()) as subject:
        client = await connect_tcp("127.0.0.1", await subject.listen("page"))
        with client:
            await asyncio.get_running_loop().sock_sendall(client, b"\5\1\0\5\1\0\3\4\xff\0\n.\0\x50")
            data, _ = await read_all(client)
    assert (data[3], subject.dials()[0].rule, connect.dialled) == (REFUSED, "malformed name", [])
