"""Title and visible text of a document without a browser. In: HTML or plain text. Out: roughly what a browser shows."""

from html.parser import HTMLParser
from typing import Final

_HIDDEN: Final = ("script", "style", "title", "noscript", "iframe")
_BREAKS_BEFORE: Final = ("p", "div", "h1", "h2", "h3", "tr", "li", "br", "hr", "pre", "table")
_BREAKS_AFTER: Final = ("p", "div", "h1", "h2", "h3", "tr", "li", "pre", "table", "td")


class _Rendering(HTMLParser):
    """Collects the pieces of text that are shown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.pieces: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden = tag
        elif tag in _BREAKS_BEFORE:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""
        elif tag in _BREAKS_AFTER:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if self._hidden == "title":
            self.title += data
        elif not self._hidden:
            self.pieces.append(data)


def rendered(html: str) -> tuple[str, str]:
    """Title and visible text of a body."""
    if not html.lstrip("\ufeff \r\n\t").startswith("<"):
        return "", html.strip()
    parser = _Rendering()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).splitlines())
    return " ".join(parser.title.split()), "\n".join(line for line in lines if line)
