"""The audit store: the journal, folded into AuditEvents that can be searched by client.

It is a database of its own: a file beside the hub's on SQLite, the schema `audit` on PostgreSQL. Folding is
idempotent: an entry is known by its file and line, and one that came with another hash is refused by its
place. Rules: docs/audit.md; GDPR 15 and 30; EHDS (EU) 2025/327 annex II 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from hub.errors import IntegrityFailure
from hub.store.engine import Engines, Sql, open_engines, transaction
from hub.store.migrate import AUDIT, upgrade
from hub.store.schema import audit_client, audit_entry

_CONNECTIONS: Final = 2
_e, _c = audit_entry.c, audit_client.c

Folding = tuple[str, int, str, Mapping[str, Any], Mapping[str, Any]]
"""File, line, hash, body of the entry, AuditEvent."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One folded entry: where it stands in the journal, what it says, and the AuditEvent made of it."""

    file: str
    seq: int
    hash: str
    body: dict[str, Any]
    event: dict[str, Any]


_Rows = list[AuditRow]


class AuditStore:
    """The audit of the hub; entries are only ever added."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    @classmethod
    def open(cls, target: str | Path, *, schema: str = "audit") -> AuditStore:
        """Open, and migrate where needed, the audit in an SQLite file or in a `schema` of a PostgreSQL database."""
        address = str(target)
        engines = open_engines(address if "://" in address else f"sqlite:///{address}", pool=_CONNECTIONS)
        engines = engines.within(schema)
        upgrade(engines.writer, replace(AUDIT, schema=schema))
        return cls(engines)

    def fold(self, entries: Iterable[Folding]) -> int:
        """Add what is not there yet; how many that were. IntegrityFailure where a known line has changed."""
        with transaction(self._engines.writer, writing=True) as sql:
            sql.hold("audit fold")
            ordered = sorted(entries, key=lambda entry: entry[:2])
            return sum(_fold(sql, file, list(own)) for file, own in groupby(ordered, key=lambda entry: entry[0]))

    def list(self, client: str | None = None, limit: int = 100) -> _Rows:
        """The newest entries first, those that concern a client where one is named."""
        found = sa.select(audit_entry).order_by(_e.key.desc()).limit(limit)
        if client is not None:
            found = found.where(_e.key.in_(sa.select(_c.entry).where(_c.client == client)))
        with transaction(self._engines.reader, writing=False) as sql:
            return [AuditRow(row.file, row.seq, row.hash, row.body, row.event) for row in sql.rows(found)]

    def heads(self) -> dict[str, tuple[int, str]]:
        """The last folded line of each file: its number and hash."""
        last = sa.select(_e.file, sa.func.max(_e.seq).label("seq")).group_by(_e.file).subquery()
        found = sa.select(_e.file, _e.seq, _e.hash).join(last, (_e.file == last.c.file) & (_e.seq == last.c.seq))
        with transaction(self._engines.reader, writing=False) as sql:
            return {row.file: (row.seq, row.hash) for row in sql.rows(found)}

    def close(self) -> None:
        """Close every connection."""
        self._engines.close()


def _fold(sql: Sql, file: str, entries: Sequence[Folding]) -> int:
    within = (_e.file == file, _e.seq.between(entries[0][1], entries[-1][1]))
    known = {row.seq: row.hash for row in sql.rows(sa.select(_e.seq, _e.hash).where(*within))}
    fresh: list[Folding] = []
    for entry in entries:
        _, seq, digest, _, _ = entry
        if seq not in known:
            known[seq] = digest
            fresh.append(entry)
        elif known[seq] != digest:
            raise IntegrityFailure("the line was folded with another content", place=f"{file} line {seq}")
    if not fresh:
        return 0
    sql.run(
        sa.insert(audit_entry),
        [
            {"file": file, "seq": seq, "hash": digest, "body": dict(body), "event": dict(event)}
            for _, seq, digest, body, event in fresh
        ],
    )
    keys = {row.seq: row.key for row in sql.rows(sa.select(_e.seq, _e.key).where(*within))}
    concerned = [
        {"client": client, "entry": keys[seq]}
        for _, seq, _, body, _ in fresh
        for client in dict.fromkeys(body.get("clients", ()))
    ]
    if concerned:
        sql.run(sa.insert(audit_client), concerned)
    return len(fresh)
