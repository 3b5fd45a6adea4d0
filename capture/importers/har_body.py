"""Bodies of a HAR: as text, as base64, as files beside it. In: the response as JSON. Out: bytes, decoded."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from capture import content as coding
from capture.importers.fields import Json, count, obj, objs, string
from capture.importers.part import Content

BODY_BYTES: Final = 10_000_000
"""One body that is decoded at all, bytes."""
_SPACE: Final = re.compile(r"\s+")


def answer(response: Json, attachment: Callable[[str], bytes | None]) -> Content:
    """The body of an answer; `attachment` gives a file of the archive that the HAR came in."""
    given = obj(response, "content")
    mime = string(given, "mimeType", 200) or _header(response, "content-type")
    size = count(given, "size")
    data, reason = _bytes(given, attachment)
    if data is None:
        # A size of 0 alone says nothing: some programs write it where they do not know the size.
        empty = _header(response, "content-length") == "0" or (given.get("text") == "" and not size and not reason)
        return Content(b"" if empty else None, size or 0, mime, reason or "not-retained")
    packed = data[:2] == b"\x1f\x8b" and "gzip" in _header(response, "content-encoding")
    if packed:
        data = coding.undo(data, ["gzip"], BODY_BYTES, whole=False)[0] or None
    # Text is UTF-8 by now, whatever charset the server had named.
    as_text = isinstance(given.get("text"), str) and string(given, "encoding").lower() != "base64"
    return Content(data, len(data or b"") or size or 0, coding.media_type(mime) if as_text else mime)


def _bytes(given: Json, attachment: Callable[[str], bytes | None]) -> tuple[bytes | None, str]:
    """The bytes, or None and why there are none."""
    text = given.get("text")
    if not isinstance(text, str) or not text:
        name = string(given, "_file", 400) or string(given, "_sha1", 400)
        data = attachment(name) if name else None
        return data, "" if data is not None or not (name or string(given, "comment")) else "not-retained"
    if len(text) > 2 * BODY_BYTES:
        return None, "too-large"
    if string(given, "encoding").lower() == "base64":
        return decoded(text), "not-retained"
    return string(given, "text").encode(), ""


def decoded(text: str) -> bytes | None:
    """What base64 stands for, in either alphabet, also when its end was cut off; None when it is none."""
    text = _SPACE.sub("", text).rstrip("=").replace("-", "+").replace("_", "/")
    text = text[:-1] if len(text) % 4 == 1 else text
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _header(response: Json, name: str) -> str:
    return next((string(line, "value").strip().lower() for line in objs(response, "headers")
                 if string(line, "name").lower() == name), "")
