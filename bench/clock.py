"""Time a function: the median of several rounds, with their spread, in CPU seconds of this process.

CPU time is steadier than wall time on a shared machine; rows that wait for a disk or a server say so and use wall time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 7
LEAST_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Timing:
    """Microseconds for one call: median, least and most of the rounds."""

    median: float
    least: float
    most: float


def timed(call: Callable[[], object], *, wall: bool = False) -> Timing:
    """How long one call takes, in microseconds."""
    clock = time.perf_counter if wall else time.process_time
    call()
    calls = 1
    while True:
        began = clock()
        for _ in range(calls):
            call()
        if clock() - began >= LEAST_SECONDS or calls >= 100_000:
            break
        calls *= 4
    rounds = []
    for _ in range(ROUNDS):
        began = clock()
        for _ in range(calls):
            call()
        rounds.append((clock() - began) / calls * 1e6)
    return Timing(statistics.median(rounds), min(rounds), max(rounds))
