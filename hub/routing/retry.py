"""When to try again: backoff with jitter, Retry-After within bounds, giving up, circuits.

Everything is a function of its arguments; randomness and the clock come in. A slow or broken counterpart is
asked ever more rarely and never flooded when it comes back; the others are not held up by it
(docs/delivery.md).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import Final

Draw = Callable[[], float]
"""Gives a number from 0 up to 1: `random.random`, except in tests."""

_system_random: Final = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from `first` to `longest`, each shortened at random by up to `jitter` of itself."""

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(hours=1)
    factor: float = 2.0
    jitter: float = 0.5
    draw: Draw = field(default=_system_random.random)

    def pause(self, attempt: int, *, retry_after: timedelta | None = None) -> timedelta:
        """The pause after the `attempt`-th try (from 1); what was asked for holds, up to `longest`."""
        exponent = min(max(attempt, 1) - 1, 64)
        full = min(self.first.total_seconds() * self.factor**exponent, self.longest.total_seconds())
        pause = timedelta(seconds=full * (1 - self.jitter * self.draw()))
        asked = retry_after if retry_after is not None and retry_after > timedelta() else timedelta()
        return max(pause, min(asked, self.longest))


@dataclass(frozen=True, slots=True)
class Retry:
    """A policy: how often to try, and when next."""

    backoff: Backoff = field(default_factory=Backoff)
    attempts: int = 12

    def next_at(self, attempt: int, now: datetime, *, retry_after: timedelta | None = None) -> datetime | None:
        """When to try again after the `attempt`-th try failed; None: give up, where people see it."""
        if attempt >= self.attempts:
            return None
        return now + self.backoff.pause(attempt, retry_after=retry_after)


class CircuitState(StrEnum):
    """Whether a counterpart is asked."""

    CLOSED = "closed"
    """It answers: ask."""
    OPEN = "open"
    """It failed again and again: leave it alone until a certain time."""
    HALF_OPEN = "half-open"
    """The time is over, and one try is under way to see."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of one counterpart: a value; each event gives the next one."""

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    until: datetime | None = None

    def allows(self, now: datetime) -> bool:
        """Whether it may be asked now: after the rest, or a try that was never answered, once."""
        return self.state is CircuitState.CLOSED or (self.until is not None and now >= self.until)

    def tried(self, now: datetime, rest: timedelta) -> Circuit:
        """A try begins; where the circuit was open it decides, and others wait for `rest`."""
        if self.state is CircuitState.CLOSED:
            return self
        return replace(self, state=CircuitState.HALF_OPEN, until=now + rest)

    def succeeded(self) -> Circuit:
        """It answered: all is forgotten."""
        return Circuit()

    def failed(self, now: datetime, *, threshold: int, rest: timedelta) -> Circuit:
        """It did not answer; from `threshold` failures in a row on it is left alone for `rest`."""
        failures = self.failures + 1
        if self.state is CircuitState.CLOSED and failures < threshold:
            return Circuit(CircuitState.CLOSED, failures)
        return Circuit(CircuitState.OPEN, failures, now + rest)


class Circuits:
    """The circuits of all organisations of this process; each rest is longer than the one before."""

    def __init__(self, clock: Callable[[], datetime], *, threshold: int = 5, rest: Backoff | None = None) -> None:
        self._clock = clock
        self._threshold = threshold
        self._rest = rest or Backoff(first=timedelta(seconds=10), longest=timedelta(minutes=10))
        self._circuits: dict[str, Circuit] = {}
        self._lock = Lock()

    def enter(self, organisation: str) -> bool:
        """Whether to try now; True also notes that a try begins."""
        now = self._clock()
        with self._lock:
            circuit = self._circuits.get(organisation, Circuit())
            if not circuit.allows(now):
                return False
            self._circuits[organisation] = circuit.tried(now, self._pause(circuit))
        return True

    def succeeded(self, organisation: str) -> None:
        """The organisation answered."""
        with self._lock:
            self._circuits.pop(organisation, None)

    def failed(self, organisation: str) -> None:
        """The organisation did not answer."""
        now = self._clock()
        with self._lock:
            circuit = self._circuits.get(organisation, Circuit())
            self._circuits[organisation] = circuit.failed(now, threshold=self._threshold, rest=self._pause(circuit))

    def of(self, organisation: str) -> Circuit:
        """What is known of one organisation."""
        with self._lock:
            return self._circuits.get(organisation, Circuit())

    def _pause(self, circuit: Circuit) -> timedelta:
        return self._rest.pause(max(circuit.failures - self._threshold + 2, 1))
