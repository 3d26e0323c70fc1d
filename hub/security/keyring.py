"""The keyring: opens what the store keeps sealed. Only `exchange.disclose` and `exchange.internal` hold one.

One key for each client, wrapped by the hub's key; one data key for each version of a record, wrapped once
by the key of each client it concerns. Content without a client (the directory) is wrapped by the hub's key,
under the name `hub`. Erasing the wrapped key of a client therefore erases the client: what is sealed for
nobody else cannot be opened again by anyone. Rule: docs/security.md; GDPR 17.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from hub.errors import ConfigurationError, IntegrityFailure
from hub.security.sealing import KEY_BYTES, Random, Sealed, SealedLike, open_with, seal, unwrap, wrap

HUB: Final = "hub"
"""The name that content without a client is wrapped for."""


class KeyErased(IntegrityFailure):
    """The key of every client that this content was sealed for is gone: it was erased, or was never here."""


class Keyring:
    """Seals and opens content with the keys of clients, which it unwraps with the hub's key.

    `client_keys` always maps a client reference to its wrapped key, as `new_client_key` gave it and the
    store keeps it. The keyring remembers no client's key between calls, so an erasure is effective at once.
    """

    __slots__ = ("_hub_key", "_random")

    def __init__(self, hub_key: bytes, *, random: Random = os.urandom) -> None:
        if len(hub_key) != KEY_BYTES:
            raise ConfigurationError("the hub key is not 32 bytes")
        self._hub_key = hub_key
        self._random = random

    def new_client_key(self, client: str) -> bytes:
        """A fresh key for a client, wrapped by the hub's key and bound to the client's reference."""
        if not client or client == HUB:
            raise ConfigurationError("a client's key needs the reference of the client")
        return wrap(self._hub_key, self._random(KEY_BYTES), _of_client(client), self._random)

    def seal(self, plaintext: bytes, *, context: str, client_keys: Mapping[str, bytes]) -> Sealed:
        """Seal for every client named (none: for the hub alone); the same `context` opens it again."""
        keys = {name: self._client_key(name, wrapped) for name, wrapped in client_keys.items()}
        return seal(plaintext, context=context, keys=keys or {HUB: self._hub_key}, random=self._random)

    def open(self, sealed: SealedLike, *, context: str, client_keys: Mapping[str, bytes]) -> bytes:
        """The plaintext, by the first of its clients whose key is still here.

        IntegrityFailure where anything was changed; KeyErased where no key of its clients is left.
        """
        for name, _ in sealed.wraps:
            if name == HUB:
                return open_with(sealed, context=context, name=HUB, key=self._hub_key)
            if name in client_keys:
                key = self._client_key(name, client_keys[name])
                return open_with(sealed, context=context, name=name, key=key)
        raise KeyErased()

    def _client_key(self, client: str, wrapped: bytes) -> bytes:
        return unwrap(self._hub_key, wrapped, _of_client(client))

    def __repr__(self) -> str:
        return "Keyring(…)"


def _of_client(client: str) -> str:
    return f"client\n{client}"
