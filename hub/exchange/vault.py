"""Seal and open: the one place of the exchange that holds the keyring.

Only `disclose` (what others may see) and `internal` (what the hub must read for itself) use it; import-linter keeps
doors and adapters away from it. Content is sealed per version under a data key of its own, wrapped for each client
it concerns; a record without a client is under the hub's key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hub.fhir import text
from hub.fhir.value import Resource
from hub.security.keyring import Keyring
from hub.security.sealing import Sealed
from hub.store.model import SealedContent, SealedRecord
from hub.store.store import Tx


class Vault:
    """Seals new content and opens sealed records, with the clients' keys that the store keeps (wrapped)."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, tx: Tx, plaintext: bytes, *, context: str, clients: Iterable[str]) -> SealedContent:
        """Seal under the keys of these clients (new clients get a key first); none: under the hub's key."""
        keys: dict[str, bytes] = {}
        for client in sorted(set(clients)):
            wrapped = tx.keys.client_key(client)
            if wrapped is None:
                wrapped = self._keyring.new_client_key(client)
                tx.keys.put_client_key(client, wrapped)
            keys[client] = wrapped
        sealed = self._keyring.seal(plaintext, context=context, client_keys=keys)
        return SealedContent(sealed.nonce, sealed.ciphertext, sealed.wraps)

    def open(self, tx: Tx, content: SealedContent, *, context: str) -> bytes:
        """Open sealed content; IntegrityFailure where a seal does not hold or every key is erased."""
        clients = [who for who, _ in content.wraps if who != "hub"]
        keys: Mapping[str, bytes] = tx.keys.client_keys(clients) if clients else {}
        sealed = Sealed(content.nonce, content.ciphertext, content.wraps)
        return self._keyring.open(sealed, context=context, client_keys=keys)

    def open_text(self, tx: Tx, record: SealedRecord) -> bytes:
        """The stored text of one version: the bytes that came in, with id and meta set."""
        return self.open(tx, record.content, context=record_context(record.type, record.id, record.version))

    def open_resource(self, tx: Tx, record: SealedRecord) -> Resource:
        """The stored resource of one version."""
        return text.read(self.open_text(tx, record), name=record.reference)


def record_context(type: str, id: str, version: int) -> str:
    """What a record's seal is bound to, so that no ciphertext can be passed off as another."""
    return f"record:{type}/{id}/_history/{version}"
