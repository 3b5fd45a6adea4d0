"""The HTTP server: waitress within our bounds. In: an app, an address. Out: answers, until it is stopped.

Every piece of an answer is sent when the app gives it, which streams of progress need; that a client went away is
noticed while its answer is still made, so that it does not hold a thread.
"""

import socket
import threading
from functools import partial
from typing import Any, Final
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.server import create_server

from capture.errors import CaptureError
from web.config import Config

HEADER_BYTES: Final = 65_536
"""All header fields of one request, bytes."""
FORM_BYTES: Final = 4_000_000
"""What a request may hold besides its uploads, bytes; the app is stricter where it knows more."""
CONNECTIONS: Final = 1_000
"""Connections at a time."""
IDLE_S: Final = 60
"""A connection on which nothing happens and nothing is answered, seconds."""
STOP_S: Final = 5.0
"""Longest wait for answers that are still made, seconds."""


class Listener:
    """A server in a thread of its own; it listens from the beginning, and answers from `start` on."""

    def __init__(self, config: Config) -> None:
        """Raises CaptureError when the address cannot be had."""
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        try:
            self._socket = socket.create_server((config.host, config.port), family=family, backlog=128)
        except OSError as error:
            raise CaptureError(f"cannot listen at {config.host}, port {config.port}: {error.strerror}") from error
        self.address = _address(*self._socket.getsockname()[:2])
        """Where it is reached from this machine, for example http://127.0.0.1:8502."""
        self._config = config
        self._sockets: dict[int, Any] = {}
        self._server: Any = None

    def start(self, app: WSGIApplication) -> None:
        """Begins to answer."""
        config = self._config
        self._server = create_server(
            app, map=self._sockets, sockets=[self._socket], threads=config.threads, ident=None,
            connection_limit=CONNECTIONS, asyncore_use_poll=True, channel_timeout=IDLE_S,
            max_request_header_size=HEADER_BYTES, max_request_body_size=config.upload_bytes + FORM_BYTES,
            channel_request_lookahead=1,  # reads on while it answers, and so learns that the client is gone
            clear_untrusted_proxy_headers=False)  # the app judges them; one that it never sees it cannot judge
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends every connection; waits a little for what is still worked on. A second call does nothing."""
        server, self._server = self._server, None
        if server is None:
            self._socket.close()
            return
        left: dict[int, Any] = {}
        server.trigger.pull_trigger(partial(self._hang_up, server))
        server.task_dispatcher.shutdown(timeout=STOP_S)
        server.trigger.pull_trigger(partial(self._let_go, left))
        self._thread.join(STOP_S)
        wasyncore.close_all(left)  # only now: whoever wakes the server may still be writing to what wakes it

    def _hang_up(self, server: Any) -> None:
        """Takes and keeps no connection; what wakes the server stays, for those who still write."""
        for end in [end for end in self._sockets.values() if end is not server.trigger]:
            wasyncore.dispatcher.close(end)

    def _let_go(self, left: dict[int, Any]) -> None:
        """Leaves the server nothing to wait for, which ends it."""
        left.update(self._sockets)
        self._sockets.clear()


def _address(host: str, port: int) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
