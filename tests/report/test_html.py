"""The HTML dossier: one inert file, complete first page."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from capture.record.base import Header
from capture.record.page import ConsoleEntry, Initiator
from capture.record.request import LimitHit, RequestRecord, StepRecord
from capture.record.seal import manifest
from report import failure_path, html
from report.boxes import region_id
from report.diagnosis import SupportFact
from report.dossier import Dossier
from report.text import SHOWN_CHARS
from report.view import Picture
from tests.report.examples import EXAMPLES
from tests.report.parts import Example, dial, dns, exchange, finding, handshake, headers, plain

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><style>*{display:none}</style>",
    "</title><meta http-equiv=refresh content='0;url=https://evil.example'>",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "url(https://evil.example/x.png)",
    "\u202egnp.exe",
    "a\x00b\x1b[31m\ud800",
    "<!--",
    "]]>",
    "&lt;script&gt;",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data='javascript:alert(1)'>",
    "<embed src='https://evil.example/x'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<base href='https://evil.example/'>",
    "<form action='https://evil.example/'><button>go",
    "<video poster='https://evil.example/x.png' autoplay>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<img src=x:x onerror=alert`1`//",
    "<image href='https://evil.example/x.png'>",
    "' onmouseover='alert(1)",
    '" onfocus="alert(1)" autofocus="',
    "` onclick=alert(1) `",
    "\"><style>@import'https://evil.example/x.css';</style>",
    "</script><script>alert(1)</script>",
    "</script>\u2028alert(1)",
    "</textarea><script>alert(1)</script>",
    "</pre></div></main></body></html><script>alert(1)</script>",
    "</svg></title><img src=x onerror=alert(1)>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>&e;",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "{{ config.__class__.__init__.__globals__ }}",
    "{% include '/etc/hostname' %}",
    "{# comment #}${7*7}#{7*7}<%= 7*7 %>",
    "expression(alert(1));behavior:url(x.htc)",
    "\\22 } * { display: none } /*",
    "--x: red; } :root { --paper: red",
    "\x1b]8;;https://evil.example/\x07click\x1b]8;;\x07",
    "\x1b[2J\x1b[1;1H\x9b31m",
    "\u202a\u202b\u202d\u2066\u2067\u2068\u2069\u200f",
    "\u200b\u200c\u200d\ufeff\u2060\u180e",
    "\U000e0041\U000e0042\U000e0043",
    "\udc00\ud800 \ud83d",
    "\ufffe\uffff\ufdd0",
    "Z" + "\u0310\u0311\u0312\u0313" * 200,
    "\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "=HYPERLINK(\"https://evil.example\")",
    "مرحبا بالعالم 日本語のテキスト 한국어 עברית ไทย 🐚👩‍👩‍👧‍👦",
    "a" * 5_000 + " " + "b" * 5_000,
    "\n" * 3_000,
    "<b>" * 2_000,
    "x" * 1_000_000,
)


class Tags(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page(example: Example, **more: Any) -> str:
    return html.render(example.evidence, example.diagnosis, manifest(()), **{"paper": False, **more})


def poisoned(text: str) -> Example:
    """The Cloudflare example with one string in every place that a page or a user fills."""
    example = EXAMPLES["cloudflare_522"]()
    load = example.evidence.pages[0]
    bad = exchange(1, f"https://shop.example/{text}", 522, phrase=text, answer=headers(f"x-{text}: {text}"),
                   body=text)  # fmt: skip
    by = {"initiator": Initiator(type="x", url=text)}
    asked = exchange(2, f"https://shop.example/{text}", None, "script", error=text).model_copy(update=by)
    entry = ConsoleEntry(source="console", level="error", text=text, url=text)
    said = {"title": text, "final_url": text, "text": text, "error": text}
    load = load.model_copy(update={**said, "exchanges": (bad, asked), "console": (entry,)})
    request = RequestRecord(url=f"https://shop.example/{text}", note=text, seen=text)
    sent = handshake("shop.example", error=text)
    leaf = sent.chain[0].model_copy(update={"subject": text, "issuer": text, "names": (text, text)})
    changes: dict[str, Any] = {
        "pages": (load,),
        "request": request,
        "dns": dns(text),
        "tls": (sent.model_copy(update={"chain": (leaf,), "server_name": text}),),
        "plain_http": plain(f"https://shop.example/{text}", 522, f"x-{text}: {text}"),
        "dials": (dial(0, text),),
        "limits_hit": (LimitHit(limit="load_s", sentence=text),),
        "steps": (StepRecord(name="tls", status="failed", reason=text),),
    }
    example.evidence = example.evidence.model_copy(update=changes)
    fact = SupportFact(label=text, value=text, mono=True)
    hops = tuple(hop.model_copy(update={"name": text, "detail": text}) for hop in example.diagnosis.hops)
    verdict = example.diagnosis.verdict.model_copy(update={"summary": text})
    changes = {
        "support": (fact,),
        "hops": hops,
        "verdict": verdict,
        "next_steps": (text,),
        "repair": text,
        "send": text,
    }
    example.diagnosis = example.diagnosis.model_copy(update=changes)
    return example


ALLOWED = set(
    "html head meta title style body main article header span b h1 h2 h3 h4 p div svg circle path g text rect section "
    "table caption colgroup col thead tbody tr th td br figure img figcaption ol ul li code pre nav a script "
    "details summary dl dt dd wbr".split()
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("paper", [False, True])
def test_hostile_text_stays_text(text: str, paper: bool) -> None:
    made = page(poisoned(text), paper=paper)
    assert len(made) < 1_000_000
    tags = Tags(made)
    assert {tag for tag, _ in tags.found} <= ALLOWED
    for tag, attributes in tags.found:
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("href", "#").startswith("#")
        assert "src" not in attributes
        if tag == "meta":
            assert attributes.get("http-equiv", "Content-Security-Policy") == "Content-Security-Policy"
    assert made.count("<script") == (0 if paper else 1)
    assert not re.search("[\x00\x1b\u202e\ud800]", made)
    made.encode()


def test_the_policy_inside_lets_nothing_load_and_only_our_script_run() -> None:
    made = page(EXAMPLES["cloudflare_522"]())
    policy = next(a["content"] for t, a in Tags(made).found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert "https:" not in policy
    script = re.search(r"<script>(.*)</script>", made, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy


def test_paper_has_no_script() -> None:
    assert "<script" not in page(EXAMPLES["cloudflare_522"](), paper=True)


def test_every_citation_leads_to_its_place_or_to_the_nearest_around_it(dossier: Dossier) -> None:
    found = Tags(dossier.paths["dossier.html"].read_text()).found
    places = {attributes["id"] for _, attributes in found if "id" in attributes}
    links = [a["href"][1:] for tag, a in found if tag == "a" and a.get("class") == "pointer"]
    cited = {cite.pointer for each in dossier.diagnosis.findings for cite in each.cites}
    assert len(links) > 5
    assert set(links) <= places
    assert {"/pages/0/exchanges/0/response/status", "/pages/0/exchanges/0/response/body/text"} <= set(links) & cited


def test_a_citation_of_a_part_of_the_picture_leads_to_its_box(dossier: Dossier) -> None:
    regions = [cite.region for each in dossier.diagnosis.findings for cite in each.cites if cite.region]
    assert regions
    found = Tags(dossier.paths["dossier.html"].read_text()).found
    boxes = [a["id"] for tag, a in found if tag == "span" and a.get("class", "").startswith("box")]
    links = [a["href"][1:] for tag, a in found if tag == "a" and a.get("class") == "pointer"]
    assert boxes == [region_id("/pages/0/screenshot", region) for region in dict.fromkeys(regions)]
    assert set(boxes) <= set(links)


def test_paper_names_the_places_that_are_cited_and_no_other() -> None:
    made = page(EXAMPLES["cloudflare_522"](), paper=True)
    found = Tags(made).found
    places = {attributes["id"] for _, attributes in found if attributes.get("id", "").startswith("/")}
    links = {a["href"][1:] for tag, a in found if tag == "a" and a.get("class") == "pointer"}
    assert places == links
    assert "\ncache-control: private, max-age=0, no-store\n" in made


def test_a_citation_of_what_is_not_shown_is_no_link() -> None:
    example = EXAMPLES["healthy"]()
    claims = (finding("a.b", "app", "A claim.", "/limits_hit/0/limit", "load_s"),
              finding("a.c", "app", "Another.", "/dns/answers/0/records/0/data", "203.0.113.80"))  # fmt: skip
    example.diagnosis = example.diagnosis.model_copy(update={"findings": claims})
    made = page(example)
    assert '<span class="pointer">/limits_hit/0/limit</span>' in made
    assert '<a class="pointer" href="#/dns/answers/0">/dns/answers/0/records/0/data</a>' in made


def test_light_and_dark_have_the_same_colours_however_they_are_chosen() -> None:
    blocks = re.findall(r"color-scheme: dark; (--theme: dark;[^}]+)\}", (html.TEMPLATES / "dossier.css").read_text())
    assert len(blocks) == 2
    assert blocks[0].split() == blocks[1].split()


def test_paper_has_the_colours_of_the_light_screen() -> None:
    css = (html.TEMPLATES / "dossier.css").read_text()
    light = dict(re.findall(r"--([\w-]+): (#\w+)", css[css.index(":root {") : css.index("* {")]))
    assert {name: colour.replace("#fff", "#ffffff") if colour == "#fff" else colour for name, colour in light.items()} \
        == dict(failure_path.LIGHT)  # fmt: skip


def test_the_first_page_is_complete(dossier: Dossier) -> None:
    text = dossier.paths["dossier.html"].read_text()
    first = re.sub(r"<[^>]+>", " ", text[: text.index("</article>")].replace("<wbr>", ""))
    said = dossier.diagnosis
    for part in (said.verdict.summary, said.repair, *said.next_steps, *(fact.value for fact in said.support)):
        assert html.environment().from_string("{{ x }}").render(x=part) in first
    for heading in ("What support asks for first", "What the visitor saw", "Who can repair it", "Do next", "Send"):
        assert heading in first
    assert "This proves" in first
    assert "It does not prove" in first
    assert "Failure path:" in text


def test_every_link_leads_somewhere_inside(dossier: Dossier) -> None:
    found = Tags(dossier.paths["dossier.html"].read_text()).found
    ids = {attributes["id"] for _, attributes in found if "id" in attributes}
    links = {attributes["href"] for tag, attributes in found if tag == "a"}
    assert links
    assert links <= {f"#{name}" for name in ids}


def test_pictures_are_inside_and_described(dossier: Dossier) -> None:
    images = [a for tag, a in Tags(dossier.paths["dossier.html"].read_text()).found if tag == "img"]
    assert images
    for image in images:
        assert image["src"].startswith("data:image/jpeg;base64,")
        assert len(image["src"]) > 5_000
        assert image["alt"]


def test_headings_are_in_order(dossier: Dossier) -> None:
    levels = [
        int(tag[1]) for tag, _ in Tags(dossier.paths["dossier.html"].read_text()).found if re.fullmatch("h[1-6]", tag)
    ]
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_headers_are_shown_verbatim_however_long() -> None:
    example = EXAMPLES["cloudflare_522"]()
    load = example.evidence.pages[0]
    lines = headers("Set-Cookie: a=1", "set-COOKIE: b=2", *(f"X-{n}: {'v' * 60}{n}" for n in range(200)))
    load = load.model_copy(update={"exchanges": (exchange(1, "https://shop.example/", 522, answer=lines),)})
    example.evidence = example.evidence.model_copy(update={"pages": (load,)})
    words = "".join(Tags(page(example)).words)
    assert "Set-Cookie: a=1\nset-COOKIE: b=2\nX-0: " in words
    assert f"X-199: {'v' * 60}199" in words


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("paper", [False, True])
def test_every_example_is_drawn(name: str, paper: bool) -> None:
    example = EXAMPLES[name]()
    made = page(example, paper=paper, picture=Picture("evidence:0", 10, 10, "a picture"))
    assert "None" not in "".join(Tags(made).words)
    assert not paper or set(re.findall(r"var\(--([\w-]+)\)", made)) <= {"step"}


def test_warnings_stand_before_the_facts() -> None:
    made = page(EXAMPLES["undetermined"](), warnings=("There is no PDF: too large.",))
    assert "may have been taken for a bot" in made[: made.index("What support asks")]
    assert "The capture was cut short" in made[: made.index("What support asks")]
    assert "There is no PDF: too large." in made


def test_opened_networks_are_said() -> None:
    example = EXAMPLES["healthy"]()
    request = example.evidence.request.model_copy(update={"allow_networks": ("10.0.0.0/8",)})
    example.evidence = example.evidence.model_copy(update={"request": request})
    assert "10.0.0.0/8" in page(example).partition("What support asks")[0]


def test_whose_network_an_address_is_in_is_told() -> None:
    assert "203.0.113.80 → AS64500 SHOP-HOSTING, DE (203.0.113.0/24)" in page(EXAMPLES["nginx_502"]())


def test_commands_in_our_sentences_are_set_as_code() -> None:
    example = EXAMPLES["cloudflare_522"]()
    assert "<code>ss -tlnp</code>" in page(example)


def test_an_address_cannot_leave_the_head_of_the_page() -> None:
    example = EXAMPLES["healthy"]()
    request = RequestRecord(url='https://a"} @import url(x);</style><b>.example/')
    example.evidence = example.evidence.model_copy(update={"request": request})
    head = re.search(r"@top-right \{ content: \"([^\"]*)\"", page(example, paper=True))
    assert head is not None
    assert "<" not in head[1]
    assert "}" not in head[1]


def test_no_template_switches_escaping_off() -> None:
    for path in html.TEMPLATES.rglob("*.html"):
        assert not re.search(r"\|\s*safe\b|autoescape", path.read_text()), path.name


@pytest.mark.parametrize("paper", [False, True])
def test_a_line_feed_inside_a_header_does_not_look_like_another_header(paper: bool) -> None:
    example = EXAMPLES["cloudflare_522"]()
    load = example.evidence.pages[0]
    forged = (Header(name="x-a", value="1\r\nServer: forged"), Header(name="x-b\nServer", value="forged"))
    bad = exchange(1, "https://shop.example/", 522, phrase="x\nServer: forged", answer=forged)
    load = load.model_copy(update={"exchanges": (bad,)})
    example.evidence = example.evidence.model_copy(update={"pages": (load,), "plain_http": ()})
    found = re.findall("<pre.*?</pre>", page(example, paper=paper), re.DOTALL)
    blocks = "\n".join("".join(Tags(block).words) for block in found)
    assert "1␍␊Server: forged" in blocks
    assert not re.search(r"^Server: forged", blocks, re.MULTILINE)


def test_empty_lines_do_not_fill_sheets_of_paper() -> None:
    example = EXAMPLES["cloudflare_522"]()
    load = example.evidence.pages[0].model_copy(update={"text": "top" + "\n" * 1_000 + "bottom"})
    example.evidence = example.evidence.model_copy(update={"pages": (load,)})
    assert "top\n\nbottom" in page(example, paper=True)
    assert "top" + "\n" * 1_000 + "bottom" in page(example)


def test_a_long_header_line_is_shown_whole_on_screens() -> None:
    example = EXAMPLES["cloudflare_522"]()
    load = example.evidence.pages[0]
    policy = "content-security-policy: " + "; ".join(f"img-src https://a{n}.example" for n in range(400))
    bad = exchange(1, "https://shop.example/", 522, answer=headers(policy))
    example.evidence = example.evidence.model_copy(update={"pages": (load.model_copy(update={"exchanges": (bad,)}),)})
    assert len(policy) > SHOWN_CHARS
    assert policy in "".join(Tags(page(example)).words)
    assert "cut here" in "".join(Tags(page(example, paper=True)).words)
