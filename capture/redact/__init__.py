"""Secrets are masked before anything is written, in every carrier, on the parsed structure.

In: headers, addresses, texts, bodies, DevTools events. Out: the same, with `[redacted:<kind>:<length>:<8 hex>]` in
place of each secret. The hex is an HMAC with a key made for this case and thrown away: equal secrets stay equal inside
a dossier and mean nothing outside it. Request ids that support needs are never masked.
"""

from collections.abc import Iterable
from typing import Any

from capture.record.base import Header
from capture.record.evidence import Redaction
from capture.redact.bodies import mask_body
from capture.redact.events import mask_deep, mask_event
from capture.redact.headers import mask_header
from capture.redact.names import RULESET, is_kept
from capture.redact.text import mask_text
from capture.redact.urls import mask_url
from capture.redact.vault import Vault

__all__ = ["RULESET", "Redactor"]


class Redactor:
    """Masks the secrets of one case. `place` names the carrier for the ledger, for example "request" or "console"."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """`known`: secret values given by the user; from 6 characters on they are masked wherever they turn up."""
        self._vault = Vault(known)

    def url(self, text: str, place: str) -> str:
        """An address or reference with user information, secret parameters and token-like segments masked."""
        return self._vault.known(mask_url(self._vault, text, place), place)

    def header(self, name: str, value: str, place: str) -> str:
        """The value of one header field; names, cookie attributes, schemes and realms stay."""
        masked = mask_header(self._vault, name, value, place)
        return masked if is_kept(name) else self._vault.known(masked, f"{place} {name.lower()}")

    def headers(self, headers: Iterable[Header], place: str) -> tuple[Header, ...]:
        """Header fields in their order and letter case."""
        return tuple(
            line if (value := self.header(line.name, line.value, place)) == line.value
            else line.model_copy(update={"value": value})
            for line in headers
        )

    def text(self, text: str, place: str) -> str:
        """Free text: URLs in it, pairs with secret names, secrets by their form, values seen before."""
        return self._vault.known(mask_text(self._vault, text, place), place)

    def body(self, data: bytes, mime: str, place: str) -> tuple[bytes, bool]:
        """A body by its media type, and whether anything in it was masked; all else stays byte for byte."""
        return mask_body(self._vault, data, mime, place)

    def again(self, data: bytes, mime: str, place: str) -> tuple[bytes, bool]:
        """A body that `body` has masked, once more for what was learnt since; quick when there is nothing new in it."""
        if not self._vault.hits(data.decode("utf-8", "surrogateescape")):
            return data, False
        return self.body(data, mime, place)

    def learn(self, value: str, kind: str) -> None:
        """Remembers a secret that was seen; common values (words, short numbers, dates) are not remembered."""
        self._vault.learn(value, kind)

    def keep(self, value: str) -> None:
        """Says that a value is evidence (host, address, request id) and never to be remembered as a secret."""
        self._vault.keep(value)

    def event(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """A DevTools event with every secret masked; the event given is not changed."""
        return mask_event(self._vault, method, params)

    def deep(self, value: Any, place: str) -> Any:
        """Any JSON value, as the last pass: masks early what was learned late. Idempotent."""
        return mask_deep(self._vault, value, place)

    def ledger(self) -> tuple[Redaction, ...]:
        """What was masked, where and by which rule, never the value."""
        return self._vault.ledger()
