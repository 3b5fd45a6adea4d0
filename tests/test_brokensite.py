"""The site of the tests: when it ends, so does every connection, also one that it had only just accepted."""

import gc
import socket

from tests.brokensite import BrokenSite, in_thread


def test_connections_that_come_while_it_ends_are_closed() -> None:
    for _ in range(20):
        with in_thread(BrokenSite()) as site:
            clients = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(8)]
        for client in clients:
            client.close()
    gc.collect()  # what was not closed is told here, and fails the test
