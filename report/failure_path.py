"""The failure path, drawn. In: the hops of a diagnosis. Out: one inline SVG, side by side or one below the other.

Every colour has a word and a sign beside it, so that nothing is told by colour alone (WCAG 2.2, 1.4.1).
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup

from report.diagnosis import HopState, HopVerdict, Verdict
from report.text import short

LIGHT: Final[Mapping[str, str]] = {
    "ink": "#12161c", "soft": "#56606c", "faint": "#66707c", "line": "#dfe4e9", "wash": "#f6f7f9", "paper": "#ffffff",
    "ok": "#1b7a4a", "fault": "#b3142b", "fault-wash": "#fdf1f2", "bar": "#7b8794", "link": "#1d4ed8",
    "mark": "#fff0b3", "phase-queue": "#7b8794", "phase-dns": "#0e7490", "phase-connect": "#b45309",
    "phase-tls": "#7c3aed", "phase-send": "#5b8def", "phase-wait": "#5b8def", "phase-receive": "#1e3a8a"}
"""Colours written out, for renderers that ignore var() in SVG attributes."""
VARIABLES: Final[Mapping[str, str]] = {name: f"var(--{name})" for name in LIGHT}
"""Colours taken from the style sheet, so that they follow light and dark."""

WORDS: Final[Mapping[HopState, str]] = {
    "working": "✓ works", "faulty": "× fails", "undetermined": "? not known", "not-reached": "– not reached"}
"""Sign and word of each state."""

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


def draw(hops: tuple[HopVerdict, ...], verdict: Verdict, colours: Mapping[str, str],
         layout: Literal["wide", "tall"]) -> Markup:
    """The path as SVG: `wide` for paper and screens, `tall` for phones. Empty when there are no hops."""
    if not hops:
        return Markup("")
    broken = broken_link(hops, verdict)
    height, body = (_wide if layout == "wide" else _tall)(hops, broken, colours)
    width = _WIDE if layout == "wide" else 330
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" role="img" font-family="Inter, Noto Sans, sans-serif"><title>{}</title>'
        '{}</svg>'
    ).format(layout, width, round(height), describe(hops, broken), body)


def broken_link(hops: tuple[HopVerdict, ...], verdict: Verdict) -> int | None:
    """Position of the hop that the request was lost on the way to; absent when no hand-off failed."""
    if verdict.failing_handoff is None:
        return None
    faulty = [i for i, hop in enumerate(hops) if i and hop.state == "faulty"]
    named = [i for i, hop in enumerate(hops) if i and hop.layer == verdict.failing_handoff[1]]
    return next(iter(faulty + named), None)


def describe(hops: tuple[HopVerdict, ...], broken: int | None) -> str:
    """The drawing in words, for those who do not see it."""
    parts = [f"{short(hop.name, 60)} {WORDS[hop.state][2:]}" + (f" ({short(hop.detail, 80)})" if hop.detail else "")
             for hop in hops]
    link = "" if broken is None else (
        f" The hand-off from {short(hops[broken - 1].name, 60)} to {short(hops[broken].name, 60)} failed.")
    return f"Failure path: {'; '.join(parts)}.{link}"


def _wide(hops: tuple[HopVerdict, ...], broken: int | None, colours: Mapping[str, str]) -> tuple[float, Markup]:
    few = len(hops) <= 7
    style = _Style(_WIDE / len(hops), 27 if few else 21, 13 if few else 11.5, 11.5 if few else 10.5)
    links, nodes, bottom = [], [], 0.0
    middle = style.radius + 6
    for i, hop in enumerate(hops):
        x = style.cell * (i + 0.5)
        if i:
            links.append(_link(x - style.cell + style.radius, x - style.radius, middle, hop, i == broken, colours))
        nodes.append(_node(hop, x, middle, style.radius, colours))
        labels, end = _labels(hop, x, middle + style.radius + style.name + 8, style, colours)
        nodes.append(labels)
        bottom = max(bottom, end)
    return bottom + 6, Markup("").join((*links, *nodes))


def _link(start: float, end: float, y: float, hop: HopVerdict, broken: bool, colours: Mapping[str, str]) -> Markup:
    if broken:
        centre = (start + end) / 2
        return Markup('<path d="M{:.1f} {y}H{:.1f}M{:.1f} {y}H{:.1f}" stroke="{c}" stroke-width="2.5"/>'
                      '<path d="M{:.1f} {:.1f}l14 14m0-14l-14 14" stroke="{c}" stroke-width="3" fill="none"/>').format(
            start, centre - 12, centre + 12, end, centre - 7, y - 7, y=y, c=colours["fault"])
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


def _labels(hop: HopVerdict, x: float, y: float, style: _Style, colours: Mapping[str, str],
            anchor: str = "middle") -> tuple[Markup, float]:
    faulty, away = hop.state == "faulty", hop.state == "not-reached"
    strong = colours["fault" if faulty else "faint" if away else "ink"]
    quiet = colours["fault" if faulty else "faint" if away else "soft"]
    lines = [(line, style.name, strong, 600) for line in wrap(hop.name, style.chars(style.name), 2)]
    # A detail that only repeats the state's word says nothing.
    if hop.detail and hop.detail != WORDS[hop.state][2:]:
        lines += [(line, style.detail, quiet, 400) for line in wrap(hop.detail, style.chars(style.detail), 3)]
    lines.append((WORDS[hop.state], style.detail, colours[_COLOUR[hop.state]], 600))
    parts = []
    for position, (text, size, colour, weight) in enumerate(lines):
        y += size + 4 if position else 0
        parts.append(Markup('<text x="{:.1f}" y="{:.1f}" font-size="{}" font-weight="{}" fill="{}" text-anchor="{}">'
                            '{}</text>').format(x, y, size, weight, colour, anchor, text))
    return Markup("").join(parts), y


def _tall(hops: tuple[HopVerdict, ...], broken: int | None, colours: Mapping[str, str]) -> tuple[float, Markup]:
    style = _Style(260, 22, 15, 13.5)
    links, nodes = [], []
    y, before = style.radius + 4, 0.0
    for i, hop in enumerate(hops):
        if i:
            links.append(Markup('<g transform="translate(28 0) rotate(90)">{}</g>').format(
                _link(before + style.radius, y - style.radius, 0, hop, i == broken, colours)))
        nodes.append(_node(hop, 28, y, style.radius, colours))
        labels, end = _labels(hop, 66, y - 8, style, colours, "start")
        nodes.append(labels)
        before, y = y, max(y + 2 * style.radius + 32, end + style.radius + 14)
    return max(before + style.radius + 6, end + 8), Markup("").join((*links, *nodes))


def wrap(text: str, width: int, most: int) -> list[str]:
    """At most `most` lines of at most `width` characters and of like length; long words break, the rest is cut."""
    shown = short(text, width * most * 2)
    lines = textwrap.wrap(shown, width) or [""]
    if len(lines) > most:
        return [*lines[:most - 1], lines[most - 1][:width - 1] + "…"]
    # The narrowest width that needs no more lines, and breaks no word, gives lines of like length.
    longest = max(len(word) for word in (shown.split() or [""]))
    return next(even for narrow in range(min(longest, width) or 1, width + 1)
                if len(even := textwrap.wrap(shown, narrow) or [""]) <= len(lines))
