"""The relay: from the outbox to the bell. An event that was committed is worked on at least once.

Events are claimed in batches under a lease. Each becomes the deliveries it calls for, in one transaction of
the caller's; then the bell rings for them. A relay that dies in between loses nothing: the lease runs out,
the event is expanded again, and the same deliveries are found waiting. A ring that fails is made up for by
the sweeper.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

import structlog

from hub.errors import Unavailable

BATCH: Final = 100
LEASE: Final = timedelta(seconds=30)

_log = structlog.get_logger(__name__)


class Claimed(Protocol):
    """An outbox event as the relay needs to know it."""

    @property
    def id(self) -> str: ...

    @property
    def kind(self) -> str: ...


EventT = TypeVar("EventT", bound=Claimed)

Claim = Callable[[int, datetime, timedelta], Sequence[EventT]]
Expand = Callable[[EventT], Sequence[str]]
Done = Callable[[Collection[str]], None]
Ring = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Relayed:
    """What one round came to: events claimed, deliveries rung for, events that failed, rings nobody took."""

    claimed: int = 0
    rung: int = 0
    failed: int = 0
    unheard: int = 0


class Relay(Generic[EventT]):
    """Claims events, expands them, marks them done, rings."""

    def __init__(
        self,
        *,
        claim: Claim[EventT],
        expand: Expand[EventT],
        ring: Ring,
        clock: Callable[[], datetime],
        done: Done | None = None,
        batch: int = BATCH,
        lease: timedelta = LEASE,
    ) -> None:
        """`done` marks events as relayed; leave it out where `expand` does so in its own transaction."""
        self._claim = claim
        self._expand = expand
        self._ring = ring
        self._clock = clock
        self._done = done
        self._batch = batch
        self._lease = lease

    def run_once(self) -> Relayed:
        """One batch. An event that fails is left to its lease and holds up no other."""
        events = self._claim(self._batch, self._clock(), self._lease)
        rung = failed = unheard = 0
        for event in events:
            try:
                deliveries = self._expand(event)
                if self._done is not None:
                    self._done([event.id])
            except Exception as error:
                failed += 1
                _log.error("event not relayed", kind=event.kind, error=type(error).__name__)
                continue
            heard = self._ring_for(deliveries)
            rung, unheard = rung + heard, unheard + len(deliveries) - heard
        return Relayed(len(events), rung, failed, unheard)

    def _ring_for(self, deliveries: Sequence[str]) -> int:
        for heard, delivery_id in enumerate(deliveries):
            try:
                self._ring(delivery_id)
            except Unavailable as away:
                _log.warning("ring not heard", count=len(deliveries) - heard, error=type(away).__name__)
                return heard
        return len(deliveries)
