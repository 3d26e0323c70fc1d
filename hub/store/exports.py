"""Bulk exports: jobs that find references, a thousand to a file. What stands in a record is read at each download.

Nothing here is content. A job is worked on under a lease, one page at a time, so that any process can go on where
another was killed. Rule: docs/api.md, bulk export.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row

from hub.store.engine import Sql
from hub.store.export_model import ExportFile, ExportJob, ExportState
from hub.store.exports_schema import export_file, export_job
from hub.store.schema import record, record_client
from hub.store.sight import Sight

PAGE: Final = 1000
"""Records in one file."""

_j, _f, _r, _c = export_job.c, export_file.c, record.c, record_client.c


class Exports:
    """The exports, as one transaction sees them."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def begin(self, job: ExportJob) -> None:
        """Accept a job."""
        names = ("id", "organisation", "ordered", "state", "begun", "expires")
        self._sql.run(sa.insert(export_job).values({name: getattr(job, name) for name in names}))

    def read(self, id: str) -> ExportJob | None:
        """One job."""
        row = self._sql.row(sa.select(export_job).where(_j.id == id))
        return _job(row) if row else None

    def under_way(self, organisation: str) -> int:
        """How many jobs of an organisation are not complete."""
        count = sa.select(sa.func.count()).select_from(export_job)
        mine = (_j.organisation == organisation, _j.state == ExportState.ACCEPTED)
        return int(self._sql.value(count.where(*mine)))

    def claim(self, id: str, now: datetime, until: datetime) -> ExportJob | None:
        """Take a job on until then; None where it is complete, gone, or somebody else has it."""
        free = sa.or_(_j.leased_until.is_(None), _j.leased_until <= now)
        mine = sa.update(export_job).where(_j.id == id, _j.state == ExportState.ACCEPTED, free)
        return self.read(id) if self._sql.run(mine.values(leased_until=until)) else None

    def waiting(self, now: datetime) -> list[str]:
        """The jobs that nobody works on, the oldest first."""
        free = sa.or_(_j.leased_until.is_(None), _j.leased_until <= now)
        rows = self._sql.rows(sa.select(_j.id).where(_j.state == ExportState.ACCEPTED, free).order_by(_j.begun))
        return [row.id for row in rows]

    def advance(self, job: ExportJob, *, until: datetime | None) -> bool:
        """Write down how far a job is; False where it was cancelled meanwhile."""
        names = ("state", "position", "after", "found", "trouble")
        values = {name: getattr(job, name) for name in names} | {"leased_until": until}
        return bool(self._sql.run(sa.update(export_job).where(_j.id == job.id).values(values)))

    def add(self, file: ExportFile) -> None:
        """Add a file of references to a job."""
        row = {"job": file.job, "no": file.no, "type": file.type, "records": file.records}
        self._sql.run(sa.insert(export_file).values(row))

    def files(self, id: str) -> list[tuple[int, str]]:
        """Number and type of each file of a job, in order."""
        rows = self._sql.rows(sa.select(_f.no, _f.type).where(_f.job == id).order_by(_f.no))
        return [(row.no, row.type) for row in rows]

    def file(self, id: str, no: int) -> ExportFile | None:
        """One file."""
        row = self._sql.row(sa.select(export_file).where(_f.job == id, _f.no == no))
        return ExportFile(row.job, row.no, row.type, row.records) if row else None

    def remove(self, id: str) -> bool:
        """Forget a job with its files; False where there is none."""
        self._sql.run(sa.delete(export_file).where(_f.job == id))
        return bool(self._sql.run(sa.delete(export_job).where(_j.id == id)))

    def purge(self, now: datetime) -> None:
        """Forget what has expired."""
        for row in self._sql.rows(sa.select(_j.id).where(_j.expires <= now)):
            self.remove(row.id)

    def page(
        self,
        type: str,
        sight: Sight,
        *,
        after: int,
        limit: int = PAGE,
        since: datetime | None = None,
        clients: Collection[str] | None = None,
        of_clients: bool = False,
    ) -> list[tuple[int, str]]:
        """(key, reference) of the next records of a type that can be seen, after a key; not fewer unless it is the end.

        `clients`: those of these clients; `of_clients`: those of any client at all. `since`: changed since then; of
        what is seen in part, begun since then, for a later change may be one that is hidden.
        """
        whole = sight.whole(record, (type,)) if since is not None else sa.true()
        statement = (
            sa.select(_r.key, _r.reference, _r.first_at, whole.label("whole"))
            .where(_r.type == type, _r.deleted == sa.false(), sight.record(record, (type,)))
            .order_by(_r.key)
            .limit(limit)
        )
        if clients is not None or of_clients:
            theirs = sa.select(_c.record)
            if clients is not None:
                theirs = theirs.where(_c.client.in_(sorted(clients)))
            statement = statement.where(_r.key.in_(theirs))
        if since is not None:
            statement = statement.where(_r.at >= since)
        found: list[tuple[int, str]] = []
        while len(found) < limit:
            rows = self._sql.rows(statement.where(_r.key > after))
            found += [(r.key, r.reference) for r in rows if since is None or r.whole or r.first_at >= since]
            if len(rows) < limit:
                break
            after = rows[-1].key
        return found[:limit]


def _job(row: Row[Any]) -> ExportJob:
    return ExportJob(
        id=row.id,
        organisation=row.organisation,
        ordered=row.ordered,
        state=row.state,
        begun=row.begun,
        expires=row.expires,
        position=row.position,
        after=row.after,
        found=row.found,
        trouble=row.trouble,
    )
