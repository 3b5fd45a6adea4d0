"""A ZIP archive from a stranger. In: bytes. Out: the HAR in it and the bodies beside it, each read within bounds.

Nothing is ever unpacked to disk. A member counts as large as it turns out to be, not as it says.
"""

import io
import re
import stat
import zipfile
import zlib
from typing import IO, Final

from capture.importers.given import Upload, bad
from capture.importers.texts import text_of

MEMBERS: Final = 5_000
"""Files in the archive."""
UNPACKED_BYTES: Final = 200_000_000
"""All that is unpacked, bytes."""
RATIO: Final = 100
"""Most that a member may grow when it is unpacked; text and JSON stay below 30."""
RATIO_FROM: Final = 1_000_000
"""Smaller members may grow more, bytes."""
_BLOCK: Final = 65_536
_HAR: Final = re.compile(r'\A\s*\{\s*"log"\s*:\s*\{')
_BROKEN: Final = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
                  OSError, ValueError, OverflowError)
"""What zipfile raises for archives that are damaged, encrypted, or made with what it does not know."""


class Archive:
    """The members of one archive by name."""

    def __init__(self, file: Upload) -> None:
        """Looks at the directory of the archive; raises BadInput when anything in it is suspicious."""
        self._name = file.name
        self._left = UNPACKED_BYTES
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(file.data))
            members = [info for info in self._zip.infolist() if not info.is_dir()]
        except _BROKEN:
            raise bad(file.name, "the ZIP archive is damaged") from None
        if len(members) > MEMBERS:
            raise bad(file.name, f"the ZIP archive holds more than {MEMBERS:,} files")
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in members:
            self._admit(info)
            self._members[info.filename] = info

    def _admit(self, info: zipfile.ZipInfo) -> None:
        # zipfile cuts names at a NUL and turns the system's separators; what was written counts.
        name = info.orig_filename
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or "\0" in name or ".." in parts or re.match(r"[A-Za-z]:", name):
            raise bad(self._name, "the ZIP archive holds a file whose name leads out of it")
        if info.external_attr >> 16 and stat.S_ISLNK(info.external_attr >> 16):
            raise bad(self._name, "the ZIP archive holds a link")
        if info.flag_bits & 1:
            raise bad(self._name, "the ZIP archive is encrypted")
        if info.filename in self._members:
            raise bad(self._name, "the ZIP archive holds two files of the same name")

    def har(self) -> str:
        """The text of the one HAR in it; raises BadInput when there is none or more than one."""
        found = [name for name in self._members if self._is_har(name)]
        if len(found) != 1:
            count = "no HAR" if not found else f"{len(found)} HARs: hand them in one by one"
            raise bad(self._name, f"the ZIP archive holds {count}")
        return text_of(self._read(found[0])) or ""

    def read(self, name: str) -> bytes | None:
        """The bytes of a member, None when there is none of that name; raises BadInput past a bound."""
        return self._read(name) if name in self._members else None

    def _is_har(self, name: str) -> bool:
        try:
            with self._zip.open(self._members[name]) as stream:
                head = stream.read(4_096)
        except _BROKEN:
            raise bad(self._name, "the ZIP archive is damaged") from None
        if head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")):
            raise bad(self._name, "the ZIP archive holds another archive")
        return bool(_HAR.match(text_of(head) or ""))

    def _read(self, name: str) -> bytes:
        info = self._members[name]
        try:
            with self._zip.open(info) as stream:
                return self._drain(stream, info.compress_size)
        except _BROKEN:
            raise bad(self._name, "the ZIP archive is damaged") from None

    def _drain(self, stream: IO[bytes], packed: int) -> bytes:
        kept = bytearray()
        while block := stream.read(_BLOCK):
            kept += block
            self._left -= len(block)
            if self._left < 0:
                raise bad(self._name, f"the ZIP archive unpacks to more than {UNPACKED_BYTES // 1_000_000} MB")
            if len(kept) > RATIO_FROM and len(kept) > RATIO * packed:
                raise bad(self._name, "the ZIP archive holds a file that grows suspiciously when it is unpacked")
        return bytes(kept)
