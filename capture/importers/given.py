"""What is handed in, and how much of it is read at most. In: files. Out: the same with bare names, or a sentence."""

import re
from dataclasses import dataclass
from typing import Final

from capture.errors import BadInput
from capture.record.base import Moment, Record
from capture.record.request import Limits

FILES: Final = 20
"""Files in one import."""
FILE_BYTES: Final = 100_000_000
"""One file, bytes."""
ALL_BYTES: Final = 200_000_000
"""All files together, bytes."""
TEXT_BYTES: Final = 10_000_000
"""All bodies that are kept, bytes: error pages are small, and every byte is searched for secrets."""
NAME_CHARS: Final = 120
"""A file name as it is recorded."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Upload:
    """One file as it was handed in."""

    name: str
    """Name, as the sender gave it."""
    data: bytes
    """Content."""


class Options(Record):
    """What is known besides the files; everything may be absent."""

    url: str | None = None
    """The address that the files speak of; it also says which request of a HAR is meant."""
    note: str | None = None
    """For the dossier, for example recent changes."""
    seen: str | None = None
    """What the user saw, in the user's words."""
    now: Moment | None = None
    """When the files were handed in; absent means now."""
    limits: Limits = Limits()
    """How much of what the files hold is kept."""


def bare_name(name: str) -> str:
    """The file's name without directories and without characters that could hide something."""
    bare = _CONTROL.sub("", name.replace("\\", "/").rpartition("/")[2]).strip()
    return bare[-NAME_CHARS:] or "file"


def bad(name: str, sentence: str) -> BadInput:
    """The one sentence for a file that cannot be taken."""
    return BadInput(f"{bare_name(name)}: {sentence}")


def bounded(files: tuple[Upload, ...]) -> tuple[Upload, ...]:
    """The files with bare names; raises BadInput when there are none, too many, or too large ones."""
    if not files:
        raise BadInput("no file was given")
    if len(files) > FILES:
        raise BadInput(f"{len(files)} files are too many: at most {FILES} make one case")
    for file in files:
        if not file.data:
            raise bad(file.name, "the file is empty")
        if len(file.data) > FILE_BYTES:
            raise bad(file.name, f"the file is larger than {FILE_BYTES // 1_000_000} MB")
    if sum(len(file.data) for file in files) > ALL_BYTES:
        raise BadInput(f"the files are larger than {ALL_BYTES // 1_000_000} MB together")
    return tuple(Upload(bare_name(file.name), file.data) for file in files)
