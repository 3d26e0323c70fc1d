"""Seal content: AES-256-GCM under a data key of its own, wrapped for each who may open it.

Every sealed version has a fresh data key, so no nonce meets a key twice. The context (for a record
`Type/id|version|purpose`) is bound as additional data to the content and to each wrap: a ciphertext moved
to another record, version or client does not open. Rules: NIST SP 800-38D; RFC 3394 is not used for wraps,
as it binds no context. Written up in docs/security.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import IntegrityFailure

Random = Callable[[int], bytes]
"""Gives that many random bytes: `os.urandom`, except in tests."""

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class SealedLike(Protocol):
    """Sealed content as it is kept: what the store hands out has these three fields."""

    @property
    def nonce(self) -> bytes: ...

    @property
    def ciphertext(self) -> bytes: ...

    @property
    def wraps(self) -> tuple[tuple[str, bytes], ...]: ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext, and its data key wrapped once for each client reference (or for `hub`)."""

    nonce: bytes
    ciphertext: bytes
    wraps: tuple[tuple[str, bytes], ...]


def encrypt(key: bytes, plaintext: bytes, context: str, random: Random) -> tuple[bytes, bytes]:
    """A fresh nonce and the ciphertext, bound to the context."""
    nonce = random(NONCE_BYTES)
    return nonce, AESGCM(key).encrypt(nonce, plaintext, context.encode())


def decrypt(key: bytes, nonce: bytes, ciphertext: bytes, context: str) -> bytes:
    """The plaintext; IntegrityFailure where key, nonce, ciphertext or context is another."""
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, context.encode())
    except (InvalidTag, ValueError) as broken:
        raise IntegrityFailure("the seal does not hold: changed, moved or another key") from broken


def wrap(key: bytes, inner: bytes, context: str, random: Random) -> bytes:
    """A key wrapped by another key: nonce, then ciphertext with tag."""
    nonce, ciphertext = encrypt(key, inner, context, random)
    return nonce + ciphertext


def unwrap(key: bytes, wrapped: bytes, context: str) -> bytes:
    """The wrapped key; IntegrityFailure where it was wrapped by another key or for another context."""
    inner = decrypt(key, wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
    if len(inner) != KEY_BYTES:
        raise IntegrityFailure("the wrapped key has a wrong length")
    return inner


def seal(plaintext: bytes, *, context: str, keys: Mapping[str, bytes], random: Random) -> Sealed:
    """Seal under a fresh data key, wrapped by each of `keys` (name to plain key), by name."""
    data_key = random(KEY_BYTES)
    nonce, ciphertext = encrypt(data_key, plaintext, context, random)
    names = sorted(keys)
    wraps = tuple((name, wrap(keys[name], data_key, _of_wrap(context, name), random)) for name in names)
    return Sealed(nonce, ciphertext, wraps)


def open_with(sealed: SealedLike, *, context: str, name: str, key: bytes) -> bytes:
    """Open by the wrap of one name."""
    for wrapped_for, wrapped in sealed.wraps:
        if wrapped_for == name:
            data_key = unwrap(key, wrapped, _of_wrap(context, name))
            return decrypt(data_key, sealed.nonce, sealed.ciphertext, context)
    raise IntegrityFailure("the content is not sealed for this key")


def _of_wrap(context: str, name: str) -> str:
    return f"wrap\n{name}\n{context}"
