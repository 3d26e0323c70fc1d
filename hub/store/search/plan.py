"""How the records of a search are found: which index is walked, decided in the one statement that walks it.

A condition may hold of three records or of half of them, and neither database knows which beforehand. So a
statement has two ways in it, and takes one: where some condition leads to FEW records (counted no further than
that, by the index alone) those are looked at and sorted; otherwise the records are walked in the order of the
page, along an index that has this order, until the page is full. Either way the cost of a page does not grow with
what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import CTE, FromClause, Select

from hub.fhir.search_query import Query
from hub.store.search.conditions import in_compartment, meets
from hub.store.search.leads import FEW, Lead, few, lead, of_compartment, of_sight
from hub.store.search.page import PageKey
from hub.store.search.scope import Scope, Test, valued
from hub.store.search.slots import derived

WALKS: Final = 6
"""So many walks side by side; more than these are looked at and sorted."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of the default order is wanted: so many from a key on, in one direction."""

    limit: int
    key: PageKey | None = None
    back: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """Keys of records and their place in the order of the way; `before` stands before a place in its reference."""

    found: Select[Any]
    before: str = ""
    gate: Test | None = None
    """Goes this way only where this holds."""


class Plan:
    """The ways to the records of one query."""

    def __init__(self, scope: Scope, query: Query) -> None:
        self._scope = scope
        self._query = query
        self._types = tuple(query.types)

    def found(self, bounds: Bounds | None = None) -> FromClause:
        """(key, reference) of the records that the query finds; with bounds, at least those within them."""
        ways = [self._limited(way, bounds) for way in self._ways(bounds)]
        whole = ways[0] if len(ways) == 1 else sa.union(*ways)
        return whole.subquery(self._scope.name("found"))

    def _limited(self, way: Way, bounds: Bounds | None) -> Select[Any]:
        """The first of a way, or all of it, or nothing where its gate is shut.

        SQLite tests a condition that names no table once for each row, but a limit once for all.
        """
        statement, limit = way.found, bounds.limit if bounds else None
        if bounds:
            place = statement.selected_columns[1]
            statement = statement.order_by(place.desc() if bounds.back else place.asc())
        if way.gate is not None and self._scope.postgresql:
            statement = statement.where(way.gate)
        elif way.gate is not None:
            statement = shut_unless(way.gate, statement, limit)
            limit = None
        if limit is not None:
            statement = statement.limit(limit)
        rows = statement.subquery(self._scope.name("way"))
        return sa.select(rows.c.key, (way.before + rows.c.place if way.before else rows.c.place).label("reference"))

    def _ways(self, bounds: Bounds | None) -> Iterator[Way]:
        leads = self._leads()
        best = min(leads, key=lambda each: each.rank, default=None)
        if best is None:
            yield from self._walks(None, bounds)
        elif bounds and 1 <= len(best.walks) <= WALKS and (best.rank == FEW or len(leads) == 1):
            yield from self._walks(best, bounds)
        elif best.rank == FEW:
            yield self._looked_at([best.keys], bounds)
        else:
            yield from self._either(leads, best, bounds)

    def _leads(self) -> list[Lead]:
        found = [one for each in self._query.conditions if (one := lead(self._scope, each, self._types))]
        if self._query.compartment:
            found.append(of_compartment(self._scope, self._query.compartment))
        if not any(each.rank == FEW for each in found) and (seen := of_sight(self._scope, self._types)):
            found.append(seen)
        return sorted(found, key=lambda each: each.rank)

    def _either(self, leads: Sequence[Lead], best: Lead, bounds: Bounds | None) -> Iterator[Way]:
        """Through the first lead that leads to few; through none of them where none does."""
        counted = sa.select(*(few(each).label(f"few{no}") for no, each in enumerate(leads)))
        flags = [sa.select(column).scalar_subquery() for column in self._cte(counted, "counted").c]
        keys = []
        for no, each in enumerate(leads):
            first = sa.and_(flags[no], *(sa.not_(earlier) for earlier in flags[:no]))
            if self._scope.postgresql:
                keys.append(each.keys.where(first))
            else:
                shut = shut_unless(first, each.keys).subquery(self._scope.name("led"))
                keys.append(sa.select(*shut.c))
        yield self._looked_at(keys, bounds)
        none = sa.and_(*(sa.not_(each) for each in flags))
        for way in self._walks(best if 1 <= len(best.walks) <= WALKS else None, bounds):
            yield replace(way, gate=none)

    def _looked_at(self, keys: Sequence[Select[Any]], bounds: Bounds | None) -> Way:
        """These records, each held against the whole query."""
        these = self._cte(keys[0].distinct() if len(keys) == 1 else sa.union(*keys), "led")
        (key,) = these.c
        r = self._scope.record()
        rows = sa.select(r.c.key, r.c.reference.label("place")).select_from(these.join(r, r.c.key == key))
        return Way(rows.where(self._reached(r), *_from(r.c.reference, bounds)))

    def _walks(self, best: Lead | None, bounds: Bounds | None) -> Iterator[Way]:
        """Along the index of values in the order of the ids, or along the records in that of the references."""
        for type, param, value in best.walks if best else ():
            start = _from_id(type, bounds)
            if start is None:
                continue
            i, r = self._scope.index(), self._scope.record()
            rows = sa.select(i.c.record.label("key"), i.c.id.label("place")).distinct()
            rows = rows.select_from(i.join(r, r.c.key == i.c.record)).where(
                i.c.type == type, i.c.param == param, i.c.value == value, valued(i), *start(i), self._reached(r)
            )
            yield Way(rows, before=f"{type}/")
        if best is None:
            kinds: list[Collection[str]] = [(type,) for type in sorted(self._types)]
            for types in kinds if 1 <= len(kinds) <= WALKS else [self._types]:
                r = self._scope.record()
                rows = sa.select(r.c.key, r.c.reference.label("place"))
                of_type = self._scope.types(r, types)
                yield Way(rows.where(of_type, self._meets(r), *_from(r.c.reference, bounds)))

    def _reached(self, r: FromClause) -> Test:
        """What a record must meet that was reached by its key."""
        return sa.and_(self._scope.types(r, self._types, walked=False), self._meets(r))

    def _meets(self, r: FromClause) -> Test:
        scope, query = self._scope, self._query
        tests = [scope.live(r, self._types)]
        tests += [meets(scope, r, condition, self._types) for condition in query.conditions]
        if query.compartment:
            tests.append(in_compartment(scope, r, query.compartment, self._types))
        return sa.and_(*tests)

    def _cte(self, statement: Any, name: str) -> CTE:
        made: CTE = statement.cte(self._scope.name(name)).prefix_with("MATERIALIZED")
        return made


def shut_unless(test: Test, statement: Select[Any], limit: int | None = None) -> Select[Any]:
    """The statement, limited to nothing where the test fails."""
    return statement.limit(sa.case((test, -1 if limit is None else limit), else_=0))


def _from(reference: ColumnElement[str], bounds: Bounds | None) -> list[Test]:
    if bounds is None or bounds.key is None:
        return []
    known = bounds.key.reference
    return [reference < known if bounds.back else reference > known]


def _id(reference: str) -> str:
    return reference.partition("/")[2]


def _from_id(type: str, bounds: Bounds | None) -> Callable[[FromClause], list[Test]] | None:
    """From which id on the walk of a type goes; None where all of the type lies on the other side of the key."""
    if bounds is None or bounds.key is None:
        return lambda i: []
    known, id = bounds.key.reference.partition("/")[0], derived(_id, bounds.key.reference)
    if known == type:
        return lambda i: [i.c.id < id if bounds.back else i.c.id > id]
    beyond = f"{type}/" < f"{known}/" if bounds.back else f"{type}/" > f"{known}/"
    return (lambda i: []) if beyond else None
