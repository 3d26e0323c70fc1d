"""The wall where errors of a database become the hub's.

No SQLAlchemy exception leaves the room, and no message carries a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exc
from sqlalchemy.engine import Dialect

from hub.errors import ConfigurationError, HubError, IntegrityFailure, Unavailable, VersionConflict

_TRANSIENT: Final = (
    "40001",
    "40P01",
    "55P03",
    "57014",
    "57P01",
    "57P02",
    "57P03",
    "53",
    "08",
    "25006",
    "25P0",
)
"""SQLSTATEs (or their classes) of serialization failure, deadlock, time-outs, shutdown, lack of resources."""
_CLASH: Final = ("40001", "40P01")
"""Of these, what goes away if the same is done again from the start: serialization failure, deadlock."""
_TOO_MUCH: Final = "54"
"""Class of SQLSTATEs of statements beyond a limit of the database: a defect, not a time to wait."""
_NOT_MIGRATED: Final = ("42P01", "42703", "3F000")
_UNIQUE: Final = "23505"


@contextmanager
def translated() -> Iterator[None]:
    """The wall: what SQLAlchemy raises inside becomes one of the hub's errors."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _meaning(error) from error
    except exc.TimeoutError as error:
        raise Unavailable("every connection to the database is busy") from error
    except exc.SQLAlchemyError as error:
        cause = error.orig if isinstance(error, exc.StatementError) else None
        if isinstance(cause, HubError):
            raise cause from None
        raise IntegrityFailure("the database refused a statement") from error


def meaning_of(error: Exception, dialect: Dialect, *, gone: bool) -> HubError:
    """What a driver itself raised, as the hub's error."""
    base = dialect.loaded_dbapi.Error
    known = exc.DBAPIError.instance(
        None, None, error, base, hide_parameters=True, connection_invalidated=gone, dialect=dialect
    )
    refused = IntegrityFailure("the database refused a statement")
    meant = _meaning(known) if isinstance(known, exc.DBAPIError) else refused
    meant.__cause__ = known
    return meant


def _meaning(error: exc.DBAPIError) -> HubError:
    if isinstance(error.orig, HubError):
        return error.orig
    state = getattr(error.orig, "sqlstate", None)
    code = getattr(error.orig, "sqlite_errorname", "") or ""
    if state == _UNIQUE or code in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
        return VersionConflict("somebody else wrote the same at the same time")
    if isinstance(error, exc.IntegrityError):
        return IntegrityFailure("the database refused a row that breaks its constraints")
    if state in _NOT_MIGRATED or "no such table" in str(error.orig) or "no such column" in str(error.orig):
        return ConfigurationError("the database is not migrated to this version of the hub")
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or (state or "").startswith("XX"):
        return IntegrityFailure("the database file does not hold together")
    if code == "SQLITE_ERROR" or (state or "").startswith(_TOO_MUCH):
        return IntegrityFailure("the database cannot do a statement")
    if error.connection_invalidated or (state or "").startswith(_TRANSIENT):
        return Unavailable("the database is busy or away")
    if isinstance(error, exc.OperationalError | exc.InterfaceError):
        return Unavailable("the database is busy or away")
    return IntegrityFailure("the database refused a statement")


def is_clash(error: HubError) -> bool:
    """Whether the database gave up this transaction for another's sake, so that doing it again may go well."""
    cause = error.__cause__
    return isinstance(cause, exc.DBAPIError) and getattr(cause.orig, "sqlstate", None) in _CLASH
