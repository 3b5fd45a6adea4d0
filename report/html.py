"""The dossier as one HTML text. In: evidence, diagnosis, manifest, pictures. Out: HTML for the screen or for the PDF.

One file, no network; whatever a page or a user supplied is escaped, and made visible where it would hide something, by
the environment itself: no template can forget it. The one script is ours, named by its hash in the policy inside the
file, and only adds comfort: everything can be read without it.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from capture.record.base import Header
from capture.record.evidence import Evidence
from capture.record.seal import Manifest
from report import failure_path, letters, packs, playbooks, reproduce, sheet, units, view, waterfall, wording
from report.boxes import region_id
from report.diagnosis import Citation, Diagnosis
from report.places import place
from report.signatures import Vendor
from report.text import SHOWN_CHARS, WHOLE_CHARS, bounded, breakable, clipped, short, squeezed, visible

TEMPLATES: Final = Path(__file__).parent / "templates"
POLICY: Final = ("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{}'; base-uri 'none';"
                 " form-action 'none'")
"""Content-Security-Policy inside the file: nothing is loaded or sent, only the script of this hash runs."""
_PLACE: Final = re.compile(r' id="(/[^"]*)"')
_TARGET: Final = re.compile(r' href="#(/[^"]*)"')
_SPOT: Final = re.compile(r'<span id="(/[^"]*)">([^<]*)</span>')
_CITATION: Final = re.compile(r'<a class="pointer" href="#([^"]*)">([^<]*)</a>')
RECOUNT: Final = (r"find . -type f ! -path './report/*' ! -path ./manifest.json -printf '%P\n' | LC_ALL=C sort |"
                  r" tr '\n' '\0' | xargs -0 sha256sum | sha256sum")
"""Shell line that prints a bundle's fingerprint with nothing but the usual tools."""


def _finalize(value: Any) -> Any:
    if isinstance(value, Markup):
        return value
    return bounded(value) if isinstance(value, str) else "–" if value is None else value


@pass_context
def _header_lines(context: Context, headers: tuple[Header, ...], pointer: str) -> Markup:
    """One line for each field, whatever it holds: a line feed inside of one must not look like another field."""
    line = Markup('<span id="{}/{}">{}: {}</span>')
    limit = SHOWN_CHARS if context["paper"] else WHOLE_CHARS
    return Markup("\n").join(line.format(pointer, i, _one_line(h.name), _one_line(h.value, limit))
                              for i, h in enumerate(headers))


def _one_line(text: str, limit: int = SHOWN_CHARS) -> str:
    return bounded(text, limit).replace("\n", "␊")


@pass_context
def _whole(context: Context, text: str, on_paper: int) -> Markup:
    """What is copied and used: as long as it is, within reason; from paper nobody copies more than a page of it."""
    if context["paper"] and len(text) > on_paper:
        return Markup.escape(f"{visible(text[:on_paper])}… (cut here; the whole is in dossier.html)")
    return Markup.escape(bounded(text, WHOLE_CHARS))


def _pointer(cite: Citation) -> Markup:
    """A citation's pointer, as a link that `_link_citations` leads to the nearest place that is shown."""
    target = region_id(cite.pointer, cite.region) if cite.region else cite.pointer
    return Markup('<a class="pointer" href="#{}">{}</a>').format(target, short(cite.pointer, 160))


def _link_citations(text: str) -> str:
    """Leads every citation to the place of its pointer, or to the nearest one around it; else it is no link."""
    places = set(_PLACE.findall(text))

    def lead(link: re.Match[str]) -> str:
        pointer = link[1]
        while pointer and pointer not in places:
            pointer = pointer.rpartition("/")[0]
        tag, target = ("a", f' href="#{pointer}"') if pointer else ("span", "")
        return f'<{tag} class="pointer"{target}>{link[2]}</{tag}>'

    return _CITATION.sub(lead, text)


def _drop_uncited(text: str) -> str:
    """Takes out the places that nothing leads to: in the PDF each is a destination, and has a style of its own."""
    cited = set(_TARGET.findall(text))
    text = _SPOT.sub(lambda spot: spot[0] if spot[1] in cited else spot[2], text)
    return _PLACE.sub(lambda named: named[0] if named[1] in cited else "", text)


def _prose(text: str, limit: int = 2_000) -> Markup:
    """Our own sentences: what stands between backticks is a command."""
    pieces = clipped(text, limit).split("`")
    last = len(pieces) - 1
    return Markup("").join(Markup("<code>{}</code>").format(piece) if i % 2 and i < last else Markup.escape(piece)
                           for i, piece in enumerate(pieces))


@pass_context
def _breakable(context: Context, text: str | None) -> Markup:
    """A value that is often an address: on screens it breaks where its parts end, as on paper it does by itself."""
    shown = Markup.escape(_finalize(text))
    return shown if context["paper"] else breakable(shown)


def _css_string(text: str) -> str:
    """Text for the inside of a CSS string in double quotes: everything but letters and digits as an escape."""
    return "".join(c if c.isalnum() else f"\\{ord(c):x} " for c in text)


@cache
def environment() -> Environment:
    """The templates, compiled; made once."""
    env = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, finalize=_finalize,
                      undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False)
    env.filters.update(
        short=short, prose=_prose, moment=units.moment, ms=units.milliseconds, size=units.size, headers=_header_lines,
        header=units.header_value, outcome=waterfall.outcome, pointer=_pointer, css_string=_css_string, place=place,
        breakable=_breakable, whole=_whole,
        squeezed=squeezed, one_line=_one_line)
    env.globals.update(validity=units.validity, remaining=units.remaining, state=wording.state, loads=view.LOADS,
                       sources=view.SOURCES, grid_lines=waterfall.grid_lines, fact_chars=view.FACT_CHARS,
                       step_chars=view.STEP_CHARS, by_person=playbooks.by_person, groups=reproduce.TITLES,
                       repair=wording.REPAIR)
    return env


@cache
def script() -> Markup:
    """The script, as it stands inside the file."""
    return Markup((TEMPLATES / "dossier.js").read_text("utf-8"))


@cache
def policy() -> str:
    """The Content-Security-Policy inside the file, with the hash of the script (CSP Level 3, 2.3.1)."""
    digest = hashlib.sha256(script().encode()).digest()
    return POLICY.format(f"sha256-{base64.b64encode(digest).decode('ascii')}")


def prepare() -> None:
    """Compiles the templates ahead, so that the first dossier does not wait for it."""
    for name in environment().list_templates(extensions=["html"]):
        environment().get_template(name)
    sheet.screen()
    policy()
    playbooks.books()
    letters.prepare()


def render(evidence: Evidence, diagnosis: Diagnosis, manifest: Manifest, *, paper: bool,
           picture: view.Picture | None = None, more_pictures: tuple[view.Picture, ...] = (),
           warnings: tuple[str, ...] = (), attached: tuple[str, ...] = (),
           known: tuple[Vendor, ...] | None = None) -> str:
    """The dossier; `paper` is the form that the PDF is made of, with the files of these names `attached` and without
    the style sheet, which its renderer has; `known` are the vendors whose support letters may go to, by default ours.
    """
    shown = view.view(evidence, diagnosis, manifest, paper=paper)
    colours = failure_path.LIGHT if paper else failure_path.VARIABLES
    hops, verdict = diagnosis.hops, diagnosis.verdict
    told = notices(evidence, diagnosis, warnings)
    paths = [failure_path.draw(hops, verdict, colours, "wide")]
    if not paper:
        paths.append(failure_path.draw(hops, verdict, colours, "tall"))
    advice = {"playbook": playbooks.steps_for(evidence, diagnosis),
              "letters": packs.written(evidence, diagnosis, manifest, known),
              "reproduction": reproduce.lines(evidence, diagnosis)}
    text = environment().get_template("dossier.html").render(
        **advice, v=shown, e=evidence, d=diagnosis, verdict=verdict, paper=paper, style=Markup(sheet.screen()),
        policy=policy(), script=script(), legend=waterfall.legend(colours),
        axis=lambda fall: waterfall.axis(fall, colours),
        request_rows=lambda fall: waterfall.table_rows(fall, colours, paper=paper),
        path=Markup("").join(paths), picture=picture, more_pictures=more_pictures, notices=told,
        contents=view.contents(shown, len(more_pictures), told, advice), colours=colours, recount=RECOUNT,
        stop=failure_path.turned_away(hops, verdict),
        attached=attached)
    linked = _link_citations(text)
    return _drop_uncited(linked) if paper else linked


def notices(evidence: Evidence, diagnosis: Diagnosis, warnings: tuple[str, ...]) -> list[str]:
    """What must be known before the first page is used, the weightiest first."""
    found = [diagnosis.warning] if diagnosis.warning else []
    if evidence.outcome == "cut-short":
        found.append(f"The capture was cut short: {(evidence.outcome_reason or 'reason not recorded').rstrip('.')}.")
    if evidence.request.allow_networks:
        found.append(f"Addresses that are not public were allowed: {', '.join(evidence.request.allow_networks)}.")
    return found + list(warnings)
