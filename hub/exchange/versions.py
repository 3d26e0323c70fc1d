"""Old versions of a record, as the asker may see them today.

Each is judged by today's Consents and the stricter of its labels then and now; a version that shows what the one
before it shows is not told again, so nobody can watch changes of what they may not see. docs/consent.md, "Every exit".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from hub.consent.facts import beyond_parts
from hub.consent.labels import combined
from hub.consent.model import Labels
from hub.exchange.disclose import Look, Visible
from hub.exchange.policy import Policy
from hub.exchange.vault import Vault
from hub.exchange.views import labels_of, record_of, stored_labels
from hub.fhir import text
from hub.store.model import SealedRecord
from hub.store.store import Tx


@dataclass(frozen=True, slots=True)
class Told:
    """One version that is told: what is seen of it, or that it was the end; and whether it was the beginning."""

    sealed: SealedRecord
    seen: Visible | None
    first: bool

    @property
    def at(self) -> datetime:
        return self.sealed.at


class Versions:
    """The versions of one record, looked at one by one from the newest down."""

    def __init__(self, tx: Tx, vault: Vault, policy: Policy, head: SealedRecord, look: Look) -> None:
        self._tx = tx
        self._head = head
        self._look = look
        self._now = _own_labels(tx, vault, policy, head)
        self._seen: dict[int, Visible | None] = {}

    def stored(self, version: int) -> SealedRecord | None:
        """One version as it is stored."""
        if version == self._head.version:
            return self._head
        return self._tx.records.vread(self._head.type, self._head.id, version) if version > 0 else None

    def seen(self, version: int) -> Visible | None:
        """What of one version may be seen; nothing of an end."""
        if version not in self._seen:
            sealed = self.stored(version)
            self._seen[version] = None if sealed is None or sealed.deleted else self._look(self._judged(sealed))
        return self._seen[version]

    def told(self, below: int | None = None) -> Iterator[Told]:
        """The versions that are told, the newest first; those under `below` where it is given."""
        version = self._head.version if below is None else below - 1
        while version > 0:
            told = self.tell(version)
            if told is not None:
                yield told
            version -= 1

    def tell(self, version: int) -> Told | None:
        """This version, if it shows something that the visible one before it does not."""
        sealed = self.stored(version)
        if sealed is None:
            return None
        if sealed.deleted:
            return Told(sealed, None, False) if self.seen(version - 1) is not None else None
        seen = self.seen(version)
        if seen is None:
            return None
        before, gone = self._before(version)
        if before is not None and not gone and text.digest(before.resource) == text.digest(seen.resource):
            return None
        return Told(sealed, seen, before is None)

    def named(self, version: str) -> Visible | None:
        """The version that the asker knows by this name: a number, or that of a projection (`p…`)."""
        if version.isdecimal():
            found = self.seen(int(version))
            return found if found is not None and found.version == version else None
        every = (self.seen(number) for number in range(self._head.version, 0, -1))
        return next((seen for seen in every if seen is not None and seen.version == version), None)

    def is_end(self, version: str) -> bool:
        """Whether this is the end of a record of which the asker could see the last version."""
        sealed = self.stored(int(version)) if version.isdecimal() else None
        return sealed is not None and sealed.deleted and self.seen(sealed.version - 1) is not None

    def until(self, told: Told) -> datetime | None:
        """When the next one that is told came; None where this one stands."""
        later = (self.tell(v) for v in range(told.sealed.version + 1, self._head.version + 1))
        return next((one.at for one in later if one is not None), None)

    def _before(self, version: int) -> tuple[Visible | None, bool]:
        """The nearest visible version below, and whether the record was gone in between."""
        gone = False
        for number in range(version - 1, 0, -1):
            sealed = self.stored(number)
            gone = gone or (sealed is not None and sealed.deleted)
            if (seen := self.seen(number)) is not None:
                return seen, gone
        return None, gone

    def _judged(self, sealed: SealedRecord) -> SealedRecord:
        """A version with the stricter of its labels then and now."""
        if sealed.version == self._head.version:
            return sealed
        return replace(sealed, labels=stored_labels(combined(labels_of(sealed.labels), self._now)))


def _own_labels(tx: Tx, vault: Vault, policy: Policy, head: SealedRecord) -> Labels:
    """The labels that the record has now beyond those of its parts: a part of today says nothing of yesterday's."""
    live = head
    while live.deleted and live.version > 1:
        earlier = tx.records.vread(live.type, live.id, live.version - 1)
        if earlier is None:
            break
        live = earlier
    if live.deleted:
        return labels_of(head.labels)
    record = record_of(vault, policy, tx, live)
    return beyond_parts(record.labels, record.parts)
