"""E-mail, to any help desk (RFC 5321, RFC 5322). In: an address, a mail server. Out: one mail with the dossier.

The server cannot be asked what it has; so the same case to the same address has the same Message-ID, by which servers
and help desks drop what comes twice, and all mails of a failure refer to one id, by which they stand together.
"""

import base64
import hashlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import cached_property
from ipaddress import ip_address
from typing import ClassVar, Final, TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ada_url import idna

from report.deliver.base import (
    MOST_BYTES,
    Account,
    BadTarget,
    Credential,
    DeliveryFailed,
    Door,
    File,
    Found,
    Limits,
    Message,
    Target,
    Tracker,
    Upload,
)
from report.deliver.fitting import fitted
from report.deliver.http import REASON_CHARS, patiently
from report.deliver.targets import is_here
from report.markup.html import html
from report.markup.plain import plain
from report.text import short

CONNECT_S: Final = 15.0
SILENCE_S: Final = 60.0
TAKING_S: Final = 180.0
"""Longest wait for a connection, for an answer, and until a mail was looked at and taken, seconds. RFC 5321 4.5.3.2
would wait longer, and nobody before it would."""
PORTS: Final = {"smtp": 587, "smtps": 465}
"""Where mail is handed in (RFC 6409, RFC 8314)."""
ENCODED: Final = 57, 78
"""Bytes of a file that make one line, and the bytes of that line with its end (RFC 2045 6.8)."""
REST_BYTES: Final = 100_000
"""Of a mail, kept for head, text and what parts the files."""
TEXT_CHARS: Final = 30_000
TOO_LARGE: Final = "says that the mail is too large"
_ATOM: Final = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LOCAL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_RUN: Final = re.compile(r"[A-Za-z0-9+/]{6,}=*")
"""What could be a part of base64."""
_WANTED: Final = ("a mail goes out through a mail server: the option `server` or GATEWITNESS_EMAIL_SERVER names it, "
                  "smtp://HOST (port 587, STARTTLS) or smtps://HOST (port 465)")
T = TypeVar("T")


class Email(Tracker):
    """Mails to one address through one server."""

    kind = "email"
    name = "E-mail"
    credential = ""
    searchable = False
    options: ClassVar = {
        "server": "smtp://HOST[:587] (with STARTTLS) or smtps://HOST[:465]; also GATEWITNESS_EMAIL_SERVER",
        "from": "address of the sender; also GATEWITNESS_EMAIL_FROM; without it the user of the credential",
        "subject": "what the subject begins with, for example [#1234], so that the help desk finds its ticket",
        "automatic": "yes: marked as sent by a machine (RFC 3834); many help desks take no such mail"}

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """mailto:ADDRESS, with ?subject=... as in RFC 6068."""
        if url.scheme != "mailto":
            return None
        asked = dict(parse_qsl(f"{url.query}{f'#{url.fragment}' if url.fragment else ''}"))
        if asked.keys() - {"subject"} or url.netloc:
            raise BadTarget("mailto: takes one address here, and a subject: mailto:help@example.org?subject=[%231234]")
        return Target(cls.kind, "", _address(unquote(url.path)), options=asked)

    @classmethod
    def settled(cls, target: Target) -> Target:
        """Credentials belong to the server; it is the origin."""
        scheme, host, port = _server(target.options.get("server", ""))
        if not target.options.get("subject", "").isprintable():
            raise BadTarget("the option `subject` is one line")
        if target.options.get("automatic", "no") not in ("yes", "no"):
            raise BadTarget("the option `automatic` is yes or no")
        origin = f"{scheme}://{f'[{host}]' if ':' in host else host}{f':{port}' if port != PORTS[scheme] else ''}"
        return replace(target, origin=origin)

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        """Wants the sender's address."""
        super().__init__(self.settled(target), credential, door)
        user = (credential and credential.user) or ""
        sender = target.options.get("from") or (user if "@" in user else "")
        if not sender:
            raise BadTarget("a mail wants the address of its sender: the option `from` or GATEWITNESS_EMAIL_FROM")
        self.sender = _address(sender)
        self.to = target.place
        self.login = (user or self.sender, credential.secret) if credential else None
        self.begin = target.options.get("subject") or (f"[#{target.ticket}]" if target.ticket else "")
        self.server = f"the mail server {self.target.origin.partition('://')[2]}"
        self._files: dict[str, File] = {}

    def check(self) -> Account:
        """Logs in and names sender and recipient, as if there were a mail, and takes it back."""
        limits = self._asked(self._limits)
        return Account(self.sender, limits)

    def find(self, failure: str) -> Found | None:
        """Nothing: what was mailed cannot be looked up."""
        return None

    def attach(self, file: File) -> Upload:
        """Keeps it for the mail."""
        self._files[file.name] = file
        return Upload(file.name, file.sha256)

    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """The help desk finds the ticket by the subject."""
        return self.create(message, uploads)[1]

    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """Sends the mail; its Message-ID, and the address."""
        return self._send(message, [self._files[upload.name] for upload in uploads])

    def again(self, found: Found, message: Message) -> str:
        """Sends a short mail that answers the first."""
        return self._send(message, [], found.cases)[1]

    def discard(self, uploads: Sequence[Upload]) -> None:
        """Forgets the files."""
        self._files.clear()

    def _send(self, message: Message, files: Sequence[File], told: Sequence[str] = ()) -> tuple[str, str]:
        mail = self._mail(message, files, told)
        written = mail.as_bytes()
        self._asked(lambda client: self._hand_in(client, written))
        return str(mail["Message-ID"]), f"mailto:{self.to}"

    def _mail(self, message: Message, files: Sequence[File], told: Sequence[str]) -> EmailMessage:
        ids = [self._id(message.failure), *(self._id(message.failure, case) for case in told)]
        mail = EmailMessage(policy=SMTP.clone(cte_type="7bit", utf8=not (self.to + self.sender).isascii()))
        mail["From"] = _party(self.sender, "gatewitness")
        mail["To"] = _party(self.to)
        mail["Subject"] = f"{self.begin} {message.title}".strip()
        mail["Date"] = datetime.now(UTC)
        mail["Message-ID"] = self._id(message.failure, message.case)
        mail["In-Reply-To"], mail["References"] = ids[-1], " ".join(ids)
        mail["X-Gatewitness-Failure"], mail["X-Gatewitness-Case"] = message.failure, message.case
        if self.target.options.get("automatic") == "yes":
            mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(fitted(message.blocks, plain, TEXT_CHARS))
        page = f"<html><body>\n{fitted(message.blocks, html, TEXT_CHARS)}\n</body></html>\n"
        mail.add_alternative(page, subtype="html")
        for file in files:
            main, _, sub = file.media_type.partition("/")
            mail.add_attachment(file.data, maintype=main, subtype=sub, filename=file.name,
                                params={"charset": "utf-8"} if main == "text" else None)
        return mail

    def _id(self, *of: str) -> str:
        """The same for the same: what it is of, the address and the ticket."""
        named = "\0".join((*of, self.to, self.begin))
        return f"<gatewitness.{hashlib.sha256(named.encode()).hexdigest()[:32]}@{self.sender.rpartition('@')[2]}>"

    def _asked(self, work: Callable[["_Client"], T]) -> T:
        """Does it in a conversation of its own, again when the server wants that."""
        return patiently(self.door, lambda: self._once(work))

    def _once(self, work: Callable[["_Client"], T]) -> T:
        client = _Client(self.door, urlsplit(self.target.origin))
        try:
            code, said = client.begin()
            self._good(code, said, "takes no connection", 220)
            if self.login:
                self._good(*client.log_in(*self.login), "does not accept user and password", 235)
            return work(client)
        except (smtplib.SMTPServerDisconnected, ssl.SSLEOFError):
            raise DeliveryFailed(f"{self.server} broke the connection off", again=True) from None
        except ssl.SSLCertVerificationError as error:
            raise DeliveryFailed(f"{self.server} shows a certificate that is not trusted here: "
                                 f"{error.verify_message}") from None
        except ssl.SSLError as error:
            raise DeliveryFailed(f"{self.server} does not speak TLS as it should ({error.reason})") from None
        except smtplib.SMTPNotSupportedError as error:
            raise DeliveryFailed(f"{self.server} {error}") from None
        except smtplib.SMTPResponseException as error:
            raise self._refused(error.smtp_code, error.smtp_error, "takes no connection") from None
        except OSError as error:
            raise DeliveryFailed(f"{self.server} cannot be reached ({error.strerror or error})", again=True,
                                 unreached=client.sock is None) from None
        finally:
            client.end()

    def _limits(self, client: "_Client") -> Limits:
        self._envelope(client, None)
        self._good(*client.rset(), "did not take the mail", 250)
        said = client.esmtp_features.get("size", "").split()
        most = (int(said[0]) if said and re.fullmatch("[0-9]{1,15}", said[0]) else 0) or MOST_BYTES
        files = max(0, most - REST_BYTES) * ENCODED[0] // ENCODED[1]
        return Limits(file_bytes=files, total_bytes=files, text_chars=TEXT_CHARS)

    def _envelope(self, client: "_Client", size: int | None) -> None:
        words = [f"SIZE={size}"] if size is not None and client.has_extn("size") else []
        if not (self.to + self.sender).isascii():
            if not client.has_extn("smtputf8"):
                raise DeliveryFailed(f"{self.server} cannot send to or from an address with letters beyond ASCII (it "
                                     "does not offer SMTPUTF8)")
            words += ["SMTPUTF8", "BODY=8BITMIME"]
        self._good(*client.mail(self.sender, words), f"does not take mail from {self.sender}", 250)
        self._good(*client.rcpt(self.to), f"does not take mail for {self.to}", 250, 251)

    def _hand_in(self, client: "_Client", mail: bytes) -> None:
        self._envelope(client, len(mail))
        self._good(*client.docmd("DATA"), "did not take the mail", 354)
        client.send(re.sub(rb"(?m)^\.", b"..", mail) + b".\r\n")
        try:
            client.wait(TAKING_S)
            code, said = client.getreply()
        except OSError:
            raise DeliveryFailed(f"{self.server} broke the connection off before it said whether it took the mail",
                                 again=True, unclear=True) from None
        self._good(code, said, "did not take the mail", 250)

    def _good(self, code: int, said: bytes, sentence: str, *good: int) -> None:
        if code not in good:
            raise self._refused(code, said, sentence)

    def _refused(self, code: int, said: bytes | str, sentence: str) -> DeliveryFailed:
        """RFC 5321 4.2.1: 4xx may be taken later, 5xx will not."""
        words = said if isinstance(said, str) else said.decode("utf-8", "replace")
        words = self._masked(" ".join(words.split()).rstrip("."))
        if code < 0:  # of smtplib: the line begins with no number
            return DeliveryFailed(f"{self.server} does not speak SMTP as it should")
        if code == 530:  # RFC 4954 6
            sentence = "takes mail only from those who log in: it wants user and password as the credential"
        elif code == 552 and not words.startswith("5.2."):  # 5.2.x (RFC 3463): the recipient's mailbox is full
            sentence = TOO_LARGE
        later = 400 <= code < 500
        reason = f"{code} {short(words, REASON_CHARS)}".strip()
        return DeliveryFailed(f"{self.server} {sentence}{' now' * later} ({reason})", again=later,
                              unfit="size" if sentence == TOO_LARGE else None)

    def _masked(self, words: str) -> str:
        """Without the password, also where a server repeats the line of a login or the begin of it."""
        if self.login is None:
            return words
        user, password = self.login
        lines = (_base64(password), _base64(_plain_login(user, password)))
        words = words.replace(password, "***")
        return _RUN.sub(lambda run: "***" if any(run[0] in line for line in lines) else run[0], words)


class _Client(smtplib.SMTP):
    """A conversation that goes out through the door, in TLS but to this machine."""

    def __init__(self, door: Door, server: SplitResult) -> None:
        super().__init__(local_hostname="localhost", timeout=SILENCE_S)
        self._door = door
        self._server = server
        self._host = server.hostname or ""  # what starttls() compares the certificate with

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def begin(self) -> tuple[int, bytes]:
        """Connects, greets and encrypts; what the server greets with. Raises SMTPNotSupportedError without STARTTLS."""
        code, said = self.connect(self._host, self._server.port or PORTS[self._server.scheme])
        if code == 220:
            self.ehlo_or_helo_if_needed()
            if self._server.scheme == "smtp" and not is_here(self._host):
                if not self.has_extn("starttls"):
                    raise smtplib.SMTPNotSupportedError("offers no encryption (STARTTLS); nothing is sent in the clear")
                self.starttls(context=self._trust)
                self.ehlo_or_helo_if_needed()
        return code, said

    def log_in(self, user: str, password: str) -> tuple[int, bytes]:
        """AUTH PLAIN or LOGIN (RFC 4954), in UTF-8, which smtplib's own cannot; the server's last answer."""
        offered = self.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            return self.docmd("AUTH", f"PLAIN {_base64(_plain_login(user, password))}")
        if "LOGIN" not in offered:
            raise smtplib.SMTPNotSupportedError("offers no login with user and password (AUTH PLAIN or LOGIN)")
        answer = self.docmd("AUTH", "LOGIN")
        for word in (user, password):
            if answer[0] == 334:
                answer = self.docmd(_base64(word))
        return answer

    def wait(self, seconds: float) -> None:
        """The longest silence from now on."""
        if self.sock:
            self.sock.settimeout(seconds)

    def end(self) -> None:
        """Takes leave, if there is somebody."""
        with suppress(OSError):  # smtplib's errors too
            self.quit()
        self.close()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = self._door.dial(host, port, CONNECT_S)
        sock.settimeout(timeout)
        ours = ip_address(sock.getsockname()[0].partition("%")[0])
        self.local_hostname = f"[{'IPv6:' * (ours.version == 6)}{ours}]"  # RFC 5321 4.1.3
        return self._trust.wrap_socket(sock, server_hostname=host) if self._server.scheme == "smtps" else sock


def _server(text: str) -> tuple[str, str, int]:
    """Scheme, host and port of a mail server. Raises BadTarget when it is none."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    if url.scheme not in PORTS or not url.hostname or url.path.strip("/") or url.query or url.fragment or "@" in text:
        raise BadTarget(_WANTED)
    return url.scheme, url.hostname, port or PORTS[url.scheme]


def _address(text: str) -> str:
    """One mail address, its domain in ASCII (RFC 5890). Raises BadTarget when it is none."""
    local, _, domain = text.rpartition("@")
    with suppress(ValueError):
        domain = idna.encode(domain).decode("ascii")
    if len(local.encode()) > 64 or len(domain) > 253 or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise BadTarget(f"{short(text, 100)!r} is not one mail address")
    return f"{local}@{domain}"


def _party(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)


def _plain_login(user: str, password: str) -> str:
    """RFC 4616."""
    return f"\0{user}\0{password}"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
