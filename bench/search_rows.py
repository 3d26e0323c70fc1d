"""Search as the number of clients grows: each way to ask, over few clients and over many, in one run.

HUB_BENCH_CLIENTS says how many are many (8,000; the aim is stated for 64,000, which takes a while to fill).
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.search_data import AT, fill, measure
from hub.store.store import Store

FEW = 1_000


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One way to ask: milliseconds over few clients and over many, and how much that grew."""

    what: str
    few: float
    many: float
    clients: int

    @property
    def ratio(self) -> float:
        return self.many / self.few


def search_rows(scratch: Path, postgres: str) -> Iterator[SearchRow]:
    """Every way to ask on each database, the median of them first."""
    many = int(os.environ.get("HUB_BENCH_CLIENTS", "8000"))
    for name, url in (("SQLite", f"sqlite:///{scratch / 'search.db'}"), ("PostgreSQL", postgres)):
        if not url:
            continue
        numbers = iter(range(1 << 60))
        schema = f"bench_search_{os.getpid()}" if name == "PostgreSQL" else ""
        store = Store.open(url, clock=lambda: AT, ids=lambda numbers=numbers: str(next(numbers)), schema=schema)
        store.migrate()
        fill(store, FEW)
        before = measure(store, FEW)
        fill(store, many - FEW, first=FEW)
        after = measure(store, many)
        store.close()
        grown = [SearchRow(f"{what}, {name}", before[what], after[what], many) for what in before]
        yield SearchRow(
            f"the median of {len(grown)} ways, {name}",
            statistics.median(before.values()),
            statistics.median(after.values()),
            many,
        )
        yield from sorted(grown, key=lambda row: -row.ratio)
