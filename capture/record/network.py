"""Facts below HTTP: names, connections, certificates, and the plain request without a browser."""

from typing import Literal

from capture.record.base import Header, Moment, Record

DialPurpose = Literal["page", "lenient", "tcp", "tls", "plain-http", "background", "dns"]
"""Who asked the guard for this connection; `background` is the browser's own traffic, never the page's."""


class Dial(Record):
    """One connection that was asked of the guard: the network truth behind every exchange."""

    id: int
    """Position in the dial log."""
    purpose: DialPurpose
    """Which load or probe asked for it."""
    host: str
    """Name or address literal asked for, without trailing dot."""
    port: int
    """TCP port asked for."""
    started_at: Moment
    """When the guard was asked."""
    verdict: Literal["allowed", "refused", "failed"]
    """allowed: connected. refused: our policy said no, nothing was sent. failed: the network said no or nothing."""
    rule: str | None = None
    """The policy's rule that refused it, for example "loopback 127.0.0.0/8" or "port 6379"."""
    answers: tuple[str, ...] = ()
    """Every address that the name resolved to, in the resolver's order."""
    rcode: str | None = None
    """DNS response code when the name was resolved (NOERROR, NXDOMAIN, SERVFAIL, TIMEOUT); absent for literals."""
    resolve_ms: float | None = None
    """Time to resolve, milliseconds; absent for literals and cached answers."""
    address: str | None = None
    """The address dialled last."""
    connect_ms: float | None = None
    """Time of the TCP connect that succeeded or failed last, milliseconds."""
    error: str | None = None
    """Chromium's name of the failure, for example "net::ERR_CONNECTION_REFUSED"; absent when connected."""
    errno: str | None = None
    """The system's name of the failure, for example "ECONNREFUSED"."""
    first_byte_ms: float | None = None
    """From connected to the first byte received, milliseconds; absent when none came."""
    bytes_up: int = 0
    """Bytes sent to the address."""
    bytes_down: int = 0
    """Bytes received from the address."""
    closed_by: Literal["peer", "peer-reset", "us", "idle", "cap"] | None = None
    """Who ended the connection: the peer (FIN), the peer by reset, us, the idle limit, a byte cap."""
    duration_ms: float | None = None
    """From asked to closed, milliseconds."""


class DnsRecord(Record):
    """One resource record of an answer."""

    name: str
    """Owner name, absolute without trailing dot."""
    type: str
    """Type, for example A, AAAA, CNAME."""
    ttl: int
    """Time to live, seconds."""
    data: str
    """Presentation form of the data."""


class DnsAnswer(Record):
    """What one resolver said to one question."""

    resolver: str
    """Who was asked: "system", an address, or "authoritative ADDRESS"."""
    question: str
    """Name asked for."""
    type: str
    """Type asked for."""
    rcode: str
    """NOERROR, NXDOMAIN, SERVFAIL, REFUSED ..., or TIMEOUT when nobody answered, or ERROR."""
    authentic_data: bool | None = None
    """The AD flag: the resolver says that it validated the answer with DNSSEC."""
    records: tuple[DnsRecord, ...] = ()
    """The answer section."""
    authority: tuple[DnsRecord, ...] = ()
    """The authority section, for example the SOA of a name that does not exist."""
    duration_ms: float | None = None
    """Time to answer, milliseconds."""
    error: str | None = None
    """What went wrong when there was no answer at all."""


class Origin(Record):
    """The network that announces an address (RFC 4271), as the zone asn.cymru.com tells it.

    Source: https://www.team-cymru.com/ip-asn-mapping, 2026.
    """

    address: str
    """The address."""
    asn: int
    """Number of the autonomous system; of several that announce it, the first."""
    prefix: str
    """The announced prefix, CIDR."""
    name: str | None = None
    """Name and country of the autonomous system, as registered."""


class Dns(Record):
    """The name as DNS knows it."""

    host: str
    """Name in its ASCII form."""
    answers: tuple[DnsAnswer, ...]
    """Every question asked, by resolver."""
    addresses: tuple[str, ...] = ()
    """Addresses by the system resolver (or the hosts file), in its order."""
    source: Literal["resolver", "hosts-file", "literal"]
    """Where the addresses come from."""
    reverse: tuple[DnsRecord, ...] = ()
    """PTR records of the addresses."""
    origins: tuple[Origin, ...] = ()
    """Whose networks the public ones among the addresses are in."""


class TcpProbe(Record):
    """One connect to one address, on its own."""

    address: str
    """IP address."""
    port: int
    """TCP port."""
    outcome: Literal["connected", "refused", "reset", "timed-out", "unreachable", "policy", "failed"]
    """What happened; `policy`: our own guard did not allow it, nothing was sent."""
    connect_ms: float | None = None
    """Time to the outcome, milliseconds."""
    errno: str | None = None
    """The system's name of the failure."""
    dial: int | None = None
    """Position in the dial log."""


class Certificate(Record):
    """One certificate as sent by the server."""

    subject: str
    """Distinguished name, RFC 4514."""
    issuer: str
    """Distinguished name of the issuer, RFC 4514."""
    names: tuple[str, ...] = ()
    """Subject alternative names (DNS names and addresses)."""
    not_before: Moment
    """Valid from."""
    not_after: Moment
    """Valid until."""
    serial: str
    """Serial number, hexadecimal."""
    key: str
    """Public key, for example "RSA 2048" or "EC secp256r1"."""
    signature_algorithm: str
    """For example "sha256WithRSAEncryption"."""
    sha256: str
    """Fingerprint of the DER form, hexadecimal."""
    artifact: str | None = None
    """Path of the DER form inside the bundle."""
    self_signed: bool = False
    """Subject and issuer are the same."""


class TlsProbe(Record):
    """One handshake with one address, without a browser."""

    address: str
    """IP address."""
    port: int
    """TCP port."""
    server_name: str | None = None
    """Server name sent (SNI); absent when none was sent."""
    outcome: Literal["completed", "alert", "reset", "closed", "timed-out", "not-tls", "policy", "failed"]
    """How the handshake ended; `completed` says nothing about the certificate."""
    error: str | None = None
    """What the TLS library said, verbatim."""
    version: str | None = None
    """Protocol version agreed on, for example TLSv1.3."""
    cipher: str | None = None
    """Cipher suite agreed on."""
    alpn: str | None = None
    """Application protocol agreed on, for example h2."""
    handshake_ms: float | None = None
    """Time of the handshake, milliseconds."""
    chain: tuple[Certificate, ...] = ()
    """The chain exactly as sent, leaf first."""
    trusted: bool | None = None
    """Whether the chain leads to a root of this machine's store at this time; absent when there was no chain."""
    name_matches: bool | None = None
    """Whether the leaf is valid for the host name (RFC 6125)."""
    problems: tuple[str, ...] = ()
    """Every reason why validation fails: expired, not-yet-valid, wrong-name, self-signed, untrusted-root,
    incomplete-chain, weak-signature, revoked, other: TEXT."""
    ocsp_staple: bool | None = None
    """Whether the server stapled an OCSP response."""
    dial: int | None = None
    """Position in the dial log."""


class PlainHop(Record):
    """One request and its answer as bytes on the wire."""

    url: str
    """Address asked for; secrets are masked."""
    address: str | None = None
    """IP address asked."""
    request_head: str
    """Request line and header lines as sent; secrets are masked."""
    status: int | None = None
    """Status code; absent when no HTTP answer came. Not bounded to 100-599."""
    status_line: str | None = None
    """First line as received."""
    headers: tuple[Header, ...] = ()
    """Header lines as received."""
    informational: tuple[int, ...] = ()
    """1xx statuses that came before."""
    body_bytes: int | None = None
    """Body bytes received, before decoding."""
    body_sha256: str | None = None
    """Hash of the body bytes received, hexadecimal."""
    text: str | None = None
    """Decoded text of the body (kept up to the limit); secrets are masked."""
    framing: Literal["ok", "truncated", "surplus", "bad-chunk", "until-close", "none"] | None = None
    """Whether the body kept to its own framing: shorter than declared, bytes left over, a broken chunk."""
    declared_bytes: int | None = None
    """Content-Length as declared, bytes."""
    decode_error: str | None = None
    """Why the content coding could not be undone, for example "gzip: truncated"."""
    first_byte_ms: float | None = None
    """From request sent to first byte, milliseconds."""
    duration_ms: float | None = None
    """From request sent to end, milliseconds."""
    error: str | None = None
    """Why there is no complete answer: refused, reset, closed, timed-out, not-http, tls: TEXT, name: RCODE, policy."""
    first_bytes: str | None = None
    """Up to 200 first bytes, escaped, when the answer was not HTTP."""
    dial: int | None = None
    """Position in the dial log."""


class PlainHttp(Record):
    """The same request without a browser: one protocol, one address family, every hop of the redirect chain."""

    protocol: Literal["http/1.1", "h2"]
    """Protocol spoken."""
    family: Literal["ipv4", "ipv6"]
    """Address family used."""
    hops: tuple[PlainHop, ...]
    """The chain, in order."""
