"""Requests over time, as a waterfall. In: the loads of a page. Out: per load its rows, failed first, and their SVG.

A bar grows taller with every phase that its request reached, so that the phases are told apart on paper, in grey and
by those who do not see colours. The phases are those of HAR 1.2 (`timings`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from markupsafe import Markup, escape

from capture.record.evidence import Evidence
from capture.record.page import Exchange, PageLoad, Timings
from report.text import bounded, breakable, short
from report.units import milliseconds, size

PAPER_ROWS: Final = 40
"""Slowest requests in the PDF besides the failed ones."""
PAPER_FAILURES: Final = 200
"""Failed requests in the PDF."""
PAPER_SHARE: Final = 0.1
"""Smallest part of a request's time that the PDF tells of a phase; the bar shows them all."""
_BAR: Final = 12
_THINNEST: Final = 6.0
_TICKS: Final = 4


@dataclass(frozen=True)
class Phase:
    """One phase of an exchange."""

    name: str
    """Word shown."""
    slug: str
    """Name of its colour."""
    height: float
    """Of the bar, twelfths."""
    of: Callable[[Timings], float | None]
    """Its duration, milliseconds."""


def _connect(timings: Timings) -> float | None:
    return None if timings.connect is None else max(timings.connect - (timings.ssl or 0), 0)


PHASES: Final = (
    Phase("in the browser", "queue", 1.5, lambda t: t.blocked), Phase("DNS", "dns", 3.5, lambda t: t.dns),
    Phase("connect", "connect", 5.5, _connect), Phase("TLS", "tls", 7.5, lambda t: t.ssl),
    Phase("send", "send", 9, lambda t: t.send), Phase("wait", "wait", 9, lambda t: t.wait),
    Phase("receive", "receive", 12, lambda t: t.receive))
"""In the order in which an exchange goes through them; `connect` is without TLS, which HAR counts into it."""


@dataclass(frozen=True)
class Row:
    """One request."""

    exchange: Exchange
    pointer: str
    """Where it stands in evidence.json."""
    failed: bool
    """It got no answer, or a status of 400 and above."""


@dataclass(frozen=True)
class Waterfall:
    """The requests of one load."""

    load: PageLoad
    pointer: str
    """Where the load stands in evidence.json."""
    rows: tuple[Row, ...]
    """Requests listed, failed ones first, each group in the order of time."""
    left_out: int
    """Requests recorded that this medium does not list."""
    failed: int
    """How many failed, listed or not."""
    span: float
    """Time that the full width stands for, milliseconds."""


def waterfalls(evidence: Evidence, *, paper: bool) -> tuple[Waterfall, ...]:
    """One of each load that asked for anything; on paper only failures and the slowest."""
    made = []
    for number, load in enumerate(evidence.pages):
        pointer = f"/pages/{number}"
        rows = request_rows(load.exchanges, pointer)
        listed = paper_rows(rows) if paper else rows
        if rows:
            made.append(Waterfall(load, pointer, listed, len(rows) - len(listed),
                                  sum(row.failed for row in rows), span(load.exchanges)))
    return tuple(made)


def request_rows(exchanges: tuple[Exchange, ...], page: str) -> tuple[Row, ...]:
    """Rows of the load that stands at the pointer `page`: failed ones first, each group in the order of time."""
    rows = [Row(e, f"{page}/exchanges/{i}", failed_request(e)) for i, e in enumerate(exchanges)]
    return tuple(sorted(rows, key=lambda row: (not row.failed, row.exchange.started_ms)))


def paper_rows(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The failed ones and the slowest others, in their order."""
    failed = [row for row in rows if row.failed][:PAPER_FAILURES]
    others = sorted((row for row in rows if not row.failed), key=lambda row: -(row.exchange.duration_ms or 0))
    kept = {row.pointer for row in (*failed, *others[:PAPER_ROWS])}
    return tuple(row for row in rows if row.pointer in kept)


def failed_request(exchange: Exchange) -> bool:
    """It got no answer, or a status of 400 and above; what the page gave up itself is not a failure."""
    if exchange.response is not None and not exchange.error:
        return exchange.response.status >= 400
    return bool(exchange.error or exchange.guard_error or exchange.blocked) and not exchange.canceled


def outcome(exchange: Exchange) -> str:
    """Status, or why there is none; the guard's word comes before the browser's."""
    reason = exchange.blocked or exchange.guard_error or exchange.error or ("given up" if exchange.canceled else "")
    if exchange.response is None:
        return reason or "no answer recorded"
    return f"{exchange.response.status} {reason}".strip()


def span(exchanges: tuple[Exchange, ...]) -> float:
    """From the start of the load to the end of its last request, milliseconds; never zero."""
    return max((e.started_ms + (e.duration_ms or 0) for e in exchanges), default=0) or 1


def ticks(whole: float) -> tuple[tuple[float, str], ...]:
    """Round times along the axis: place in per cent, word."""
    step = next(s for k in range(12) for s in (10**k, 2 * 10**k, 5 * 10**k) if whole / s <= _TICKS)
    return tuple((100 * at / whole, _round(at)) for at in range(0, int(whole) + 1, step))


def _round(at: int) -> str:
    return f"{at / 1000:g} s" if at >= 1000 else f"{at} ms" if at else "0"


def axis(fall: Waterfall, colours: Mapping[str, str]) -> Markup:
    """The scale of the bars as SVG, for the head of their column."""
    words = [Markup('<text x="{:.2f}%" y="9" font-size="9" fill="{}">{}</text>').format(
        place, colours["soft"], word) for place, word in ticks(fall.span) if place < 88]
    return Markup('<svg class="axis" width="100%" height="12" aria-hidden="true" font-family="Inter, sans-serif">'
                  '<title>scale, {} in all</title>{}</svg>').format(milliseconds(fall.span), Markup("").join(words))


def grid_lines(fall: Waterfall) -> str:
    """The distance of the lines behind the bars, as a style for the table."""
    places = ticks(fall.span)
    return f"--step:{places[1][0] if len(places) > 1 else 100:.2f}%"


def legend(colours: Mapping[str, str]) -> Markup:
    """What the heights of a bar mean: one sample of each phase with its word."""
    shown = [phase for phase in PHASES if phase.slug != "send"]
    sample = Markup('<span class="key"><svg width="16" height="12" viewBox="0 0 16 12" aria-hidden="true"><title>{}'
                    '</title>{}</svg> {}</span>')
    samples = [sample.format(p.name, _filled(colours[f"phase-{p.slug}"], [_outline(0, 16, p.height)]), p.name)
               for p in shown]
    return Markup(" ").join(samples)


def bar(exchange: Exchange, whole: float, colours: Mapping[str, str], failed: bool) -> Markup:
    """One request's bar as SVG, stretched over `whole` milliseconds."""
    scale = 1000 / whole
    blocks = [(at * scale, max(length * scale, _THINNEST), height, colours["fault" if failed else f"phase-{slug}"])
              for at, length, height, slug in _pieces(exchange)]
    # Neighbours of one colour are one path: most of the time that a drawing takes goes by their number.
    drawn = Markup("").join(
        _filled(colour, (_outline(*block[:3]) for block in same)) for colour, same in groupby(blocks, itemgetter(3)))
    return Markup('<svg viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true"><title>{}</title>{}</svg>'
                  ).format(_phase_words(exchange) or "phases not known", drawn)


def _pieces(exchange: Exchange) -> Iterator[tuple[float, float, float, str]]:
    """Start, length, height and colour of what is drawn: the phases, or one bar when they are not known."""
    end = exchange.started_ms + (exchange.duration_ms or 0)
    at = exchange.started_ms
    for phase, length in phases(exchange):
        length = min(length, end - at)
        if length > 0:
            yield at, length, phase.height, phase.slug
            at += length
    if at == exchange.started_ms:
        # Nothing is known of its phases: a bar as low as a request that never left.
        yield at, max(end - at, 0), PHASES[0].height * 2, "queue"


def phases(exchange: Exchange) -> tuple[tuple[Phase, float], ...]:
    """The phases that took any time, with their milliseconds."""
    timings = exchange.timings
    lengths = ((phase, phase.of(timings)) for phase in PHASES) if timings else ()
    return tuple((phase, length) for phase, length in lengths if length)


def _filled(colour: str, outlines: Iterable[str]) -> Markup:
    return Markup('<path fill="{}" d="{}"/>').format(colour, "".join(outlines))


def _outline(x: float, width: float, height: float) -> str:
    return f"M{x:.1f} {(_BAR - height) / 2:g}h{width:.1f}v{height:g}h-{width:.1f}z"


def table_rows(fall: Waterfall, colours: Mapping[str, str], *, paper: bool) -> Markup:
    """The body of the table of requests; written without the template engine because there may be thousands."""
    return Markup("").join(_row(row, fall.span, colours, paper) for row in fall.rows)


def _row(row: Row, whole: float, colours: Mapping[str, str], paper: bool) -> Markup:
    e = row.exchange
    length = e.response.encoded_bytes if e.response else None
    address = f"{'' if e.method == 'GET' else short(e.method, 20) + ' '}{short(e.url, 110)}"
    if not paper:
        shown = breakable(escape(address))
        told: str = Markup("<details><summary>{}</summary><dl>{}</dl></details>").format(shown, _more(row))
    elif words := _phase_words(e, PAPER_SHARE):
        told = Markup('{}<br><span class="quiet">{}</span>').format(address, words)
    else:
        told = escape(address)
    ended = escape(short(outcome(e), 80))
    return Markup(
        '<tr id="{}"{}><td>{}</td><td>{}{}</td><td class="mono">{}</td><td>{}</td><td class="n" data-v="{}">{}</td>'
        '<td class="n" data-v="{}">{}</td><td class="when" data-v="{}">{}</td></tr>\n').format(
        row.pointer, Markup(' class="bad"') if row.failed else "", e.id, "×\u00a0" if row.failed else "",
        ended if paper else breakable(ended), told, e.resource_type, length or 0, size(length), e.duration_ms or 0,
        milliseconds(e.duration_ms), e.started_ms, bar(e, whole, colours, row.failed))


def _phase_words(exchange: Exchange, share: float = 0.0) -> str:
    """The phases that took at least a millisecond and this share of the whole."""
    least = max(1.0, share * (exchange.duration_ms or 0))
    return ", ".join(f"{phase.name} {milliseconds(length)}" for phase, length in phases(exchange) if length >= least)


def _more(row: Row) -> Markup:
    """What is shown of a request when it is opened: terms and values."""
    return Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(term, value) for term, value in _facts(row) if value)


def _facts(row: Row) -> Iterator[tuple[str, str]]:
    e = row.exchange
    yield "Address", bounded(e.url)
    yield "Started", f"{milliseconds(e.started_ms)} after the start of the load"
    yield "Phases", _phase_words(e)
    yield "Answered by", _answered_by(e)
    yield "Failure", bounded(" · ".join(filter(None, (e.error, e.guard_error, e.blocked))))
    if e.initiator is not None:
        line = f"line {e.initiator.line}" if e.initiator.line else ""
        yield "Asked for by", ", ".join(filter(None, (e.initiator.type, short(e.initiator.url or "", 300), line)))
    if e.response is not None:
        yield "Type", short(e.response.mime_type, 100)
        yield "Body", size(e.response.body.size) if e.response.body else ""


def _answered_by(e: Exchange) -> str:
    if e.from_service_worker:
        return "the page’s own service worker"
    if e.from_cache:
        return "the browser’s memory"
    protocol = e.response.protocol if e.response else ""
    reused = {True: "connection already open", False: "new connection", None: ""}[e.connection_reused]
    dial = f"dial {e.dial}" if e.dial is not None else ""
    return ", ".join(filter(None, (e.remote_address, protocol, reused, dial)))
