"""What the jobs that rebuild the index hand out and take in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """Where the work of rebuilding the index stands."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Batch:
    """The next records of a job, and how far it is once they are done."""

    name: str
    digest: str
    references: tuple[str, ...]
    cursor: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: so many records done, of so many that there are now."""

    name: str
    digest: str
    done: int
    total: int
    state: JobState
    started: datetime
    updated: datetime

    @property
    def percent(self) -> int:
        """Rounded down: 100 is said of what is finished, and of nothing else."""
        if self.state is JobState.DONE:
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0


@dataclass(frozen=True, slots=True)
class StoredParameter:
    """A search parameter of this hub's own: a SearchParameter resource; `job` rebuilds the index for it."""

    url: str
    code: str
    resource: dict[str, Any]

    @property
    def job(self) -> str:
        return f"search-parameter {self.url}"
