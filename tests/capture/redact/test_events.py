"""DevTools events lose their secrets and keep their shape."""

import base64
import json
import re
from typing import Any

import pytest

from capture.redact import Redactor
from tests.capture.redact.samples import REQUEST_IDS


def cookie(value: str) -> dict[str, Any]:
    return {
        "name": "sid",
        "value": value,
        "domain": "h.example",
        "path": "/",
        "httpOnly": True,
        "sameSite": "Lax",
        "size": 9,
    }


S = "Zx81aaQQ77zz"
EVENTS: list[tuple[str, dict[str, Any]]] = [
    (
        "Network.requestWillBeSent",
        {
            "request": {
                "url": f"https://h.example/?token={S}",
                "headers": {"Authorization": f"Bearer {S}"},
                "postData": f"password={S}",
                "postDataEntries": [{"bytes": base64.b64encode(f"x=1&password={S}".encode()).decode()}],
            },
            "redirectResponse": {"headers": {"Location": f"/?sid={S}"}},
            "documentURL": f"https://u:{S}@h.example/",
        },
    ),
    (
        "Network.requestWillBeSentExtraInfo",
        {"headers": {"Cookie": f"sid={S}"}, "associatedCookies": [{"blockedReasons": [], "cookie": cookie(S)}]},
    ),
    (
        "Network.responseReceived",
        {
            "response": {
                "url": f"https://h.example/#access_token={S}",
                "headers": {"X-Auth-Token": S},
                "requestHeaders": {"Cookie": f"sid={S}"},
                "requestHeadersText": f"GET /?token={S} HTTP/1.1\r\nCookie: a={S}\r\n\r\n",
            }
        },
    ),
    (
        "Network.responseReceivedExtraInfo",
        {
            "headers": {"set-cookie": f"sid={S}; Path=/\nb={S}"},
            "headersText": f"HTTP/1.1 200 OK\r\nSet-Cookie: sid={S}; Path=/\r\ncf-ray: 8c1f2a3b4c5d6e7f-FRA\r\n\r\n",
            "blockedCookies": [
                {"blockedReasons": ["SecureOnly"], "cookieLine": f"sid={S}; Secure", "cookie": cookie(S)}
            ],
            "exemptedCookies": [{"cookieLine": f"sid={S}", "cookie": cookie(S)}],
            "cookiePartitionKey": {"topLevelSite": "https://h.example"},
        },
    ),
    ("Network.webSocketCreated", {"url": f"wss://h.example/?token={S}"}),
    ("Network.webSocketWillSendHandshakeRequest", {"request": {"headers": {"Cookie": f"sid={S}"}}}),
    (
        "Network.webSocketHandshakeResponseReceived",
        {"response": {"headers": {"Set-Cookie": f"sid={S}"}, "headersText": f"Set-Cookie: a={S}"}},
    ),
    ("Network.webSocketFrameSent", {"response": {"opcode": 1, "payloadData": json.dumps({"token": S})}}),
    ("Network.webSocketFrameReceived", {"response": {"opcode": 1, "payloadData": f'42["auth",{{"token":"{S}"}}]'}}),
    (
        "Network.webSocketFrameReceived",
        {"response": {"opcode": 2, "payloadData": base64.b64encode(f'{{"token":"{S}"}}'.encode()).decode()}},
    ),
    ("Network.eventSourceMessageReceived", {"eventName": "m", "data": f'{{"apiKey":"{S}"}}'}),
    (
        "Runtime.consoleAPICalled",
        {
            "args": [
                {"type": "string", "value": f"token={S}"},
                {"type": "object", "preview": {"properties": [{"name": "apiToken", "type": "string", "value": S}]}},
            ],
            "stackTrace": {"callFrames": [{"url": f"https://h.example/a.js?key={S}"}]},
        },
    ),
    (
        "Runtime.exceptionThrown",
        {"exceptionDetails": {"text": "Uncaught", "exception": {"description": f"Error: token={S}\n at x"}}},
    ),
    ("Log.entryAdded", {"entry": {"text": f"failed https://h.example/?sid={S}", "url": f"https://h.example/?sid={S}"}}),
    (
        "Audits.issueAdded",
        {
            "issue": {
                "details": {"cookieIssueDetails": {"rawCookieLine": f"sid={S}; Path=/", "cookieUrl": f"/?sid={S}"}}
            }
        },
    ),
    ("Page.frameNavigated", {"frame": {"url": f"https://h.example/reset/{S}"}}),
    ("Page.javascriptDialogOpening", {"message": f"your password: {S}", "url": "https://h.example/"}),
    ("Target.targetInfoChanged", {"targetInfo": {"url": f"https://h.example/?id_token={S}", "title": f"token={S}"}}),
    ("Runtime.bindingCalled", {"args": [{"type": "object", "value": {"user": {"apiToken": S}, "n": [1, None]}}]}),
    ("Some.futureEvent", {"a": {"b": [{"referrer": f"/?token={S}"}, f"Authorization: Bearer {S}"]}}),
]


def every_string(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [s for key, item in value.items() for s in [key, *every_string(item)]]
    if isinstance(value, list | tuple):
        return [s for item in value for s in every_string(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(("method", "params"), EVENTS, ids=[f"{i}-{m}" for i, (m, _) in enumerate(EVENTS)])
def test_events_lose_their_secrets_and_keep_their_shape(method: str, params: dict[str, Any]) -> None:
    redactor, before = Redactor(), json.dumps(params)
    masked = redactor.event(method, params)
    for text in every_string(masked):
        assert S not in text
        if re.fullmatch(r"(?:[A-Za-z0-9+/]{4})+={0,2}", text):
            assert S.encode() not in base64.b64decode(text + "==")
    assert json.dumps(params) == before
    assert [key for key in every_string(masked) if key in before] != []
    assert masked.keys() == params.keys()
    assert redactor.event(method, masked) == masked


def test_an_event_without_secrets_stays_as_it_was(redactor: Redactor) -> None:
    params = {
        "requestId": "1000.1",
        "loaderId": "ABCDEF0123456789ABCDEF0123456789",
        "sessionId": "0123456789ABCDEF0123456789ABCDEF",
        "response": {
            "url": "https://h.example/static/app.3f2b9c0d.js?v=12",
            "status": 502,
            "headers": dict(REQUEST_IDS),
            "headersText": "HTTP/1.1 502 Bad Gateway\r\n" + "".join(f"{n}: {v}\r\n" for n, v in REQUEST_IDS.items()),
            "securityDetails": {"subjectName": "h.example", "sanList": ["*.h.example"]},
        },
    }
    assert redactor.event("Network.responseReceived", params) == params
    assert redactor.ledger() == ()
