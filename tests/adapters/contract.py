"""What every adapter must hold, whatever it speaks: one suite, run over each registered adapter.

Each adapter brings a real counterpart (a server on loopback, a folder) in its own `tests/counterpart.py`, as
`open_counterpart(folder, clock)`. The suite asks only for what the manifest says the adapter can do.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from hub.adapters.sdk.contract import Connection, Parcel, PullRequest

CANARY = "Kanárková-5573140056"
"""Stands for a person wherever a counterpart could put one; must be in no error, name or address."""


class TestClock:
    """A clock that the test turns."""

    __test__ = False

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Sent:
    """What a listener answered to a message."""

    positive: bool
    negative: bool
    raw: bytes = field(repr=False)


class Counterpart(Protocol):
    """A real other side, that can be looked at, broken and made to refuse."""

    @property
    def connection(self) -> Connection:
        """The way to it."""
        ...

    def unreachable(self) -> Connection:
        """The way to one that is not there."""
        ...

    def refusing(self) -> Connection:
        """The way to one that answers no, quoting the canary where its protocol lets it."""
        ...

    def state(self) -> Hashable:
        """Everything it holds, to see that nothing was touched."""
        ...

    def offer(self) -> PullRequest | None:
        """Put one piece there to be pulled; how to ask for it."""
        ...

    def waiting(self) -> int:
        """How many pieces are still to be taken (folders), always 0 where pulling leaves nothing behind."""
        ...

    def parcel(self, key: str) -> Parcel:
        """Something it would take."""
        ...

    def in_effect(self) -> int:
        """How many parcels had an effect there."""
        ...

    def send(self, address: tuple[str, int], *, message_id: str) -> Sent:
        """Call a listening hub with one good message, and wait for its answer."""
        ...
