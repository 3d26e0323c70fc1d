"""The store: one database, opened, migrated, and entered by transactions.

Everything that one use case changes (version, index, labels, outbox, holdings) is changed in one `writing()`
transaction or not at all. The store hands out sealed records only; it opens nothing (docs/design.md, "The
flow").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar

from hub.errors import HubError, Unavailable
from hub.store.deliveries import Deliveries
from hub.store.directory import Keys, Organisations, Tokens
from hub.store.engine import PATIENCE, Engines, Sql, open_engines, transaction
from hub.store.exports import Exports
from hub.store.faults import is_clash
from hub.store.holdings import Holdings
from hub.store.identity import Identity
from hub.store.jobs import Jobs
from hub.store.kept import Kept
from hub.store.migrate import HUB, Line, is_current, upgrade
from hub.store.model import OrganisationEntry
from hub.store.outbox import Outbox
from hub.store.received import ReceivedLog
from hub.store.records import Records
from hub.store.rules import Rules
from hub.store.search.search import Search
from hub.store.search_parameters import SearchParameters
from hub.store.versions import Versions

T = TypeVar("T")

ATTEMPTS: Final = 5
"""How often a transaction that clashes with others is tried before its caller is told."""


class Tx:
    """One transaction, grouped by what its parts speak of."""

    def __init__(
        self,
        sql: Sql,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
        directories: Kept[list[OrganisationEntry]],
    ) -> None:
        self.hold = sql.hold
        """Hold a name until the end of the transaction; others that ask for it wait."""
        self.records = Records(sql)
        self.rules = Rules(sql)
        self.search = Search(sql)
        self.search_parameters = SearchParameters(sql)
        self.jobs = Jobs(sql, clock)
        self.versions = Versions(sql)
        self.identity = Identity(sql)
        self.received = ReceivedLog(sql)
        self.outbox = Outbox(sql, ids)
        self.deliveries = Deliveries(sql, clock, ids)
        self.holdings = Holdings(sql)
        self.exports = Exports(sql)
        self.organisations = Organisations(sql, directories)
        self.keys = Keys(sql)
        self.tokens = Tokens(sql)


class Store:
    """The repository of the hub, on SQLite or PostgreSQL."""

    def __init__(
        self, engines: Engines, clock: Callable[[], datetime], ids: Callable[[], str], line: Line = HUB
    ) -> None:
        self._engines = engines
        self._line = line
        self._clock = clock
        self._ids = ids
        self._directories: Kept[list[OrganisationEntry]] = Kept(4)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
        schema: str = "",
        pool: int = 10,
        patience: float = PATIENCE,
    ) -> Store:
        """Open `sqlite:///path` or `postgresql://...`, with `pool` connections at most. Nothing is migrated.

        `patience`: seconds that a transaction waits for a lock before it is Unavailable.
        """
        engines = open_engines(url, pool=pool, patience=patience).within(schema)
        return cls(engines, clock, ids, replace(HUB, schema=schema or None))

    def migrate(self) -> None:
        """Bring the tables to this version of the hub: once, also where two processes start at once."""
        upgrade(self._engines.writer, self._line)

    def writing(self) -> AbstractContextManager[Tx]:
        """One transaction that changes things: committed on a clean exit, rolled back on any exception.

        On SQLite one process writes one transaction at a time; do not open a second one inside.
        """
        return self._transaction(writing=True)

    def writing_again(self, work: Callable[[Tx], T], *, attempts: int = ATTEMPTS) -> T:
        """Do `work` in one `writing()` transaction; once more, from the start, where it clashed with another.

        Only what PostgreSQL calls a serialization failure or a deadlock is done again: nothing of it was kept. So
        `work` may do nothing outside the transaction. Unavailable after so many attempts.
        """
        for attempt in range(1, attempts + 1):
            try:
                with self.writing() as tx:
                    return work(tx)
            except Unavailable as error:
                if attempt == attempts or not is_clash(error):
                    raise
        raise AssertionError("at least one attempt")

    def reading(self) -> AbstractContextManager[Tx]:
        """One transaction that sees one state of the database throughout, and can change nothing."""
        return self._transaction(writing=False)

    @property
    def answers_at_once(self) -> bool:
        """Whether reading waits for nobody: the database is in this process, and a connection is free."""
        return self._engines.dialect == "sqlite" and self._engines.is_free()

    def ready(self) -> dict[str, Any]:
        """Which database it is, and whether it answers with the tables of this version."""
        try:
            migrated = is_current(self._engines.reader, self._line)
        except HubError:
            migrated = False
        return {"database": self._engines.dialect, "migrated": migrated}

    def close(self) -> None:
        """Close every connection."""
        self._engines.close()

    @contextmanager
    def _transaction(self, *, writing: bool) -> Iterator[Tx]:
        engine = self._engines.writer if writing else self._engines.reader
        with transaction(engine, writing=writing) as sql:
            yield Tx(sql, self._clock, self._ids, self._directories)
