"""Deliveries: one item for one organisation about one client, from the request to the ledger.

INVARIANT: at most one delivery of an (organisation, client) is in flight; the index `uq_delivery_in_flight`
holds it.
INVARIANT: a delivery that is over is never overwritten by a late answer; only a dead one can be sent again.
Requests coalesce on the waiting row, because content is decided when it is sent. `next_at` says when a row is
looked at next: when a waiting one is due, or when the lease of one in flight runs out. Rules:
docs/guarantees.md, "in order per destination and client", "poison never blocks".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row

from hub.errors import NotFound, Unavailable, VersionConflict
from hub.store.engine import Sql
from hub.store.model import Delivery, DeliveryState
from hub.store.schema import OPEN, PENDING, SENDING, delivery

_PENDING, _SENDING = DeliveryState.PENDING, DeliveryState.SENDING
_FIELDS: Final = tuple(field.name for field in fields(Delivery))
_COLUMN: Final = {name: "idempotency_key" if name == "key" else name for name in _FIELDS}
_FIXED: Final = frozenset({"id", "state", "attempts", "created", "updated"})

_Deliveries = list[Delivery]
_d = delivery.c
_other = delivery.alias("other")
_ALL: Final = sa.select(delivery)
_LANE: Final = sa.and_(_other.c.organisation == _d.organisation, _other.c.client == _d.client)


def _of_other(condition: sa.TextClause) -> sa.TextClause:
    return sa.text(condition.text.replace("state", "other.state"))


def _of_this(condition: sa.TextClause) -> sa.TextClause:
    return sa.text(condition.text.replace("state", "delivery.state"))


_BUSY: Final = sa.exists().where(_LANE, _of_other(SENDING))
_OLDER: Final = sa.exists().where(
    _LANE, _of_other(OPEN), _other.c.next_at <= sa.bindparam("now"), _other.c.key < _d.key
)
_FREE: Final = (
    sa.select(_d.key)
    .where(
        _of_this(OPEN),
        _d.next_at <= sa.bindparam("now"),
        sa.or_(_of_this(SENDING), sa.and_(~_BUSY, ~_OLDER)),
    )
    .order_by(_d.key)
    .limit(sa.bindparam("limit", type_=sa.Integer))
    .with_for_update(skip_locked=True, of=delivery)
)


class Deliveries:
    """The deliveries, as one transaction sees them."""

    def __init__(self, sql: Sql, clock: Callable[[], datetime], ids: Callable[[], str]) -> None:
        self._sql = sql
        self._clock = clock
        self._ids = ids

    def request(
        self,
        organisation: str,
        adapter: str,
        item: str,
        direction: str,
        client: str,
        cause: str,
        at: datetime,
        detail: Mapping[str, Any] | None = None,
    ) -> Delivery:
        """Ask for a delivery at `at`. Where the same waits already, it is that one, with its cause."""
        same = _ALL.where(
            OPEN,
            PENDING,
            _d.organisation == organisation,
            _d.client == client,
            _d.item == item,
            _d.adapter == adapter,
            _d.direction == direction,
        ).order_by(_d.key)
        wanted = Delivery(
            id=self._ids(),
            organisation=organisation,
            adapter=adapter,
            item=item,
            direction=direction,
            client=client,
            state=_PENDING,
            attempts=0,
            next_at=at,
            created=at,
            updated=at,
            cause=cause,
            key=self._ids(),
            detail=dict(detail or {}),
        )
        waiting = self._sql.row(same)
        if waiting is None:
            if self._sql.insert_new(delivery, _row(wanted)) is not None:
                return wanted
            waiting = self._sql.row(same)
        if waiting is None:
            raise Unavailable("the waiting delivery was taken at this moment")
        if waiting.attempts == 0 and at < waiting.next_at:
            self._sql.run(sa.update(delivery).where(_d.key == waiting.key).values(next_at=at, updated=at))
            waiting = self._sql.row(_ALL.where(_d.key == waiting.key)) or waiting
        return _delivery(waiting)

    def record(self, finished: Delivery) -> None:
        """Enter one that is over already: fetched through the API, or an answer that went at once."""
        if self._sql.insert_new(delivery, _row(finished)) is None:
            raise VersionConflict("the delivery is in the ledger already")

    def claim(self, limit: int, now: datetime, lease: timedelta) -> _Deliveries:
        """The oldest due deliveries, at most one of an (organisation, client), held for `lease`.

        One in flight whose lease ran out is due again. Empty where another claimer was faster.
        """
        keys = [row.key for row in self._sql.rows(_FREE, {"now": now, "limit": limit})]
        if not keys:
            return []
        held = {"state": _SENDING, "attempts": _d.attempts + 1, "next_at": now + lease, "updated": now}
        if not self._sql.attempt(sa.update(delivery).where(_d.key.in_(keys)).values(held)):
            return []
        rows = self._sql.rows(_ALL.where(_d.key.in_(keys)).order_by(_d.key))
        return [_delivery(row) for row in rows]

    def settle(self, id: str, state: DeliveryState, *, attempt: int | None = None, **values: Any) -> Delivery:
        """A delivery is over. VersionConflict where it was over before, or is another `attempt` by now."""
        if unknown := values.keys() - (set(_FIELDS) - _FIXED):
            raise TypeError(f"a settled delivery has no {', '.join(sorted(unknown))} to set")
        return self._move(id, OPEN, attempt, {"state": state, **values})

    def retry(self, id: str, next_at: datetime, outcome: str, *, attempt: int | None = None) -> Delivery:
        """To waiting, after a failed attempt or from the dead. VersionConflict where it is over."""
        again = sa.text("state IN ('pending', 'sending', 'dead')")
        return self._move(id, again, attempt, {"state": _PENDING, "next_at": next_at, "outcome": outcome})

    def read(self, id: str) -> Delivery | None:
        """One delivery."""
        row = self._sql.row(_ALL.where(_d.id == id))
        return _delivery(row) if row else None

    def list(self, client: str | None = None, state: DeliveryState | None = None, limit: int = 1000) -> _Deliveries:
        """Deliveries, the oldest first, of one client or in one state where named."""
        found = _ALL.order_by(_d.key).limit(limit)
        if client is not None:
            found = found.where(_d.client == client)
        if state is not None:
            found = found.where(_d.state == state)
        return [_delivery(row) for row in self._sql.rows(found)]

    def due(self, now: datetime) -> int:
        """How many wait and are due, or were in flight when their lease ran out."""
        return int(self._sql.value(sa.select(sa.func.count()).select_from(delivery).where(OPEN, _d.next_at <= now)))

    def next_due(self) -> datetime | None:
        """When the next one is to be looked at; None where nothing is open."""
        found: datetime | None = self._sql.value(sa.select(sa.func.min(_d.next_at)).where(OPEN))
        return found

    def _move(self, id: str, when: sa.TextClause, attempt: int | None, values: Mapping[str, Any]) -> Delivery:
        columns = {_COLUMN[name]: value for name, value in values.items()}
        moved = sa.update(delivery).where(_d.id == id, when).values(updated=self._clock(), **columns)
        if attempt is not None:
            moved = moved.where(_d.attempts == attempt)
        row = self._sql.row(moved.returning(*_d))
        if row is not None:
            return _delivery(row)
        if self.read(id) is None:
            raise NotFound("there is no such delivery")
        raise VersionConflict("the delivery has moved on meanwhile", place=id)


def _row(one: Delivery) -> dict[str, Any]:
    return {_COLUMN[name]: getattr(one, name) for name in _FIELDS}


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**{name: getattr(row, column) for name, column in _COLUMN.items()})
