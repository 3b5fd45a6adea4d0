"""The style sheet of the dossier. In: templates/dossier.css. Out: its text for screens, or for the PDF renderer.

It imports next to nothing, because the child that renders the PDF loads it too.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

_SHEET: Final = Path(__file__).parent / "templates" / "dossier.css"
_ONLY_SCREENS: Final = re.compile(r"@media screen[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")


@cache
def screen() -> str:
    """The whole sheet without comments and line breaks."""
    return re.sub(r"/\*.*?\*/|\n\s*", "", _SHEET.read_text("utf-8"), flags=re.DOTALL)


@cache
def paper() -> str:
    """The sheet with the light colours written out and without the rules of screens."""
    css = _ONLY_SCREENS.sub("", screen())
    light = dict(re.findall(r"--([\w-]+): (#\w+)", css))
    return re.sub(r"var\(--([\w-]+)\)", lambda m: light.get(m[1], m[0]), css)
