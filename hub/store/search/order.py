"""In which order, and from where on: sort values are taken from what the asker sees; a record without comes last.

Records with the same values follow each other by reference. A reference is random, so the order tells nothing of
when a record came. A page begins after a key (`PageKey`), not at a number: a record that does not change is given
exactly once, whatever is written in the meantime.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from hub.fhir.search_query import Sort
from hub.store.search.page import PageKey, SortValue
from hub.store.search.scope import Scope, Test
from hub.store.search.slots import derived

Column = ColumnElement[Any]
UPDATED: Final = "_lastUpdated"
_COLUMNS: Final = {"date": "start", "number": "low", "quantity": "low", "near": "low"}


def sort_value(scope: Scope, r: FromClause, sort: Sort, types: Collection[str]) -> Column:
    """What a record is sorted by: the least of its values, or the greatest where it goes down."""
    if sort.param == UPDATED:
        return scope.updated(r, types)
    if sort.param == "_id":
        return sa.func.substr(r.c.reference, sa.func.length(r.c.type) + 2)
    i = scope.index()
    column = i.c[_COLUMNS.get(sort.kind, "value")]
    value = (sa.func.max if sort.descending else sa.func.min)(column)
    there = column.is_not(None) if column.name == "low" else column != ""
    visible = scope.sees(i, r, types, sort.kind)
    return sa.select(value).where(i.c.record == r.c.key, i.c.param == sort.param, there, visible).scalar_subquery()


def ordering(values: Sequence[Column], sorts: Sequence[Sort], reference: Column, *, back: bool) -> list[Any]:
    """The `ORDER BY`: each value, those without one last, then the reference; all turned round to go back."""
    order: list[Any] = []
    for value, sort in zip(values, sorts, strict=True):
        missing = value.is_(None)
        order.append(missing.desc() if back else missing)
        order.append(value.desc() if sort.descending != back else value.asc())
    return [*order, reference.desc() if back else reference.asc()]


def beyond(values: Sequence[Column], sorts: Sequence[Sort], reference: Column, key: PageKey, *, back: bool) -> Test:
    """Whether a row comes after the key; before it, to go back."""
    tests: list[Test] = []
    same: list[Test] = []
    for value, sort, known in zip(values, sorts, comparable(key, sorts), strict=True):
        if step := _step(value, known, down=sort.descending != back, back=back):
            tests.append(sa.and_(*same, *step))
        same.append(value.is_(None) if known is None else value == known)
    tests.append(sa.and_(*same, reference < key.reference if back else reference > key.reference))
    return sa.or_(*tests)


def comparable(key: PageKey, sorts: Sequence[Sort]) -> list[Any]:
    """The values of a key as the database compares them."""
    return [
        derived(datetime.fromisoformat, value) if sort.param == UPDATED and isinstance(value, str) else value
        for value, sort in zip(key.values, sorts, strict=True)
    ]


def key_of(values: Sequence[Any], reference: str) -> PageKey:
    """The key of a row."""
    return PageKey(tuple(_plain(value) for value in values), reference)


def _plain(value: Any) -> SortValue:
    return value.isoformat() if isinstance(value, datetime) else value


def _step(value: Column, known: Any, *, down: bool, back: bool) -> list[Test]:
    """What comes beyond a value at one level; nothing comes after what is missing, and everything before it."""
    if known is None:
        return [value.is_not(None)] if back else []
    further = value < known if down else value > known
    return [further] if back else [sa.or_(further, value.is_(None))]
