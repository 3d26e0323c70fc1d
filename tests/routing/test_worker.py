"""The worker on both bells: what is due is worked on at once, later, or although the bell is silent."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Any

from structlog.testing import capture_logs

from hub.errors import Unavailable
from hub.routing.bell import Bell, ProcessBell
from hub.routing.relay import Relayed
from hub.routing.worker import Worker

SOON = 20
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


class Ledger:
    """What is due, kept where the bell does not reach: the part of the database in these tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: list[str] = []
        self.outbox: Queue[str] = Queue()
        self.sent: Queue[str] = Queue()
        self.bell: Bell | None = None

    def add(self, delivery_id: str) -> None:
        with self._lock:
            self._due.append(delivery_id)

    def work(self) -> int:
        with self._lock:
            taken = self._due.pop(0) if self._due else None
        if taken is not None:
            self.sent.put(taken)
        return taken is not None

    def next_due(self) -> datetime | None:
        with self._lock:
            return NOW if self._due else None

    def relay(self) -> Relayed:
        if self.outbox.empty():
            return Relayed()
        delivery_id = self.outbox.get()
        self.add(delivery_id)
        if self.bell is not None:
            self.bell.ring(delivery_id)
        return Relayed(claimed=1, rung=1)


class SilentBell(ProcessBell):
    """A bell whose broker is away."""

    def ring(self, delivery_id: str) -> None:
        raise Unavailable("the broker did not confirm the ring")


def worker(bell: Bell, ledger: Ledger, **changed: Any) -> Worker:
    arguments: dict[str, Any] = {
        "relay": ledger.relay,
        "work": ledger.work,
        "next_due": ledger.next_due,
        "clock": lambda: NOW,
        "look": 0.05,
        "longest_sleep": 0.1,
        **changed,
    }
    return Worker(bell=bell, **arguments)


def running(made: Worker, check: Callable[[], None]) -> None:
    made.start()
    try:
        check()
    finally:
        made.stop()


def test_an_event_put_in_the_outbox_is_sent(bell: Bell) -> None:
    ledger = Ledger()
    ledger.bell = bell
    made = worker(bell, ledger)

    def check() -> None:
        ledger.outbox.put("d-1")
        made.poke()
        assert ledger.sent.get(timeout=SOON) == "d-1"

    running(made, check)
    assert made.counts()["events"] == 1
    assert made.counts()["deliveries"] == 1


def test_what_was_due_before_it_started_is_swept_up_although_nobody_rings(bell: Bell) -> None:
    ledger = Ledger()
    for number in range(10):
        ledger.add(f"d-{number}")

    def check() -> None:
        assert {ledger.sent.get(timeout=SOON) for _ in range(10)} == {f"d-{number}" for number in range(10)}

    running(worker(bell, ledger), check)


def test_without_a_broker_the_sweeper_works_itself() -> None:
    ledger = Ledger()
    ledger.add("d-1")
    made = worker(SilentBell(), ledger)
    running(made, lambda: _is(ledger.sent.get(timeout=SOON), "d-1"))
    assert made.counts()["rings unheard"] >= 1


def test_a_delivery_due_later_is_left_until_then(bell: Bell) -> None:
    ledger = Ledger()
    ledger.add("d-1")
    clock = [NOW - timedelta(hours=1)]
    looked = threading.Semaphore(0)

    def next_due() -> datetime | None:
        looked.release()
        return ledger.next_due()

    def check() -> None:
        for _ in range(3):
            assert looked.acquire(timeout=SOON)
        assert ledger.sent.empty()
        clock[0] = NOW
        assert ledger.sent.get(timeout=SOON) == "d-1"

    running(worker(bell, ledger, next_due=next_due, clock=lambda: clock[0]), check)


def test_failures_are_counted_and_logged_without_content_and_do_not_end_it(bell: Bell) -> None:
    ledger = Ledger()
    failed = threading.Event()

    def work() -> int:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("Anna Nováková, 505101/1234")
        return ledger.work()

    ledger.add("d-1")
    made = worker(bell, ledger, work=work)
    with capture_logs() as logs:
        running(made, lambda: _is(ledger.sent.get(timeout=SOON), "d-1"))
    assert made.counts()["work failed"] == 1
    assert any(line["event"] == "work failed" for line in logs)
    assert "Nováková" not in str(logs)


def test_a_round_that_fails_is_tried_again(bell: Bell) -> None:
    ledger = Ledger()
    ledger.outbox.put("d-1")
    tries = itertools.count(1)

    def relay() -> Relayed:
        if next(tries) < 3:
            raise Unavailable("the database is away")
        return ledger.relay()

    made = worker(bell, ledger, relay=relay)
    running(made, lambda: _is(ledger.sent.get(timeout=SOON), "d-1"))
    assert made.counts()["rounds failed"] >= 2


def test_it_stops_when_told_and_leaves_no_thread(bell: Bell) -> None:
    before = set(threading.enumerate())
    made = worker(bell, Ledger(), longest_sleep=3600.0)
    made.start()
    made.stop()
    left = {thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()}
    assert left == set()


def test_an_idle_worker_does_not_spin() -> None:
    ledger = Ledger()
    rounds = 0

    def relay() -> Relayed:
        nonlocal rounds
        rounds += 1
        return Relayed()

    made = worker(ProcessBell(), ledger, relay=relay, look=0.2, longest_sleep=0.2)
    running(made, lambda: _is(threading.Event().wait(0.5), False))
    assert rounds <= 5


def _is(found: object, expected: object) -> None:
    assert found == expected
