"""How trackers are asked. In: a method, a path, a body. Out: the answer, or one sentence on why there is none.

Asked again, with growing pauses, is only what may be: reading, and what leaves the same when it is done twice. Whether
a POST was done when the answer was lost is not known here; the failure says so (`unclear`) and the caller looks.
"""

import json
import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx

from report.deliver.base import DeliveryFailed, Door, Unfit
from report.text import short

WAITS_S: Final = (1.0, 30.0)
"""First and longest pause where the tracker names none, seconds."""
ANSWER_BYTES: Final = 20_000_000
REASON_CHARS: Final = 300
UNREACHED: Final = 4
"""How often a connection is tried: names that do not exist and wrong certificates do not get better by waiting."""
SAFE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""Methods that may be repeated (RFC 9110 9.2.2)."""
BUSY: Final = frozenset({429, 503})
"""The tracker has not begun with it: any method may be repeated."""
BROKEN: Final = frozenset({500, 502, 504, 520, 521, 522, 523, 524})
"""The tracker, or what stands before it, has failed: it may have been done."""
SENTENCES: Final[Mapping[int, str]] = {
    400: "{name} did not understand the request",
    401: "{name} does not accept the credential: it is wrong, has ended or was revoked",
    402: "{name} wants the account to be paid for",
    403: "{name} does not allow this with the credential that was given",
    404: "{name} has no such place or ticket, or does not show it to this credential",
    405: "{name} does not know this way of asking; the address may be another program's",
    409: "{name} says that something else was changed at the same time",
    410: "{name} says that this is gone or switched off",
    413: "{name} says that this is too large",
    415: "{name} does not take this type of file",
    422: "{name} finds something in the request wrong",
    423: "{name} says that this is locked or archived",
    429: "{name} wants fewer requests"}
UNFIT: Final[Mapping[int, Unfit]] = {413: "size", 415: "type"}
T = TypeVar("T")
_QUIET: Final = re.compile(r"\s+")

for _talkative in ("httpx", "httpcore"):  # they log addresses and headers; some of those are secrets
    logging.getLogger(_talkative).setLevel(logging.WARNING)


class _Told(dict[str, Any]):
    """What a tracker tells; it has what the API says, or is not of that API."""

    def __init__(self, members: dict[str, Any], strange: DeliveryFailed) -> None:
        super().__init__(members)
        self.strange = strange

    def __missing__(self, name: str) -> Any:
        raise self.strange

    def member(self, name: str, shape: type = dict) -> Any:
        """What stands there under this name, of this shape (a list: of dicts). Raises DeliveryFailed when it is not."""
        return _shaped(self[name], shape, self.strange)


class Http:
    """One tracker's API."""

    def __init__(self, door: Door, root: str, name: str, headers: Mapping[str, str], secrets: tuple[str, ...] = (),
                 also: tuple[str, ...] = ()) -> None:
        """`root`: begin of every address, without a slash at the end. `headers` go with every request, credentials
        too. `secrets` are taken out of whatever the tracker says. `also`: begins of further addresses that are asked
        with the same credentials, for example a host for uploads."""
        self.door = door
        self.root = root
        self.name = name
        self._headers = {"User-Agent": "gatewitness", "Accept": "application/json", **headers}
        self._secrets = secrets
        self._roots = (root, *also)

    def ask(self, method: str, path: str, *, good: tuple[int, ...] = (200, 201, 202, 204), repeat: bool | None = None,
            need: str = "", headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
        """One request; `body` is as httpx takes it (params, json, data, files, content). Returns an answer whose
        status is one of `good`; raises DeliveryFailed with a sentence for every other.

        `repeat`: whether it may be sent again when the answer was lost (default: by its method). `path` is below the
        root, or a whole address that begins with it. `need`: the right that this takes, by its name in the tracker; it
        is told when it is not allowed.
        """
        repeat = method in SAFE if repeat is None else repeat
        address = path if path.startswith(("https://", "http://")) else self.root + path
        if not any(f"{address}/".startswith((f"{begin}/", f"{begin}?")) for begin in self._roots):
            raise DeliveryFailed(f"{self.name} names an address that is not its own; the credential is not sent there")
        until, wait_s, unreached = self.door.clock() + self.door.patience_s, WAITS_S[0], 0
        while True:
            pause_s: float | None = None
            try:
                answer = self._once(method, address, headers or {}, body)
                if answer.status_code in good:
                    return answer
                failure, pause_s = self._failure(answer, repeat, need), _pause(answer)
                again = _is_busy(answer) or (repeat and answer.status_code in BROKEN)
            except httpx.TransportError as error:
                # Before the connection stood nothing can have been done.
                unsent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
                unreached += unsent
                failure = self._lost(error, unclear=not (repeat or unsent))
                again = unreached < UNREACHED if unsent else repeat
            pause_s = wait_s * random.uniform(1, 1.25) if pause_s is None else max(pause_s, 0.05)
            if not again or self.door.clock() + pause_s > until:
                raise failure
            self.door.sleep(pause_s)
            wait_s = min(WAITS_S[1], wait_s * 2)

    def json(self, method: str, path: str, *, shape: type = object, **more: Any) -> Any:
        """As `ask`, the body as JSON; see `read`."""
        return self.read(self.ask(method, path, **more), shape)

    def member(self, method: str, path: str, name: str, *, shape: type = dict, **more: Any) -> Any:
        """As `json`, what stands there under this name."""
        return self.json(method, path, shape=dict, **more).member(name, shape)

    def read(self, answer: httpx.Response, shape: type = object) -> Any:
        """The body of an answer as JSON, a dict or a list of dicts where `shape` says so. Raises DeliveryFailed when it
        is none, and later for a member that is asked for by name and is not there."""
        strange = DeliveryFailed(f"{self.name} answered {answer.status_code} with something that is not of its API; "
                                 "the address may be another program's, or a login stands before it")
        try:
            found: Any = answer.json(object_hook=lambda members: _Told(members, strange))
        except ValueError:
            found = None
        return _shaped(found, shape, strange)

    def _once(self, method: str, address: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> httpx.Response:
        request = self.door.client.build_request(method, address, headers={**self._headers, **headers}, **body)
        answer = self.door.client.send(request, stream=True)
        try:
            read = bytearray()
            for chunk in answer.iter_bytes():
                read += chunk
                if len(read) > ANSWER_BYTES:
                    raise DeliveryFailed(f"{self.name} sends more than an answer of its API can be")
        finally:
            answer.close()
        kept = [(key, value) for key, value in answer.headers.multi_items()
                if key.lower() not in ("content-encoding", "content-length", "transfer-encoding")]
        return httpx.Response(answer.status_code, headers=kept, content=bytes(read), request=request)

    def _failure(self, answer: httpx.Response, repeat: bool, need: str) -> DeliveryFailed:
        status = answer.status_code
        if 300 <= status < 400:
            host = httpx.URL(answer.headers.get("Location", "")).host
            return DeliveryFailed(f"{self.name} sends elsewhere{f' ({host})' if host else ''}; name the address that "
                                  "it really has: a token does not follow")
        later = _is_busy(answer) or status in BROKEN
        sentence = SENTENCES[429] if later and status == 403 else SENTENCES.get(status)
        sentence = sentence or ("{name} has a fault of its own" if status >= 500 else "{name} did not take it")
        said = self._said(answer)
        takes = f"; it takes {need}" if need and status in (403, 404) and not later else ""
        return DeliveryFailed(f"{sentence.format(name=self.name)}{takes} ({status}{f': {said}' if said else ''})",
                              again=later, after_s=_pause(answer), unclear=status in BROKEN and not repeat,
                              unfit=UNFIT.get(status))

    def _lost(self, error: httpx.TransportError, *, unclear: bool) -> DeliveryFailed:
        why = "did not answer in time" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
        said = self._clean(str(error))
        return DeliveryFailed(f"{self.name} {why}{f' ({said})' if said else ''}", again=True, unclear=unclear)

    def _said(self, answer: httpx.Response) -> str:
        """What the tracker gives as the reason, one line, without our secrets."""
        try:
            found = list(_reasons(json.loads(answer.content)))
        except ValueError:
            found = []
        return self._clean("; ".join(dict.fromkeys(found)))

    def _clean(self, said: str) -> str:
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return short(_QUIET.sub(" ", said).strip().rstrip("."), REASON_CHARS)


def patiently(door: Door, work: Callable[[], T]) -> T:
    """Does it again, with growing pauses, as long as it may succeed later and certainly was not done."""
    until, wait_s, unreached = door.clock() + door.patience_s, WAITS_S[0], 0
    while True:
        try:
            return work()
        except DeliveryFailed as error:
            pause_s = wait_s * random.uniform(1, 1.25)
            unreached += error.unreached
            if not error.again or error.unclear or unreached == UNREACHED or door.clock() + pause_s > until:
                raise
        door.sleep(pause_s)
        wait_s = min(WAITS_S[1], wait_s * 2)


def part(text: str) -> str:
    """Text as one part of a path: nothing in it begins another."""
    return quote(text, safe="")


def members(told: Any) -> dict[str, Any]:
    """What a member holds that need not be there: a dict, empty when it is none."""
    return told if isinstance(told, dict) else {}


def entries(told: Any) -> list[dict[str, Any]]:
    """What a member holds that need not be there: a list of dicts, without what is none."""
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def number(told: Any) -> int:
    """What a member holds that need not be there: a whole number, 0 when it is none."""
    return told if isinstance(told, int) and told > 0 else 0


def pages(ask: Callable[[int], list[Any]], size: int, most: int) -> list[Any]:
    """All entries of a list that comes in pages of `size`, numbered from 1; at most `most` pages are asked for."""
    found: list[Any] = []
    for number in range(1, most + 1):
        page = ask(number)
        found += page
        if len(page) < size:
            break
    return found


def _shaped(found: Any, shape: type, strange: DeliveryFailed) -> Any:
    """What was found, if it is of this shape: anything, a dict, a list of dicts."""
    is_it = found is not None and isinstance(found, shape)
    if not is_it or (shape is list and not all(isinstance(one, dict) for one in found)):
        raise strange
    return found


def _is_busy(answer: httpx.Response) -> bool:
    """Whether it may be asked again later although nothing is broken; some say 403 when they mean 429."""
    limited = answer.status_code == 403 and (
        "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0")
    return answer.status_code in BUSY or limited


def _pause(answer: httpx.Response) -> float | None:
    """Seconds that the tracker asks to wait: Retry-After (RFC 9110 10.2.3), else when its limit is set back."""
    after = answer.headers.get("retry-after", "").strip()
    if after.isascii() and after.isdigit():
        return float(after)
    reset = next((answer.headers[name] for name in ("x-ratelimit-reset", "ratelimit-reset")
                  if name in answer.headers), "")
    is_spent = any(answer.headers.get(name) == "0" for name in ("x-ratelimit-remaining", "ratelimit-remaining"))
    try:
        if after:
            return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
        return max(0.0, float(reset) - time.time()) if reset and is_spent else None
    except ValueError:
        return None


_TOLD: Final = ("message", "msg", "error", "error_description", "errorMessages", "errors", "description", "detail",
                "title", "details", "reason")


def _reasons(found: Any, depth: int = 0) -> Any:
    """Sentences in the shapes that trackers use for errors."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, list) and depth < 4:
        for item in found[:10]:
            yield from _reasons(item, depth + 1)
    elif isinstance(found, dict) and depth < 4:
        inner = depth and not any(key in found for key in _TOLD)
        for key, value in list(found.items())[:20]:
            if inner and isinstance(value, (str, list)):  # {"field": "what is wrong with it"}
                yield from (f"{key}: {said}" for said in _reasons(value, depth + 1))
            elif key in _TOLD or isinstance(value, dict):
                yield from _reasons(value, depth + 1)
