"""The sheets of the PDF: facts in reading order, full pages, text of strangers as text and inside its column."""

import io
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypdf
import pytest

from report.dossier import build
from report.pdf import PdfWorker
from report.text import short, visible
from report.view import FACT_CHARS, STEP_CHARS
from report.wording import REPAIR
from tests.report.examples import EXAMPLES
from tests.report.parts import START, Example
from tests.report.reading import read_aloud
from tests.report.test_html import HOSTILE, page, poisoned

A4 = (595.3, 841.9)
"""Points."""
MARGIN = 42.0
HEAD_TEXT = 14.0
"""Points; only the headings of sections are taller."""
GROUP = 30
LONG = 300
SHORT = [text for text in HOSTILE if len(text) < LONG]
GROUPS = [" ".join(SHORT[i : i + GROUP]) for i in range(0, len(SHORT), GROUP)]


@dataclass(frozen=True)
class Line:
    """One line of a sheet, points from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


def lines(pdf: bytes) -> list[list[Line]]:
    """The lines of every sheet, as poppler sees them."""
    said = subprocess.run(["pdftotext", "-bbox-layout", "-", "-"], input=pdf, capture_output=True, check=True).stdout
    place = re.compile(r'<line xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">')
    sheets = said.decode(errors="replace").split("<page ")[1:]
    return [[Line(*map(float, found.groups())) for found in place.finditer(sheet)] for sheet in sheets]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def drawn(example: Example) -> bytes:
    return PdfWorker(timeout_s=300).render(page(example, paper=True), {}, (), START, b"x" * 16)


@pytest.fixture(scope="module", params=[name for name in EXAMPLES if name != "long_host"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Example, bytes]:
    """An example and its PDF, with pictures."""
    directory: Path = tmp_path_factory.mktemp(request.param)
    example = EXAMPLES[request.param]()
    example.seal(directory)
    return example, build(directory, diagnosis=example.diagnosis).paths["dossier.pdf"].read_bytes()


def test_the_first_sheet_tells_everything_in_reading_order(made: tuple[Example, bytes]) -> None:
    example, pdf = made
    said = example.diagnosis
    text = squeezed(read_aloud(pdf)).lower()
    facts = [word for fact in said.support for word in (fact.label, short(fact.value, FACT_CHARS))]
    steps = [short(step, STEP_CHARS).replace("`", "") for step in said.next_steps]
    order = [
        said.verdict.summary, "Certainty:", *(hop.name for hop in said.hops), "What support asks for first", *facts,
        "What the visitor saw", REPAIR[said.verdict.certainty], said.repair, "Do next", *steps, "Send",
        said.send or "", "This proves", "It does not prove",
    ]  # fmt: skip
    at = 0
    for part in map(squeezed, order):
        found = text.find(part.lower(), at)
        assert found >= 0, f"{part!r} is not after {text[max(0, at - 40) : at]!r}"
        at = found + len(part)


def test_no_sheet_is_half_empty_and_no_heading_is_left_behind(made: tuple[Example, bytes]) -> None:
    for number, sheet in enumerate(lines(made[1])[1:-1], 2):
        body = [line for line in sheet if line.top > MARGIN and line.bottom < A4[1] - MARGIN]
        last = max(body, key=lambda line: line.bottom)
        assert last.bottom > 0.6 * A4[1], f"sheet {number} ends at {last.bottom:.0f} points"
        assert last.bottom - last.top < HEAD_TEXT, f"sheet {number} ends with a heading"


def test_the_first_page_is_one_sheet(made: tuple[Example, bytes]) -> None:
    first, second, *_ = pypdf.PdfReader(io.BytesIO(made[1])).pages
    assert "It does not prove" in first.extract_text()
    assert re.search("Findings and what they rest on|What stays open|The path, hop by hop|The request",
                     second.extract_text()[:400])  # fmt: skip


def test_the_first_sheet_of_the_fullest_dossier_is_one_sheet() -> None:
    example = EXAMPLES["long_host"]()
    text = pypdf.PdfReader(io.BytesIO(drawn(example))).pages[0].extract_text()
    assert "It does not prove" in text
    assert squeezed(short(example.diagnosis.alternatives[0].decided_by or "", 90)) in squeezed(text)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("text", GROUPS, ids=range(len(GROUPS)))
def test_hostile_text_stays_text_inside_its_column(text: str) -> None:
    pdf = drawn(poisoned(text))
    inside_the_sheet(pdf)
    shown = squeezed("".join(sheet.extract_text() for sheet in pypdf.PdfReader(io.BytesIO(pdf)).pages))
    parts = [squeezed(visible(part)) for part in text.split(" ")]
    assert [part for part in parts if part.isascii() and part not in shown] == []


ENDLESS = ["\n" * 3_000, "x" * 1_000_000]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("text", ENDLESS, ids=lambda text: repr(text[:3]))
def test_endless_text_ends_and_stays_inside_its_column(text: str) -> None:
    pdf = drawn(poisoned(text))
    inside_the_sheet(pdf)
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) < 100


def inside_the_sheet(pdf: bytes) -> None:
    """Nothing leaves the sheet or the column, and no link leads out of the file."""
    for number, sheet in enumerate(lines(pdf), 1):
        out = [line for line in sheet if line.left < MARGIN - 1 or line.right > A4[0] - MARGIN + 1]
        assert out == [], f"sheet {number}"
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    links = [note.get_object() for sheet in reader.pages for note in sheet.get("/Annots", [])]
    assert [link for link in links if "/A" in link and "/URI" in link["/A"].get_object()] == []
    root: Any = reader.trailer["/Root"]
    assert not {"/JavaScript", "/EmbeddedFiles"} & set(root.get("/Names", {}))
