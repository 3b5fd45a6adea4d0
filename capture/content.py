"""Bodies as text. In: body bytes and their header values. Out: decoded text, and why decoding failed."""

import codecs
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

BLOCK = 65_536
TEXTUAL = re.compile(r"text/.*|.*[/+](json|xml|html|javascript|ecmascript|x-javascript|x-www-form-urlencoded|yaml)")
CODECS = re.compile(r"(utf-|ascii|iso8859|cp\d|koi8|mac|gb|big5|shift|euc|iso2022|tis|latin).*")
"""Character encodings that pages are written in; Python has others that are no such thing or take quadratic time."""

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class Decoder(Protocol):
    """A decompressor of the standard library's kind."""

    def decompress(self, data: bytes, max_length: int = 0) -> bytes:
        """More output, at most max_length bytes when that is not zero."""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed stream was seen."""

    @property
    def unconsumed_tail(self) -> bytes:
        """Input left over because of max_length."""


class BadCoding(Exception):
    """The content coding cannot be undone; the message says why."""


def undo(body: bytes, codings: list[str], limit: int, whole: bool) -> tuple[bytes, str | None]:
    """Undoes content codings, the last applied first (RFC 9110 section 8.4).

    Gives what could be decoded, at most LIMIT bytes, and why not all of it; WHOLE is false for a body that is known
    to be cut, whose coding then ends early for that reason and not for one of its own.
    """
    for coding in reversed(codings):
        decode = DECODERS.get(coding)
        if decode is None:
            return b"", f"{coding}: not a coding that this probe can undo"
        body, reason = _bounded(decode(body, whole), limit)
        if reason is not None:
            return body, f"{coding}: {reason}"
    return body, None


def _bounded(pieces: Iterator[bytes], limit: int) -> tuple[bytes, str | None]:
    """What the pieces give, at most LIMIT bytes, and why they ended early."""
    kept = bytearray()
    try:
        for piece in pieces:
            kept += piece[: limit - len(kept)]
            if len(kept) >= limit:
                break
    except BadCoding as error:
        return bytes(kept), str(error)
    return bytes(kept), None


def _zlib(body: bytes, whole: bool, window: int) -> Iterator[bytes]:
    """One zlib-family stream in pieces, so that a bomb stops at the caller's limit."""
    stream: Decoder = zlib.decompressobj(window)
    rest = body
    try:
        while rest and not stream.eof:
            yield stream.decompress(rest, BLOCK)
            rest = stream.unconsumed_tail
    except zlib.error as error:
        raise BadCoding(str(error)) from error
    if whole and body and not stream.eof:
        raise BadCoding("truncated")


def _gzip(body: bytes, whole: bool) -> Iterator[bytes]:
    return _zlib(body, whole, 16 + zlib.MAX_WBITS)


def _deflate(body: bytes, whole: bool) -> Iterator[bytes]:
    """With the zlib wrapper as RFC 9110 section 8.4.1.2 says, or bare as some servers send it."""
    wrapped = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    return _zlib(body, whole, zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)


def _identity(body: bytes, whole: bool) -> Iterator[bytes]:
    yield body


DECODERS: dict[str, Callable[[bytes, bool], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "identity": _identity,
    "": _identity,
}


def media_type(content_type: str) -> str:
    """The type alone, lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_textual(content_type: str, body: bytes) -> bool:
    """Whether a body is meant to be read; without a type, a body without NUL is taken for text."""
    mime = media_type(content_type)
    return bool(TEXTUAL.fullmatch(mime)) if mime else b"\0" not in body[:BLOCK]


def to_text(body: bytes, content_type: str, limit: int) -> str:
    """At most LIMIT characters of a body: by byte order mark, declared charset, UTF-8, windows-1252, in this order."""
    body = body[: 4 * limit]
    declared = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", content_type, re.IGNORECASE)
    marked = next((name for mark, name in MARKS.items() if body.startswith(mark)), None)
    encoding = marked or (_codec(declared[1]) if declared else None) or ("utf-8" if _is_utf8(body) else "cp1252")
    return body.decode(encoding, "replace")[:limit]


def _codec(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    return name if CODECS.fullmatch(name) else None


def _is_utf8(body: bytes) -> bool:
    """Whether the bytes are UTF-8, but for a character that is cut at the end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return False
    return True
