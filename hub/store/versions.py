"""Old versions of many records, the newest first (https://hl7.org/fhir/R4/http.html#history)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.sql.elements import ColumnElement

from hub.store.engine import Sql
from hub.store.model import SealedRecord
from hub.store.records import VERSION_COLUMNS
from hub.store.rows import record_of, records_of
from hub.store.schema import record, record_version
from hub.store.sight import Sight

_r, _v = record.c, record_version.c
_VERSIONS: Final = sa.select(*VERSION_COLUMNS, _v.key).select_from(record.join(record_version, _v.record == _r.key))

Keyed = tuple[int, SealedRecord]
"""A version, and the key under which the next one begins: it tells order, so it is sealed before it leaves."""


class Versions:
    """The versions, as one transaction sees them; tombstones too."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def of(self, type: str, id: str) -> list[SealedRecord]:
        """Every version of one record, the newest first."""
        of_it = _VERSIONS.where(_r.reference == f"{type}/{id}").order_by(_v.version.desc())
        return records_of(self._sql.rows(of_it))

    def walk(self, types: Collection[str] | None, sight: Sight, *, below: int | None, limit: int) -> list[Keyed]:
        """Versions of the records of which something may be seen today, the newest first, under a key.

        What of each version may be seen is for the gate to say.
        """
        return self._newest(types, below, limit, sight.record(record, types))

    def since(
        self,
        types: Collection[str] | None,
        since: datetime | None,
        before: datetime | None,
        sight: Sight,
        *,
        below: int | None = None,
        limit: int,
    ) -> list[Keyed]:
        """Versions of a time that may be seen as they are: by the stricter of their labels then and now."""
        tests = [sight.version(record_version, record, types)]
        if since is not None:
            tests.append(_v.at >= since)
        if before is not None:
            tests.append(_v.at < before)
        return self._newest(types, below, limit, *tests)

    def _newest(
        self, types: Collection[str] | None, below: int | None, limit: int, *tests: ColumnElement[bool]
    ) -> list[Keyed]:
        found = _VERSIONS.where(*tests).order_by(_v.key.desc()).limit(limit)
        if types is not None:
            found = found.where(_r.type.in_(sorted(types)))
        if below is not None:
            found = found.where(_v.key < below)
        return [_keyed(row) for row in self._sql.rows(found)]


def _keyed(row: Row[Any]) -> Keyed:
    return row.key, record_of(row)
