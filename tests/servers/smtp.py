"""A real mail server in this process: aiosmtpd. In: its TLS, login, largest message, what it is to refuse. Out: the
port, and what it received, as bytes."""

import asyncio
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.listening import listening
from tests.tlssite import TlsSite

Tls = Literal["none", "starttls", "implicit"]
Stage = Literal["connect", "MAIL", "RCPT", "BODY", "DATA"]
"""Where the server can be told what to answer. BODY: in the middle of the text, where it can only be cut. DATA: after
the text, which has been kept by then."""
CUT: Final = ""
"""An answer: none, the connection is cut."""
HOST: Final = "127.0.0.1"
Started = Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]]


@dataclass(frozen=True)
class Received:
    """One message as it came."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    """Lines end with CRLF, dots are as written."""
    encrypted: bool
    user: str | None
    """Who had logged in."""


@dataclass
class MailServer:
    """What it is like and what it got; also the hooks that aiosmtpd calls."""

    tls: Tls
    login: tuple[str, str] | None
    """Name and password without which it takes no mail."""
    size: int
    """Largest message, bytes; announced."""
    certificate: str
    """Kind of tests.certs."""
    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: defaultdict[Stage, deque[str]] = field(default_factory=lambda: defaultdict(deque))

    def say(self, stage: Stage, *answers: str) -> None:
        """The next times that a client comes to STAGE it gets these answers ("450 4.2.0 Busy", CUT), then the usual."""
        self.answers[stage].extend(answers)

    def told(self, stage: Stage, server: SMTP) -> str | None:
        """What to answer now, if something was told; cuts the connection where that is CUT."""
        if not self.answers[stage]:
            return None
        answer = self.answers[stage].popleft()
        if answer == CUT and server.transport is not None:
            server.transport.abort()  # type: ignore[attr-defined]
        return answer or "421 4.4.2 Connection cut"

    def authenticate(self, _: SMTP, __: Session, ___: Envelope, mechanism: str, given: LoginPassword) -> AuthResult:
        """Judges AUTH PLAIN and AUTH LOGIN."""
        wanted = self.login and tuple(word.encode() for word in self.login)
        return AuthResult(success=tuple(given) == wanted, handled=False, auth_data=given)

    async def handle_EHLO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str,  # noqa: N802
                          lines: list[str]) -> list[str]:
        """Leaves out the AUTH of which nothing is offered."""
        session.host_name = hostname
        return [line for line in lines if line.strip() != "250-AUTH"]

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str,  # noqa: N802
                          options: list[str]) -> str:
        """Takes the sender, of those who have logged in where that is wanted."""
        if self.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        answer = self.told("MAIL", server)
        if answer is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer or "250 2.1.0 Sender OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str,  # noqa: N802
                          options: list[str]) -> str:
        """Takes a recipient."""
        answer = self.told("RCPT", server)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keeps the message unless it is told to refuse it; one whose answer is cut off is kept."""
        cut = list(self.answers["DATA"])[:1] == [CUT]
        answer = self.told("DATA", server)
        if answer is None or cut:
            self._keep(session, envelope)
        return answer or "250 2.0.0 Message taken"

    def _keep(self, session: Session, envelope: Envelope) -> None:
        user = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else None
        encrypted = self.tls == "implicit" or session.ssl is not None
        assert isinstance(envelope.content, bytes)
        self.received.append(Received(
            envelope.mail_from or "", tuple(filter(None, envelope.rcpt_tos)), envelope.content, encrypted, user))


class _Conversation(SMTP):
    """One connection."""

    def __init__(self, mail: MailServer) -> None:
        self.mail = mail
        self.cutting = False
        context = TlsSite(mail.certificate).context() if mail.tls == "starttls" else None
        super().__init__(
            mail, data_size_limit=mail.size, enable_SMTPUTF8=True, hostname="mail.test", tls_context=context,
            auth_require_tls=mail.tls == "starttls", loop=asyncio.get_running_loop(),
            authenticator=mail.authenticate if mail.login else None,
            auth_exclude_mechanism=() if mail.login else ("PLAIN", "LOGIN"))

    async def _handle_client(self) -> None:
        greeting = self.mail.told("connect", self)
        if greeting is None:
            return await super()._handle_client()
        await self.push(greeting)
        self._writer.close()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """As usual, but what follows can be cut."""
        if self.mail.answers["BODY"]:
            self.mail.answers["BODY"].popleft()
            self.cutting = True
        await super().smtp_DATA(arg)

    def data_received(self, data: bytes) -> None:
        """Cuts the connection at the first bytes of a text, when told."""
        if self.cutting and self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]
        else:
            super().data_received(data)

    async def over(self) -> None:
        """Sees what the handler raised, which is no more than that the client has gone."""
        if self._handler_coroutine is not None:
            await asyncio.gather(self._handler_coroutine, return_exceptions=True)


@contextmanager
def smtp(*, tls: Tls = "none", login: tuple[str, str] | None = None, size: int = 33_554_432,
         certificate: str = "ok") -> Iterator[MailServer]:
    """Runs a mail server at 127.0.0.1 in a thread. `certificate` is a kind of tests.certs, whose root is
    tests.certs.root_pem(). With tls="none" it offers no STARTTLS, and offers AUTH in the clear if there is a login."""
    mail = MailServer(tls, login, size, certificate)
    started: Started = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(mail, started)), name="smtp")
    thread.start()
    loop, serving = started.result()
    assert serving is not None
    try:
        yield mail
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()


async def _serve(mail: MailServer, started: Started) -> None:
    context = TlsSite(mail.certificate).context() if mail.tls == "implicit" else None
    conversations: list[_Conversation] = []

    def begin() -> _Conversation:
        conversations.append(_Conversation(mail))
        return conversations[-1]

    sock = socket.create_server((HOST, 0))
    mail.port = sock.getsockname()[1]
    with suppress(asyncio.CancelledError):
        async with listening(begin, sock, context):
            started.set_result((asyncio.get_running_loop(), asyncio.current_task()))
            await asyncio.Event().wait()
    for conversation in conversations:
        await conversation.over()
