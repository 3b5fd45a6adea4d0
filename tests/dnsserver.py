"""A real DNS server on loopback, UDP and TCP, in a thread. In: names and how to answer. Out: an address to ask.

    with DnsServer({"site.test": ("A 192.0.2.1", "AAAA 2001:db8::1"), "gone.test": "NXDOMAIN"}) as server:
        Resolver((server.address,))

An answer is a tuple of "TYPE DATA" records ("TYPE TTL DATA" for another time to live, "@NAME TYPE DATA" for a record
of another name, whether it was asked for or not), the name of an rcode (with an SOA beside it), None for silence, or a
list of answers given in turn (the last one for ever): that is how names are rebound. A key "site.test/AAAA" answers
that type only. Names that are not listed do not exist.
"""

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Once = tuple[str, ...] | str | None
Answer = Once | list[Once]

TTL = 60


class DnsServer:
    """Answers from a table and remembers what it was asked."""

    def __init__(self, zone: Mapping[str, Answer], address: str = "127.0.0.1") -> None:
        """`zone` as the module says; the port is free and the same for UDP and TCP."""
        self.zone = {name.lower(): answer for name, answer in zone.items()}
        self.queries: list[tuple[str, str]] = []
        """Name and type of every question, in order."""
        self._asked: dict[str, int] = {}
        self._udp, self._tcp = _sockets(address)
        self.address = "{}:{}".format(*self._udp.getsockname())
        """ADDRESS:PORT, as a resolver takes it."""
        self._quit, self._stop = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.close()
        self._thread.join()
        for sock in (self._udp, self._tcp, self._quit):
            sock.close()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._udp, self._tcp, self._quit], [], [])
            if ready == [self._quit]:  # what was asked before counts
                return
            if self._udp in ready:
                query, client = self._udp.recvfrom(65535)
                reply = self._reply(query, udp=True)
                if reply:
                    self._udp.sendto(reply, client)
            if self._tcp in ready:
                self._serve_tcp()

    def _serve_tcp(self) -> None:
        connection, _ = self._tcp.accept()
        with connection, contextlib.suppress(ConnectionError):
            head = connection.recv(2, socket.MSG_WAITALL)
            size = int.from_bytes(head)
            query = connection.recv(size, socket.MSG_WAITALL) if len(head) == 2 else b""
            if len(query) < size or not query:  # the client has given up
                return
            reply = self._reply(query, udp=False)
            if reply:
                connection.sendall(struct.pack("!H", len(reply)) + reply)

    def _reply(self, wire: bytes, *, udp: bool) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, rdtype = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.queries.append((name, rdtype))
        answer = self._answer(name, rdtype)
        if answer is None:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if isinstance(answer, str):
            response.set_rcode(dns.rcode.from_text(answer))
            response.authority = [dns.rrset.from_text("test.", TTL, "IN", "SOA", "ns.test. admin.test. 1 60 60 60 60")]
        else:
            response.answer = list(self._rrsets(name, rdtype, answer))
        return response.to_wire(max_size=1232 if udp else 65535, prefer_truncation=True)

    def _answer(self, name: str, rdtype: str) -> Once:
        key = f"{name}/{rdtype.lower()}" if f"{name}/{rdtype.lower()}" in self.zone else name
        answer = self.zone.get(key, "NXDOMAIN")
        if not isinstance(answer, list):
            return answer
        turn = self._asked.get(key, 0)
        self._asked[key] = turn + 1
        return answer[min(turn, len(answer) - 1)]

    def _rrsets(self, name: str, rdtype: str, records: tuple[str, ...]) -> Iterator[dns.rrset.RRset]:
        for record in records:
            owner, kind, ttl, data = _parts(name, record)
            if owner != name:
                yield dns.rrset.from_text(dns.name.from_text(owner), ttl, "IN", kind, data)
            elif kind in (rdtype, "CNAME"):
                yield dns.rrset.from_text(dns.name.from_text(name), ttl, "IN", kind, data)
            if kind == "CNAME" and rdtype != "CNAME":
                alias = data.rstrip(".").lower()
                further = self._answer(alias, rdtype)
                yield from self._rrsets(alias, rdtype, further if isinstance(further, tuple) else ())


def _parts(name: str, record: str) -> tuple[str, str, int, str]:
    if record.startswith("@"):
        name, record = record[1:].split(None, 1)
    kind, rest = record.split(None, 1)
    ttl, _, data = rest.partition(" ")
    return (name, kind, int(ttl), data) if ttl.isdigit() and data and kind != "MX" else (name, kind, TTL, rest)


def _sockets(address: str) -> tuple[socket.socket, socket.socket]:
    """UDP and TCP on one free port; the port that UDP got may be taken for TCP, so it may need a second try."""
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((address, 0))
        try:
            return udp, socket.create_server(udp.getsockname())
        except OSError:
            udp.close()
