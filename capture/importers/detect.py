"""What a file is, by its content and never by its name. In: bytes. Out: a kind, or a sentence that says what to do."""

import re
from typing import Final, Literal

from capture.importers.given import Upload, bad
from capture.importers.texts import text_of

Kind = Literal["zip", "picture", "json", "mhtml", "html", "curl"]

_HEAD: Final = 65_536
_OTHERS: Final = (
    (b"\x1f\x8b", "this is a gzip file; unpack it first"),
    (b"%PDF-", "this is a PDF; a screenshot has to be a PNG, JPEG or WebP picture"),
    (b"GIF8", "this is a GIF; a screenshot has to be a PNG, JPEG or WebP picture"),
    (b"BM", "this is a BMP picture; a screenshot has to be a PNG, JPEG or WebP picture"),
    (b"II*\0", "this is a TIFF picture; a screenshot has to be a PNG, JPEG or WebP picture"),
    (b"MM\0*", "this is a TIFF picture; a screenshot has to be a PNG, JPEG or WebP picture"),
    (b"bplist00", "this is a Safari web archive; save the page as HTML, or export a HAR"),
    (b"7z\xbc\xaf", "this is a 7z archive; unpack it first"),
    (b"Rar!", "this is a RAR archive; unpack it first"),
    (b"PK\x05\x06", "the ZIP archive is empty"))
"""How files begin that are met and not taken, and what to say."""
_HEIC: Final = re.compile(rb"\A.{4}ftyp(?:hei|mif|avif)", re.DOTALL)
_MHTML_START: Final = re.compile(
    r"\A\s*(?:[A-Za-z-]{2,40}:[^\n]*\n(?:[ \t][^\n]*\n)*){0,30}?content-type:\s*multipart/related", re.IGNORECASE)
_CURL: Final = re.compile(
    r"^(?:< HTTP/[\d.]+ \d{3}|> [A-Z]{3,10} \S+ HTTP/|curl: \(\d{1,3}\)|\* +(?:Trying |Could not resolve|Connected to "
    r"|Host \S+ was resolved|Failed to connect|Resolving timed out|Established connection|Immediate connect fail))",
    re.MULTILINE)
_ANSWER: Final = re.compile(r"\A\s*HTTP/\d(?:\.\d)? \d{3}\b")
_MARKUP: Final = re.compile(r"<(?:!doctype\s+html|html|head|body|title|meta|h1|p|div|center)\b", re.IGNORECASE)
NONE: Final = ("this is neither a HAR, a PNG, JPEG or WebP picture, a saved page (HTML, MHTML), nor the output of "
               "curl -v or curl -i")


def kind_of(file: Upload) -> Kind:
    """What a file is. Raises BadInput when it is nothing that can be taken."""
    data = file.data
    if data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return "picture"
    if data.startswith(b"PK\x03\x04"):
        return "zip"
    told = next((told for start, told in _OTHERS if data.startswith(start)), None)
    if _HEIC.match(data):
        told = "this is a HEIC or AVIF picture; a screenshot has to be a PNG, JPEG or WebP picture"
    text = None if told else text_of(data)
    if text is None:
        raise bad(file.name, told or NONE)
    return text_kind(file.name, text)


def text_kind(name: str, text: str) -> Kind:
    """What a text is. Raises BadInput."""
    head = text[:_HEAD].lstrip("\ufeff \t\r\n")
    if head.startswith(("{", "[")):
        return "json"
    if _MHTML_START.match(head[:8_192].replace("\r\n", "\n")):
        return "mhtml"
    if re.match(r"<[!?a-zA-Z]", head) and _MARKUP.search(head):
        return "html"
    if _ANSWER.match(head) or _CURL.search(head):
        return "curl"
    raise bad(name, NONE)
