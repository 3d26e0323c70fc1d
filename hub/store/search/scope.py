"""What every statement of one search shares: who sees, on which database, and fresh names for its tables."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from copy import copy
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import CTE, FromClause, Select

from hub.store.schema import record, record_index
from hub.store.sight import Sight, SightSpec

Test = ColumnElement[bool]


class Scope:
    """One search. Every row of the index that counts for anything is asked of `sees`."""

    def __init__(self, sight: Sight, *, postgresql: bool) -> None:
        self._sight = sight
        self._numbers = itertools.count()
        self._said: dict[object, CTE] = {}
        self._is_inside = not postgresql
        self.postgresql = postgresql

    @property
    def spec(self) -> SightSpec:
        """Who looks."""
        return self._sight.spec

    def inside(self) -> Scope:
        """The same search, inside a condition: what may be seen is said once beside the statement, and named here.

        A chain would otherwise nest deeper than SQLite reads (a hundred marks of its grammar).
        """
        found = copy(self)
        found._is_inside = True
        return found

    def index(self) -> FromClause:
        """The index, under a name of its own."""
        return _alias(record_index, f"i{next(self._numbers)}")

    def record(self) -> FromClause:
        """The records, under a name of their own."""
        return _alias(record, f"r{next(self._numbers)}")

    def name(self, what: str) -> str:
        """A fresh name."""
        return f"{what}{next(self._numbers)}"

    def some(self, tables: FromClause | Sequence[FromClause], *tests: Any) -> Test:
        """There is a row of the tables that meets the tests: asked for each record by an index, when it is its turn.

        PostgreSQL would rather join all such rows at once, since it cannot know that a page needs few of them.
        """
        each = tables if isinstance(tables, Sequence) else (tables,)
        rows: Select[Any] = sa.select(sa.literal_column("1")).select_from(*each).where(*tests)
        return (rows.offset(0) if self.postgresql else rows).exists()

    def live(self, r: FromClause, types: Collection[str]) -> Test:
        """The record is there, and something of it may be seen."""
        there = r.c.deleted == sa.false()
        if self.spec.basis == "all":
            return there
        if self._is_inside:
            return sa.and_(there, self._is_in(self._seen(tuple(sorted(types))), r))
        return sa.and_(there, self._sight.record(r, types or None))

    def sees(self, i: FromClause, r: FromClause, types: Collection[str], kind: str = "") -> Test:
        """The row would be there too if only what may be seen were indexed."""
        if self.spec.basis == "all":
            return sa.true()
        if self._is_inside:
            return self._is_in(self._shown(tuple(sorted(types)), kind), i)
        return self._sight.row(i, r, types=types or None, kind=kind)

    def updated(self, r: FromClause, types: Collection[str]) -> ColumnElement[Any]:
        """When the record last changed, as far as the asker is told: of one seen in part, when it began."""
        if self.spec.basis == "all":
            return r.c.at
        inside = self._is_inside
        whole = self._is_in(self._whole(tuple(sorted(types))), r) if inside else self._sight.whole(r, types or None)
        return sa.case((whole, r.c.at), else_=r.c.first_at)

    def _seen(self, types: tuple[str, ...]) -> CTE:
        r = self.record()
        return self._once(("seen", types), sa.select(r.c.key).where(self._sight.record(r, types or None)))

    def _whole(self, types: tuple[str, ...]) -> CTE:
        r = self.record()
        return self._once(("whole", types), sa.select(r.c.key).where(self._sight.whole(r, types or None)))

    def _shown(self, types: tuple[str, ...], kind: str) -> CTE:
        i, r = self.index(), self.record()
        told = self._sight.row(i, r, types=types or None, kind=kind)
        keys = sa.select(i.c.key).select_from(i.join(r, r.c.key == i.c.record)).where(told)
        return self._once(("shown", types, kind), keys)

    def apart(self, statement: Select[Any], name: str) -> CTE:
        """A statement said beside the whole, under a name; the database puts it in where the name stands."""
        said: CTE = statement.cte(self.name(name)).prefix_with("NOT MATERIALIZED")
        return said

    def _once(self, what: tuple[object, ...], keys: Select[Any]) -> CTE:
        """The same, said once however often it is named."""
        if what not in self._said:
            self._said[what] = self.apart(keys, str(what[0]))
        return self._said[what]

    def _is_in(self, keys: CTE, row: FromClause) -> Test:
        these = keys.alias()
        return sa.exists(sa.select(these.c.key).where(these.c.key == row.c.key).correlate_except(these))

    def types(self, r: FromClause, types: Collection[str], *, walked: bool = True) -> Test:
        """The record is of one of these types; of any where none is named.

        Where the record was reached by its key (it is not `walked` to), SQLite is told not to look for its type first.
        """
        if not types:
            return sa.true()
        names, column = sorted(types), r.c.type
        if not walked and not self.postgresql:
            column = sa.literal_column(f"+{name_of(r)}.type", sa.Text)
        return column == names[0] if len(names) == 1 else column.in_(names)


@cache
def _alias(table: sa.Table, name: str) -> FromClause:
    """An alias is dear to make (every column is made anew) and says the same in every statement."""
    return table.alias(name)


def name_of(table: FromClause) -> str:
    """The name that a table has in the statement."""
    return str(getattr(table, "name", ""))


def valued(i: FromClause) -> sa.TextClause:
    """Says that the row is in the index of values, in the words of that index (`schema.VALUED`)."""
    return sa.text(f"{name_of(i)}.value <> ''")


def pointing(i: FromClause) -> sa.TextClause:
    """Says that the row is in the index of targets."""
    return sa.text(f"{name_of(i)}.target <> ''")


def unclaimed(r: FromClause) -> sa.TextClause:
    """Says that the record is about no client, in the words of the index of those."""
    return sa.text(f"{name_of(r)}.client_count = 0")


def dated(i: FromClause) -> sa.TextClause:
    """Says that the row is in the indexes of dates."""
    return sa.text(f"{name_of(i)}.start <> ''")


def measured(i: FromClause) -> sa.TextClause:
    """Says that the row is in the indexes of numbers."""
    return sa.text(f"{name_of(i)}.low IS NOT NULL")
