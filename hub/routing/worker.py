"""The worker: threads that relay the outbox, answer the bell and sweep up what no ring announced.

    relay    looks at the outbox when poked, and every `look` seconds
    senders  each answers the bell: works until nothing is due any more
    sweeper  wakes when the next delivery is due (a retry, a lease that ran out) and rings; without a broker
             it works itself

Nothing spins: every thread waits on an event or on the bell. What fails is counted and logged by kind, never
with content. A delivery that stays due although the bell rang is rung for again each `look`, not faster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from threading import Event, Lock, Thread
from typing import Final

import structlog

from hub.errors import Unavailable
from hub.routing.bell import Bell, Stop
from hub.routing.relay import Relayed

SWEEP: Final = "sweep"
"""What the sweeper rings with: any sender, look what is due."""

_log = structlog.get_logger(__name__)


class Worker:
    """Runs relay, senders and sweeper until stopped.

    `work` claims what is due, sends it and returns how many it took on; it is called again while that is
    more than none. `next_due` says when the next delivery is to be looked at.
    """

    def __init__(
        self,
        *,
        bell: Bell,
        relay: Callable[[], Relayed],
        work: Callable[[], int],
        next_due: Callable[[], datetime | None],
        clock: Callable[[], datetime],
        senders: int = 4,
        look: float = 0.5,
        longest_sleep: float = 5.0,
    ) -> None:
        self._bell = bell
        self._relay = relay
        self._work = work
        self._next_due = next_due
        self._clock = clock
        self._senders = senders
        self._look = look
        self._longest_sleep = longest_sleep
        self._stopped = Event()
        self._outbox = Event()
        self._ended = Event()
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._threads: list[Thread] = []
        self._stops: list[Stop] = []

    def start(self) -> None:
        """Start the threads."""
        self._stops = [self._bell.listen(self._answer) for _ in range(self._senders)]
        self._threads = [
            Thread(target=self._keep, args=(self._relay_all, self._outbox), name="relay", daemon=True),
            Thread(target=self._keep, args=(self._sweep, self._ended), name="sweeper", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def poke(self) -> None:
        """Something was put into the outbox just now: look at once."""
        self._outbox.set()

    def stop(self) -> None:
        """End after what is in hand; returns when every thread is over."""
        self._stopped.set()
        self._outbox.set()
        self._ended.set()
        for thread in self._threads:
            thread.join()
        for stop in self._stops:
            stop()

    def counts(self) -> dict[str, int]:
        """What happened so far: events claimed and failed, deliveries taken on, rounds that failed."""
        with self._lock:
            return dict(self._counts)

    def _keep(self, round_: Callable[[], float], woken: Event) -> None:
        """Run rounds until stopped; a round says how long to sleep, and one that fails is tried again."""
        while not self._stopped.is_set():
            try:
                pause = round_()
            except Exception as error:
                self._count("rounds failed")
                _log.error("round failed", reason=round_.__name__.strip("_"), error=type(error).__name__)
                pause = self._longest_sleep
            woken.wait(pause)
            if not self._stopped.is_set():
                woken.clear()

    def _relay_all(self) -> float:
        while not self._stopped.is_set():
            relayed = self._relay()
            self._count("events", relayed.claimed)
            self._count("events failed", relayed.failed)
            self._count("rings unheard", relayed.unheard)
            if relayed.unheard:
                self._ended.set()
            if not relayed.claimed:
                break
        return self._look

    def _sweep(self) -> float:
        due = self._next_due()
        if due is None:
            return self._longest_sleep
        ahead = (due - self._clock()).total_seconds()
        if ahead > 0:
            return min(ahead, self._longest_sleep)
        try:
            for sender in range(self._senders):
                self._bell.ring(f"{SWEEP}-{sender}")
        except Unavailable:
            self._count("rings unheard")
            self._answer(SWEEP)
        return self._look

    def _answer(self, _delivery_id: str) -> None:
        taken = 1
        while taken and not self._stopped.is_set():
            try:
                taken = self._work()
            except Exception as error:
                taken = 0
                self._count("work failed")
                _log.error("work failed", error=type(error).__name__)
            self._count("deliveries", taken)
        self._ended.set()

    def _count(self, what: str, many: int = 1) -> None:
        if many:
            with self._lock:
                self._counts[what] += many
