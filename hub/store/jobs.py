"""Jobs that work through every record there is, a batch at a time, and go on where they stopped.

What a job has done is committed with the work itself, so a job that is killed repeats nothing and leaves out nothing.
Its progress is counted when somebody asks: records that came since it began are part of what there is to do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row

from hub.store.engine import Sql
from hub.store.jobs_model import Batch, JobState, Progress
from hub.store.jobs_schema import index_job
from hub.store.schema import record

_j, _r = index_job.c, record.c
_ALL: Final = sa.select(index_job).order_by(_j.name)


class Jobs:
    """The jobs, as one transaction sees them."""

    def __init__(self, sql: Sql, clock: Callable[[], datetime]) -> None:
        self._sql = sql
        self._clock = clock

    def start(self, name: str, digest: str, types: Collection[str] = (), *, again: bool = False) -> bool:
        """Begin a job, from the first record; False, with nothing changed, where one of this digest was begun.

        `again` begins it anyway. A job of the same name and another digest is over: what it did, it did for
        definitions no longer in force.
        """
        now = self._clock()
        row = {
            "name": name,
            "digest": digest,
            "types": tuple(sorted(types)),
            "cursor": 0,
            "done": 0,
            "state": JobState.RUNNING,
            "started": now,
            "updated": now,
        }
        self._sql.hold(f"job {name}")
        known = self._sql.row(_ALL.where(_j.name == name))
        if known is not None and known.digest == digest and not again:
            return False
        self._sql.put(index_job, row, by="name")
        return True

    def forget(self, name: str) -> None:
        """There is no such job any more."""
        self._sql.run(sa.delete(index_job).where(_j.name == name))

    def batch(self, name: str, size: int) -> Batch | None:
        """The next records of a running job, held until the end of the transaction: nobody else has them meanwhile.

        None where the job is not running, or another worker is at it. An empty batch ends the job.
        """
        this = _ALL.where(_j.name == name, _j.state == JobState.RUNNING).with_for_update(skip_locked=True)
        job = self._sql.row(this)
        if job is None:
            return None
        found = sa.select(_r.key, _r.reference).where(*_to_do(job)).order_by(_r.key).limit(size)
        rows = self._sql.rows(found)
        cursor = rows[-1].key if rows else job.cursor
        return Batch(name, job.digest, tuple(row.reference for row in rows), cursor)

    def advance(self, batch: Batch) -> None:
        """The batch is done; where it was empty, so is the job."""
        now = self._clock()
        changed: dict[str, Any] = {"cursor": batch.cursor, "done": _j.done + len(batch.references), "updated": now}
        if not batch.references:
            changed["state"] = JobState.DONE
        this = sa.and_(_j.name == batch.name, _j.digest == batch.digest)
        self._sql.run(sa.update(index_job).where(this).values(changed))

    def progress(self, name: str) -> Progress | None:
        """How far a job is, counted now."""
        job = self._sql.row(_ALL.where(_j.name == name))
        return self._progress(job) if job else None

    def all(self) -> list[Progress]:
        """How far every job is, by name."""
        return [self._progress(job) for job in self._sql.rows(_ALL)]

    def _progress(self, job: Row[Any]) -> Progress:
        left = 0
        if job.state != JobState.DONE:
            left = int(self._sql.value(sa.select(sa.func.count()).select_from(record).where(*_to_do(job))))
        return Progress(job.name, job.digest, job.done, job.done + left, job.state, job.started, job.updated)


def _to_do(job: Row[Any]) -> list[sa.ColumnElement[bool]]:
    """The records after the last one that was worked on; no tombstones."""
    of_type = [_r.type.in_(job.types)] if job.types else []
    return [_r.key > job.cursor, _r.deleted == sa.false(), *of_type]
