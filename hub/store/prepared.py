"""The statements that every request runs: compiled once, then put to the driver as text.

To compile, key and dress up a statement costs several times what the database takes to answer it. A `Prepared` is made
at import; its text, and what becomes of its values and of its rows, are worked out when a database is first asked.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.sql.elements import ColumnElement

from hub.store.among import among

_Change = tuple[Any, Callable[[Any], Any]]


class Names(sa.types.TypeDecorator[Collection[str]]):
    """A set of names as one value: an array on PostgreSQL, a JSON list on SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        array = postgresql.ARRAY(sa.Text)
        return dialect.type_descriptor(array if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Collection[str] | None, dialect: Dialect) -> Any:
        names = sorted(value or ())
        return names if dialect.name == "postgresql" else msgspec.json.encode(names).decode()


def named(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Whether a column is one of the names that are given as this parameter."""
    return among(column, sa.bindparam(parameter, type_=Names()))


class Prepared:
    """One statement, ready on every database that it was put to."""

    def __init__(self, statement: sa.Select[Any] | sa.UpdateBase) -> None:
        self._inserts = isinstance(statement, sa.Insert)
        self._statement = statement
        self._ready: dict[object, _Ready] = {}

    def on(self, engine: Engine, names: Collection[str]) -> _Ready:
        """The statement for this database; `names` are those of the values that are given."""
        schemas: Mapping[Any, Any] = engine.get_execution_options().get("schema_translate_map", {})
        at = (engine.dialect.name, schemas.get(None), tuple(names) if self._inserts else ())
        found = self._ready.get(at)
        if found is None:
            found = self._ready[at] = _Ready(self._statement, engine.dialect, schemas, names)
        return found


class _Ready:
    """A statement as the driver takes it."""

    def __init__(self, statement: Any, dialect: Dialect, schemas: Mapping[Any, Any], names: Collection[str]) -> None:
        columns = list(statement.exported_columns) if statement.is_select or statement._returning else []
        options: dict[str, Any] = {}
        if isinstance(statement, sa.Insert):
            statement = statement if columns else statement.inline()
            options = {"column_keys": list(names)}
        if schemas:
            options |= {"schema_translate_map": schemas, "render_schema_translate": True}
        compiled = statement.compile(dialect=dialect, **options)
        self.text = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup
        self._fixed = {
            name: bind.value for name, bind in compiled.binds.items() if not bind.required and name not in names
        }
        self._into = [
            (name, change)
            for name, bind in compiled.binds.items()
            if (change := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        ]
        self._row: Any = namedtuple("Row", [column.key for column in columns]) if columns else None
        self._out: list[_Change] = [
            (at, change)
            for at, column in enumerate(columns)
            if (change := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        ]

    def values(self, given: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        values = {**self._fixed, **given}
        for name, change in self._into:
            values[name] = change(values[name])
        return values if self._order is None else [values[name] for name in self._order]

    def rows(self, fetched: Sequence[Any]) -> list[Any]:
        """What the driver gave, as rows with names."""
        make, out = self._row._make, self._out
        if not out:
            return [make(row) for row in fetched]
        made = []
        for row in fetched:
            values = list(row)
            for at, change in out:
                values[at] = change(values[at])
            made.append(make(values))
        return made


@cache
def new_row(table: sa.Table, on_postgresql: bool) -> Prepared:
    """Insert a row unless a unique index has its like; returns its key, where the table has one."""
    returned = table.c.key if "key" in table.c else sa.literal(0).label("none")
    insert = postgresql.insert if on_postgresql else sqlite.insert
    return Prepared(insert(table).on_conflict_do_nothing().returning(returned))
