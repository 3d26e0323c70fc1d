"""What a search gives: a page, and the keys of the pages beside it."""

from __future__ import annotations

from dataclasses import dataclass

from hub.store.model import SealedRecord

SortValue = str | float | None


@dataclass(frozen=True, slots=True)
class PageKey:
    """Where a page ends: what its last row is sorted by, and the row's reference. It holds facts: seal it."""

    values: tuple[SortValue, ...]
    reference: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some records in order, and where the next and the previous page begin, if there are any."""

    records: list[SealedRecord]
    next: PageKey | None = None
    previous: PageKey | None = None


@dataclass(frozen=True, slots=True)
class Included:
    """What comes along with a page, and whether there was more of it than may come."""

    records: list[SealedRecord]
    capped: bool = False
