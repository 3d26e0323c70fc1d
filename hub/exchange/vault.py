"""Seal and open: the one place of the exchange that holds the keyring.

Only `disclose` (what others may see) and `internal` (what the hub must read for itself) use it; import-linter keeps
doors and adapters away from it. Content is sealed per version under a data key of its own, wrapped for each client
it concerns; a record without a client is under the hub's key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from hub.fhir import text
from hub.fhir.value import Reference, Resource
from hub.security.keyring import HUB, Keyring
from hub.security.sealing import Sealed
from hub.store.kept import Kept
from hub.store.model import SealedContent, SealedRecord, Standing
from hub.store.store import Tx

OPENED = 1024
"""How many opened versions are kept for the decisions of later requests."""

LARGEST_KEPT = 8 * 1024
"""Bytes of a version that is kept: what surrounds a decision is small."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """An opened version, and the client by whose (wrapped) key it was opened; none for the hub's own."""

    by: str
    key: bytes
    resource: Resource


class Vault:
    """Seals new content and opens sealed records, with the clients' keys that the store keeps (wrapped)."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._opened: Kept[_Opened] = Kept(OPENED)

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

    def opened(self, tx: Tx, standing: Collection[Standing]) -> dict[Reference, Resource]:
        """What stands around a decision, opened once for each sealed version, as long as its client's key is here.

        Nobody may change these resources, and they are for deciding: what is shown is opened for it.
        """
        kept = {one.reference: self._opened.get(one.nonce) for one in standing}
        keys = tx.keys.client_keys({each.by for each in kept.values() if each and each.by}) if standing else {}
        found: dict[Reference, Resource] = {}
        for one in standing:
            known = kept[one.reference]
            if known is not None and (not known.by or keys.get(known.by) == known.key):
                found[one.reference] = known.resource
            elif known is not None:
                self._opened.drop(one.nonce)
        missing = {one.reference: one for one in standing if one.reference not in found}
        for current in tx.records.many(missing) if missing else ():
            wanted, sealed = missing[current.reference], current
            if sealed.content.nonce != wanted.nonce:  # another writer was quicker than this transaction
                sealed = tx.records.vread(sealed.type, sealed.id, wanted.version) or current
            resource = found[sealed.reference] = self.open_resource(tx, sealed)
            self._keep(tx, sealed, resource)
        return found

    def _keep(self, tx: Tx, sealed: SealedRecord, resource: Resource) -> None:
        if len(sealed.content.ciphertext) > LARGEST_KEPT:
            return
        for who, _ in sealed.content.wraps:
            key = b"" if who == HUB else tx.keys.client_key(who)
            if key is not None:
                self._opened.put(sealed.content.nonce, _Opened("" if who == HUB else who, key, resource))
                return


def record_context(type: str, id: str, version: int) -> str:
    """What a record's seal is bound to, so that no ciphertext can be passed off as another."""
    return f"record:{type}/{id}/_history/{version}"
