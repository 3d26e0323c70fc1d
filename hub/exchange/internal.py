"""What the hub must read for itself, to ask, merge or compute: opened here, and audited as processing.

Doors and adapters may not import this module (import-linter): nothing opened here is for anybody outside.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hub.audit.entry import JournalEntry
from hub.exchange.vault import Vault
from hub.fhir.value import Reference, Resource
from hub.store.journal import Journal
from hub.store.model import SealedRecord
from hub.store.store import Tx


class Internal:
    """Opens records for the hub's own work."""

    def __init__(
        self, *, vault: Vault, journal: Journal, clock: Callable[[], datetime], ids: Callable[[], str]
    ) -> None:
        self._vault = vault
        self._journal = journal
        self._clock = clock
        self._ids = ids

    def read(self, tx: Tx, reference: Reference, *, purpose: str) -> Resource | None:
        """The current version of one record, or None; `purpose` says in the audit what for."""
        sealed = tx.records.read(*reference.split("/"))
        if sealed is None or sealed.deleted:
            return None
        return self.open(tx, sealed, purpose=purpose)

    def open(self, tx: Tx, sealed: SealedRecord, *, purpose: str) -> Resource:
        """One sealed record, opened for the hub's own work."""
        self._journal.append(
            JournalEntry(
                id=self._ids(),
                at=self._clock().isoformat(),
                kind="processing",
                action="use",
                exit="internal",
                clients=sealed.clients,
                because=(purpose,),
            ).to_body()
        )
        return self._vault.open_resource(tx, sealed)
