"""Paging tokens: where a search goes on, sealed, so that the hub need keep nothing between two pages.

A token holds the query and the place in it; nobody can read it, change it, or use it as another organisation or for
another search. It is AES-SIV (RFC 5297): the same place gives the same token, and a token never expires, since what
it may show is decided anew for each page. Rule: docs/security.md.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from hub.errors import NotFound

PURPOSE: Final = b"casehub paging tokens"
BLOCK: Final = 64
"""Tokens come in steps of this many bytes, so that their length does not tell how far a counter inside has got."""
LONGEST: Final = 16_000
_PAD: Final = b" "


class PageTokens:
    """Seals and opens paging tokens with a key of their own, drawn from the hub's."""

    __slots__ = ("_aead",)

    def __init__(self, hub_key: bytes) -> None:
        self._aead = AESSIV(hmac.digest(hub_key, PURPOSE, "sha512"))

    def seal(self, content: bytes, *, organisation: str, place: str) -> str:
        """The token of `content` (JSON, which blanks at its end do not change), as it stands in a URL."""
        padded = content + _PAD * (-len(content) % BLOCK)
        return base64.urlsafe_b64encode(self._aead.encrypt(padded, _bound(organisation, place))).decode().rstrip("=")

    def open(self, token: str, *, organisation: str, place: str) -> bytes:
        """What was sealed; NotFound for a token that was changed, made elsewhere, or is of somebody else."""
        try:
            if len(token) > LONGEST:
                raise ValueError
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return self._aead.decrypt(sealed, _bound(organisation, place)).rstrip(_PAD)
        except (InvalidTag, ValueError, binascii.Error) as broken:
            raise NotFound("there is no such page", place="_page") from broken

    def __repr__(self) -> str:
        return "PageTokens(…)"


def _bound(organisation: str, place: str) -> list[bytes]:
    return [organisation.encode(), place.encode()]
