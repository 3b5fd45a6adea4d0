"""The PDF: PDF/A-3b, tagged, with attachments, made in a child that can do nothing else."""

import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest
from PIL import Image

from report.dossier import Dossier, build
from report.pdf import Attachment, PdfFailed, PdfWorker
from tests.report.examples import EXAMPLES
from tests.report.parts import START
from tests.report.test_html import HOSTILE, poisoned

PAGE = "<!doctype html><html lang=en><title>t</title><p>{}</p>"


def reader(dossier: Dossier) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(dossier.paths["dossier.pdf"].read_bytes()))


def root_of(dossier: Dossier) -> Any:
    return reader(dossier).trailer["/Root"]


def fonts_of(page: Any) -> Any:
    return page["/Resources"].get("/Font", {})


def links_of(page: Any) -> Any:
    return page.get("/Annots", [])


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_it_says_that_it_is_pdf_a_3b(dossier: Dossier) -> None:
    metadata = root_of(dossier)["/Metadata"].get_object().get_data().decode()
    assert re.search(r'pdfaid:part="3"', metadata)
    assert re.search(r'pdfaid:conformance="B"', metadata)
    assert "/OutputIntents" in root_of(dossier)


def test_it_is_tagged_and_has_language_title_and_bookmarks(dossier: Dossier) -> None:
    made = reader(dossier)
    root = root_of(dossier)
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712 (a PDF boolean)
    assert root["/Lang"] == "en"
    assert made.metadata is not None
    assert "522" in str(made.metadata.title)
    outline: list[Any] = list(made.outline)
    titles = [outline[0].title, *(entry.title for entry in outline[1] if not isinstance(entry, list))]
    assert titles[0] == dossier.diagnosis.verdict.summary
    assert "Custody" in titles
    assert "Do next" not in titles


def test_every_font_is_embedded(dossier: Dossier) -> None:
    for page in reader(dossier).pages:
        for font in fonts_of(page).values():
            inner = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(inner)


def test_it_has_one_output_intent_with_a_profile_and_no_encryption(dossier: Dossier) -> None:
    made = reader(dossier)
    intents = root_of(dossier)["/OutputIntents"]
    assert [intent.get_object()["/S"] for intent in intents] == ["/GTS_PDFA1"]
    profile = intents[0].get_object()["/DestOutputProfile"].get_object().get_data()
    assert profile[36:40] == b"acsp"
    assert "/Encrypt" not in made.trailer
    assert "/ID" in made.trailer
    assert not {"/AA", "/OpenAction", "/AcroForm"} & set(root_of(dossier))


@pytest.mark.parametrize("which", ["dossier", "long_dossier"])
def test_the_usual_tools_find_nothing_wrong(which: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(which).paths["dossier.pdf"]
    checked = subprocess.run(["qpdf", "--check", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    info = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True, check=True)
    assert info.stderr == ""
    assert re.search(r"^Tagged: +yes$", info.stdout, re.MULTILINE)
    assert re.search(r"^Encrypted: +no$", info.stdout, re.MULTILINE)
    assert re.search(r"^JavaScript: +no$", info.stdout, re.MULTILINE)


def elements(node: Any) -> Iterator[Any]:
    """The structure tree below a node."""
    node = node.get_object()
    if isinstance(node, pypdf.generic.ArrayObject):
        for child in node:
            yield from elements(child)
    elif isinstance(node, pypdf.generic.DictionaryObject):
        yield node
        if "/K" in node:
            yield from elements(node.raw_get("/K"))


def test_every_drawing_is_described_and_every_link_is_told(dossier: Dossier) -> None:
    tree = list(elements(root_of(dossier)["/StructTreeRoot"]))
    figures = [node for node in tree if node.get("/S") == "/Figure"]
    assert len(figures) > 5
    assert all(node.get("/Alt") for node in figures)
    assert any("Failure path" in node["/Alt"] for node in figures)
    kinds = {node.get("/S") for node in tree}
    assert {"/H1", "/H2", "/H3", "/P", "/Table", "/TH", "/TD", "/L", "/LI", "/Link"} <= kinds
    for page in reader(dossier).pages:
        for link in links_of(page):
            assert link.get_object()["/Contents"]
            assert str(page["/Tabs"]) == "/S"


def test_a_citation_is_a_link_inside_the_pdf(dossier: Dossier) -> None:
    places = [str(link.get_object()["/Dest"]) for page in reader(dossier).pages for link in links_of(page)]
    assert "/pages/0/exchanges/0/response/status" in places
    assert set(places) <= set(reader(dossier).named_destinations)


def test_the_first_page_reads_in_order_around_its_drawing(dossier: Dossier) -> None:
    text = squeezed(reader(dossier).pages[0].extract_text())
    said = dossier.diagnosis
    wanted = [said.verdict.summary, "What support asks for first", *(fact.value for fact in said.support),
              "What the visitor saw", "Who can repair it", said.repair, "Do next", *said.next_steps, "Send",
              "This proves", "It does not prove"]  # fmt: skip
    at = 0
    for part in wanted:
        found = text.lower().find(squeezed(part).lower(), at)
        assert found >= 0, part
        at = found


def test_text_of_every_script_is_drawn_in_a_font_that_has_it(long_dossier: Dossier) -> None:
    used = {str(font.get_object()["/BaseFont"]) for page in reader(long_dossier).pages
            for font in fonts_of(page).values()}  # fmt: skip
    for family in ("Inter", "Noto-Sans-Mono", "CJK", "Arabic", "Emoji"):
        assert any(family.replace("-", "") in name.replace("-", "") for name in used), (family, used)
    text = "".join(page.extract_text() for page in reader(long_dossier).pages)
    assert "シェル" in text
    assert "🐚" in text


def test_the_evidence_is_attached_as_it_is_in_the_bundle(dossier: Dossier, bundle_dir: Path) -> None:
    made = reader(dossier)
    assert set(made.attachments) == {"page.har", "evidence.json", "manifest.json"}
    for name, contents in made.attachments.items():
        assert contents[0] == (bundle_dir / name).read_bytes()
    files = [reference.get_object() for reference in root_of(dossier)["/AF"]]
    assert sorted(file["/AFRelationship"] for file in files) == ["/Data", "/Source", "/Supplement"]
    assert {file["/EF"]["/F"]["/Subtype"] for file in files} == {"/application/json"}
    assert all(file["/Desc"] for file in files)


@pytest.mark.parametrize("which", ["dossier", "long_dossier"])
def test_the_first_page_is_whole_on_one_sheet(which: str, request: pytest.FixtureRequest) -> None:
    made = reader(request.getfixturevalue(which))
    first, second = (squeezed(made.pages[i].extract_text()) for i in (0, 1))
    assert "Thisproves" in first
    assert "Itdoesnotprove" in first
    assert not second.startswith("ofwhich")
    assert re.match("Nextsteps|Factsforsupport|Findings", second)


def test_the_text_holds_every_fact_of_the_first_page(dossier: Dossier) -> None:
    text = squeezed(reader(dossier).pages[0].extract_text())
    said = dossier.diagnosis
    for part in (said.verdict.summary, *said.next_steps, *(fact.value for fact in said.support)):
        assert squeezed(part) in text
    assert all(squeezed(hop.name) in text for hop in said.hops)


def test_every_page_but_the_first_is_headed_by_case_and_address(dossier: Dossier) -> None:
    pages = [squeezed(page.extract_text()) for page in reader(dossier).pages]
    head = re.search(r"GW-[0-9A-Z]{4}-[0-9A-Z]{4}", pages[0])
    assert head is not None
    for number, text in enumerate(pages, 1):
        assert f"{number}/{len(pages)}" in text
        assert number == 1 or (head[0] in text and "https://shop.example/checkout?step=2" in text)


def test_the_same_bundle_gives_the_same_bytes(long_dossier: Dossier, tmp_path: Path) -> None:
    example = EXAMPLES["long_host"]()
    source = long_dossier.paths["dossier.pdf"].parent.parent
    shutil.copytree(source, tmp_path / "copy")
    time.sleep(1.1)
    again = build(tmp_path / "copy", diagnosis=example.diagnosis)
    for name, path in long_dossier.paths.items():
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(again.paths[name].read_bytes()).digest(), (
            name
        )


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="https://evil.example/x.png">',
        '<img src="file:///etc/hostname">',
        '<style>@import url("https://evil.example/x.css")</style>',
        '<p style="background:url(http://192.0.2.1/)">x',
        '<link rel=stylesheet href="ftp://evil.example/">',
        '<link rel=attachment href="file:///etc/passwd">',
        '<img src="evidence:other">',
    ],
)
def test_nothing_but_the_jobs_pictures_is_ever_fetched(markup: str) -> None:
    with pytest.raises(PdfFailed, match="refused to fetch"):
        PdfWorker().render(PAGE.format(markup), {}, (), START, b"x" * 16)


def test_a_rendering_that_takes_too_long_is_killed() -> None:
    worker = PdfWorker(timeout_s=1.0)
    began = time.monotonic()
    with pytest.raises(PdfFailed, match="stopped after 1 s"):
        worker.render(PAGE.format("<table><tr><td>x</table>" * 20_000), {}, (), START, b"x" * 16)
    assert time.monotonic() - began < 10


def test_a_rendering_that_takes_too_much_memory_fails() -> None:
    with pytest.raises(PdfFailed):
        PdfWorker(memory_bytes=20 << 20).render(PAGE.format("x"), {}, (), START, b"x" * 16)


def test_a_killed_worker_is_a_failure_with_a_reason() -> None:
    worker = PdfWorker()
    worker.start()
    assert worker._process is not None
    os.kill(worker._process.pid, signal.SIGKILL)
    with pytest.raises(PdfFailed, match="exit status -9"):
        worker.render(PAGE.format("x"), {}, (), START, b"x" * 16)


def test_a_worker_that_was_never_used_leaves_nothing_behind() -> None:
    with PdfWorker() as worker:
        process = worker._process
    assert process is not None
    assert process.returncode is not None


def test_hostile_text_is_printed_as_text(tmp_path: Path) -> None:
    example = poisoned(
        "".join(text[:200] for text in HOSTILE if "\ud800" not in text) + "z" + "\u0301" * 300 + "مرحبا 日本語 🐚"
    )
    example.seal(tmp_path)
    made = pypdf.PdfReader(build(tmp_path, diagnosis=example.diagnosis).paths["dossier.pdf"])
    text = squeezed("".join(page.extract_text() for page in made.pages))
    assert "<script>alert(1)</script>" in text
    assert "日本語" in text
    assert not any("/A" in link.get_object() for page in made.pages for link in links_of(page))


def test_attachments_keep_name_and_relationship() -> None:
    file = Attachment("a.json", "a file", "Data", b"{}")
    made = pypdf.PdfReader(io.BytesIO(PdfWorker().render(PAGE.format("x"), {}, (file,), START, b"x" * 16)))
    assert made.attachments == {"a.json": [b"{}"]}


def test_the_report_can_be_imported_without_the_renderer() -> None:
    code = "import sys, report.dossier, report.pdf, report.verify; print('weasyprint' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout.strip() == "False"


def test_a_dossier_without_pdf_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bytes:
        raise PdfFailed("rendering was stopped after 60 s")

    monkeypatch.setattr(PdfWorker, "render", fails)
    EXAMPLES["healthy"]().seal(tmp_path)
    made = build(tmp_path)
    assert made.warnings == ("There is no PDF: rendering was stopped after 60 s.",)
    assert "There is no PDF" in made.paths["dossier.html"].read_text()
    assert set(made.paths) == {"diagnosis.json", "dossier.html", "summary.md", "dossier.zip", "manifest.json"}

def faces(data: bytes) -> set[tuple[str, float]]:
    """Faces and sizes of the text of a PDF."""
    found: set[tuple[str, float]] = set()

    def see(text: str, _user: Any, place: list[float], font: Any, size: float) -> None:
        if text.strip() and font:
            found.add((str(font["/BaseFont"]).partition("+")[2], round(size * abs(place[3]), 2)))

    for page in pypdf.PdfReader(io.BytesIO(data)).pages:
        page.extract_text(visitor_text=see)
    return found


def test_the_faces_of_an_ordinary_dossier_are_loaded_before_its_job(dossier: Dossier) -> None:
    sample = (Path("report") / "data" / "sample.html").read_text()
    dot = io.BytesIO()
    Image.new("L", (1, 1)).save(dot, "JPEG")
    loaded = PdfWorker().render(sample, {"dot": dot.getvalue()}, (), START, b"x" * 16)
    assert len(faces(loaded)) > 20
    # Each one more is as slow as twenty lines of text: add it to the sample, or set it in a size that is there.
    assert len(faces(dossier.paths["dossier.pdf"].read_bytes()) - faces(loaded)) <= 3
