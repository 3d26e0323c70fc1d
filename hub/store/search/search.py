"""The searches of one transaction: one statement for a page, one for a total, one for each round of includes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.sql.selectable import FromClause, Select

from hub.fhir.search_query import Include, Query, Sort
from hub.store.engine import Sql
from hub.store.model import SealedRecord
from hub.store.records import VERSION_COLUMNS
from hub.store.rows import record_of, records_of
from hub.store.schema import record, record_version
from hub.store.search.includes import next_to
from hub.store.search.lists import one_of
from hub.store.search.order import beyond, key_of, ordering, sort_value
from hub.store.search.page import Included, Page, PageKey
from hub.store.search.plan import Bounds, Plan
from hub.store.search.scope import Scope
from hub.store.search.shapes import Asked
from hub.store.search.statements import statement_for
from hub.store.sight import Sight

_r, _v = record.c, record_version.c


class Search:
    """What a query finds for who asks. Deleted records are never found."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def page(self, query: Query, sight: Sight, *, after: PageKey | None = None, before: PageKey | None = None) -> Page:
        """`query.count` records from a key on (or up to one), in order, and the keys of the pages beside them."""
        back, key, sorts = before is not None, before or after, query.sort
        if sight.spec.basis == "none":
            return Page([])
        rows = self._answer(Asked(query, sight.spec, key, back, other=("page",)), sight, _page)
        more, rows = len(rows) > query.count, list(rows[: query.count])
        if back:
            rows.reverse()
        keys = [key_of([getattr(row, f"sort{no}") for no in range(len(sorts))], row.reference) for row in rows]
        first, last = (keys[0], keys[-1]) if keys else (None, None)
        return Page(
            [record_of(row) for row in rows],
            next=last if more or back else None,
            previous=first if (more if back else key is not None) else None,
        )

    def total(self, query: Query, sight: Sight) -> int:
        """How many records the query finds."""
        if sight.spec.basis == "none":
            return 0
        (found,) = self._answer(Asked(query, sight.spec, other=("total",)), sight, _total)
        return int(found.total)

    def references(self, query: Query, sight: Sight, limit: int) -> list[str]:
        """The first of what the query finds, by reference."""
        if sight.spec.basis == "none":
            return []
        first = Asked(query, sight.spec, other=("references", limit))
        return [row.reference for row in self._answer(first, sight, _references)]

    def included(
        self,
        references: Sequence[str],
        includes: Sequence[Include],
        sight: Sight,
        *,
        cap: int,
        types: Collection[str] | None = None,
    ) -> Included:
        """What the includes bring to these records: `cap` at most, of `types` only. One statement for each round.

        In the first round every include applies to the records found; later only those that iterate, to what came.
        https://hl7.org/fhir/R4/search.html#revinclude
        """
        known, came, capped = set(references), list[SealedRecord](), False
        around, asked = tuple(references), tuple(includes)
        allowed = None if types is None else tuple(sorted(types))
        while around and asked and not capped and sight.spec.basis != "none":
            sources = tuple(sorted({one.partition("/")[0] for one in around}))
            room = cap - len(came)
            other = ("included", asked, allowed, sources, room)
            beside = Asked(_NOTHING, sight.spec, around=tuple(around), known=tuple(sorted(known)), other=other)
            fresh = records_of(self._answer(beside, sight, _included))
            capped, fresh = len(fresh) > room, fresh[:room]
            came += fresh
            around = tuple(each.reference for each in fresh)
            known.update(around)
            asked = tuple(include for include in asked if include.iterate)
        return Included(came, capped)

    def _answer(self, asked: Asked, sight: Sight, make: Callable[[Scope, Asked], Select[Any]]) -> Sequence[Any]:
        """What the database answers: by a statement made for another search of this shape, if there is one."""
        made = statement_for(asked, sight, make, postgresql=self._sql.postgresql)
        return self._sql.rows(made.statement, made.values(asked))


_NOTHING: Final = Query(())


def _page(scope: Scope, asked: Asked) -> Select[Any]:
    query, key, back = asked.query, asked.key, asked.back
    sorts = query.sort
    found = _found(scope, query, Bounds(query.count + 1, key, back))
    tests = [beyond(_values(found, sorts), sorts, found.c.reference, key, back=back)] if key and sorts else []
    order = ordering(_values(found, sorts), sorts, found.c.reference, back=back)
    hits = sa.select(*found.c).where(*tests).order_by(*order).limit(query.count + 1).subquery("hits")
    return _opened(hits, sorts, back=back)


def _total(scope: Scope, asked: Asked) -> Select[Any]:
    return sa.select(sa.func.count().label("total")).select_from(Plan(scope, asked.query).found())


def _references(scope: Scope, asked: Asked) -> Select[Any]:
    limit = int(str(asked.other[1]))
    found = Plan(scope, asked.query).found(Bounds(limit))
    return sa.select(found.c.reference).order_by(found.c.reference).limit(limit)


def _included(scope: Scope, asked: Asked) -> Select[Any]:
    _, includes, allowed, sources, room = cast("tuple[Any, ...]", asked.other)
    found = next_to(scope, asked.around, includes, allowed, sources)
    return found.where(sa.not_(one_of(record.c.reference, asked.known))).limit(room + 1)


def _found(scope: Scope, query: Query, bounds: Bounds) -> FromClause:
    """What is found, with what it is sorted by: then all of it, since the first are known last."""
    plan = Plan(scope, query)
    if not query.sort:
        return plan.found(bounds)
    all, r = plan.found(), scope.record()
    values = [sort_value(scope, r, sort, query.types).label(f"sort{no}") for no, sort in enumerate(query.sort)]
    valued = sa.select(all.c.key, all.c.reference, *values).select_from(all.join(r, r.c.key == all.c.key))
    return valued.cte(scope.name("sorted")).prefix_with("MATERIALIZED")


def _values(found: FromClause, sorts: Sequence[Sort]) -> list[Any]:
    return [found.c[f"sort{no}"] for no in range(len(sorts))]


def _opened(hits: FromClause, sorts: Sequence[Sort], *, back: bool) -> Select[Any]:
    """The current versions of what was hit, in order, with what they are sorted by."""
    values = _values(hits, sorts)
    joined = hits.join(record, _r.key == hits.c.key).join(
        record_version, sa.and_(_v.record == _r.key, _v.version == _r.version)
    )
    order = ordering(values, sorts, hits.c.reference, back=back)
    return sa.select(*VERSION_COLUMNS, *values).select_from(joined).order_by(*order)
