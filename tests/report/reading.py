"""A sheet of a PDF as it is read aloud. In: the PDF. Out: the text in the order of the structure tree.

`pdfinfo -struct-text` says the same, but draws the sheet anew for every element, which takes half a minute.
"""

import io
import re
from collections.abc import Iterator
from typing import Any

import pypdf
from pypdf.generic import ContentStream


def read_aloud(pdf: bytes) -> str:
    """The text of the first sheet as a screen reader takes it (ISO 32000-2, 14.7 and 14.8.2.5)."""
    made = pypdf.PdfReader(io.BytesIO(pdf))
    sheet: Any = made.pages[0]
    root: Any = made.trailer["/Root"]
    tree = root["/StructTreeRoot"]["/K"]
    pieces: dict[int, str] = {}
    for mark, text in _shown(sheet.get_contents(), sheet["/Resources"], made, -1):
        pieces[mark] = pieces.get(mark, "") + text
    return "".join(pieces.get(mark, "") for mark in _marks(tree, sheet.indirect_reference, None))


def _marks(node: Any, sheet: Any, of: Any) -> Iterator[int]:
    """The numbers of the pieces of marked content on the sheet below a node, in their order."""
    node = node.get_object()
    if isinstance(node, pypdf.generic.ArrayObject):
        for child in node:
            yield from _marks(child, sheet, of)
    elif isinstance(node, pypdf.generic.DictionaryObject):
        of = node.raw_get("/Pg") if "/Pg" in node else of
        below = node.get("/MCID", node.raw_get("/K") if "/K" in node else None)
        if below is not None:
            yield from _marks(below, sheet, of)
    elif of == sheet:
        yield int(node)


def _shown(content: Any, resources: Any, made: Any, mark: int) -> Iterator[tuple[int, str]]:
    """What is drawn: the number of the piece that it belongs to, and a text; drawings inside belong to theirs."""
    inside = [mark]
    letters: dict[bytes, str] = {}
    for given, operator in ContentStream(content, made).operations:
        if operator in (b"BDC", b"BMC"):
            said: Any = given[1] if operator == b"BDC" else {}
            inside.append(int(said.get("/MCID", inside[-1])))
        elif operator == b"EMC":
            inside.pop()
        elif operator == b"Tf":
            letters = _letters(resources["/Font"][given[0]])
        elif operator == b"TJ":
            codes = b"".join(part.original_bytes for part in given[0] if hasattr(part, "original_bytes"))
            yield inside[-1], "".join(letters[codes[at : at + 2]] for at in range(0, len(codes), 2))
        elif operator == b"Do":
            drawn = resources["/XObject"][given[0]].get_object()
            if drawn["/Subtype"] == "/Form":
                yield from _shown(drawn, drawn["/Resources"], made, inside[-1])


def _letters(font: Any) -> dict[bytes, str]:
    """What every code of two bytes stands for (ISO 32000-2, 9.10.3)."""
    table = font.get_object()["/ToUnicode"].get_object().get_data().decode()
    return {bytes.fromhex(code): bytes.fromhex(text).decode("utf-16-be")
            for code, text in re.findall(r"<([0-9a-f]{4})> <([0-9a-f]+)>\n", table)}  # fmt: skip
