"""Against programs that look at what is shown. In: a line. Out: the same to look at, with nothing to be found in it.

Some trackers look for references, mentions, addresses and macros after every escape of the markup was undone.
"""

import re
from typing import Final

JOINER: Final = "\u2060"
"""Word joiner: has no width and ends no line."""
# Where one would begin: #12, @name, kind:name, r12, [[page]], {{macro}}, {%tag%}, www.
_BEGIN: Final = re.compile(
    r"(?=[#@:]\S)|(?<=\[)(?=\[)|(?<=\{)(?=[{%])|(?<![0-9A-Za-z_])(?=r\d)|(?<=www)(?=\.)", re.IGNORECASE)


def parted(line: str) -> str:
    """The line with a joiner wherever a program would find something."""
    return _BEGIN.sub(JOINER, line)
