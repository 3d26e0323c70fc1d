"""How values become columns: instants in UTC, JSON that keeps decimals, words of a closed set.

An instant without a time zone is refused on the way in (clocks differ, so every time says where
it stands); on the way out every instant is aware and in UTC, on SQLite (which keeps no zone) as on
PostgreSQL.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from hub.errors import IntegrityFailure

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class Instant(sa.types.TypeDecorator[datetime]):
    """A point in time: aware in, aware and UTC out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise IntegrityFailure("an instant came without a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(sa.types.TypeDecorator[Any]):
    """A JSON value read back as `shape`; numbers with a fraction come back as `Decimal`, bytes as base64."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, shape: Any) -> None:
        self.shape = shape
        self._decode = msgspec.json.Decoder(shape, float_hook=Decimal).decode
        super().__init__()

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else _encode(value).decode("utf-8")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        try:
            return self._decode(value)
        except msgspec.DecodeError as broken:
            raise IntegrityFailure("a stored value is not what was written") from broken


class Word(sa.types.TypeDecorator[Any]):
    """One word of a closed set."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        self.words = words
        super().__init__()

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self.words(value)


def key() -> sa.Column[int]:
    """The internal key of a row: it grows with time, and stays inside (order and rate would tell)."""
    return sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True)
