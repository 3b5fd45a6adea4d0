"""What a file holds, made fit to be kept. In: a Part. Out: records and bodies without secrets, within the limits.

Everything is masked before anything is written, and in this order: first what names its secrets (addresses, headers,
cookies, forms), then the bodies, then the bodies once more, because a later one may have told a secret of an earlier.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from capture import content as coding
from capture.bodies import EXTENSIONS
from capture.importers.given import TEXT_BYTES
from capture.importers.part import Call, Content, Part
from capture.record.base import Header
from capture.record.bundle import BundleWriter
from capture.record.page import Body, Exchange
from capture.record.request import LimitHit, Limits
from capture.redact import Redactor

_FORM: Final = re.compile(r"[\w.\[\]%+-]{1,200}=[^\s&]*(?:&[\w.\[\]%+-]{1,200}=[^\s&]*)*&?")
"""A form, whatever it is called."""
_FORM_CHARS: Final = 100_000
_KEPT_TYPES: Final = ("document", "xhr", "fetch")
"""Their bodies are kept before those of styles and scripts."""


@dataclass
class Masker:
    """Masks the parts of one case, and keeps what is left within its limits."""

    redactor: Redactor
    limits: Limits
    hits: dict[str, str] = field(default_factory=dict)
    """Sentence by limit that was hit."""
    left: int = TEXT_BYTES
    """Bytes of bodies that may still be kept."""
    _heads: dict[int, Exchange] = field(default_factory=dict)
    """By identity of the call: its exchange with the body that was sent, masked."""

    def learn(self, parts: Sequence[Part]) -> None:
        """Masks everything that names its secrets, so that they are known when other bodies are masked."""
        for call in (call for part in parts for call in part.calls):
            for value in call.secrets:
                self.redactor.learn(value, "cookie")
            self._heads[id(call)] = self._exchange(call.exchange).model_copy(update={"request_body": self._asked(call)})

    def calls(self, part: Part, writer: BundleWriter) -> tuple[Exchange, ...]:
        """The exchanges of a part, learnt before, with their bodies; what can tell something comes before all else."""
        ranked = sorted(part.calls, key=lambda call: _rank(call, part))
        kept = {id(call): self._answered(call, part) for call in ranked}
        return tuple(self._whole(call, self._again(kept[id(call)]), writer) for call in part.calls)

    def _exchange(self, seen: Exchange) -> Exchange:
        """An exchange without its bodies, masked and cut."""
        mask, response = self.redactor, seen.response
        made = seen.model_copy(update={
            "url": mask.url(seen.url, "request url"), "request_headers": self._headers(seen.request_headers, "request"),
            "error": None if seen.error is None else mask.text(seen.error, "failure"),
            "initiator": seen.initiator and seen.initiator.model_copy(update={
                "url": seen.initiator.url and mask.url(seen.initiator.url, "initiator")})})
        if response is None:
            return made
        answered = response.model_copy(update={
            "headers": self._headers(response.headers, "response"),
            "status_text": mask.text(response.status_text, "status line")})
        return made.model_copy(update={"response": answered})

    def source(self, text: str) -> tuple[bytes, str]:
        """A saved page's source, masked: all of it, and as much as goes into the evidence."""
        whole = text.encode("utf-8", "replace")
        if len(whole) > self.limits.body_bytes:
            self.hit("body_bytes", f"the saved page was cut after {self.limits.body_bytes:,} bytes")
        data = self._masked(whole[:self.limits.body_bytes], "text/html", "saved page")
        data = self._masked(data, "text/html", "saved page", only_known=True)
        return data, data.decode("utf-8", "replace")[:self.limits.text_chars]

    def hit(self, limit: str, sentence: str) -> None:
        """Notes a limit that left something out; the first sentence about it stays."""
        self.hits.setdefault(limit, sentence)

    def limits_hit(self) -> tuple[LimitHit, ...]:
        """What was left out."""
        return tuple(LimitHit(limit=limit, sentence=sentence) for limit, sentence in self.hits.items())

    def _headers(self, headers: tuple[Header, ...], place: str) -> tuple[Header, ...]:
        kept, total = [], 0
        for line in headers:
            total += len(line.name) + len(line.value)
            if total > self.limits.headers_bytes:
                self.hit("headers_bytes", "header lines past the limit of one message were left out")
                break
            kept.append(line)
        cut = self.limits.header_bytes
        return tuple(line if len(line.value) <= cut else line.model_copy(update={"value": line.value[:cut]})
                     for line in self.redactor.headers(kept, place))

    def _asked(self, call: Call) -> Body | None:
        """The body that was sent: kept inside the record, as a capture does."""
        given = call.asked
        if given is None:
            return None
        text = None if given.data is None else self._text(given, "request body")
        if text is None:
            return Body(size=given.size, dropped="not-retained" if given.data is None else "binary")
        return Body(size=given.size, text=text[:self.limits.text_chars])

    def _text(self, given: Content, place: str) -> str | None:
        """A body as masked text; None when it is none."""
        data = given.data or b""
        if not _is_text(data, given.mime):
            return None
        text = coding.to_text(data, given.mime, self.limits.body_bytes)
        mime = "application/x-www-form-urlencoded" if _FORM.fullmatch(text[:_FORM_CHARS]) else given.mime
        return self._masked(text.encode("utf-8", "replace"), mime, place).decode("utf-8", "replace")

    def _answered(self, call: Call, part: Part) -> "_Kept | Body | None":
        """The body of an answer, masked, or why it is not kept."""
        given = call.answer
        if call.exchange.response is None or given is None:
            return None
        if given.data is None:
            return Body(size=given.size, dropped=given.reason)
        if not given.data:
            return Body(size=0)
        if not _is_text(given.data, given.mime):
            return Body(size=given.size, dropped="binary")
        text = coding.to_text(given.data, given.mime, self.limits.body_bytes).encode("utf-8", "replace")
        if len(text) > self.limits.body_bytes or len(text) > self.left:
            limit = "body_bytes" if len(text) > self.limits.body_bytes else "bodies_bytes"
            self.hit(limit, f"a body of {len(text):,} bytes was left out" if limit == "body_bytes" else
                     f"bodies past {TEXT_BYTES:,} bytes in all were left out, those of pages and failures last")
            return Body(size=given.size, dropped="too-large" if limit == "body_bytes" else "budget")
        self.left -= len(text)
        data = self._masked(text, given.mime, "response body")
        is_document = call.exchange.main_document or call.exchange.id == part.main
        return _Kept(data, coding.media_type(given.mime), data != text, is_document)

    def _again(self, kept: "_Kept | Body | None") -> "_Kept | Body | None":
        """Once more, for what was learnt since."""
        if not isinstance(kept, _Kept):
            return kept
        data = self._masked(kept.data, kept.mime, "response body", only_known=True)
        return kept if data == kept.data else _Kept(data, kept.mime, True, kept.is_document)

    def _masked(self, data: bytes, mime: str, place: str, *, only_known: bool = False) -> bytes:
        # Everything is UTF-8 by now: a charset in the media type would mislead, a picture's type would be believed.
        kind = coding.media_type(mime)
        kind = kind if coding.TEXTUAL.fullmatch(kind) or kind.startswith("multipart/") else ""
        how = self.redactor.again if only_known else self.redactor.body
        return how(data, kind, place)[0]

    def _whole(self, call: Call, answer: "_Kept | Body | None", writer: BundleWriter) -> Exchange:
        made = self._heads[id(call)]
        if made.response is None or answer is None:
            return made
        body = answer.body(writer, self.limits.text_chars) if isinstance(answer, _Kept) else answer
        return made.model_copy(update={"response": made.response.model_copy(update={"body": body})})


@dataclass(frozen=True)
class _Kept:
    """A body that is kept, masked."""

    data: bytes
    mime: str
    masked: bool
    is_document: bool

    def body(self, writer: BundleWriter, most: int) -> Body:
        """Its record; the bytes go into the bundle."""
        path = writer.artifact(self.data, EXTENSIONS.get(self.mime, "txt"))
        text = self.data.decode("utf-8", "replace")[:most] if self.is_document else None
        digest = hashlib.sha256(self.data).hexdigest()
        return Body(size=len(self.data), sha256=digest, artifact=path, text=text, masked=self.masked)


def _rank(call: Call, part: Part) -> tuple[bool, bool, bool]:
    """What is judged first, then what failed, then what can hold words."""
    seen = call.exchange
    status = seen.response.status if seen.response else 0
    return not (seen.main_document or seen.id == part.main), status < 400, seen.resource_type not in _KEPT_TYPES


def _is_text(data: bytes, mime: str) -> bool:
    """Whether bytes are meant to be read: by their media type, else because they are UTF-8."""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in data[:coding.BLOCK] and not wide:
        return False
    if coding.TEXTUAL.fullmatch(coding.media_type(mime)) or wide:
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
