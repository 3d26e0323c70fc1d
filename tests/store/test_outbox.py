"""The outbox: an event leaves only when it is done, and comes back when its relay died."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from threading import Barrier

from hub.store.store import Store
from tests.store.samples import ANNA, LEASE, Clock, at_once


def put(store: Store, clock: Clock, count: int) -> list[str]:
    with store.writing() as tx:
        return [tx.outbox.put("record-changed", ANNA, {"record": f"Goal/{n}"}, clock.now) for n in range(count)]


def test_events_are_claimed_oldest_first_with_what_they_say(store: Store, clock: Clock) -> None:
    ids = put(store, clock, 5)
    with store.writing() as tx:
        claimed = tx.outbox.claim(3, clock.now, LEASE)
    assert [event.id for event in claimed] == ids[:3]
    first = claimed[0]
    assert (first.kind, first.client, first.detail, first.at) == (
        "record-changed",
        ANNA,
        {"record": "Goal/0"},
        clock.now,
    )


def test_a_held_event_comes_back_when_its_lease_runs_out(store: Store, clock: Clock) -> None:
    ids = put(store, clock, 1)
    with store.writing() as tx:
        assert [event.attempts for event in tx.outbox.claim(9, clock.now, LEASE)] == [1]
    with store.writing() as tx:
        assert tx.outbox.claim(9, clock.turn(seconds=29), LEASE) == []
        assert tx.outbox.pending() == 1
    with store.writing() as tx:
        again = tx.outbox.claim(9, clock.turn(seconds=1), LEASE)
    assert [(event.id, event.attempts) for event in again] == [(ids[0], 2)]


def test_a_done_event_never_comes_back(store: Store, clock: Clock) -> None:
    ids = put(store, clock, 3)
    with store.writing() as tx:
        tx.outbox.claim(2, clock.now, LEASE)
        tx.outbox.done(ids[:2])
        tx.outbox.done([])
        assert tx.outbox.pending() == 1
    with store.writing() as tx:
        assert [event.id for event in tx.outbox.claim(9, clock.turn(days=1), LEASE)] == ids[2:]


def test_a_claim_that_is_rolled_back_holds_nothing(store: Store, clock: Clock) -> None:
    ids = put(store, clock, 2)
    with suppress(InterruptedError), store.writing() as tx:
        tx.outbox.claim(9, clock.now, LEASE)
        raise InterruptedError
    with store.writing() as tx:
        assert [event.id for event in tx.outbox.claim(9, clock.now, LEASE)] == ids


def test_eight_relays_share_the_events_and_none_gets_one_twice(store: Store, clock: Clock) -> None:
    ids = put(store, clock, 200)
    start = Barrier(8)

    def relay(_: int) -> list[str]:
        own: list[str] = []
        start.wait()
        while True:
            with store.writing() as tx:
                claimed = tx.outbox.claim(7, clock.now, timedelta(hours=1))
            if not claimed:
                return own
            own += [event.id for event in claimed]

    each = at_once(8, relay)
    assert sorted(one for own in each for one in own) == sorted(ids)
