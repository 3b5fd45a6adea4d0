"""What a dossier shows, and in which order."""

from capture.record.page import ConsoleEntry, Screenshot
from capture.record.seal import manifest
from report.view import View, contents, fitting, probe_answers, screenshot_shown, view
from tests.report.examples import EXAMPLES
from tests.report.parts import START, Example, exchange, headers, plain


def shown(example: Example, *, paper: bool = False) -> View:
    return view(example.evidence, example.diagnosis, manifest(()), paper=paper)


def test_the_browsers_own_page_is_shown_when_there_is_one() -> None:
    example = EXAMPLES["expired"]()
    strict, lenient = example.evidence.pages
    picture = Screenshot(path="native.png", width=1, height=1, at=START, sha256="0" * 64)
    native = strict.model_copy(update={"label": "native", "screenshot": picture})
    chosen = screenshot_shown(example.evidence.model_copy(update={"pages": (strict, lenient, native)}))
    assert chosen is not None
    assert chosen[1].path == "native.png"


def test_a_section_is_only_there_where_there_is_something() -> None:
    example = EXAMPLES["nxdomain"]()
    names = [name for name, _ in contents(shown(example), 0, [])]
    assert "dns" in names
    assert "custody" in names
    assert not {"tls", "console", "probes", "redirects", "pictures", "redactions", "gaps"} & set(names)


def test_equal_answers_of_plain_requests_are_shown_once() -> None:
    same = plain("https://a.example/", 522, "server: cloudflare")
    assert [label for label, _, _ in probe_answers(same)] == ["http/1.1, ipv4; h2, ipv4; h2, ipv6"]
    other = plain("https://a.example/", 200, "server: cloudflare")
    assert len(probe_answers((same[0], other[1]))) == 2


def test_the_first_page_takes_what_fits() -> None:
    assert fitting(("a", "b", "c"), 2, 10) == 2
    assert fitting(("a" * 100,), 2, 10) == 1
    assert fitting((), 2, 10) == 0


def test_an_undetermined_verdict_counts_as_something_to_send() -> None:
    assert shown(EXAMPLES["undetermined"]()).failed
    assert not shown(EXAMPLES["healthy"]()).failed


def test_local_time_is_that_of_the_vantage() -> None:
    assert shown(EXAMPLES["healthy"]()).local == "08:41:02 Europe/Berlin"


def test_console_and_headers_of_every_load_are_shown_with_their_place() -> None:
    example = EXAMPLES["expired"]()
    strict, lenient = example.evidence.pages
    line = ConsoleEntry(source="issue", level="warning", text="a cookie was not kept")
    lenient = lenient.model_copy(update={"console": (line,), "console_dropped": 3})
    example.evidence = example.evidence.model_copy(update={"pages": (strict, lenient)})
    made = shown(example)
    assert [(c.pointer, c.load, c.left_out) for c in made.consoles] == [("/pages/1", "lenient", 3)]
    assert [(m.pointer, m.load) for m in made.messages] == [
        ("/pages/0/exchanges/0", "strict"),
        ("/pages/1/exchanges/0", "lenient"),
    ]


def test_the_text_of_page_and_document_is_there_to_look_citations_up_in() -> None:
    example = EXAMPLES["cloudflare_522"]()
    made = {text.pointer: text.text for text in shown(example).texts}
    assert made["/pages/0/text"] == "Connection timed out Error code 522"
    assert "cf-error-details" in made["/pages/0/exchanges/0/response/body/text"]


def test_failed_requests_show_their_headers_after_the_document() -> None:
    example = EXAMPLES["healthy"]()
    page = example.evidence.pages[0]
    gone = exchange(20, "https://www.example/gone", 404, "script", answer=headers("x-why: gone"))
    page = page.model_copy(update={"exchanges": (gone, *page.exchanges)})
    example.evidence = example.evidence.model_copy(update={"pages": (page,)})
    assert [m.pointer for m in shown(example).messages] == ["/pages/0/exchanges/1", "/pages/0/exchanges/0"]
