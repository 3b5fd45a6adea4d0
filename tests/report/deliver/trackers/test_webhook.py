"""Webhooks get what is documented, signed; their secret addresses are in no error, log or link."""

import base64
import hashlib
import json
import logging
import re
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from report.deliver import delivery, targets
from report.deliver.base import BadTarget, Credential, DeliveryFailed, Door, File, Found, Message
from report.deliver.trackers.webhook import SLACK_CHARS, TEAMS_BYTES, Webhook
from report.markup.blocks import Items, Link, Paragraph, Strong, Text
from tests.report.deliver.scenes import named, parcel

KEY = "sh4red-s3cret"
TOKEN = "/services/T0000/B1111/s3cr3tt0k3n"
SHARE = "https://witness.example/case/GW-1234-5678?k=1"
NASTY = "<!here> <at>all</at> @channel [x](https://evil.example) *b* \u202e " + "x" * 600
FILES = (File("GW-1234-5678-dossier.pdf", "application/pdf", bytes(range(256)) * 9),
         File("GW-1234-5678-page.har", "application/json", b"{}"))
DOCS = Path(__file__).parents[4] / "docs/trackers.md"


@dataclass
class Receiver:
    """What came to a server, and what it is to answer: status, text; then 200."""

    port: int = 0
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)

    def say(self, status: int, text: str = "", times: int = 1, **headers: str) -> None:
        self.answers += [(status, {name.replace("_", "-"): value for name, value in headers.items()},
                          text.encode())] * times

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.came]


@pytest.fixture(scope="module")
def running() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.came.append((self.path, dict(self.headers), body))
            status, headers, text = receiver.answers.pop(0) if receiver.answers else (200, {}, b"ok")
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


@pytest.fixture
def receiver(running: Receiver) -> Receiver:
    running.came.clear()
    running.answers.clear()
    return running


@pytest.fixture
def door(client: httpx.Client) -> Door:
    passing = count()
    return Door(client, lambda *_: pytest.fail("no socket is wanted"), 30, lambda _: None,
                lambda: float(next(passing)))


Hook = Callable[..., Webhook]


@pytest.fixture
def hook(receiver: Receiver, door: Door) -> Hook:
    """One at the server, with the address in the target or, given as `path`, in the credential."""
    def made(secret: str | None = None, path: str = "", **options: str) -> Webhook:
        begin = f"http://127.0.0.1:{receiver.port}"
        found = targets.find(f"webhook+{begin}{'' if path else '/hooks/ours'}", {}, options, environment={})
        secret = f"{begin}{path}" if path else secret
        return Webhook(found.target, Credential(secret) if secret else None, door)
    return made


def message(case: str = "GW-1234-5678", text: str = "what", share: str | None = SHARE) -> Message:
    blocks = (Paragraph((Strong("The origin answered 502."),)), Paragraph((Text(text),)),
              Paragraph((Link("dossier", SHARE),)))
    facts: dict[str, str | int | None] = {"url": "https://shop.example/", "status": 502, "share": share}
    return Message("shop.example: 502 <Bad> & Gateway", blocks, f"gatewitness:f00:{case}", "f00", case, facts)


def deliver(one: Webhook, told: Message | None = None, files: tuple[File, ...] = ()) -> tuple[str, str]:
    return one.create(told or message(), [one.attach(file) for file in files])


def documented(begin: str) -> str:
    """The code in the documentation that begins so."""
    found = re.search(rf"^    {re.escape(begin)}(?:\n    .*|\n(?=\n*    ))*", DOCS.read_text("utf-8"), re.MULTILINE)
    assert found
    return textwrap.dedent(found[0])


def test_the_body_is_as_documented(hook: Hook, receiver: Receiver) -> None:
    one = hook(max_bytes="100000")
    assert one.check().limits.total_bytes == 100_000
    receiver.say(201, '{"link": "https://desk.example/7"}')
    assert deliver(one, files=FILES)[1] == "https://desk.example/7"
    ((path, headers, _),) = receiver.came
    body = receiver.bodies[0]
    assert (path, headers["Content-Type"]) == ("/hooks/ours", "application/json")
    assert "X-Gatewitness-Signature" not in headers
    assert [(file["name"], base64.b64decode(file["content_base64"]), file["sha256"], file["size"], file["media_type"])
            for file in body.pop("files")] == [
        (file.name, file.data, hashlib.sha256(file.data).hexdigest(), len(file.data), file.media_type)
        for file in FILES]
    assert "The origin answered 502." in body.pop("text")
    assert body == {
        "version": 1, "event": "dossier", "case": "GW-1234-5678", "failure": "f00", "earlier": [], "share": SHARE,
        "title": "shop.example: 502 <Bad> & Gateway",
        "verdict": {"url": "https://shop.example/", "status": 502}}


def test_seen_again_names_the_earlier_cases(hook: Hook, receiver: Receiver) -> None:
    one = hook()
    assert one.find("f00") is None
    link = one.again(Found("x", "1", "", ("GW-0000-0001",)), message())
    assert link == f"http://127.0.0.1:{receiver.port}/"
    assert (receiver.bodies[0]["event"], receiver.bodies[0]["earlier"]) == ("seen_again", ["GW-0000-0001"])


def test_only_an_address_is_taken_for_a_link(hook: Hook, receiver: Receiver) -> None:
    for said in ('{"link": "javascript:alert(1)"}', '{"link": "https://a b"}', '{"link": 7}', '["link"]', "ok", ""):
        receiver.say(200, said)
        assert deliver(hook())[1] == f"http://127.0.0.1:{receiver.port}/"


def test_without_a_size_no_files_go_along(hook: Hook, receiver: Receiver) -> None:
    assert hook().check().limits.files == 0
    assert receiver.came == []


def test_what_is_signed_is_verified_by_the_documented_example(hook: Hook, receiver: Receiver) -> None:
    scope: dict[str, Any] = {}
    exec(documented("import hashlib, hmac, time"), scope)
    is_genuine = scope["is_genuine"]
    deliver(hook(KEY))
    ((_, headers, body),) = receiver.came
    assert is_genuine(headers, body, KEY)
    assert not is_genuine(headers, body + b" ", KEY)
    assert not is_genuine(headers, body, "other")
    assert not is_genuine({**headers, "X-Gatewitness-Timestamp": str(int(headers["X-Gatewitness-Timestamp"]) + 1)},
                          body, KEY)
    for odd in ({}, {**headers, "X-Gatewitness-Signature": "é"}, {**headers, "X-Gatewitness-Timestamp": "²"}):
        assert not is_genuine(odd, body, KEY)
    scope["time"] = type("later", (), {"time": staticmethod(lambda: int(headers["X-Gatewitness-Timestamp"]) + 301)})
    assert not is_genuine(headers, body, KEY)


def test_what_comes_twice_has_the_same_key(hook: Hook, receiver: Receiver) -> None:
    deliver(hook())
    deliver(hook())
    deliver(hook(), message("GW-8765-4321"))
    keys = [headers["Idempotency-Key"] for _, headers, _ in receiver.came]
    assert keys[0] == keys[1] != keys[2]


def test_a_failing_receiver_is_asked_again_patiently(hook: Hook, receiver: Receiver) -> None:
    receiver.say(500, times=2)
    receiver.say(429, Retry_After="2")
    deliver(hook(KEY))
    assert len({body for _, _, body in receiver.came}) == 1
    assert len(receiver.came) == 4


@pytest.mark.parametrize("preset", ["plain", "slack", "teams"])
@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503])
def test_every_refusal_is_one_sentence_without_the_address(hook: Hook, receiver: Receiver, preset: str, status: int,
                                                           caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = json.dumps({"message": f"nothing at {TOKEN} nor s3cr3tt0k3n, sig=qu3rys1g, qu3rys1g"})
    receiver.say(status, said, times=99)
    with pytest.raises(DeliveryFailed) as failure:
        deliver(hook(path=f"{TOKEN}?sig=qu3rys1g", preset=preset))
    text = f"{failure.value}{caplog.text}"
    assert not any(secret in text for secret in ("s3cr3t", "qu3ry", "B1111"))
    assert "\n" not in text
    assert failure.value.again == (status in (429, 500, 503))
    receiver.answers.clear()


def test_the_secret_address_is_used_and_not_shown(hook: Hook, receiver: Receiver) -> None:
    one = hook(path=f"{TOKEN}?sig=a%2Fb")
    assert deliver(one)[1] == f"http://127.0.0.1:{receiver.port}/"
    assert receiver.came[0][0] == f"{TOKEN}?sig=a%2Fb"
    assert "X-Gatewitness-Signature" not in receiver.came[0][1]
    assert "s3cr3t" not in repr(one.target)


@pytest.mark.parametrize("address", [
    "https://hooks.slack.com/services/T0/B0/s3cr3t", "webhook+https://hooks.slack.com/services/T0/B0/s3cr3t",
    "https://prod-1.westeurope.logic.azure.com:443/workflows/s3cr3t/triggers/manual/paths/invoke?sig=s3cr3t",
    "https://x.09.environment.api.powerplatform.com/powerautomate/s3cr3t?sig=s3cr3t",
    "https://us.webhook.office.com/webhookb2/s3cr3t", "webhook+https://intra.example/hook?token=s3cr3t",
    "webhook+https://user:s3cr3t@intra.example/hook"])
def test_an_address_that_is_a_secret_is_no_target(address: str) -> None:
    with pytest.raises(BadTarget) as failure:
        targets.parse(address)
    assert "s3cr3t" not in str(failure.value)


def test_the_hosts_of_slack_and_teams_are_known_and_no_others(door: Door) -> None:
    for host, preset in (("hooks.slack.com", "slack"), ("prod-1.westeurope.logic.azure.com", "teams"),
                         ("a.09.environment.api.powerplatform.com", "teams"), ("x.webhook.office.com", "teams")):
        target = targets.parse(f"https://{host}/")
        assert (target.kind, target.origin, target.place) == ("webhook", f"https://{host}", "")
        assert Webhook(target, Credential(f"https://{host}:443/services/x?y=1"), door).preset == preset
        assert Webhook(replace(target, options={"preset": "plain"}), None, door).preset == "plain"
        for credential in (None, Credential(KEY)):
            with pytest.raises(BadTarget, match="wants the whole address"):
                Webhook(target, credential, door)
    for host in ("hooks.slack.com.evil.example", "evilhooks.slack.com", "logic.azure.com.evil.example"):
        with pytest.raises(BadTarget, match="does not tell"):
            targets.parse(f"https://{host}/")


def test_a_credential_for_another_place_is_refused(hook: Hook, door: Door) -> None:
    target = targets.parse("webhook+https://intra.example")
    for address in ("https://evil.example/s3cr3t", "http://intra.example/s3cr3t", "https://intra.example:99999/s3cr3t",
                    "https://u:s3cr3t@intra.example/"):
        with pytest.raises(BadTarget, match="not of one at") as failure:
            Webhook(target, Credential(address), door)
        assert "s3cr3t" not in str(failure.value)
    with pytest.raises(BadTarget, match="names its host only"):
        Webhook(targets.parse("webhook+https://intra.example/hook"), Credential("https://intra.example/s3cr3t"), door)
    for options in ({"preset": "irc"}, {"max_bytes": "1 MB"}, {"max_bytes": "-1"}, {"max_bytes": ""}):
        with pytest.raises(BadTarget, match="the option"):
            hook(**options)


def long(most: int) -> Message:
    """As hostile and as long as can be."""
    made = message(text=NASTY)
    return replace(made, blocks=(*made.blocks, *(Items(((Text(NASTY),),) * 5) for _ in range(most))))


def test_slack_gets_blocks_within_its_limits(hook: Hook, receiver: Receiver) -> None:
    for told in (message(), long(3), long(30)):
        deliver(hook(path=TOKEN, preset="slack"), told)
        body = receiver.bodies[-1]
        assert body.keys() == {"text", "blocks", "unfurl_links", "unfurl_media"}
        assert body["text"] == "shop.example: 502 &lt;Bad&gt; &amp; Gateway"
        assert not body["unfurl_links"]
        assert not body["unfurl_media"]
        assert 0 < len(body["blocks"]) <= 50
        assert len(json.dumps(body["blocks"])) <= SLACK_CHARS * 1.1
        assert body["blocks"][1]["elements"][0]["elements"][0]["text"] == "The origin answered 502."
    assert "mrkdwn" not in json.dumps(receiver.bodies)


def test_slack_says_why_not(hook: Hook, receiver: Receiver) -> None:
    for status, code, said in ((404, "no_service", "the webhook was removed"), (410, "channel_is_archived", "archived"),
                               (403, "action_prohibited", "an administrator"), (400, "invalid_blocks", "not take it")):
        receiver.say(status, code)
        with pytest.raises(DeliveryFailed, match=rf"Slack did not take it.*{said}|not take it \({status} {code}\)"):
            deliver(hook(path=TOKEN, preset="slack"))


def test_teams_gets_a_card_within_its_limit(hook: Hook, receiver: Receiver) -> None:
    for told in (message(), long(3), long(30)):
        deliver(hook(path=TOKEN, preset="teams"), told)
        body = receiver.bodies[-1]
        assert len(receiver.came[-1][2]) <= TEAMS_BYTES
        assert body["type"] == "message"
        (attachment,) = body["attachments"]
        assert attachment.keys() == {"contentType", "contentUrl", "content"}
        assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert (attachment["content"]["type"], attachment["content"]["version"]) == ("AdaptiveCard", "1.4")
        assert {element["type"] for element in attachment["content"]["body"]} == {"RichTextBlock"}
    assert '"Action.OpenUrl", "url": "https://evil' not in json.dumps(receiver.bodies)


def test_a_whole_delivery_takes_what_fits(hook: Hook, receiver: Receiver, tmp_path: Path) -> None:
    sent = parcel(tmp_path)
    for most, files in (("100000", 3), ("7000", 2), ("100", 0)):
        came = delivery.deliver(hook(KEY, max_bytes=most), sent)
        body = receiver.bodies[-1]
        assert (len(came.files), len(came.left_out)) == (files, 3 - files)
        assert [(file["name"], base64.b64decode(file["content_base64"])) for file in body["files"]] == [
            file for name in came.files for file in named(sent.case) if file[0] == name]
        assert all(sentence.split(" is ")[0] in body["text"] for sentence in came.left_out)
    came = delivery.deliver(hook(path=TOKEN, preset="slack", max_bytes="100000"), sent, SHARE)
    assert (came.files, len(came.left_out)) == ((), 3)
    assert SHARE in json.dumps(receiver.bodies[-1])


def test_what_slack_may_not_have_got_is_posted_again(hook: Hook, receiver: Receiver, tmp_path: Path) -> None:
    receiver.say(500)
    delivery.deliver(hook(path=TOKEN, preset="slack"), parcel(tmp_path))
    assert len(receiver.came) == 2


def test_teams_may_refuse_with_a_good_status(hook: Hook, receiver: Receiver) -> None:
    for code, again in ((413, False), (429, True)):
        receiver.say(200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error "
                          f"{code} with ContextId tcid=0,server=x.")
        with pytest.raises(DeliveryFailed, match=rf"Microsoft Teams did not take it \({code}\)") as failure:
            deliver(hook(path=TOKEN, preset="teams"))
        assert (failure.value.again, failure.value.unclear) == (again, False)
