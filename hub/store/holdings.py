"""Holdings: what each organisation was given and so holds, version by version, and under what.

They are what a revocation is told along (docs/consent.md, "In time").
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row

from hub.errors import VersionConflict
from hub.store.engine import Sql
from hub.store.model import Holding
from hub.store.schema import holding

_FIELDS: Final = tuple(field.name for field in fields(Holding))
_h = holding.c
_newer = holding.alias("newer")
_LATEST: Final = (
    sa.select(holding)
    .where(
        ~sa.exists().where(
            _newer.c.client == _h.client,
            _newer.c.organisation == _h.organisation,
            _newer.c.item == _h.item,
            _newer.c.version > _h.version,
        )
    )
    .order_by(_h.key)
)


class Holdings:
    """The holdings, as one transaction sees them."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def last(self, organisation: str, item: str, client: str) -> Holding | None:
        """The latest version of an item that an organisation holds."""
        this = sa.select(holding).where(_h.client == client, _h.organisation == organisation, _h.item == item)
        row = self._sql.row(this.order_by(_h.version.desc()).limit(1))
        return _holding(row) if row else None

    def add(self, given: Holding) -> None:
        """An organisation was given a version; VersionConflict where it holds that version already."""
        if self._sql.insert_new(holding, {name: getattr(given, name) for name in _FIELDS}) is None:
            raise VersionConflict("the organisation holds this version already", place=given.organisation)

    def of_client(self, client: str) -> list[Holding]:
        """What is held about a client now: the latest of each organisation and item."""
        return [_holding(row) for row in self._sql.rows(_LATEST.where(_h.client == client))]

    def history(self, organisation: str, client: str) -> list[Holding]:
        """Everything that an organisation was ever given about a client, oldest first."""
        these = sa.select(holding).where(_h.client == client, _h.organisation == organisation)
        return [_holding(row) for row in self._sql.rows(these.order_by(_h.key))]

    def all(self) -> list[Holding]:
        """What is held now, of all clients: the latest of each organisation, item and client."""
        return [_holding(row) for row in self._sql.rows(_LATEST)]


def _holding(row: Row[Any]) -> Holding:
    return Holding(**{name: getattr(row, name) for name in _FIELDS})
