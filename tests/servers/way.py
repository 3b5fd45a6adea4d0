"""The way of a client to a real server, with faults on it. In: which request is to fail, and how. Out: a transport."""

from collections.abc import Callable

import httpx

Fault = Callable[[httpx.BaseTransport, httpx.Request], httpx.Response]


class Way(httpx.BaseTransport):
    """To the real server, with faults on it."""

    def __init__(self) -> None:
        self.inner = httpx.HTTPTransport()
        self.faults: list[tuple[str, str, Fault]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The first fault that is meant for such a request happens, once."""
        for index, (method, begin, fault) in enumerate(self.faults):
            if request.method == method and request.url.path.startswith(begin):
                del self.faults[index]
                return fault(self.inner, request)
        return self.inner.handle_request(request)

    def close(self) -> None:
        """With its connections."""
        self.inner.close()


def lost(inner: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    """The server does it; the answer does not arrive."""
    answer = inner.handle_request(request)
    answer.read()
    answer.close()
    raise httpx.ReadError("connection reset")


def cut(inner: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    """It does not arrive."""
    raise httpx.WriteError("connection reset")


def broken(inner: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    """Something between says 500."""
    return httpx.Response(500)
