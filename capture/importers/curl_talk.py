"""What curl -v prints, line by line. In: text. Out: the hops of the conversation and the connections under them.

curl 7.50 to 8.10: their messages differ in words, not in kind (https://curl.se/docs/manpage.html#-v). Its own messages
begin with an asterisk, what was sent with >, what was received with <; the body has no mark and stands where the
output was buffered, often at the very end.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from capture.importers.failures import name_of, problems_of
from capture.record.base import Header

LINES: Final = 400_000
"""Lines that are read."""
CERTIFICATE_EXITS: Final = frozenset({35, 51, 58, 60, 77, 83, 90, 91})
"""Exit statuses after which curl explains certificates at length."""
STATUS_LINE: Final = re.compile(r"HTTP/(\d(?:\.\d)?) (\d{3})(?: (.{0,400}))?(?!\d)")
REQUEST_LINE: Final = re.compile(r"([A-Z]{2,20}) (\S{1,32768})(?: HTTP/\S+)?\s*$")
_PROGRESS: Final = re.compile(
    r"^\s*(?:\d{1,3}\s+[\d.]+[kMGTP]?\s+){3}(?:[\d.]+[kMGTP]?\s+){2}(?:[-\d:hmsd]+\s+){3}[\d.]+[kMGTP]?")
_METER: Final = re.compile(r"^\s*(?:% Total\s+% Received|Dload\s+Upload)")
_DATA: Final = re.compile(r"^[{}] \[\d+ bytes data\]\s*$")
_GLUED: Final = re.compile(
    r"(\* (?:Connection #\d+ to host |Closing connection|Ignoring the response-body|transfer closed |Recv failure"
    r"|Operation timed out|HTTP/2 stream|end of response)|curl: \(\d{1,3}\) )")
_ADDRESS_GIVEN: Final = re.compile(r"https?://[^\s'\"]{1,8000}")
_OWN: Final = re.compile(
    r" *(?:Connection #\d|[Cc]losing connection|Ignoring the resp|Issue another request|Found bundle|Re-using|Can not m"
    r"|Mark bundle|Host(?:name)? \S+ was|IPv[46]: |Could not|Failed |Recv failure|Send failure|transfer closed|HTTP/2|"
    r"\[HTTP|Connection state|Switched|old SSL|Added|Please rewind|Excess|schannel|OpenSSL|LibreSSL|GnuTLS|Request |"
    r"[Uu]sing |shutting|Operation timed|end of response|Server |upload compl|We are compl|HTTP 1|Leftovers|Illegal or|"
    r"Malformed|SSL|TLS|ALPN|Maximum \(|Empty reply|Trying|Connected|connect to|Established|Immediate|CONNECT|Uses|"
    r"(?:subject|issuer|start date|expire date|subjectAltName|common name|Certificate level|CAfile|CApath)|Resolving)")
"""How messages of curl's own begin that can follow an answer; other lines with an asterisk are of the body."""
_TRAILER: Final = re.compile(r"[!#$%&'*+.^_`|~\w-]{1,100}:")
_FINAL: Final = re.compile(r"^curl: \((\d{1,3})\)\s*(.{0,1000})")


@dataclass
class Connection:
    """One connection, as curl told of it."""

    host: str = ""
    address: str = ""
    port: int = 0
    connects: list[tuple[str, int, str]] = field(default_factory=list)
    """Address, port, and what became of the attempt; empty when it succeeded."""
    version: str = ""
    cipher: str = ""
    alpn: str = ""
    certificate: dict[str, str] = field(default_factory=dict)
    """subject, issuer, start date, expire date."""
    problems: tuple[str, ...] = ()
    verified: bool = False
    name_matched: bool = False
    proxied: bool = False
    tls: bool = False


@dataclass
class Hop:
    """One request and what came back."""

    connection: Connection
    method: str = "GET"
    target: str = ""
    url: str = ""
    """The whole address where curl told it."""
    sent: list[Header] = field(default_factory=list)
    status: int | None = None
    status_text: str = ""
    version: str = ""
    received: list[Header] = field(default_factory=list)
    body: list[str] = field(default_factory=list)


@dataclass
class Talk:
    """The whole conversation."""

    hops: list[Hop] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    exit_status: int = 0
    said: str = ""
    """What went wrong in the end, in curl's words; empty when nothing did."""
    command_url: str = ""
    """Address on the command line, when that was copied along."""
    name: str = ""
    """Host or host and port that curl named when it got no further."""


def talk(text: str) -> Talk:
    """Reads what curl -v printed."""
    reader = _Reader()
    for line in re.split(r"\r\n|\n|\r", text)[:LINES]:
        reader.line(line)
    return reader.done()


class _Reader:
    """Line by line."""

    def __init__(self) -> None:
        self.made = Talk()
        self.at: Connection | None = None
        self.opened = ""
        self.next_url = ""
        self.reading: list[Header] | None = None
        """Header lines of the message that is being read."""

    def line(self, line: str) -> None:
        """Takes one line."""
        if (progress := _PROGRESS.match(line)) is not None:
            line = line[progress.end():].strip()
            if not line:
                return
        if _METER.match(line) or _DATA.match(line):
            return
        if (ended := _FINAL.match(line)) is not None:
            self.made.exit_status = int(ended[1])
            self._say(ended[2])
        elif not self._marked(line):
            self._bare(line)

    def _marked(self, line: str) -> bool:
        """Takes a line with a mark; False when the mark is only a character of the body."""
        answered = self._last() is not None and self.reading is None
        if line.startswith("* ") and (not answered or _OWN.match(line[2:])):
            self._info(line[2:])
            return True
        if line.rstrip() == ">" or line.startswith("> "):
            return self._sent(line[2:])
        if line.rstrip() == "<" or line.startswith("< "):
            return self._received(line[2:])
        return False

    def done(self) -> Talk:
        """The conversation, without the proxy's part of it."""
        made = self.made
        made.hops = [hop for hop in made.hops if hop.method != "CONNECT" or (hop.status or 0) // 100 != 2]
        return made

    def _bare(self, line: str) -> None:
        """A line without a mark: of the body, or the command line before everything."""
        if not self.made.connections and not self.made.hops:
            found = _ADDRESS_GIVEN.search(line) if "curl" in line else None
            self.made.command_url = found[0] if found else self.made.command_url
            return
        glued = _GLUED.search(line)
        body = line[:glued.start()] if glued else line
        last = self._last()
        explains = self.made.exit_status in CERTIFICATE_EXITS
        if last is not None and last.status is not None and not explains and (body or not glued):
            last.body.append(body)
        if glued:
            self.line(line[glued.start():])

    def _last(self) -> Hop | None:
        return self.made.hops[-1] if self.made.hops else None

    def _say(self, text: str) -> None:
        """Keeps the most exact of what went wrong."""
        known, new = name_of(self.made.said) or "", name_of(text)
        if not self.made.said or (new and new != "net::ERR_CONNECTION_FAILED" and "_CERT_" not in known):
            self.made.said = text.strip()

    def _sent(self, text: str) -> bool:
        last = self._last()
        started = REQUEST_LINE.match(text) if self.reading is None else None
        if started:
            self.at = self.at or self._connection()
            hop = Hop(self.at, started[1], started[2], url=self.opened or self.next_url)
            self.at.proxied = self.at.proxied or started[1] == "CONNECT" or started[2].startswith("http")
            self.opened = self.next_url = ""
            self.made.hops.append(hop)
            self.reading = hop.sent
        elif last is not None and self.reading is last.sent:
            self._header(text)
        else:
            return False
        return True

    def _received(self, text: str) -> bool:
        last, status = self._last(), STATUS_LINE.match(text)
        if status is not None:
            if last is None or (last.status or 0) >= 200:
                last = self._unasked(last)
            last.version, last.status, last.status_text = status[1], int(status[2]), status[3] or ""
            last.received.clear()
            self.reading, self.made.said = last.received, ""
        elif last is not None and self.reading is last.received:
            self._header(text)
        else:
            return not text.strip() or _TRAILER.match(text) is not None
        return True

    def _unasked(self, last: Hop | None) -> Hop:
        """An answer of which the request was not printed."""
        self.at = self.at or self._connection()
        made = Hop(self.at, last.method, last.target, last.url, list(last.sent)) if last else Hop(self.at)
        self.made.hops.append(made)
        return made

    def _header(self, text: str) -> None:
        name, colon, value = text.partition(":")
        if not text.strip():
            self.reading = None
        elif colon and name.strip() and self.reading is not None:
            self.reading.append(Header(name=name.strip(), value=value.strip()))

    def _connection(self) -> Connection:
        made = Connection()
        self.made.connections.append(made)
        return made

    def _info(self, text: str) -> None:
        """A message of curl's own."""
        for pattern, note in NOTES:
            if (found := pattern.match(text.strip())) is not None:
                note(self, found)
                break
        if name_of(text) and "continuing anyway" not in text:
            self._say(text)

    def trying(self, found: re.Match[str]) -> None:
        """Another attempt to connect; the first one begins a connection."""
        if self.at is None or self.at.address:
            self.at = self._connection()

    def missed(self, found: re.Match[str]) -> None:
        """An attempt that failed."""
        at = self.at or self._connection()
        at.connects.append((found["address"].strip("[]"), _port(found["port"]), found["reason"].strip()))
        self.at = at

    def connected(self, found: re.Match[str]) -> None:
        """An attempt that succeeded."""
        at = self.at if self.at is not None and not self.at.address else self._connection()
        at.host, at.address, at.port = found["host"], found["address"].strip("[]"), _port(found["port"])
        at.connects.append((at.address, at.port, ""))
        self.at, self.made.said = at, ""

    def named(self, found: re.Match[str]) -> None:
        """The host that curl could not get to."""
        port = found.groupdict().get("port")
        self.made.name = found["host"].rstrip(".,;") + (f":{port}" if port else "")

    def agreed(self, found: re.Match[str]) -> None:
        """The handshake was completed."""
        self._tls().version, self._tls().cipher = found["version"], found["cipher"]

    def certified(self, found: re.Match[str]) -> None:
        """A line about the certificate."""
        self._tls().certificate.setdefault(found["what"], found["value"].strip())

    def judged(self, found: re.Match[str]) -> None:
        """What curl found wrong with the certificate."""
        self._tls().problems = self._tls().problems or problems_of(found.string)

    def verified(self, found: re.Match[str]) -> None:
        """The chain leads to a root that curl trusts."""
        self._tls().verified = True

    def matched(self, found: re.Match[str]) -> None:
        """The certificate is for the host."""
        self._tls().name_matched = True

    def alpn(self, found: re.Match[str]) -> None:
        """The protocol agreed on."""
        self._tls().alpn = found["name"]

    def handshake(self, found: re.Match[str]) -> None:
        """A message of the handshake: it is TLS."""
        self._tls()

    def stream(self, found: re.Match[str]) -> None:
        """An HTTP/2 stream, with its whole address."""
        self.opened = found["url"]

    def again(self, found: re.Match[str]) -> None:
        """A redirect is followed."""
        self.next_url = found["url"]

    def tunnel(self, found: re.Match[str]) -> None:
        """The connection is one to a proxy."""
        if self.at is not None:
            self.at.proxied = True

    def _tls(self) -> Connection:
        self.at = self.at or self._connection()
        self.at.tls = True
        return self.at


def _port(text: str | None) -> int:
    return int(text) if text and len(text) < 6 and int(text) < 65_536 else 0


_ADDRESS = r"(?P<address>\[?[0-9a-fA-F:.%\w]+\]?)"
NOTES: Final[tuple[tuple[re.Pattern[str], Callable[[_Reader, re.Match[str]], None]], ...]] = tuple(
    (re.compile(pattern), note) for pattern, note in (
        (r"Trying ", _Reader.trying),
        (rf"connect to {_ADDRESS} port (?P<port>\d+)(?: from \S+ port \d+)? failed: (?P<reason>.+)", _Reader.missed),
        (rf"Immediate connect fail for {_ADDRESS}(?P<port>): (?P<reason>.+)", _Reader.missed),
        (rf"Connected to (?P<host>\S+) \({_ADDRESS}\) port (?P<port>\d+)", _Reader.connected),
        (rf"Established connection to (?P<host>\S+) \({_ADDRESS} port (?P<port>\d+)\)", _Reader.connected),
        (r"Could not resolve host: (?P<host>\S+)", _Reader.named),
        (r"Failed to connect to (?P<host>\S+) port (?P<port>\d+)", _Reader.named),
        (r"SSL connection using (?P<version>\S+) / (?P<cipher>\S+)", _Reader.agreed),
        (r"(?P<what>subject|issuer|start date|expire date): (?P<value>.+)", _Reader.certified),
        (r"SSL certificate verify ok", _Reader.verified),
        (r"SSL certificate (?:verify result|problem):", _Reader.judged),
        (r"SSL: (?:no alternative )?certificate subject name", _Reader.judged),
        (r"subjectAltName: host .* matched|\s*common name: .*\(matched\)", _Reader.matched),
        (r"ALPN(?:,|:) server accepted(?: to use)? (?P<name>[\w./-]{1,20})", _Reader.alpn),
        (r"\[?(?:TLSv|SSLv|TLS )[\d.]* \((?:IN|OUT)\)|ALPN", _Reader.handshake),
        (r"\[HTTP/[23]\] \[\d+\] OPENED stream for (?P<url>https?://\S+)", _Reader.stream),
        (r"Issue another request to this URL: '(?P<url>[^']*)'", _Reader.again),
        (r"(?:Establish HTTP proxy tunnel|CONNECT tunnel|Uses proxy)", _Reader.tunnel)))
"""What curl's messages say, and who takes note of it; the first pattern that fits counts."""
