"""What can be asked for: every option within its bounds, and a sentence that names the field for everything else."""

from typing import Any

import pytest
from pydantic import ValidationError

from capture.errors import Refused
from capture.record.base import Header
from capture.record.request import CaptureRequest, RequestRecord, Viewport
from web.config import Config
from web.errors import BadField
from web.store.submission import (
    AGENT_CHARS,
    HEADER_CHARS,
    LOG_CHARS,
    TEXT_CHARS,
    Submission,
    Upload,
    again,
    readable,
    request,
)
from web.store.tables import Case

URL = "https://shop.example/checkout"


def asked(**given: Any) -> Submission:
    return Submission(**{"owner_id": "ann", "source": "form", "url": URL, **given})


def test_every_option_reaches_the_capture() -> None:
    made = request(Config(allow_networks=("10.0.0.0/8",)), asked(
        headers=(Header(name="X-Test", value="1"),), user_agent="Agent/1.0", viewport=Viewport(width=400, height=700),
        locale="de-DE", timezone="Europe/Berlin", note=" new firewall ", seen="white page", resolvers=("10.0.0.53",),
        timeout_s=30.0))
    assert made.model_dump(exclude_defaults=True) == {
        "url": URL, "allow_networks": ("10.0.0.0/8",), "headers": ({"name": "X-Test", "value": "1"},),
        "user_agent": "Agent/1.0", "viewport": {"width": 400, "height": 700}, "locale": "de-DE",
        "timezone": "Europe/Berlin", "note": "new firewall", "seen": "white page", "resolvers": ("10.0.0.53",),
        "limits": {"total_s": 30.0}}


def test_nothing_but_an_address_is_what_the_command_line_would_ask() -> None:
    assert request(Config(), asked()) == CaptureRequest(url=URL)


def test_the_options_are_those_of_a_capture() -> None:
    """Networks come from the service; what tests inject cannot be asked for."""
    ours = set(Submission.model_fields) - {"owner_id", "source", "timeout_s", "log", "recheck_of", "uploads",
                                           "idempotency_key"}
    theirs = set(CaptureRequest.model_fields) - {"allow_networks", "limits", "system_resolvers", "extra_roots"}
    assert ours == theirs
    with pytest.raises(ValidationError):
        asked(allow_networks=("0.0.0.0/0",))


def test_the_address_becomes_what_the_browser_understands() -> None:
    assert request(Config(), asked(url="HTTPS://ann:secret@BÜCHER.example:443/a b")).url == (
        "https://xn--bcher-kva.example/a%20b")


@pytest.mark.parametrize("url", ["", "shop.example", "ftp://shop.example/", "javascript:alert(1)", "file:///etc/passwd",
                                 "http://", "http://[::1", "https://shop.example/\n", "https://" + "a" * 9000,
                                 "\ud800"])
def test_what_is_no_address_is_a_wrong_field(url: str) -> None:
    with pytest.raises(BadField) as caught:
        request(Config(), asked(url=url))
    assert caught.value.field == "url"


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://localhost/", "http://10.1.2.3/", "http://[::1]/",
                                 "http://169.254.169.254/latest/meta-data/", "http://2130706433/", "http://intranet/",
                                 "https://shop.example:22/", "http://[::ffff:127.0.0.1]/", "http://router.local/"])
def test_what_may_not_be_contacted_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        request(Config(), asked(url=url))


def test_the_service_can_open_a_network_but_never_the_metadata_addresses() -> None:
    open_config = Config(allow_networks=("0.0.0.0/0", "::/0"))
    assert request(open_config, asked(url="http://10.1.2.3/")).url == "http://10.1.2.3/"
    with pytest.raises(Refused):
        request(open_config, asked(url="http://169.254.169.254/"))


HEADER = Header(name="X-Test", value="1")
WRONG: list[tuple[str, Any]] = [
    ("user_agent", "a" * (AGENT_CHARS + 1)), ("user_agent", "a\r\nX-Evil: 1"), ("user_agent", "Agént"),
    ("locale", ""), ("locale", "de_DE"), ("locale", "de-DE\n"), ("locale", "x" * 40), ("locale", "../../etc"),
    ("timezone", ""), ("timezone", "Mars/Olympus"), ("timezone", "../../etc/passwd"),
    ("timeout_s", 4.9), ("timeout_s", 301.0), ("timeout_s", float("nan")), ("timeout_s", float("inf")),
    ("headers", (Header(name="X Test", value="1"),)), ("headers", (Header(name="", value="1"),)),
    ("headers", (Header(name="X:", value="1"),)), ("headers", (Header(name="Xé", value="1"),)),
    ("headers", (Header(name="X", value="1\r\nHost: evil"),)), ("headers", (Header(name="X", value="\0"),)),
    ("headers", (Header(name="X", value="\ud800"),)), ("headers", (Header(name="X", value="v" * (HEADER_CHARS + 1)),)),
    ("headers", (HEADER,) * 33),
    ("resolvers", ("resolver.example",)), ("resolvers", ("",)), ("resolvers", ("9.9.9.9",) * 9),
    ("note", "n" * (TEXT_CHARS + 1)), ("seen", "s" * (TEXT_CHARS + 1)), ("log", "l" * (LOG_CHARS + 1)),
    ("idempotency_key", ""), ("idempotency_key", "k" * 256), ("idempotency_key", "a\nb"), ("idempotency_key", "é"),
    ("uploads", (Upload(name="a", data=b""),) * 17), ("uploads", (Upload(name="n" * 256, data=b""),)),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_option_is_named_in_one_sentence(field: str, value: Any) -> None:
    with pytest.raises(BadField) as caught:
        request(Config(), asked(**{field: value}))
    assert caught.value.field == field
    assert len(str(caught.value)) < 150
    assert str(caught.value).isprintable()


RIGHT: list[tuple[str, Any]] = [
    ("user_agent", "a" * AGENT_CHARS), ("locale", "zh-Hant-TW"), ("timezone", "UTC"), ("timeout_s", 5.0),
    ("timeout_s", 300.0), ("headers", (HEADER,) * 32), ("headers", (Header(name="X-Name", value="a\tb é"),)),
    ("resolvers", ("9.9.9.9", "9.9.9.9:53", "[2620:fe::fe]:53", "2620:fe::fe")), ("note", "n" * TEXT_CHARS),
    ("log", "l" * LOG_CHARS), ("idempotency_key", "k" * 255), ("idempotency_key", "a b"),
]


@pytest.mark.parametrize(("field", "value"), RIGHT)
def test_the_bounds_themselves_are_taken(field: str, value: Any) -> None:
    request(Config(), asked(**{field: value}))


@pytest.mark.parametrize("resolver", ["127.0.0.1", "127.0.0.53:53", "10.0.0.1", "169.254.169.254", "[::1]:53", "::1",
                                      "9.9.9.9:22", "9.9.9.9:6379", "0.0.0.0", "224.0.0.251"])
def test_a_resolver_is_no_way_around_the_guard(resolver: str) -> None:
    """Questions to a resolver do not pass the guard."""
    with pytest.raises(Refused, match="resolver"):
        request(Config(), asked(resolvers=(resolver,)))


def test_a_resolver_of_an_opened_network_is_asked() -> None:
    assert request(Config(allow_networks=("10.0.0.0/8",)), asked(resolvers=("10.0.0.1",))).resolvers == ("10.0.0.1",)


def test_an_import_needs_no_address_and_may_name_a_private_one() -> None:
    file = (Upload(name="page.har", data=b"{}"),)
    assert asked(uploads=file).kind == "import"
    assert request(Config(), asked(url="", uploads=file)).url == ""
    assert request(Config(), asked(url="http://intranet/x", uploads=file)).url == "http://intranet/x"
    with pytest.raises(BadField):
        request(Config(), asked(url="nonsense", uploads=file))


@pytest.mark.parametrize(("text", "expected"), [
    (None, None), ("", None), ("  \n", None), ("a", "a"), (" a\nb ", "a\nb"), ("\0", "\ufffd"),
    ("a\ud800b", "a\ufffdb"), ("été 🎉", "été 🎉")])
def test_texts_are_kept_as_they_are_but_for_what_no_database_takes(text: str | None, expected: str | None) -> None:
    assert readable(text) == expected


def test_secrets_do_not_show_when_a_submission_is_printed() -> None:
    shown = repr(asked(headers=(Header(name="Authorization", value="planted"),), log="planted",
                       uploads=(Upload(name="a", data=b"planted"),)))
    assert "planted" not in shown


class TestAgain:
    """The same options once more."""

    def case(self, **given: Any) -> Case:
        record = RequestRecord(**{"url": URL, **given})
        return Case(id="0" * 26, url=record.url, request=record.model_dump(mode="json"))

    def test_options_are_repeated_and_linked(self) -> None:
        first = request(Config(), asked(viewport=Viewport(width=400, height=800), locale="de-DE", timeout_s=30.0,
                                        timezone="Europe/Berlin", user_agent="Agent/1.0", resolvers=("9.9.9.9",)))
        record = first.model_dump(include=set(RequestRecord.model_fields))
        more = again(self.case(**record), "bob")
        assert (more.owner_id, more.source, more.recheck_of) == ("bob", "recheck", "0" * 26)
        assert request(Config(), more) == first

    def test_networks_are_those_of_the_service_now(self) -> None:
        more = again(self.case(allow_networks=("10.0.0.0/8",), url="http://10.0.0.1/"), "ann")
        with pytest.raises(Refused):
            request(Config(), more)

    def test_a_secret_in_the_address_must_be_given_again(self) -> None:
        masked = self.case(url="https://shop.example/?token=[redacted:token:12:daaeac91]")
        with pytest.raises(BadField, match="not kept") as caught:
            again(masked, "ann")
        assert caught.value.field == "url"
        assert again(masked, "ann", url="https://shop.example/?token=new").url == "https://shop.example/?token=new"

    def test_values_of_headers_must_be_given_again(self) -> None:
        case = self.case(header_names=("X-Test", "Authorization"))
        with pytest.raises(BadField, match="give authorization, x-test again") as caught:
            again(case, "ann")
        assert caught.value.field == "headers"
        with pytest.raises(BadField, match="give authorization again"):
            again(case, "ann", headers=(Header(name="x-test", value="1"),))
        given = (Header(name="x-test", value="1"), Header(name="authorization", value="2"))
        assert again(case, "ann", headers=given).headers == given

    def test_a_case_without_an_address_says_so(self) -> None:
        with pytest.raises(BadField, match="does not tell its address"):
            again(self.case(url=""), "ann")
