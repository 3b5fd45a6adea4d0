"""The instance's secret. In: the data directory. Out: a key that seals what must not lie open; keys derived from it.

The key is a file of its own, 0600: a copy of the database alone opens nothing.
"""

import base64
import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from web.errors import ServiceError

FILE: Final = "instance.key"
_BYTES: Final = 32


class BadKey(ServiceError):
    """The key file cannot be used, or what was sealed was not sealed with this key."""


class Key:
    """Seals with Fernet (AES-128-CBC, HMAC-SHA-256: https://github.com/fernet/spec), derives with HKDF (RFC 5869)."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: 32 random bytes."""
        self._secret = secret
        self._fernet = Fernet(base64.urlsafe_b64encode(self.derive("seal")))

    def seal(self, data: bytes) -> bytes:
        """The data, encrypted and authenticated."""
        return self._fernet.encrypt(data)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed; raises BadKey when it was changed or sealed with another key."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise BadKey(f"what was kept sealed cannot be opened: {FILE} is not the key it was sealed with") from None

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose; they tell nothing of the secret and nothing of another purpose's."""
        return HKDF(SHA256(), _BYTES, salt=None, info=f"gatewitness {purpose}".encode()).derive(self._secret)


def load(directory: Path) -> Key:
    """The key of the instance that keeps its data here; made at the first start.

    Raises BadKey with a sentence when the file cannot be read, is damaged, or others may read it.
    """
    path = directory / FILE
    try:
        if not path.exists():
            _make(path)
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            secret = stream.read(_BYTES + 1)
    except OSError as error:
        raise BadKey(f"the key {path} cannot be read: {error.strerror or error}") from error
    if mode & 0o077:
        raise BadKey(f"the key {path} can be read by others; make it yours alone: chmod 600 {path}")
    if len(secret) != _BYTES:
        raise BadKey(f"the key {path} is damaged: it has not {_BYTES} bytes")
    return Key(secret)


def _make(path: Path) -> None:
    """Writes a new key whole or not at all; of two that start at once the first one wins."""
    part = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secrets.token_bytes(_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
