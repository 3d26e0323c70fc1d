"""The outbox: what happened, written in the transaction that made it happen, and relayed at least once.

The database is the truth and the broker a bell: an event leaves only when it is `done`; one whose relay died
comes back when its lease runs out. Rule: docs/guarantees.md, "delivered at least once".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from hub.store.engine import Sql
from hub.store.model import Event
from hub.store.prepared import Prepared
from hub.store.schema import outbox

_o = outbox.c
_IN: Final = Prepared(sa.insert(outbox))
_FREE: Final = (
    sa.select(_o.key)
    .where(_o.leased_until.is_(None) | (_o.leased_until <= sa.bindparam("now")))
    .order_by(_o.key)
    .limit(sa.bindparam("limit", type_=sa.Integer))
    .with_for_update(skip_locked=True)
)


class Outbox:
    """The outbox, as one transaction sees it."""

    def __init__(self, sql: Sql, ids: Callable[[], str]) -> None:
        self._sql = sql
        self._ids = ids

    def put(self, kind: str, client: str, detail: Mapping[str, Any], at: datetime) -> str:
        """Write down that something happened to a client; it is relayed once this transaction commits."""
        event = self._ids()
        row = {"id": event, "kind": kind, "client": client, "detail": dict(detail), "at": at, "attempts": 0}
        self._sql.run(_IN, row)
        return event

    def claim(self, limit: int, now: datetime, lease: timedelta) -> list[Event]:
        """The oldest events that nobody holds, held for `lease`."""
        keys = [row.key for row in self._sql.rows(_FREE, {"now": now, "limit": limit})]
        if not keys:
            return []
        held = {"leased_until": now + lease, "attempts": _o.attempts + 1}
        self._sql.run(sa.update(outbox).where(_o.key.in_(keys)).values(held))
        rows = self._sql.rows(sa.select(outbox).where(_o.key.in_(keys)).order_by(_o.key))
        return [Event(row.id, row.kind, row.client, row.detail, row.at, row.attempts) for row in rows]

    def done(self, ids: Collection[str]) -> None:
        """These events were relayed."""
        if ids:
            self._sql.run(sa.delete(outbox).where(_o.id.in_(sorted(ids))))

    def pending(self) -> int:
        """How many events were not relayed yet, those held included."""
        return int(self._sql.value(sa.select(sa.func.count()).select_from(outbox)))
