"""DevTools events to the facts of a load: masked before they are logged, folded into state, counted past a limit."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from capture.eventlog import EventLog
from capture.exchanges import Draft
from capture.record.request import Limits
from capture.recorder import Recorder
from capture.redact import Redactor

Make = Callable[..., Recorder]
SECRET = "Zx9-secret-value-77Qq"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes a recorder whose top session is "top"; the log is `log` in the test's directory."""
    with EventLog(tmp_path / "log", 1_000_000, time.monotonic()) as log:
        def build(limits: Limits | None = None, known: tuple[str, ...] = ()) -> Recorder:
            recorder = Recorder(limits or Limits(), Redactor(known), log)
            recorder.top_session = "top"
            recorder.requests.top_frame = "frame"
            return recorder

        yield build


def logged(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "log").read_bytes().splitlines()]


def request(at: float = 100.0, request_id: str = "R", url: str = "http://shop.example/") -> dict[str, Any]:
    return {"requestId": request_id, "loaderId": request_id, "frameId": "frame", "type": "Document", "timestamp": at,
            "wallTime": 1_700_000_000.0 + at, "request": {"url": url, "method": "GET", "headers": {}}}


def console(text: str, **given: Any) -> dict[str, Any]:
    return {"type": "log", "args": [{"type": "string", "value": text}], "timestamp": 1_700_000_000_000.0, **given}


def socket(recorder: Recorder, request_id: str = "W") -> None:
    recorder.handle("top", "Network.webSocketCreated", {"requestId": request_id, "url": "ws://shop.example/live"})


def frame(payload: str, opcode: int = 1, request_id: str = "W") -> dict[str, Any]:
    return {"requestId": request_id, "timestamp": 101.5,
            "response": {"opcode": opcode, "mask": True, "payloadData": payload}}


def test_a_secret_reaches_neither_the_log_nor_the_state(make: Make, tmp_path: Path) -> None:
    recorder = make(known=(SECRET,))
    recorder.handle("top", "Network.requestWillBeSent", request(url=f"http://shop.example/?q={SECRET}"))
    recorder.handle("top", "Runtime.consoleAPICalled", console(f"token {SECRET}"))
    recorder.handle("top", "Page.javascriptDialogOpening", {"type": "alert", "message": SECRET})
    recorder.handle("top", "Some.newEvent", {"deep": [{"x": SECRET}]})
    socket(recorder)
    recorder.handle("top", "Network.webSocketFrameSent", frame(SECRET))
    kept = repr((recorder.requests.drafts, recorder.console, recorder.dialogs, recorder.websockets()))
    assert SECRET not in kept + (tmp_path / "log").read_text()
    assert "redacted" in kept
    assert len(logged(tmp_path)) == 6


def test_what_says_nothing_is_folded_but_not_logged(make: Make, tmp_path: Path) -> None:
    recorder = make()
    recorder.handle("top", "Network.requestWillBeSent", request())
    recorder.handle("top", "Network.dataReceived", {"requestId": "R", "dataLength": 10})
    recorder.handle("top", "Network.dataReceived", {"requestId": "R", "dataLength": 5})
    assert recorder.requests.drafts[0].received_bytes == 15
    assert [event["m"] for event in logged(tmp_path)] == ["Network.requestWillBeSent"]


def test_every_event_wakes_whoever_waits(make: Make) -> None:
    recorder = make()
    recorder.handle("top", "Page.frameStartedLoading", {})
    assert recorder.changed.is_set()


def test_the_end_of_a_request_is_told_once_so_that_its_body_can_be_fetched(make: Make) -> None:
    recorder = make()
    ended: list[Draft] = []
    recorder.on_finished = ended.append
    recorder.handle("top", "Network.requestWillBeSent", request())
    for at in (100.5, 100.7):
        recorder.handle("top", "Network.loadingFinished", {"requestId": "R", "timestamp": at, "encodedDataLength": 1})
    assert ended == recorder.requests.drafts


def test_times_of_the_page_count_from_the_first_request(make: Make) -> None:
    recorder = make()
    recorder.handle("top", "Network.requestWillBeSent", request(100.0))
    recorder.handle("top", "Network.requestWillBeSent", request(100.2, "S"))
    recorder.handle("top", "Page.domContentEventFired", {"timestamp": 100.25})
    recorder.handle("top", "Page.loadEventFired", {"timestamp": 100.5})
    assert (recorder.start, recorder.wall) == (100.0, 1_700_000_000.0)
    assert (recorder.dom_ms, recorder.load_ms) == (250.0, 500.0)


def test_a_new_document_takes_back_the_load_event_of_the_one_before(make: Make) -> None:
    recorder = make()
    recorder.handle("top", "Page.loadEventFired", {"timestamp": 1.0})
    recorder.handle("top", "Page.frameNavigated", {"frame": {"id": "frame", "url": "http://b/", "loaderId": "L"}})
    assert (recorder.load_ms, recorder.committed) == (None, {"id": "frame", "url": "http://b/", "loaderId": "L"})


def test_frames_inside_the_page_are_not_the_page(make: Make) -> None:
    recorder = make()
    recorder.handle("top", "Page.frameNavigated", {"frame": {"id": "x", "parentId": "frame", "url": "http://in/"}})
    recorder.handle("other", "Page.frameNavigated", {"frame": {"id": "y", "url": "http://in/"}})
    recorder.handle("other", "Page.loadEventFired", {"timestamp": 1.0})
    recorder.handle("other", "Inspector.targetCrashed", {})
    assert (recorder.committed, recorder.load_ms, recorder.crashed) == (None, None, False)


def test_a_renderer_that_dies_is_told(make: Make) -> None:
    recorder = make()
    recorder.handle("top", "Inspector.targetCrashed", {})
    assert recorder.crashed


ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"type": "string", "value": "plain"}, "plain"),
    ({"type": "number", "value": 7}, "7"),
    ({"type": "number", "unserializableValue": "NaN"}, "NaN"),
    ({"type": "boolean", "value": False}, "false"),
    ({"type": "object", "subtype": "null", "value": None}, "null"),
    ({"type": "undefined"}, "undefined"),
    ({"type": "object", "description": "Error: no\n    at x"}, "Error: no\n    at x"),
    ({"type": "object", "description": "Object", "preview": {"properties": [
        {"name": "a", "type": "number", "value": "1"}, {"name": "f", "type": "function"}]}}, "{a: 1, f: function}"),
]


@pytest.mark.parametrize(("argument", "text"), ARGUMENTS)
def test_a_console_argument_reads_as_in_the_browsers_own_tools(argument: dict[str, Any], text: str, make: Make) -> None:
    recorder = make()
    recorder.handle("top", "Runtime.consoleAPICalled", console("", args=[argument]))
    assert recorder.console[0].text == text


def test_a_console_line_says_where_it_came_from(make: Make) -> None:
    recorder = make()
    stack = {"callFrames": [{"url": "http://shop.example/a.js", "lineNumber": 9}]}
    recorder.handle("top", "Runtime.consoleAPICalled", console("hello", type="warning", stackTrace=stack))
    line = recorder.console[0]
    assert (line.source, line.level, line.url, line.line) == ("console", "warning", "http://shop.example/a.js", 10)
    assert line.at is not None
    assert line.at.timestamp() == 1_700_000_000


def test_uncaught_errors_log_lines_and_issues_stand_beside_it(make: Make) -> None:
    recorder = make()
    recorder.handle("top", "Runtime.exceptionThrown", {"timestamp": 1e12, "exceptionDetails": {
        "text": "Uncaught", "lineNumber": 2, "url": "http://shop.example/a.js",
        "exception": {"description": "TypeError: x is not a function"}}})
    recorder.handle("top", "Runtime.exceptionThrown", {"timestamp": 1e12, "exceptionDetails": {
        "text": "Uncaught (in promise)", "lineNumber": 0}})
    recorder.handle("top", "Log.entryAdded", {"entry": {
        "source": "network", "level": "error", "text": "Failed to load resource", "timestamp": 1e12}})
    recorder.handle("top", "Audits.issueAdded", {"issue": {"code": "MixedContentIssue", "details": {
        "mixedContentIssueDetails": {"resolutionStatus": "blocked", "insecureURL": "http://a/", "request": {"x": 1}}}}})
    recorder.handle("top", "Audits.issueAdded", {"issue": {"code": "NewIssue"}})
    assert [(line.source, line.text, line.line) for line in recorder.console] == [
        ("exception", "TypeError: x is not a function", 3), ("exception", "Uncaught (in promise)", 1),
        ("log", "Failed to load resource", None),
        ("issue", "MixedContentIssue; resolutionStatus: blocked; insecureURL: http://a/", None),
        ("issue", "NewIssue", None)]


def test_a_flood_of_console_lines_is_counted_and_not_logged(make: Make, tmp_path: Path) -> None:
    recorder = make(Limits(console_entries=3))
    for number in range(10):
        recorder.handle("top", "Runtime.consoleAPICalled", console(str(number)))
    assert [line.text for line in recorder.console] == ["0", "1", "2"]
    assert recorder.console_dropped == 7
    assert len(logged(tmp_path)) == 3


def test_long_lines_are_cut(make: Make) -> None:
    recorder = make(Limits(console_bytes=5))
    recorder.handle("top", "Runtime.consoleAPICalled", console("0123456789"))
    recorder.handle("top", "Page.javascriptDialogOpening", {"type": "alert", "message": "0123456789"})
    assert (recorder.console[0].text, recorder.dialogs[0].text) == ("01234", "01234")


def test_dialogs_past_the_limit_are_only_counted(make: Make) -> None:
    recorder = make(Limits(dialogs=2))
    for number in range(4):
        recorder.handle("top", "Page.javascriptDialogOpening", {"type": "confirm", "message": str(number)})
    assert ([dialog.text for dialog in recorder.dialogs], recorder.dialogs_count) == (["0", "1"], 4)


@pytest.mark.parametrize(("suggested", "kept"), [
    ("report.pdf", "report.pdf"), ("../../etc/passwd", "passwd"), ("..\\..\\boot.ini", "boot.ini"),
    (".bashrc", "bashrc"), ("a\x00b\nc;d.txt", "a_b_c_d.txt"), ("", "download"), ("..", "download"),
    ("x" * 400, "x" * 255),
])
def test_the_name_of_a_download_is_one_that_harms_nobody(suggested: str, kept: str, make: Make) -> None:
    recorder = make()
    recorder.handle("", "Browser.downloadWillBegin", {"url": "http://shop.example/f", "suggestedFilename": suggested})
    assert [(d.url, d.filename) for d in recorder.downloads] == [("http://shop.example/f", kept)]


def test_a_websocket_keeps_its_handshake_its_frames_and_its_failure(make: Make) -> None:
    recorder = make()
    recorder.handle("top", "Network.requestWillBeSent", request(100.0))
    socket(recorder)
    shaken = {"requestId": "W", "response": {"status": 101}}
    recorder.handle("top", "Network.webSocketHandshakeResponseReceived", shaken)
    recorder.handle("top", "Network.webSocketFrameSent", frame("ping"))
    recorder.handle("top", "Network.webSocketFrameReceived", frame("AAECAw==", opcode=2))
    recorder.handle("top", "Network.webSocketFrameError", {"requestId": "W", "errorMessage": "closed early"})
    (seen,) = recorder.websockets()
    assert (seen.url, seen.status, seen.error) == ("ws://shop.example/live", 101, "closed early")
    assert [(f.sent, f.opcode, f.text, f.size) for f in seen.frames] == [(True, 1, "ping", 4), (False, 2, "", 8)]
    assert seen.frames[0].at.timestamp() == 1_700_000_101.5


def test_frames_past_the_limit_are_only_counted_over_all_sockets(make: Make) -> None:
    recorder = make(Limits(websocket_frames=2))
    for name in ("A", "B"):
        socket(recorder, name)
        for _ in range(2):
            recorder.handle("top", "Network.webSocketFrameReceived", frame("x", request_id=name))
    assert [(len(s.frames), s.frames_dropped) for s in recorder.websockets()] == [(2, 0), (0, 2)]


def test_events_of_sockets_that_nobody_announced_are_passed_over(make: Make) -> None:
    recorder = make()
    recorder.handle("top", "Network.webSocketFrameSent", frame("x"))
    recorder.handle("top", "Network.webSocketFrameError", {"requestId": "W", "errorMessage": "x"})
    recorder.handle("top", "Network.webSocketHandshakeResponseReceived", {"requestId": "W", "response": {"status": 1}})
    assert recorder.websockets() == ()


def test_the_last_word_on_security_stays(make: Make) -> None:
    recorder = make()
    for state in ("neutral", "secure"):
        recorder.handle("top", "Security.visibleSecurityStateChanged",
                        {"visibleSecurityState": {"securityState": state}})
    assert recorder.security_state == "secure"
