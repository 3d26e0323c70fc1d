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
from hub.fhir.decimals import as_written

_encode: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=as_written).encode


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


Wraps = tuple[tuple[str, bytes], ...]

Exact: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text that is compared and ordered by code point, on both databases."""


def text(name: str, default: str | None = None) -> sa.Column[str]:
    """Text that is always there."""
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def exact(name: str, default: str | None = None) -> sa.Column[str]:
    """Text that is always there, and compared and ordered by code point."""
    return sa.Column(name, Exact, nullable=False, server_default=default)


def number(name: str, kind: Any = sa.Integer) -> sa.Column[int]:
    """A whole number, 0 where nobody says otherwise."""
    return sa.Column(name, kind, nullable=False, server_default="0")


def at(name: str, default: str | None = None) -> sa.Column[Any]:
    """An instant that is always there."""
    return sa.Column(name, Instant, nullable=False, server_default=default)


def json(name: str, shape: Any) -> sa.Column[Any]:
    """A JSON value that is always there."""
    return sa.Column(name, Json(shape), nullable=False)


def sealed(*, nullable: bool = False) -> tuple[sa.Column[Any], ...]:
    """Sealed content: ciphertext under a data key, and the wrapped data key for each client."""
    return (
        sa.Column("nonce", sa.LargeBinary, nullable=nullable),
        sa.Column("ciphertext", sa.LargeBinary, nullable=nullable),
        sa.Column("wraps", Json(Wraps), nullable=nullable),
    )


def key() -> sa.Column[int]:
    """The internal key of a row: it grows with time, and stays inside (order and rate would tell)."""
    return sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True)
