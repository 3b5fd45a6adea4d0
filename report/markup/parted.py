"""Against programs that look at what is shown. In: a line. Out: the same to look at, with nothing to be found in it.

Some trackers look for references, mentions, addresses and macros after every escape of the markup was undone.
"""

import re
from typing import Final

JOINER: Final = "\u2060"
"""Word joiner: has no width and ends no line."""
_BEGIN: Final = re.compile(
    r"(?=[#@]\S)"                    # #12, @name
    r"|(?<=[A-Za-z])(?=:\S)"         # commit:1a2b, https://
    r"|(?<![0-9A-Za-z_])(?=r\d)"     # r12
    r"|(?<=www)(?=\.)"               # www.
    r"|(?<=\[)(?=\[|[ x]\])"         # [[page]], [x]
    r"|(?<=\{)(?=[{%])",             # {{macro}}, {%tag%}
    re.IGNORECASE)


def parted(line: str) -> str:
    """The line with a joiner wherever a program would find something."""
    return _BEGIN.sub(JOINER, line)
