"""`column IN (many keys)` with the keys as one value, however many they are and however often it is asked."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class Keys(sa.types.TypeDecorator[frozenset[int]]):
    """A set of keys: an array on PostgreSQL, a JSON list on SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        array = postgresql.ARRAY(sa.BigInteger)
        return dialect.type_descriptor(array if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: frozenset[int] | None, dialect: Dialect) -> Any:
        keys = sorted(value or ())
        return keys if dialect.name == "postgresql" else f"[{','.join(map(str, keys))}]"


class among(FunctionElement[bool]):  # noqa: N801 - it reads as SQL
    """Whether a column (the first argument) is one of the keys (the second)."""

    name: Final = "among"
    type = sa.Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """As it stands: `... = 1`, as SQLAlchemy says of truths on SQLite, would keep it from using an index."""
        return self


@compiles(among, "postgresql")
def _on_postgresql(element: among, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY({keys})"


@compiles(among, "sqlite")
def _on_sqlite(element: among, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608 - both are compiled SQL already
