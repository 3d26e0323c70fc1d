"""The log of what came in: every message and file verbatim (sealed), hashed, with what became of it.

One and the same message is taken once (organisation, adapter, message id, sha-256), also when it is sent
again after a crash between commit and acknowledgement. Rule: docs/guarantees.md, "exactly once in effect".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row

from hub.errors import NotFound, VersionConflict
from hub.store.engine import Sql
from hub.store.model import ReceivedEntry, SealedContent
from hub.store.schema import received

_Entries = list[ReceivedEntry]
_c = received.c
_PLAIN: Final = tuple(column.name for column in _c if column.name not in ("key", "nonce", "ciphertext", "wraps"))
_ALL: Final = sa.select(received)


class ReceivedLog:
    """What came in, as one transaction sees it."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def find(self, organisation: str, message_id: str, sha256: str | None = None) -> ReceivedEntry | None:
        """The first that an organisation sent under this id (with this content, where `sha256` is given)."""
        found = _ALL.where(_c.organisation == organisation, _c.message_id == message_id)
        if sha256 is not None:
            found = found.where(_c.sha256 == sha256)
        return _maybe(self._sql.row(found.order_by(_c.key).limit(1)))

    def take(self, entry: ReceivedEntry) -> None:
        """Keep what came in; VersionConflict where the very same was taken before."""
        content = entry.content
        row = {
            **{name: getattr(entry, name) for name in _PLAIN},
            "nonce": content.nonce,
            "ciphertext": content.ciphertext,
            "wraps": content.wraps,
        }
        if self._sql.insert_new(received, row) is None:
            raise VersionConflict("the same message was taken before", place=entry.organisation)

    def settle(self, id: str, outcome: str, mapping: str, report: Mapping[str, Any], clients: Collection[str]) -> None:
        """Say what became of it."""
        fields = {"outcome": outcome, "mapping": mapping, "report": dict(report), "clients": tuple(clients)}
        if not self._sql.run(sa.update(received).where(_c.id == id).values(fields)):
            raise NotFound("there is no such received message")

    def read(self, id: str) -> ReceivedEntry | None:
        """One entry."""
        return _maybe(self._sql.row(_ALL.where(_c.id == id)))

    def list(self, limit: int, outcome: str | None = None) -> _Entries:
        """The newest entries first, of one outcome where it is named."""
        found = _ALL if outcome is None else _ALL.where(_c.outcome == outcome)
        return [_entry(row) for row in self._sql.rows(found.order_by(_c.key.desc()).limit(limit))]


def _maybe(row: Row[Any] | None) -> ReceivedEntry | None:
    return _entry(row) if row else None


def _entry(row: Row[Any]) -> ReceivedEntry:
    content = SealedContent(bytes(row.nonce), bytes(row.ciphertext), row.wraps)
    return ReceivedEntry(content=content, **{name: getattr(row, name) for name in _PLAIN})
