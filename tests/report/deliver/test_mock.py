"""The mock itself: what is valid passes, and each kind of fault in a request or an answer fails."""

import http.client
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.report.deliver.apis import excerpt
from tests.report.deliver.description import answer, documented_errors, operations, wrong_answer
from tests.report.deliver.mock import Answer, Fault, Invalid, Mock

ISSUE = "GET /repos/{owner}/{repo}/issues/{issue_number}"
COMMENT = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"
COMMENTS = "GET /repos/{owner}/{repo}/issues/{issue_number}/comments"
ASSET = "POST /repos/{owner}/{repo}/releases/{release_id}/assets"
DELETE = "DELETE /repos/{owner}/{repo}/releases/assets/{asset_id}"
JSON = {"Content-Type": "application/json"}


def send(url: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """One request on a connection of its own; a body that is no bytes goes as JSON."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    try:
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, urlsplit(url).path + path, raw, headers if headers is not None else JSON)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def test_an_answer_has_what_the_test_gave_and_what_the_vendor_requires(tracker: Callable[..., Mock]) -> None:
    mock = tracker("github", answers={COMMENT: {"id": 7, "user": {"login": "octo"}}, ISSUE: {"closed_at": None}})
    status, comment = send(mock.url, "POST", "/repos/o/r/issues/1/comments", {"body": "seen"})
    assert (status, comment["id"], comment["user"]["login"]) == (201, 7, "octo")
    assert comment["html_url"].startswith("https://")
    assert send(mock.url, "GET", "/repos/o/r/issues/1")[1]["closed_at"] is None
    assert [seen.json for seen in mock.of(COMMENT)] == [{"body": "seen"}]
    assert mock.of(COMMENT)[0].parameters == {"owner": "o", "repo": "r", "issue_number": "1"}


def test_answers_may_depend_on_the_request(tracker: Callable[..., Mock]) -> None:
    mock = tracker("github", answers={COMMENTS: lambda seen: [{"id": int(seen.query["page"][0])}]})
    assert [one["id"] for one in send(mock.url, "GET", "/repos/o/r/issues/1/comments?page=3")[1]] == [3]


@pytest.mark.parametrize("api", excerpt.sources())
def test_every_documented_answer_can_be_made(api: str) -> None:
    for operation in operations(api).values():
        for status in operation.node["responses"]:
            assert wrong_answer(operation, *answer(operation, status=int(status))) == []


@pytest.mark.parametrize(("method", "path", "body", "headers", "reason"), [
    ("POST", "/repos/o/r/issues/1/remarks", {"body": "x"}, JSON, "no operation is"),
    ("PUT", "/repos/o/r/issues/1/comments", {"body": "x"}, JSON, "no operation is"),
    ("OPTIONS", "/repos/o/r/issues/1/comments", None, {}, "no operation is"),
    ("POST", "/repos/o/r/issues/one/comments", {"body": "x"}, JSON, "issue_number cannot be"),
    ("GET", "/repos/o/r/issues/1/comments?pages=2", None, {}, "no query parameter is named pages"),
    ("GET", "/repos/o/r/issues/1/comments?page=two", None, {}, "page cannot be"),
    ("POST", "/repos/o/r/issues/1/comments", None, {}, "the body is missing"),
    ("POST", "/repos/o/r/issues/1/comments", b"{", JSON, "the body is not JSON"),
    ("POST", "/repos/o/r/issues/1/comments", b"body=x", {"Content-Type": "text/plain"}, "the body is text/plain"),
    ("POST", "/repos/o/r/issues/1/comments", {"body": 1}, JSON, "is not of type 'string'"),
    ("POST", "/repos/o/r/issues/1/comments", {}, JSON, "'body' is a required property"),
    ("POST", "/repos/o/r/issues/1/comments", {"body": "x", "boby": "y"}, JSON, "'boby' was unexpected"),
    ("GET", "/repos/o/r/issues/1", {"body": "x"}, JSON, "it takes no body"),
])
def test_what_the_description_does_not_allow_is_refused(
        method: str, path: str, body: Any, headers: dict[str, str], reason: str) -> None:
    with pytest.raises(Invalid, match=reason), Mock("github") as mock:
        assert send(mock.url, method, path, body, headers)[0] == 400


def test_what_another_host_serves_is_only_there() -> None:
    path, binary = "/repos/o/r/releases/1/assets", {"Content-Type": "application/octet-stream"}
    with Mock("github") as mock:
        assert send(mock.at("uploads.github.com"), "POST", f"{path}?name=d.pdf", bytes(range(256)), binary)[0] == 201
        assert mock.of(ASSET)[0].body == bytes(range(256))
        assert mock.of(ASSET)[0].query == {"name": ["d.pdf"]}
    with pytest.raises(Invalid, match="no operation"), Mock("github") as mock:
        send(mock.url, "POST", f"{path}?name=d.pdf", b"x", binary)
    with pytest.raises(Invalid, match="query parameter name is missing"), Mock("github") as mock:
        send(mock.at("uploads.github.com"), "POST", path, b"x", binary)


@pytest.mark.parametrize(("given", "reason"), [
    (Answer({}, 418), "does not answer 418"),
    (Answer({"id": "seven"}), "is not of type 'integer'"),
    (Answer({"user": {"login": None}}), "None is not of type 'string'"),
])
def test_an_answer_that_the_vendor_would_not_give_fails_the_test(given: Answer, reason: str) -> None:
    with pytest.raises(Invalid, match=reason), Mock("github", answers={COMMENT: given}) as mock:
        send(mock.url, "POST", "/repos/o/r/issues/1/comments", {"body": "x"})


def test_an_answer_that_breaks_fails_the_test() -> None:
    def broken(seen: Any) -> Any:
        raise KeyError("no")

    with pytest.raises(Invalid, match="KeyError"), Mock("github", answers={ISSUE: broken}) as mock:
        with pytest.raises(ConnectionError):
            send(mock.url, "GET", "/repos/o/r/issues/1")


def test_an_answer_for_an_unknown_operation_is_refused() -> None:
    with pytest.raises(ValueError, match="no operation GET /nothing"):
        Mock("github", answers={"GET /nothing": {}})


def test_faults_come_when_they_are_due(tracker: Callable[..., Mock]) -> None:
    mock = tracker("github")
    mock.faults.append(Fault(ISSUE, 500, times=2))
    mock.faults.append(Fault(COMMENTS, 401, times=None, skip=1))
    issue = [send(mock.url, "GET", "/repos/o/r/issues/1")[0] for _ in range(3)]
    comments = [send(mock.url, "GET", "/repos/o/r/issues/1/comments")[0] for _ in range(3)]
    assert (issue, comments) == ([500, 500, 200], [200, 401, 401])
    mock.heal()
    mock.faults.append(Fault(ISSUE, 503))
    assert [send(mock.url, "GET", f"/repos/o/r/issues/1{part}")[0] for part in ("", "/comments", "")] == [503, 200, 200]


def test_a_fault_has_its_headers_and_the_documented_body(tracker: Callable[..., Mock]) -> None:
    mock = tracker("github")
    mock.faults += [Fault("*", 429, {"Retry-After": "7"}), Fault(ISSUE, 404, json={"message": "Not Found"}, skip=1)]
    connection = http.client.HTTPConnection(urlsplit(mock.url).netloc)
    connection.request("GET", "/repos/o/r/issues/1")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Retry-After"], answer.read()) == (429, "7", b"")
    connection.close()
    status, body = send(mock.url, "GET", "/repos/o/r/issues/1")
    assert (status, body["message"], "documentation_url" in body) == (404, "Not Found", True)


def test_a_request_is_checked_though_a_fault_is_due() -> None:
    running = Mock("github")
    running.faults.append(Fault(COMMENT, 500))
    with pytest.raises(Invalid, match="required property"), running as mock:
        assert send(mock.url, "POST", "/repos/o/r/issues/1/comments", {})[0] == 400


def test_a_connection_is_cut_in_the_middle_of_a_body(tracker: Callable[..., Mock]) -> None:
    mock = tracker("github")
    mock.faults.append(Fault(ASSET, cut_after=1000))
    where, path = mock.at("uploads.github.com"), "/repos/o/r/releases/1/assets?name=d.pdf"
    with pytest.raises(ConnectionError):
        send(where, "POST", path, bytes(8_000_000), {"Content-Type": "application/octet-stream"})
    assert len(mock.of(ASSET)[0].body) == 1000
    assert send(where, "POST", path, b"x", {"Content-Type": "application/octet-stream"})[0] == 201


def test_an_answer_is_lost_after_the_work_was_done(tracker: Callable[..., Mock]) -> None:
    done: list[str] = []
    mock = tracker("github", answers={DELETE: lambda seen: done.append(seen.parameters["asset_id"])})
    mock.faults.append(Fault(DELETE, lost=True))
    with pytest.raises(ConnectionError):
        send(mock.url, "DELETE", "/repos/o/r/releases/assets/5")
    assert done == ["5"]


def test_a_stalled_answer_ends_with_the_client(tracker: Callable[..., Mock]) -> None:
    mock = tracker("github")
    mock.faults.append(Fault(ISSUE, stalled=True))
    connection = http.client.HTTPConnection(urlsplit(mock.url).netloc, timeout=0.2)
    connection.request("GET", "/repos/o/r/issues/1")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert send(mock.url, "GET", "/repos/o/r/issues/1")[0] == 200


def test_nothing_is_left_behind_though_a_connection_stays_open() -> None:
    before = set(threading.enumerate())
    with Mock("github") as mock:
        connection = http.client.HTTPConnection(urlsplit(mock.url).netloc)
        connection.request("GET", "/repos/o/r/issues/1")
        assert connection.getresponse().read()
        assert len(set(threading.enumerate()) - before) == 2
    assert set(threading.enumerate()) <= before
    connection.close()


def test_errors_are_the_documented_ones_and_those_that_any_server_may_answer() -> None:
    assert documented_errors("github", COMMENT) == [401, 403, 404, 409, 410, 413, 422, 429, 500, 503]


COMMENT_IN_JIRA = "/rest/api/3/issue/A-1/comment"


def adf(**leaf: Any) -> dict[str, Any]:
    """A comment of one paragraph."""
    text = {"type": "text", "text": "x"} | leaf
    return {"body": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [text]}]}}


@pytest.mark.parametrize(("body", "reason"), [
    ({"body": "plain text"}, "is not of type 'object'"),
    (adf(marks=[{"type": "bold"}]), "not valid under any"),
    (adf() | {"id": "7"}, "does not allow '7'"),
])
def test_a_comment_for_jira_is_a_document_and_has_no_member_that_is_only_read(body: Any, reason: str) -> None:
    with pytest.raises(Invalid, match=reason), Mock("jira") as mock:
        send(mock.url, "POST", COMMENT_IN_JIRA, body)
    with Mock("jira") as mock:
        assert send(mock.url, "POST", COMMENT_IN_JIRA, adf(marks=[{"type": "strong"}]))[0] == 201


def test_a_given_document_is_answered_as_it_was_given(tracker: Callable[..., Mock]) -> None:
    texts = [adf(marks=[{"type": "strong"}]), {"body": {"type": "doc", "version": 1, "content": [
        {"type": "codeBlock", "attrs": {"language": "text"}, "content": [{"type": "text", "text": "x"}]}]}}]
    mock = tracker("jira", answers={"GET /rest/api/3/issue/{issueIdOrKey}/comment": {"comments": texts}})
    answered = send(mock.url, "GET", COMMENT_IN_JIRA)[1]["comments"]
    assert [one["body"] for one in answered] == [one["body"] for one in texts]


def multipart(field: str, filename: str | None) -> tuple[bytes, dict[str, str]]:
    """A form with one field. Source: RFC 7578."""
    named = f'; filename="{filename}"' if filename else ""
    body = f'--b\r\nContent-Disposition: form-data; name="{field}"{named}\r\n\r\n\x00 binary\r\n--b--\r\n'.encode()
    return body, {"Content-Type": "multipart/form-data; boundary=b", "X-Atlassian-Token": "no-check"}


@pytest.mark.parametrize(("field", "filename", "without", "reason"), [
    ("files", "d.pdf", "", "'files' was unexpected"),
    ("file", None, "", "the field file is no file"),
    ("file", "d.pdf", "X-Atlassian-Token", "header parameter X-Atlassian-Token is missing"),
    ("file", "d.pdf", "Content-Type", "of no media type"),
])
def test_an_upload_has_the_field_and_the_headers_that_are_described(
        field: str, filename: str | None, without: str, reason: str) -> None:
    path = "/rest/api/3/issue/A-1/attachments"
    body, headers = multipart(field, filename)
    sent = {name: value for name, value in headers.items() if name != without}
    with pytest.raises(Invalid, match=reason), Mock("jira") as mock:
        send(mock.url, "POST", path, body, sent)
    with Mock("jira", base="/jira") as mock:
        assert send(mock.url, "POST", path, *multipart("file", "d.pdf"))[0] == 200
        assert [(name, filename, content) for name, filename, _, content in mock.requests[0].files] == [
            ("file", "d.pdf", b"\x00 binary")]


NOTE, UPLOAD = "/api/v4/projects/a%2Fb/issues/1/notes", "/api/v4/projects/7/uploads"
TICKET, TOKEN = "/api/v2/tickets/7", "/api/v2/uploads?filename=d.pdf"
ATTACHED = "/repos/o/r/issues/comments/7/assets?name=d.pdf"


@pytest.mark.parametrize(("api", "base", "method", "path", "body", "headers"), [
    ("gitlab", "", "POST", NOTE, {"body": "x", "internal": True}, JSON),
    ("gitlab", "", "POST", UPLOAD, *multipart("file", "d.pdf")),
    ("zendesk", "", "POST", TOKEN, b"%PDF", {"Content-Type": "application/pdf"}),
    ("zendesk", "", "POST", "/api/v2/uploads?filename=d.har", b"{}", JSON),
    ("zendesk", "", "PUT", TICKET, {"ticket": {"comment": {"body": "x", "public": False, "uploads": ["t"]}}}, JSON),
    ("gitea", "/api/v1", "POST", ATTACHED, *multipart("attachment", "d.pdf")),
    ("jira-dc", "/jira", "POST", "/rest/api/2/issue/A-1/comment", {"body": "h1. x"}, JSON),
    ("jira-newer", "", "POST", "/rest/api/3/search/jql", {"jql": "project = A", "fields": ["key"]}, JSON),
])
def test_each_tracker_takes_what_it_should(
        tracker: Callable[..., Mock], api: str, base: str, method: str, path: str, body: Any, headers: Any) -> None:
    assert send(tracker(api, base=base).url, method, path, body, headers)[0] in (200, 201)


@pytest.mark.parametrize(("api", "base", "method", "path", "body", "headers", "reason"), [
    ("gitlab", "", "POST", NOTE.replace("%2F", "/"), {"body": "x"}, JSON, "no operation"),
    ("gitlab", "", "POST", NOTE, {"note": "x"}, JSON, "'body' is a required property"),
    ("gitlab", "", "POST", UPLOAD, *multipart("files", "d.pdf"), "'file' is a required property"),
    ("zendesk", "", "POST", "/api/v2/uploads", b"%PDF", {"Content-Type": "application/pdf"}, "filename is missing"),
    ("zendesk", "", "PUT", TICKET, {"comment": {"body": "x"}}, JSON, "'ticket' is a required property"),
    ("zendesk", "", "PUT", TICKET, {"ticket": {"comment": {"text": "x"}}}, JSON, "'text' was unexpected"),
    ("gitea", "", "POST", ATTACHED, *multipart("file", "d.pdf"), "'attachment' is a required property"),
    ("gitea", "/api/v1", "POST", "/../issues", {"title": "x"}, JSON, "no operation"),
    ("jira-dc", "", "POST", "/rest/api/2/issue/A-1/comment", adf(), JSON, "is not of type 'string'"),
    ("jira-newer", "", "POST", "/rest/api/3/search/jql", {"jql": "x", "startAt": 0}, JSON, "'startAt' was unexpected"),
])
def test_each_tracker_refuses_what_it_should(
        api: str, base: str, method: str, path: str, body: Any, headers: Any, reason: str) -> None:
    with pytest.raises(Invalid, match=reason), Mock(api, base=base) as mock:
        assert send(mock.url, method, path, body, headers)[0] == 400
