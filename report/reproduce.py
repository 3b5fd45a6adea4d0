"""Shell lines that repeat what the capture observed. In: evidence and diagnosis. Out: lines for curl, dig and openssl.

Every value that a page or a user supplied is quoted for a POSIX shell and is one line of printable ASCII. Secrets were
masked before: where one stood, a name in capitals stands for it.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import islice
from typing import Final, Literal
from urllib.parse import quote, urlsplit

from capture.record.base import Header
from capture.record.evidence import Evidence
from capture.record.network import DnsAnswer, PlainHop, PlainHttp, TcpProbe, TlsProbe
from capture.record.page import Exchange, PageLoad
from report.diagnosis import Diagnosis
from report.units import milliseconds
from report.waterfall import failed_request

ORIGIN: Final = "ORIGIN_ADDRESS"
"""Stands for the address of the server behind, which cannot be seen from outside."""
LINES: Final = 40
"""Most lines; a name with more resolvers and addresses than that is a rarity."""

PARTS: Final = 5
"""Most failed requests of a page that get a line, besides its document."""

Kind = Literal["browser", "plain", "tls", "tcp", "dns", "origin"]
TITLES: Final[dict[Kind, str]] = {
    "browser": "The browser’s own requests", "plain": "Without a browser", "tls": "TLS", "tcp": "Connections",
    "dns": "DNS, by resolver", "origin": "Straight at the origin (fill in its address)"}
"""Groups in the order in which they are shown."""

_MASKED: Final = re.compile(r"\[redacted:([a-z0-9_-]+):\d+:[0-9a-f]{8}\]")
_ESCAPED_MASK: Final = re.compile(
    r"%5Bredacted(?::|%3A)([a-z0-9_-]+)(?::|%3A)\d+(?::|%3A)[0-9a-f]{8}%5D", re.IGNORECASE)
_NOT_SENT: Final = frozenset({"host", "connection", "content-length", "transfer-encoding"})
"""Header fields that curl makes itself."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_CURLS_OWN: Final = ("User-Agent", "Accept")
"""Header fields that curl adds unless it is told not to."""
_WEB: Final = re.compile(r"https?://", re.IGNORECASE)
_PROTOCOLS: Final = {"h2": "--http2", "http/1.1": "--http1.1", "http/1.0": "--http1.0", "h3": "--http3"}


@dataclass(frozen=True)
class Line:
    """One observation and how to repeat it."""

    kind: Kind
    what: str
    """What is repeated."""
    command: str
    """The line for a POSIX shell."""
    saw: str
    """What this capture saw."""
    fill: tuple[str, ...] = ()
    """Names in capitals to be filled in."""


def lines(evidence: Evidence, diagnosis: Diagnosis) -> tuple[Line, ...]:
    """One line an observation, in the order of TITLES."""
    found = [*_browser(evidence), *_parts(evidence), *_plain(evidence), *_tls(evidence), *_tcp(evidence),
             *_dns(evidence), *_origin(evidence, diagnosis)]
    return tuple(found[:LINES])


def text(found: Iterable[Line]) -> str:
    """The lines as a shell script of comments and commands."""
    parts = ["# What this capture saw, and the lines that repeat it. Capitals are for you to fill in.\n"]
    parts += [f"# {_comment(line.what)}\n# seen: {_comment(line.saw)}\n{line.command}\n" for line in found]
    return "\n".join(parts)


def _comment(words: str) -> str:
    return " ".join(printable(words).split())


def place(url: str) -> tuple[str, int]:
    """Host and port of an address; an empty host when it has none that can be read."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 443)
    except ValueError:
        return "", 443


def shell(value: str) -> str:
    """The value as one word of a POSIX shell, printable ASCII only, with names in capitals for masked secrets."""
    return shlex.quote(printable(unmasked(value)))


def unmasked(value: str) -> str:
    """The value with a name in capitals where a secret was masked."""
    named = _MASKED.sub(lambda found: _name(found[1]), value)
    return _ESCAPED_MASK.sub(lambda found: _name(found[1]), named)


def _name(kind: str) -> str:
    return f"YOUR_{kind.upper().replace('-', '_')}"


def printable(value: str) -> str:
    """The value with everything but printable ASCII percent-encoded as UTF-8 (RFC 3986), as a browser sends it."""
    return "".join(c if " " <= c <= "~" else quote(c, safe="", errors="replace") for c in value)


def _curl(url: str, *options: str) -> str:
    # --globoff: brackets and braces in an address are its own. --path-as-is: dots too.
    end = "--" if url.startswith("-") else ""  # no address of a page, but nothing may be taken for an option
    return " ".join(filter(None, ["curl", "-sS", "-o /dev/null", "-D -", "--globoff", "--path-as-is", *options, end,
                                  shell(url)]))


def _resolve(url: str, address: str | None) -> str:
    host, port = place(url)
    if not address or not host or literal(host):
        return ""
    return f"--resolve {shell(f'{host}:{port}:{bracketed(address)}')}"


def literal(host: str) -> bool:
    """Whether it is an address and not a name."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def bracketed(address: str) -> str:
    """The address as it stands before a port (RFC 3986 section 3.2.2)."""
    return f"[{address}]" if ":" in address else address


def _headers(fields: Iterable[Header], *, leave: frozenset[str] = frozenset()) -> Iterator[str]:
    sent = tuple(fields)
    for field in sent:
        name = field.name.lower()
        if name.startswith((":", "@")) or name in _NOT_SENT or name in leave or not field.name.strip():
            continue  # curl would read the file that an @ names
        # curl drops a field that ends in a bare colon; a semicolon sends it empty.
        yield f"-H {shell(f'{field.name}: {field.value}' if field.value else f'{field.name};')}"
    names = {field.name.lower() for field in sent}
    yield from (f"-H {name}:" for name in _CURLS_OWN if sent and name.lower() not in names)


def _fill(command: str) -> tuple[str, ...]:
    return tuple(sorted(set(re.findall(r"\bYOUR_[A-Z_]+\b", command)))) + ((ORIGIN,) if ORIGIN in command else ())


def _line(kind: Kind, what: str, command: str, saw: str) -> Line:
    return Line(kind, what, command, saw, _fill(command))


def _browser(evidence: Evidence) -> Iterator[Line]:
    """The document of each load: the request asked for first, and the one that gave the page, when that is another."""
    for page in evidence.pages:
        if page.label == "native":
            continue
        documents = [exchange for exchange in page.exchanges if exchange.main_document]
        last = next((e for e in documents if e.id == page.main_exchange), documents[-1] if documents else None)
        for exchange in dict.fromkeys(e.id for e in (*documents[:1], *([last] if last else []))):
            yield _request(evidence, page, next(e for e in documents if e.id == exchange))


def _parts(evidence: Evidence) -> Iterator[Line]:
    """The first of what the strict load asked for besides and did not get; not what our own side held back."""
    strict = next((page for page in evidence.pages if page.label in ("strict", "imported")), None)
    if strict is None:
        return
    failed = (e for e in strict.exchanges if not e.main_document and failed_request(e) and _WEB.match(e.url)
              and not e.blocked and not (e.error or "").startswith("net::ERR_BLOCKED"))
    for exchange in islice(failed, PARTS):
        yield _request(evidence, strict, exchange)


def _request(evidence: Evidence, page: PageLoad, exchange: Exchange) -> Line:
    address = _address(evidence, exchange)
    answer = exchange.response
    command = _curl(
        exchange.url, _PROTOCOLS.get(answer.protocol, "") if answer else "",
        f"--max-time {evidence.request.limits.commit_s:g}", "--insecure" if page.label == "lenient" else "",
        "" if exchange.method == "GET" else f"-X {shell(exchange.method)}", _resolve(exchange.url, address),
        *_headers(exchange.request_headers))
    reason = exchange.guard_error or exchange.error or exchange.blocked or "no answer"
    saw = f"{answer.status} {answer.status_text}".strip() if answer else reason
    if exchange.duration_ms is not None:
        saw += f" after {milliseconds(exchange.duration_ms)}"
    return _line("browser", f"{exchange.method} {exchange.id}, {page.label} load", command, saw)


def _address(evidence: Evidence, exchange: Exchange) -> str | None:
    """Where it was sent: the address that answered, else the one dialled."""
    if exchange.remote_address:
        return exchange.remote_address.rpartition(":")[0].strip("[]")
    return next((d.address for d in evidence.dials if exchange.dial is not None and d.id == exchange.dial), None)


def _plain(evidence: Evidence) -> Iterator[Line]:
    for probe in evidence.plain_http or ():
        if probe.hops:
            yield _chain(evidence, probe)


def _chain(evidence: Evidence, probe: PlainHttp) -> Line:
    """One line for the whole chain: every host of it is pinned, cookies set on the way are sent back."""
    first, end = probe.hops[0], probe.hops[-1]
    pins = dict.fromkeys(filter(None, (_resolve(hop.url, hop.address) for hop in probe.hops)))
    follow = f"-L --max-redirs {evidence.request.limits.redirects} -b ''" if len(probe.hops) > 1 else ""
    cookie = frozenset({"cookie"} if follow else ())
    command = _curl(
        first.url, "--http2" if probe.protocol == "h2" else "--http1.1",
        f"--max-time {evidence.request.limits.probe_s * len(probe.hops):g}", "--insecure", follow,
        "-6" if probe.family == "ipv6" else "-4", *pins, *_headers(_sent(first), leave=cookie))
    redirects = f" after {len(probe.hops) - 1} redirects" if len(probe.hops) > 1 else ""
    saw = end.status_line or (f"{end.status}" if end.status is not None else end.error or "no answer")
    return _line("plain", f"{probe.protocol}, {probe.family}", command, f"{saw}{redirects}")


def _sent(hop: PlainHop) -> tuple[Header, ...]:
    """Header lines as they were sent."""
    pairs = (row.partition(":") for row in hop.request_head.replace("\r\n", "\n").split("\n")[1:])
    return tuple(Header(name=name, value=value.strip()) for name, colon, value in pairs if colon and name)


def _tls(evidence: Evidence) -> Iterator[Line]:
    for probe in evidence.tls or ():
        yield _line("tls", f"Handshake with {probe.address}, {_sni(probe)}", _openssl(probe), _handshake(probe))


def _sni(probe: TlsProbe) -> str:
    return f"server name {probe.server_name}" if probe.server_name else "without server name"


def _openssl(probe: TlsProbe) -> str:
    end = shell(f"{bracketed(probe.address)}:{probe.port}")
    name = f"-servername {shell(probe.server_name)} -verify_hostname {shell(probe.server_name)}" if (
        probe.server_name) else "-noservername"
    return f"openssl s_client -connect {end} {name} -alpn h2,http/1.1 -status -showcerts </dev/null"


def _handshake(probe: TlsProbe) -> str:
    words = [probe.outcome if probe.outcome != "completed" else probe.version or "completed"]
    words += [probe.error] if probe.error else []
    words += [f"certificate: {', '.join(probe.problems)}"] if probe.problems else []
    return "; ".join(words)


def _tcp(evidence: Evidence) -> Iterator[Line]:
    for probe in evidence.tcp or ():
        if probe.outcome != "policy":
            yield _line("tcp", f"Connect to {probe.address} port {probe.port}", _connect(evidence, probe),
                        f"{probe.outcome} after {milliseconds(probe.connect_ms)}")


def _connect(evidence: Evidence, probe: TcpProbe) -> str:
    return f"nc -vz -w {evidence.request.limits.probe_s:g} {shell(probe.address)} {probe.port}"


def _dns(evidence: Evidence) -> Iterator[Line]:
    answers = evidence.dns.answers if evidence.dns else ()
    for answer in answers:
        words = ", ".join(f"{r.type} {r.data}" for r in answer.records[:6])
        yield _line("dns", f"{answer.type} of {answer.question} at {answer.resolver}", _dig(answer),
                    f"{answer.rcode}{': ' + words if words else ''}")


def _dig(answer: DnsAnswer) -> str:
    """Names are given by -q and -t, so that none of them can be taken for an option or a server."""
    options, server = "+noall +comments +answer +authority", ""
    if answer.resolver.startswith("authoritative "):
        options += " +norecurse"
    if answer.resolver != "system":
        address, port = _server(answer.resolver.removeprefix("authoritative "))
        server = f" {shell('@' + address)}" + (f" -p {port}" if port else "")
    return f"dig{server} -q {shell(answer.question.rstrip('.') + '.')} -t {shell(answer.type)} {options}"


def _server(resolver: str) -> tuple[str, str]:
    """Address and port of a resolver given as ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT."""
    if resolver.startswith("["):
        address, _, port = resolver[1:].partition("]")
        return address, port.lstrip(":") if port.lstrip(":").isdigit() else ""
    address, colon, port = resolver.rpartition(":")
    return (address, port) if colon and ":" not in address and port.isdigit() else (resolver, "")


def _origin(evidence: Evidence, diagnosis: Diagnosis) -> Iterator[Line]:
    """The same request past whoever relays it; only where somebody does."""
    relays = [hop.name for hop in diagnosis.hops if hop.layer in ("cdn", "load-balancer", "reverse-proxy", "platform")]
    host, port = place(evidence.request.url)
    if not relays or not host:
        return
    target = f"--connect-to {shell(f'{bracketed(host)}:{port}:{ORIGIN}:{port}')}"
    command = _curl(evidence.request.url, f"--max-time {evidence.request.limits.commit_s:g}", "--insecure", target)
    yield _line("origin", f"Past {relays[0]}, host name and TLS name unchanged", command,
                "not tried by this capture: the address of the origin is not known from outside")
    if any(hop.vendor == "cloudflare" for hop in diagnosis.hops):
        scheme = "http" if evidence.request.url.startswith("http:") else "https"
        end = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
        trace = f"{scheme}://{bracketed(host)}{end}/cdn-cgi/trace"
        yield _line("origin", "The data centre, in Cloudflare's own words", f"curl -sS --globoff {shell(trace)}",
                    "not asked by this capture")
