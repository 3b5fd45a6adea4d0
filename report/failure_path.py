"""The failure path, drawn. In: the hops of a diagnosis. Out: one inline SVG, side by side or one below the other.

Every colour has a word and a sign beside it, so that nothing is told by colour alone (WCAG 2.2, 1.4.1).
"""

import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup

from report.diagnosis import Certainty, HopState, HopVerdict, Verdict
from report.text import short
from report.wording import state

LIGHT: Final[Mapping[str, str]] = {
    "ink": "#12161c", "soft": "#56606c", "faint": "#66707c", "line": "#dfe4e9", "wash": "#f6f7f9", "paper": "#ffffff",
    "ok": "#1b7a4a", "fault": "#b3142b", "fault-wash": "#fdf1f2", "bar": "#7b8794", "link": "#1d4ed8",
    "mark": "#fff0b3", "phase-queue": "#7b8794", "phase-dns": "#0e7490", "phase-connect": "#b45309",
    "phase-tls": "#7c3aed", "phase-send": "#5b8def", "phase-wait": "#5b8def", "phase-receive": "#1e3a8a"}
"""Colours written out, for renderers that ignore var() in SVG attributes."""
VARIABLES: Final[Mapping[str, str]] = {name: f"var(--{name})" for name in LIGHT}
"""Colours taken from the style sheet, so that they follow light and dark."""

_REFUSED: Final[Mapping[Certainty, str]] = {
    "proven": "refused this request", "likely": "probably refused this request",
    "possible": "may have refused this request", "undetermined": "may have refused this request"}
_LOST: Final[Mapping[Certainty, str]] = {
    "proven": "failed", "likely": "probably failed", "possible": "may have failed", "undetermined": "may have failed"}
_CHALLENGED: Final[Mapping[Certainty, str]] = {
    "proven": "asks for a proof first", "likely": "probably asks for a proof first",
    "possible": "may ask for a proof first", "undetermined": "may ask for a proof first"}
_COLOUR: Final[Mapping[HopState, str]] = {
    "working": "ok", "faulty": "fault", "undetermined": "soft", "not-reached": "faint"}
_ICONS: Final[Mapping[str, str]] = {
    "visitor": "M-12-10h24v18h-24zM-12-5h24M-6 14h12",
    "dns": "M-12 0h24M0-12c-8 7-8 17 0 24M0-12c8 7 8 17 0 24M0-12a12 12 0 1 0 .1 0",
    "network": "M-13-5h20M3-10l5 5-5 5M13 6h-20M-3 1l-5 5 5 5",
    "tls": "M-9-1v-4a9 9 0 0 1 18 0v4M-12-1h24v13h-24z",
    "cdn": "M-9 8a6 6 0 0 1 1-12 9 9 0 0 1 17-2 7 7 0 0 1 1 14z",
    "load-balancer": "M-13 0h8M-5 0L5-9h8M-5 0h18M-5 0L5 9h8",
    "reverse-proxy": "M-12-10h9v20h-9zM3-10h9v20h-9zM-3 0h6",
    "platform": "M0-12l12 6-12 6-12-6zM-12 0l12 6 12-6M-12 6l12 6 12-6",
    "app": "M-11-11h22v9h-22zM-11 2h22v9h-22zM-7-6.500h1M-7 6.500h1",
    "database": "M-10-7c0-6 20-6 20 0v14c0 6-20 6-20 0zM-10-7c0 6 20 6 20 0",
    "none": "M-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0"}
_WIDE: Final = 860


@dataclass(frozen=True)
class _Style:
    """Sizes that depend on how many hops share the width."""

    cell: float
    radius: float
    name: float
    detail: float

    def chars(self, size: float) -> int:
        """Characters that fit into a cell; 0.53 em is about the mean width of a letter in Inter."""
        return max(6, int((self.cell - 8) / (size * 0.53)))


@dataclass(frozen=True)
class _Path:
    """What is drawn."""

    hops: tuple[HopVerdict, ...]
    broken: int | None
    """Position of the hop that the request did not reach in order."""
    stop: "Stop | None"
    certainty: Certainty
    """Of the verdict."""
    colours: Mapping[str, str]

    def marked(self, at: int) -> bool:
        """Whether the link before this hop carries a sign."""
        return at == self.broken or bool(self.stop and at == self.stop.at)


@dataclass(frozen=True)
class Stop:
    """A hop that works and yet does not let this visitor through."""

    at: int
    """Its position."""
    words: str
    """What it did, for example "refused this request"."""
    sign: str
    """The same in a word, for the link before it."""


def draw(hops: tuple[HopVerdict, ...], verdict: Verdict, colours: Mapping[str, str],
         layout: Literal["wide", "tall"]) -> Markup:
    """The path as SVG: `wide` for paper and screens, `tall` for phones. Empty when there are no hops."""
    if not hops:
        return Markup("")
    path = _Path(hops, broken_link(hops, verdict), turned_away(hops, verdict), verdict.certainty, colours)
    height, body = (_wide if layout == "wide" else _tall)(path)
    width = _WIDE if layout == "wide" else 330
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" role="img" font-family="Inter, Noto Sans, sans-serif"><title>{}</title>'
        '{}</svg>'
    ).format(layout, width, round(height), describe(hops, verdict), body)


def broken_link(hops: tuple[HopVerdict, ...], verdict: Verdict) -> int | None:
    """Position of the hop that the request was lost on the way to; absent when no hand-off failed, or when the hop
    works and refused the request itself."""
    at = _named(hops, verdict)
    return None if at is None or hops[at].state == "working" else at


def turned_away(hops: tuple[HopVerdict, ...], verdict: Verdict) -> Stop | None:
    """Where a working hop held this visitor off: the hop that the hand-off names, or whose challenge was shown."""
    at = _named(hops, verdict)
    challenge = verdict.interstitial == "challenge"
    if at is None and challenge:
        at = next((i for i, hop in enumerate(hops) if i and hop.vendor and hop.vendor == verdict.generator), None)
    if at is None or hops[at].state != "working":
        return None
    words = (_CHALLENGED if challenge else _REFUSED)[verdict.certainty]
    return Stop(at, words, ("challenge" if challenge else "refused") + "?" * (verdict.certainty != "proven"))


def _named(hops: tuple[HopVerdict, ...], verdict: Verdict) -> int | None:
    if verdict.failing_handoff is None:
        return None
    faulty = [i for i, hop in enumerate(hops) if i and hop.state == "faulty"]
    named = [i for i, hop in enumerate(hops) if i and hop.layer == verdict.failing_handoff[1]]
    return next(iter(faulty + named), None)


def describe(hops: tuple[HopVerdict, ...], verdict: Verdict) -> str:
    """The drawing in words, for those who do not see it."""
    names = [short(hop.name, 60) for hop in hops]
    parts = [f"{name} {state(hop.state, verdict.certainty)[2:]}" + (f" ({short(hop.detail, 80)})" if hop.detail else "")
             for name, hop in zip(names, hops, strict=True)]
    broken, stop = broken_link(hops, verdict), turned_away(hops, verdict)
    link = f" The hand-off from {names[broken - 1]} to {names[broken]} {_LOST[verdict.certainty]}." if broken else ""
    link = f" {names[stop.at]} works and {stop.words}." if stop else link
    return f"Failure path: {'; '.join(parts)}.{link}"


def _wide(path: _Path) -> tuple[float, Markup]:
    few = len(path.hops) <= 7
    style = _Style(_WIDE / len(path.hops), 27 if few else 21, 13 if few else 11.5, 11.5 if few else 10.5)
    links, nodes, bottom = [], [], 0.0
    middle = style.radius + 6
    for i, hop in enumerate(path.hops):
        x = style.cell * (i + 0.5)
        if i:
            links.append(_link(path, i, (x - style.cell + style.radius, x - style.radius), middle))
        nodes.append(_node(hop, x, middle, style.radius, path.colours))
        labels, end = _labels(path, i, (x, middle + style.radius + style.name + 8), style)
        nodes.append(labels)
        bottom = max(bottom, end)
    if path.stop:
        word = (style.cell * path.stop.at, middle - 15)
        links.append(_text(path.stop.sign, word, style.detail, path.colours["fault"], 600, "middle"))
    return bottom + 6, Markup("").join((*links, *nodes))


def _link(path: _Path, at: int, ends: tuple[float, float], y: float, *, turned: bool = False) -> Markup:
    """The line before a hop: a break where the request was lost, a no-entry sign where it was refused. What is drawn
    `turned` stands upright once the whole is turned by a right angle."""
    (start, end), colours, hop = ends, path.colours, path.hops[at]
    centre = (start + end) / 2
    if at == path.broken:
        return Markup('<path d="M{:.1f} {y}H{:.1f}M{:.1f} {y}H{:.1f}" stroke="{c}" stroke-width="2.5"/>'
                      '<path d="M{:.1f} {:.1f}l14 14m0-14l-14 14" stroke="{c}" stroke-width="3" fill="none"/>').format(
            start, centre - 12, centre + 12, end, centre - 7, y - 7, y=y, c=colours["fault"])
    if path.stop and at == path.stop.at:
        return Markup('<path d="M{:.1f} {y}H{:.1f}" stroke="{}" stroke-width="2.5"/>'
                      '<path d="M{:.1f} {y}H{:.1f}" stroke="{}" stroke-width="2.5" stroke-dasharray="3 4"/>'
                      '<circle cx="{:.1f}" cy="{y}" r="9" fill="{}"/>'
                      '<path d="{}" stroke="{}" stroke-width="3"/>').format(
            start, centre - 12, colours["ok"], centre + 13, end, colours["soft"], centre, colours["fault"],
            f"M{centre:.1f} {y - 5}v10" if turned else f"M{centre - 5:.1f} {y}h10", colours["paper"], y=y)
    dash = Markup(' stroke-dasharray="3 5"') if hop.state in ("not-reached", "undetermined") else ""
    colour = colours["ok" if hop.state in ("working", "faulty") else _COLOUR[hop.state]]
    return Markup('<path d="M{:.1f} {}H{:.1f}" stroke="{}" stroke-width="2.5"{}/>').format(start, y, end, colour, dash)


def _node(hop: HopVerdict, x: float, y: float, radius: float, colours: Mapping[str, str]) -> Markup:
    ring = colours[_COLOUR[hop.state]]
    dash = Markup(' stroke-dasharray="3 4"') if hop.state == "not-reached" else ""
    icon = colours["faint" if hop.state == "not-reached" else "ink"]
    return Markup(
        '<circle cx="{x:.1f}" cy="{y:.1f}" r="{}" fill="{}" stroke="{}" stroke-width="2.5"{}/>'
        '<g transform="translate({x:.1f} {y:.1f}) scale({:.2f})"><path d="{}" fill="none" stroke="{}"'
        ' stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></g>'
    ).format(radius, colours["fault-wash" if hop.state == "faulty" else "paper"], ring, dash, radius / 28,
             _ICONS[hop.layer], icon, x=x, y=y)


def _labels(path: _Path, at: int, place: tuple[float, float], style: _Style,
            anchor: Literal["start", "middle"] = "middle") -> tuple[Markup, float]:
    """Name, detail and state of a hop, and where they end."""
    hop, colours = path.hops[at], path.colours
    faulty, away = hop.state == "faulty", hop.state == "not-reached"
    strong = colours["fault" if faulty else "faint" if away else "ink"]
    quiet = colours["fault" if faulty else "faint" if away else "soft"]
    told = state(hop.state, path.certainty)
    lines = [(line, style.name, strong, 600) for line in wrap(hop.name, style.chars(style.name), 2)]
    # A detail that only repeats the state's word says nothing.
    if hop.detail and hop.detail != told[2:]:
        lines += [(line, style.detail, quiet, 400) for line in wrap(hop.detail, style.chars(style.detail), 3)]
    lines += [(line, style.detail, colours[_COLOUR[hop.state]], 600)
              for line in wrap(told, style.chars(style.detail), 2)]
    if path.stop and at == path.stop.at:
        lines += [(line, style.detail, colours["fault"], 600)
                  for line in wrap(path.stop.words, style.chars(style.detail), 3)]
    (x, y), parts = place, []
    for position, (text, size, colour, weight) in enumerate(lines):
        y += size + 4 if position else 0
        parts.append(_text(text, (x, y), size, colour, weight, anchor))
    return Markup("").join(parts), y


def _text(text: str, place: tuple[float, float], size: float, colour: str, weight: int, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" font-size="{}" font-weight="{}" fill="{}" text-anchor="{}">{}</text>'
                  ).format(*place, size, weight, colour, anchor, text)


def _tall(path: _Path) -> tuple[float, Markup]:
    style = _Style(260, 22, 15, 13.5)
    links, nodes = [], []
    y, before = style.radius + 4, 0.0
    for i, hop in enumerate(path.hops):
        if i:
            links.append(Markup('<g transform="translate(28 0) rotate(90)">{}</g>').format(
                _link(path, i, (before + style.radius, y - style.radius), 0, turned=True)))
        if path.stop and i == path.stop.at:
            word = (46.0, (before + y) / 2 + 5)
            links.append(_text(path.stop.sign, word, style.detail, path.colours["fault"], 600, "start"))
        nodes.append(_node(hop, 28, y, style.radius, path.colours))
        labels, end = _labels(path, i, (66, y - 8), style, "start")
        nodes.append(labels)
        # A sign on the next link needs a longer one.
        longer = 20 if path.marked(i + 1) else 0
        before, y = y, max(y + 2 * style.radius + 32, end + style.radius + 14) + longer
    return max(before + style.radius + 6, end + 8), Markup("").join((*links, *nodes))


def wrap(text: str, width: int, most: int) -> list[str]:
    """At most `most` lines of at most `width` characters and of like length; long words break, the rest is cut."""
    shown = short(text, width * most * 2)
    # Wide letters (Chinese, Japanese, Korean, emoji) take the place of two.
    columns = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in shown)
    width = max(3, width * len(shown) // max(1, columns))
    lines = textwrap.wrap(shown, width) or [""]
    if len(lines) > most:
        return [*lines[:most - 1], lines[most - 1][:width - 1] + "…"]
    # The narrowest width that needs no more lines, and breaks no word, gives lines of like length.
    longest = max(len(word) for word in (shown.split() or [""]))
    return next(even for narrow in range(min(longest, width) or 1, width + 1)
                if len(even := textwrap.wrap(shown, narrow) or [""]) <= len(lines))
