"""The output of curl -v, -i or both. In: text. Out: a Part: every hop as a request; what TCP and TLS showed."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import urljoin

from capture.content import media_type
from capture.importers.curl_talk import STATUS_LINE, Connection, Hop, Talk, talk
from capture.importers.failures import error_of, exit_name, name_of, problems_of
from capture.importers.fields import OLDEST
from capture.importers.given import Options, bad
from capture.importers.har_entry import REDIRECTS, WEB
from capture.importers.part import Call, Content, Part
from capture.record.base import Header
from capture.record.network import TcpProbe, TlsProbe
from capture.record.page import Exchange, Response, Security

HOPS: Final = 100
"""Requests of one output; curl itself follows 50 redirects."""
_VERBOSE: Final = re.compile(r"^(?:[*<>] |curl: \(\d)", re.MULTILINE)
_ENDED: Final = re.compile(r"^curl: \((\d{1,3})\) ?([^\r\n]{0,1000})", re.MULTILINE)
_PROTOCOLS: Final = {"2": "h2", "3": "h3", "1.1": "http/1.1", "1.0": "http/1.0"}
_CERTIFICATE_DATE: Final = "%b %d %H:%M:%S %Y GMT"
_OUTCOMES: Final[tuple[tuple[str, Literal["refused", "timed-out", "unreachable", "reset"]], ...]] = (
    ("refused", "refused"), ("timed out", "timed-out"), ("timeout", "timed-out"), ("unreachable", "unreachable"),
    ("no route", "unreachable"), ("reset", "reset"))
GUESSED: Final = "The output does not say which address was asked for; only the host is known."


def part(name: str, text: str, options: Options, now: datetime) -> Part:
    """The conversation; raises BadInput when it does not tell which address it is about."""
    verbose = _VERBOSE.search(text) is not None
    told = talk(text) if verbose else Talk()
    hops = told.hops or _plain(text)
    urls = _urls(hops, told, options.url)
    if not urls:
        raise bad(name, "the curl output does not say which address was asked for; give the address too")
    if len(hops) > HOPS:
        raise bad(name, f"the curl output holds more than {HOPS} requests")
    ended = _ENDED.search(text)
    error = name_of(told.said) or (exit_name(int(ended[1])) if ended else None) or error_of(told.said)
    notes = [GUESSED] if not hops and not (options.url or told.command_url) else []
    hops = hops or [Hop(told.connections[-1] if told.connections else Connection())]
    server_time = next((moment for hop in reversed(hops) if (moment := _date(_value(hop.received, "date")))), None)
    calls = [_call(number, hop, url, server_time or now, error if number == len(hops) else None)
             for number, (hop, url) in enumerate(zip(hops, urls, strict=True), 1)]
    if (hops[-1].status or 0) in REDIRECTS:
        notes.append("The last answer is a redirect that curl did not follow; -L makes it follow.")
    agents = [_value(hop.sent, "user-agent") for hop in hops]
    agent = next((agent for agent in agents if agent.startswith("curl/")), "curl")
    return Part(name=name, format="curl", creator=agent.replace("/", " ", 1)[:60], recorded_at=server_time,
                clock_is_server=server_time is not None, notes=tuple(notes), calls=tuple(calls), main=f"E{len(calls)}",
                url=urls[0], tcp=_tcp(told), tls=_tls(told, error))


def _urls(hops: Sequence[Hop], told: Talk, given: str | None) -> list[str]:
    """The address of every hop; none when the first cannot be told."""
    first = told.command_url or given
    if not hops:
        return [url] if (url := first or _guess(told)) else []
    urls: list[str] = []
    for hop in hops:
        own = hop.url or _composed(hop)
        if not urls:
            urls.append(own or first or "")
            continue
        before = hops[len(urls) - 1]
        place = _value(before.received, "location")
        urls.append(own or (_joined(urls[-1], place) if place else urls[-1]))
    return urls if urls[0].startswith(WEB) else []


def _joined(base: str, place: str) -> str:
    try:
        return urljoin(base, place)
    except ValueError:
        return base


def _guess(told: Talk) -> str:
    """The host that was meant: of the last connection, else the one that curl could not get to; empty when unknown."""
    at = told.connections[-1] if told.connections and told.connections[-1].host else None
    name = _authority(at) if at else told.name
    https = name.endswith(":443") or (at is not None and (at.tls or at.port == 443))
    bare = name.removesuffix(":443" if https else ":80")
    return f"{'https' if https else 'http'}://{bare}/" if name else ""


def _composed(hop: Hop) -> str:
    """The address put together of connection, Host and request target (RFC 9112 section 3.3)."""
    if hop.target.startswith(WEB):
        return hop.target
    host = _value(hop.sent, "host") or _authority(hop.connection)
    if not host or not hop.target.startswith("/"):
        return ""
    scheme = "https" if hop.connection.tls or hop.connection.port == 443 else "http"
    return f"{scheme}://{host}{hop.target}"


def _authority(at: Connection) -> str:
    return f"{at.host}:{at.port}" if at.host and at.port not in (0, 80, 443) else at.host


def _plain(text: str) -> list[Hop]:
    """What curl -i printed: heads and one body. A redirect's body and an interim answer's are not printed."""
    lines = re.split(r"\r\n|\n|\r", text.lstrip("\ufeff \t\r\n"))
    hops: list[Hop] = []
    at = 0
    while at < len(lines) and len(hops) <= HOPS and (status := STATUS_LINE.match(lines[at])) is not None:
        head, at = _head(lines, at + 1)
        code = int(status[2])
        if code >= 200 and not _tunnel(code, status[3] or ""):
            hops.append(Hop(Connection(), status=code, status_text=status[3] or "", version=status[1], received=head))
    ended = next((n for n, line in enumerate(lines) if n >= at and line.startswith("curl: (")), len(lines))
    if hops:
        hops[-1].body = lines[at:ended]
    return hops


def _tunnel(code: int, phrase: str) -> bool:
    return code == 200 and phrase.strip().lower() == "connection established"


def _head(lines: list[str], at: int) -> tuple[list[Header], int]:
    """Header lines from a place on, and where what follows them begins."""
    head = []
    while at < len(lines) and lines[at].strip():
        name, colon, value = lines[at].partition(":")
        if colon and name.strip():
            head.append(Header(name=name.strip(), value=value.strip()))
        at += 1
    return head, at + 1


def _call(number: int, hop: Hop, url: str, moment: datetime, error: str | None) -> Call:
    return Call(_exchange(number, hop, url, moment, error), answer=_body(hop) if hop.status is not None else None)


def _exchange(number: int, hop: Hop, url: str, moment: datetime, error: str | None) -> Exchange:
    at = hop.connection
    bare = ip_literal(at.address)
    shown = f"[{bare}]" if bare and ":" in bare else bare
    return Exchange(
        id=f"E{number}", url=url, method=hop.method, resource_type="document", main_document=True, hop=number - 1,
        started_at=moment, started_ms=0.0, request_headers=tuple(hop.sent), response=_response(hop), error=error,
        remote_address=f"{shown}:{at.port}" if shown and at.port and not at.proxied else None,
        security=_security(at) if hop.status is not None else None)


def _response(hop: Hop) -> Response | None:
    if hop.status is None:
        return None
    return Response(
        status=hop.status, status_text=hop.status_text.strip(), protocol=_PROTOCOLS.get(hop.version, "unknown"),
        headers=tuple(hop.received), header_source="wire",
        mime_type=_value(hop.received, "content-type").partition(";")[0].strip().lower())


def _body(hop: Hop) -> Content:
    """The body as it was printed. Without one it is empty only where the answer says so."""
    lines = hop.body
    if lines and (repeated := STATUS_LINE.match(lines[0])) and int(repeated[2]) == hop.status:
        lines = lines[_head(lines, 1)[1]:]  # -i beside -v prints the head twice
    text = "\n".join(lines).strip("\n")
    mime = media_type(_value(hop.received, "content-type"))  # what curl printed was decoded with the file
    if text.strip():
        return Content(text.encode(), len(text.encode()), mime)
    empty = _value(hop.received, "content-length") == "0" or hop.status in (204, 205, 304) or hop.method == "HEAD"
    declared = _value(hop.received, "content-length")
    return Content(b"" if empty else None, int(declared) if declared.isascii() and declared.isdigit() and
                   len(declared) < 16 and not empty else 0, mime)


def _value(headers: Sequence[Header], name: str) -> str:
    return next((line.value for line in headers if line.name.lower() == name), "")


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
        return found.astimezone(UTC) if found.tzinfo is not None and OLDEST <= found.year < 9999 else None
    except (ValueError, TypeError, OverflowError):
        return None


def ip_literal(text: str) -> str:
    """The address without its zone; empty when it is none."""
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return ""


def _security(at: Connection) -> Security | None:
    """Only of a certificate that curl accepted: -k shows others too."""
    begins, ends = (_certificate_date(at.certificate.get(key, "")) for key in ("start date", "expire date"))
    if not at.version or not at.verified or begins is None or ends is None:
        return None
    return Security(protocol=_version(at.version), cipher=at.cipher, subject=at.certificate.get("subject", ""),
                    issuer=at.certificate.get("issuer", ""), valid_from=begins, valid_to=ends)


def _certificate_date(text: str) -> datetime | None:
    try:
        return datetime.strptime(" ".join(text.split()), _CERTIFICATE_DATE).replace(tzinfo=UTC)
    except ValueError:
        return None


def _version(text: str) -> str:
    return re.sub(r"^TLSv", "TLS ", text)


def _tcp(told: Talk) -> tuple[TcpProbe, ...]:
    """Every attempt to connect that curl told of."""
    probes = []
    for address, port, reason in (connect for at in told.connections if not at.proxied for connect in at.connects):
        lower = reason.lower()
        outcome = next((name for word, name in _OUTCOMES if word in lower), "failed")
        if bare := ip_literal(address):
            probes.append(TcpProbe(address=bare, port=port, outcome=outcome if reason else "connected"))
    return tuple(dict.fromkeys(probes))


def _tls(told: Talk, error: str | None) -> tuple[TlsProbe, ...]:
    """Every handshake that curl told of; the error belongs to the last one."""
    shaken = [at for at in told.connections if at.tls and ip_literal(at.address) and not at.proxied]
    return tuple(_handshake(at, error if at is told.connections[-1] else None, told.said) for at in shaken)


def _handshake(at: Connection, error: str | None, said: str) -> TlsProbe:
    named = bool(at.host) and not ip_literal(at.host)
    problems = at.problems or (problems_of(said) if error and error.startswith("net::ERR_CERT") else ())
    outcomes: dict[str, Literal["reset", "closed", "timed-out", "not-tls"]] = {
        "net::ERR_CONNECTION_RESET": "reset", "net::ERR_CONNECTION_CLOSED": "closed",
        "net::ERR_TIMED_OUT": "timed-out", "net::ERR_CONNECTION_TIMED_OUT": "timed-out"}
    not_tls: Literal["not-tls", "failed"] = "not-tls" if "wrong version number" in said else "failed"
    return TlsProbe(
        address=ip_literal(at.address), port=at.port, server_name=at.host if named else None,
        outcome="completed" if at.version else outcomes.get(error or "", not_tls),
        error=said if error and not at.version else None, version=at.version or None, cipher=at.cipher or None,
        alpn=at.alpn or None, trusted=True if at.verified else False if problems else None,
        name_matches=True if at.name_matched else False if "wrong-name" in problems else None, problems=problems)


