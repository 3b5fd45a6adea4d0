"""Mails to help desks, handed in at a real mail server."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from capture.errors import Refused
from capture.outgoing import Outgoing
from report.deliver import delivery, targets
from report.deliver.base import BadTarget, Credential, DeliveryFailed, Door, File, Found, Message
from report.deliver.http import UNREACHED
from report.deliver.trackers.email import REST_BYTES, Email, _base64
from report.markup.blocks import Paragraph, Strong, Text
from tests.certs import root_pem
from tests.report.deliver.scenes import CONTENT, named, parcel
from tests.servers.smtp import CUT, HOST, MailServer, smtp

DESK, WITNESS = "help@desk.example", "witness@shop.example"
PASSWORD = "s3cret ünd lang"
LOGIN = ("reporter", PASSWORD)
FILES = (File("GW-1234-5678-dossier.pdf", "application/pdf", bytes(range(256)) * 300),
         File("GW-1234-5678-dossier.html", "text/html", "<p>Grüße\r\n.\r\n</p>\n".encode() * 9),
         File("GW-1234-5678-page.har", "application/json", b'{"log": {}}'))
LOCAL: dict[str, str] = {"from": WITNESS}


def message(case: str = "GW-1234-5678", title: str = "shop.example: 502 Bad Gateway", text: str = "what") -> Message:
    blocks = (Paragraph((Strong("The origin answered 502."),)), Paragraph((Text(text),)))
    return Message(title, blocks, f"gatewitness:f00:{case}", "f00", case)


def tracker(mail: MailServer, server: str = f"smtp://{HOST}", to: str = f"mailto:{DESK}",
            login: tuple[str, str] | None = None, patience_s: float = 0, **options: str) -> Email:
    """One that reaches the server whatever its name is."""
    found = targets.find(to, {}, {"server": server, **LOCAL, **options}, environment={})
    passing = count()
    door = Door(httpx.Client(trust_env=False), lambda host, port, s: socket.create_connection((HOST, mail.port), s),
                patience_s, sleep=lambda _: None, clock=lambda: float(next(passing)))
    return Email(found.target, Credential(login[1], login[0]) if login else None, door)


def deliver(one: Email, told: Message | None = None, files: tuple[File, ...] = FILES) -> tuple[str, str]:
    return one.create(told or message(), [one.attach(file) for file in files])


def parsed(mail: MailServer) -> EmailMessage:
    made = BytesParser(policy=SMTP).parsebytes(mail.received[-1].data)
    assert isinstance(made, EmailMessage)
    return made


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "roots.pem").write_text(root_pem())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))


@pytest.fixture(scope="module")
def plain_server() -> Iterator[MailServer]:
    with smtp() as mail:
        yield mail


@pytest.fixture
def server(plain_server: MailServer) -> MailServer:
    plain_server.received.clear()
    plain_server.answers.clear()
    return plain_server


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(("tls", "scheme"), [("starttls", "smtp"), ("implicit", "smtps")])
def test_a_mail_arrives_encrypted_and_whole(tls: Any, scheme: str) -> None:
    with smtp(tls=tls, login=LOGIN) as mail:
        one = tracker(mail, f"{scheme}://shop.test", login=LOGIN)
        assert one.check().name == WITNESS
        assert mail.received == []
        number, link = deliver(one)
    (kept,) = mail.received
    assert (kept.sender, kept.recipients, kept.encrypted, kept.user) == (WITNESS, (DESK,), True, LOGIN[0])
    came = parsed(mail)
    assert (link, number) == (f"mailto:{DESK}", came["Message-ID"])
    assert [(part.get_filename(), part.get_content_type(), part.get_content_charset(), part.get_payload(decode=True))
            for part in came.iter_attachments()] == [
        (file.name, file.media_type, "utf-8" if file.media_type == "text/html" else None, file.data) for file in FILES]
    assert came["Subject"] == "shop.example: 502 Bad Gateway"
    assert came["X-Gatewitness-Failure"] == "f00"
    assert came["X-Gatewitness-Case"] == "GW-1234-5678"
    assert came["Date"].datetime.tzinfo is not None
    assert came["Auto-Submitted"] is None
    for form in ("plain", "html"):
        body = came.get_body((form,))
        assert body is not None
        assert "The origin answered 502." in body.get_content()
    assert max(map(len, kept.data.splitlines())) <= 998


def test_the_same_case_is_the_same_mail_and_all_of_a_failure_stand_together(server: MailServer) -> None:
    first, second = tracker(server), tracker(server)
    deliver(first)
    deliver(second)
    other = tracker(server, to=f"mailto:{DESK}?subject=[#12]")
    deliver(other)
    ids = [BytesParser(policy=SMTP).parsebytes(kept.data)["Message-ID"] for kept in server.received]
    assert ids[0] == ids[1] != ids[2]
    found = Found(f"mailto:{DESK}", ids[0], "", ("GW-1234-5678",))
    assert first.again(found, message("GW-8765-4321")) == f"mailto:{DESK}"
    later = parsed(server)
    root = BytesParser(policy=SMTP).parsebytes(server.received[0].data)["References"]
    assert later["References"].split() == [root, ids[0]]
    assert later["In-Reply-To"] == ids[0]
    assert later["Message-ID"] not in ids
    assert not list(later.iter_attachments())


def test_the_help_desk_finds_its_ticket_by_the_subject(server: MailServer) -> None:
    for one in (tracker(server, subject="[#1234]"), tracker(server, to=f"mailto:{DESK}?subject=[%231234]"),
                tracker(server, to=f"mailto:{DESK}?subject=[#1234]")):
        assert one.find("f00") is None
        assert one.comment(message(), ()) == f"mailto:{DESK}"
        assert parsed(server)["Subject"] == "[#1234] shop.example: 502 Bad Gateway"
    one = tracker(server)
    Email(replace(one.target, ticket="77"), None, one.door).comment(message(), ())
    assert parsed(server)["Subject"] == "[#77] shop.example: 502 Bad Gateway"


def test_words_of_strangers_do_nothing(server: MailServer) -> None:
    nasty = "<b>@all</b> <img src=https://evil.example/x> {{ticket.id}} \u202e --> `|` " + "lang " * 100
    deliver(tracker(server), message(title="Bcc: x <b>Ü\u2400 " + "t" * 150, text=nasty), ())
    came = parsed(server)
    assert came["Subject"].startswith("Bcc: x <b>Ü")
    assert came["Bcc"] is None
    html, text = came.get_body(("html",)), came.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert not any(found in html.get_content() for found in ("<b>", "<img", ">@all", "{{", "\u202e"))
    assert not any(found in text.get_content() for found in (">@all", "{{", "\u202e"))
    assert server.received[-1].recipients == (DESK,)
    assert server.received[-1].data.isascii()


@pytest.mark.parametrize("text", [".hidden", "für alle"])
def test_a_text_arrives_whole_by_servers_that_know_ascii_only(server: MailServer, text: str) -> None:
    deliver(tracker(server), message(text=text), ())
    body = parsed(server).get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines()[-1] == text
    assert server.received[-1].data.isascii()


def test_a_mail_says_that_a_machine_sent_it_only_when_told_so(server: MailServer) -> None:
    deliver(tracker(server, automatic="yes"), files=())
    assert parsed(server)["Auto-Submitted"] == "auto-generated"


def test_what_the_server_takes_counts_the_encoding() -> None:
    with smtp(size=6_000_000) as mail:
        limits = tracker(mail).check().limits
        assert limits.total_bytes is not None
        deliver(tracker(mail), files=(File("GW-1-whole.bin", "application/octet-stream", bytes(limits.total_bytes)),))
        assert 5_900_000 < len(mail.received[0].data) <= 6_000_000
        with pytest.raises(DeliveryFailed, match=r"says that the mail is too large \(552 ") as failure:
            deliver(tracker(mail), files=(File("x.bin", "application/octet-stream", bytes(4_500_000)),))
        assert failure.value.unfit == "size"
    with smtp(size=10_000) as small:
        assert tracker(small).check().limits.total_bytes == 0


@pytest.mark.usefixtures("trusted")
def test_nothing_is_sent_where_it_could_be_read_on_the_way() -> None:
    with smtp(login=LOGIN) as mail, pytest.raises(DeliveryFailed, match="offers no encryption") as failure:
        tracker(mail, "smtp://shop.test", login=LOGIN).check()
    assert (failure.value.again, mail.received) == (False, [])


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(("certificate", "said"), [("expired", "expired"), ("wrong-name", "shop.test"),
                                                   ("untrusted-root", "self.signed")])
def test_a_certificate_must_be_good(certificate: str, said: str) -> None:
    for tls, scheme in (("starttls", "smtp"), ("implicit", "smtps")):
        with (smtp(tls=tls, certificate=certificate) as mail,  # type: ignore[arg-type]
              pytest.raises(DeliveryFailed, match=f"certificate that is not trusted here: .*{said}")):
            tracker(mail, f"{scheme}://shop.test", login=LOGIN).check()


def test_a_server_that_does_not_speak_tls_is_told_apart(server: MailServer) -> None:
    with pytest.raises(DeliveryFailed, match="does not speak TLS as it should"):
        tracker(server, "smtps://shop.test").check()


def test_a_login_must_be_right_and_is_never_repeated_in_an_error() -> None:
    with smtp(login=LOGIN) as mail:
        with pytest.raises(DeliveryFailed, match=r"does not accept user and password \(535 ") as failure:
            tracker(mail, login=("reporter", "wr0ng-passw0rd")).check()
        assert "wr0ng" not in str(failure.value)
        with pytest.raises(DeliveryFailed, match="takes mail only from those who log in"):
            tracker(mail).check()
    with smtp() as mail, pytest.raises(DeliveryFailed, match="offers no login"):
        tracker(mail, login=LOGIN).check()


@pytest.mark.parametrize(("stage", "answer", "said", "again"), [
    ("connect", "421 4.3.2 Not now", r"takes no connection now \(421 4.3.2 Not now\)", True),
    ("connect", "554 5.7.1 Go away", "takes no connection", False),
    ("MAIL", "451 4.3.0 Later", f"does not take mail from {WITNESS} now", True),
    ("RCPT", "450 4.2.0 Greylisted", f"does not take mail for {DESK} now", True),
    ("RCPT", "550 5.1.1 No such user", f"does not take mail for {DESK} ", False),
    ("RCPT", "552 5.2.2 Mailbox full", f"does not take mail for {DESK} ", False),
    ("DATA", "552 5.3.4 Too big", "says that the mail is too large", False),
    ("DATA", "554 5.6.0 Spam", "did not take the mail ", False)])
def test_a_refusal_is_one_sentence(server: MailServer, stage: Any, answer: str, said: str, again: bool) -> None:
    server.say(stage, answer)
    with pytest.raises(DeliveryFailed, match=said) as failure:
        deliver(tracker(server))
    assert (failure.value.again, failure.value.unclear, server.received) == (again, False, [])


def test_a_server_may_know_the_older_login_only(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = MailServer.handle_EHLO

    async def without_plain(mail: MailServer, server: Any, session: Any, envelope: Any, name: str,
                            lines: list[str]) -> list[str]:
        said = await usual(mail, server, session, envelope, name, lines)
        return [line.replace("AUTH LOGIN PLAIN", "AUTH LOGIN") for line in said]

    monkeypatch.setattr(MailServer, "handle_EHLO", without_plain)
    with smtp(login=LOGIN) as mail:
        tracker(mail, login=LOGIN).comment(message(), ())
        with pytest.raises(DeliveryFailed, match=r"does not accept user and password \(535 "):
            tracker(mail, login=("reporter", "wr0ng")).check()
    assert [kept.user for kept in mail.received] == ["reporter"]


@pytest.mark.parametrize("secret", [PASSWORD, _base64(PASSWORD), _base64(f"\0reporter\0{PASSWORD}"),
                                    _base64(f"\0reporter\0{PASSWORD}")[:30]])
def test_a_server_that_repeats_the_login_does_not_get_it_into_an_error(server: MailServer, secret: str) -> None:
    with smtp(login=LOGIN) as mail:
        mail.say("RCPT", f"501 5.5.4 Syntax error: AUTH PLAIN {secret} (see below)")
        with pytest.raises(DeliveryFailed, match=r"AUTH PLAIN \*\*\* \(see below\)\)") as failure:
            tracker(mail, login=LOGIN).check()
    assert secret not in str(failure.value)


def test_what_is_no_mail_server_is_told(server: MailServer) -> None:
    server.say("connect", "HTTP/1.1 400 Bad Request")
    with pytest.raises(DeliveryFailed, match=r"127.0.0.1 does not speak SMTP as it should$"):
        tracker(server).check()


def test_what_may_be_taken_later_is_tried_again(server: MailServer) -> None:
    server.say("connect", "421 4.3.2 Not now", "421 4.3.2 Not now")
    server.say("RCPT", "450 4.2.0 Busy")
    deliver(tracker(server, patience_s=1000))
    assert len(server.received) == 1


def test_it_is_known_whether_a_lost_connection_leaves_it_open(server: MailServer) -> None:
    for stage, unclear in (("connect", False), ("MAIL", False), ("RCPT", False), ("DATA", True)):
        server.say(stage, CUT)  # type: ignore[arg-type]
        with pytest.raises(DeliveryFailed, match="broke the connection off") as failure:
            deliver(tracker(server))
        assert (failure.value.again, failure.value.unclear) == (True, unclear)
    assert len(server.received) == 1


def test_a_mail_that_is_cut_off_in_its_middle_was_not_taken(server: MailServer) -> None:
    server.say("BODY", CUT)
    one = tracker(server)
    with pytest.raises(DeliveryFailed, match="broke the connection off") as failure:
        deliver(one)
    assert (failure.value.again, server.received) == (True, [])
    deliver(one)
    assert len(list(parsed(server).iter_attachments())) == len(FILES)


def test_it_goes_out_through_the_guard(server: MailServer) -> None:
    one = tracker(server, f"smtp://{HOST}:{server.port}")
    deliver(Email(one.target, None, replace(one.door, dial=Outgoing(("127.0.0.0/8",)).dial)), files=())
    assert len(server.received) == 1
    with pytest.raises(Refused, match="not allowed by policy"):
        Email(one.target, None, replace(one.door, dial=Outgoing().dial)).check()


def test_nobody_there_is_one_sentence(server: MailServer) -> None:
    tries = count(1)

    def dial(*_: object) -> socket.socket:
        next(tries)
        raise ConnectionRefusedError(111, "Connection refused")

    one = tracker(server, patience_s=1000)
    with pytest.raises(DeliveryFailed, match=r"127.0.0.1 cannot be reached \(Connection refused\)") as failure:
        Email(one.target, None, replace(one.door, dial=dial)).check()
    assert (failure.value.again, failure.value.unclear) == (True, False)
    assert next(tries) == 1 + UNREACHED


def test_letters_beyond_ascii_need_a_server_that_takes_them(server: MailServer) -> None:
    deliver(tracker(server, to="mailto:hilfe@münchen.example"), files=())
    assert server.received[-1].recipients == ("hilfe@xn--mnchen-3ya.example",)
    deliver(tracker(server, to="mailto:hilfé@desk.example"), files=())
    assert server.received[-1].recipients == ("hilfé@desk.example",)
    assert parsed(server)["To"] == "hilfé@desk.example"


def test_a_whole_delivery_takes_what_fits_and_says_what_does_not(tmp_path: Path) -> None:
    sent = parcel(tmp_path)
    whole = sum(len(content) for content in CONTENT.values())
    for most, count_ in ((REST_BYTES + whole * 2, 3), (REST_BYTES + whole, 2), (REST_BYTES, 0)):
        with smtp(size=most) as mail:
            came = delivery.deliver(tracker(mail), sent)
        assert (len(came.files), len(came.left_out)) == (count_, 3 - count_)
        assert [(part.get_filename(), part.get_payload(decode=True)) for part in parsed(mail).iter_attachments()] == [
            file for name in came.files for file in named(sent.case) if file[0] == name]
        body = parsed(mail).get_body(("plain",))
        assert body is not None
        assert all(sentence.split(" is ")[0] in body.get_content() for sentence in came.left_out)


def test_a_mail_whose_answer_was_lost_is_sent_again_as_the_same(server: MailServer, tmp_path: Path) -> None:
    server.say("DATA", CUT)
    delivery.deliver(tracker(server), parcel(tmp_path))
    ids = {BytesParser(policy=SMTP).parsebytes(kept.data)["Message-ID"] for kept in server.received}
    assert (len(server.received), len(ids)) == (2, 1)


def test_a_login_that_ends_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    with smtp(login=LOGIN) as mail:
        one = tracker(mail, login=LOGIN)
        server_says_yes, mail.login = one.check(), ("reporter", "another")
        assert server_says_yes.name == WITNESS
        with pytest.raises(DeliveryFailed, match="does not accept user and password"):
            deliver(one)
    assert mail.received == []


@pytest.mark.parametrize("to", [
    "mailto:", "mailto:nobody", "mailto:a@b.example,c@d.example", "mailto:a@b.example%0d%0aBcc:x@y.example",
    "mailto:a%20b@c.example", "mailto:%3Ca@b.example%3E", "mailto:a@b.example?bcc=x@y.example", "mailto:a@-b.example",
    f"mailto:{'a' * 65}@b.example", "mailto:a@b..example", "mailto://help@b.example"])
def test_a_target_is_one_address(to: str) -> None:
    with pytest.raises(BadTarget):
        targets.parse(to)


@pytest.mark.parametrize("options", [
    {"server": ""}, {"server": "mail.example"}, {"server": "https://mail.example"}, {"server": "smtp://u:p@mail.example"},
    {"server": "smtp://mail.example:x"}, {"server": "smtp://mail.example/x"}, {"from": "nobody"}, {"from": ""},
    {"subject": "a\r\nBcc: x@y.example"}, {"automatic": "perhaps"}])
def test_options_must_make_sense(server: MailServer, options: dict[str, Any]) -> None:
    with pytest.raises(BadTarget) as failure:
        tracker(server, **{"server": f"smtp://{HOST}", **options})
    assert "u:p" not in str(failure.value)


def test_the_credential_belongs_to_the_server_and_names_the_sender(server: MailServer) -> None:
    environment = {"GATEWITNESS_EMAIL_SERVER": "smtps://Mail.Example", "GATEWITNESS_EMAIL_FROM": WITNESS}
    found = targets.find(f"mailto:{DESK}", {}, environment=environment)
    assert (found.target.origin, found.target.place) == ("smtps://mail.example", DESK)
    assert targets.find(f"mailto:{DESK}", {}, {"server": "smtp://[::1]:25"}, environment).target.origin == "smtp://[::1]:25"
    with pytest.raises(BadTarget, match="GATEWITNESS_EMAIL_SERVER"):
        targets.find(f"mailto:{DESK}", {}, environment={})
    bare = targets.find(f"mailto:{DESK}", {}, {"server": f"smtp://{HOST}"}, environment={}).target
    door = tracker(server).door
    assert Email(bare, Credential("x", WITNESS), door).sender == WITNESS
    with pytest.raises(BadTarget, match="GATEWITNESS_EMAIL_FROM"):
        Email(bare, Credential("x", "reporter"), door)
