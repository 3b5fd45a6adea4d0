"""The mail server does to a client what it was told, and keeps what it took."""

import contextlib
import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP

import pytest

from tests.certs import root_pem
from tests.servers.smtp import CUT, HOST, MailServer, Stage, Tls, smtp

LOGIN = ("reporter", "s3cret ünd lang")
SENDER, RECIPIENT = "witness@mail.test", "desk@mail.test"


def message() -> EmailMessage:
    """A text with a line that begins with a dot, and a file of all bytes."""
    made = EmailMessage(policy=SMTP)
    made["Subject"] = "Checkout down: 502 – für alle"
    made["From"], made["To"] = SENDER, RECIPIENT
    made.set_content(".hidden\nnot hidden\n")
    made.add_attachment(bytes(range(256)) * 50, maintype="application", subtype="octet-stream", filename="a.bin")
    return made


def context() -> ssl.SSLContext:
    return ssl.create_default_context(cadata=root_pem())


def connect(mail: MailServer) -> smtplib.SMTP:
    if mail.tls == "implicit":
        return smtplib.SMTP_SSL(HOST, mail.port, context=context())
    client = smtplib.SMTP(HOST, mail.port)
    if mail.tls == "starttls":
        client.starttls(context=context())
    return client


def send(mail: MailServer) -> None:
    with connect(mail) as client:
        if mail.login:
            client.login(*mail.login)
        client.send_message(message())


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
@pytest.mark.parametrize("login", [None, ("reporter", "s3cret")])
def test_it_keeps_a_message_as_it_was_sent(tls: Tls, login: tuple[str, str] | None) -> None:
    with smtp(tls=tls, login=login) as mail:
        send(mail)
    (kept,) = mail.received
    assert (kept.sender, kept.recipients, kept.encrypted) == (SENDER, (RECIPIENT,), tls != "none")
    assert kept.user == (login and login[0])
    parsed = BytesParser(policy=SMTP).parsebytes(kept.data)
    assert parsed["Subject"] == "Checkout down: 502 – für alle"
    (attachment,) = parsed.iter_attachments()
    assert attachment.get_content() == bytes(range(256)) * 50


def test_it_takes_nothing_without_the_login() -> None:
    with smtp(tls="starttls", login=LOGIN) as mail:
        with connect(mail) as client, pytest.raises(smtplib.SMTPSenderRefused, match="530"):
            client.send_message(message())
        with connect(mail) as client, pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
            client.login(LOGIN[0], "wrong")
        with smtplib.SMTP(HOST, mail.port) as client:
            client.ehlo()
            assert not client.has_extn("auth")
    assert mail.received == []


def test_it_says_what_it_can() -> None:
    with smtp(size=12_345) as plain, smtplib.SMTP(HOST, plain.port) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "12345"
        assert not client.has_extn("starttls")
        assert not client.has_extn("auth")
        with pytest.raises(smtplib.SMTPSenderRefused, match="552"):
            client.send_message(message())


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_can_be_a_bad_one(tls: Tls) -> None:
    with smtp(tls=tls, certificate="expired") as mail, pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        send(mail)


REFUSED: dict[Stage, tuple[str, type[Exception]]] = {
    "connect": ("421 4.3.2 Not now", smtplib.SMTPConnectError),
    "MAIL": ("451 4.3.0 Later", smtplib.SMTPSenderRefused),
    "RCPT": ("450 4.2.0 Busy", smtplib.SMTPRecipientsRefused),
    "DATA": ("552 5.3.4 Too big", smtplib.SMTPDataError),
}


@pytest.mark.parametrize("stage", REFUSED)
def test_it_refuses_where_it_is_told_and_as_often(stage: Stage) -> None:
    answer, error = REFUSED[stage]
    with smtp() as mail:
        mail.say(stage, answer, answer)
        for _ in range(2):
            with pytest.raises(error, match=answer[:3]):
                send(mail)
        assert mail.received == []
        send(mail)
    assert len(mail.received) == 1


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
@pytest.mark.parametrize("stage", ["connect", "RCPT", "BODY", "DATA"])
def test_it_cuts_the_connection_where_it_is_told(stage: Stage, tls: Tls) -> None:
    with smtp(tls=tls) as mail:
        mail.say(stage, CUT)
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            send(mail)
        assert len(mail.received) == (stage == "DATA")
        send(mail)


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
def test_it_ends_while_clients_are_connected(tls: Tls) -> None:
    with contextlib.ExitStack() as clients:
        with smtp(tls=tls) as mail:
            silent = clients.enter_context(socket.create_connection((HOST, mail.port)))
            talking = connect(mail)
            clients.callback(talking.close)
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            talking.noop()
        with contextlib.suppress(ConnectionError):
            while silent.recv(1024):
                pass
