"""Digests: keyed ones for what the hub must find again without being able to read it, plain ones for content.

An exact identifier (a client number, rodné číslo) is indexed by HMAC-SHA-256 under the index key, so that a
copy of the index tells nobody's number. The purpose is part of what is hashed: the same number has
unrelated digests in two uses. Rule: docs/security.md; RFC 2104.
"""

from __future__ import annotations

import hashlib
import hmac

from hub.errors import ConfigurationError


class Digests:
    """Keyed digests under one index key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ConfigurationError("the index key is shorter than 32 bytes")
        self._key = key

    def of(self, purpose: str, text: str) -> str:
        """The digest of `text` for one `purpose`, as 64 hexadecimal digits; equal only for equal pairs."""
        name = purpose.encode()
        message = len(name).to_bytes(4, "big") + name + text.encode()
        return hmac.digest(self._key, message, "sha256").hex()

    def __repr__(self) -> str:
        return "Digests(…)"


def sha256(content: bytes) -> str:
    """The SHA-256 of content, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
