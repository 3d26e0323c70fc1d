"""Deliveries: requests coalesce, one at a time goes to an organisation about a client, nothing is lost."""

from __future__ import annotations

from threading import Barrier
from typing import Any

import pytest

from hub.errors import NotFound, Unavailable, VersionConflict
from hub.store.model import Delivery, DeliveryState
from hub.store.store import Store, Tx
from tests.store.samples import ANNA, BOHUS, LEASE, NOON, Clock, Ids, at_once, delivery

DELIVERED, DEAD, PENDING = DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.PENDING


def ask(tx: Tx, organisation: str = "home-care", item: str = "plan", client: str = ANNA, **other: Any) -> Delivery:
    values: dict[str, Any] = {"cause": "plan changed", "at": NOON, **other}
    return tx.deliveries.request(organisation, "fhir_rest", item, "push", client, **values)


def claim(store: Store, clock: Clock, limit: int = 99) -> list[Delivery]:
    with store.writing() as tx:
        return tx.deliveries.claim(limit, clock.now, LEASE)


def test_a_request_waits_with_its_cause_and_a_key_of_its_own(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        asked = ask(tx, detail={"plan": "CarePlan/p"})
    with store.reading() as tx:
        assert tx.deliveries.read(asked.id) == asked
        assert tx.deliveries.read("absent") is None
    assert (asked.state, asked.attempts, asked.cause) == (PENDING, 0, "plan changed")
    assert asked.key not in ("", asked.id)


def test_requests_for_the_same_coalesce_on_the_one_that_waits(store: Store) -> None:
    with store.writing() as tx:
        first = ask(tx)
        again = ask(tx, cause="goal changed", at=NOON.replace(hour=13))
        others = [ask(tx, organisation="gp"), ask(tx, item="summary"), ask(tx, client=BOHUS)]
        assert again == first
        assert len({first.id, *(other.id for other in others)}) == 4


def test_a_request_that_is_more_urgent_hurries_the_one_that_waits(store: Store) -> None:
    with store.writing() as tx:
        later = ask(tx, at=NOON.replace(hour=18))
        sooner = ask(tx, at=NOON)
    assert (sooner.id, sooner.next_at) == (later.id, NOON)


def test_a_request_does_not_hurry_one_that_is_held_back_after_a_failure(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        asked = ask(tx)
    claim(store, clock)
    later = NOON.replace(hour=13)
    with store.writing() as tx:
        tx.deliveries.retry(asked.id, later, "503")
        again = ask(tx, at=NOON)
    assert (again.id, again.next_at) == (asked.id, later)


def test_of_eight_requests_for_the_same_at_once_one_row_waits(store: Store, clock: Clock) -> None:
    def request(_: int) -> str:
        with store.writing() as tx:
            return ask(tx).id

    assert len(set(at_once(8, request))) == 1
    assert len(claim(store, clock)) == 1


def test_a_request_while_one_is_in_flight_waits_behind_it(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        first = ask(tx)
    claim(store, clock)
    with store.writing() as tx:
        second = ask(tx)
    assert second.id != first.id
    assert claim(store, clock) == []
    with store.writing() as tx:
        tx.deliveries.settle(first.id, DELIVERED)
    assert [one.id for one in claim(store, clock)] == [second.id]


def test_a_failed_one_and_the_one_that_came_meanwhile_go_one_after_the_other(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        first = ask(tx)
    claim(store, clock)
    with store.writing() as tx:
        second = ask(tx)
        tx.deliveries.retry(first.id, clock.now, "timeout")
        assert ask(tx).id == first.id
    assert [(one.id, one.attempts) for one in claim(store, clock)] == [(first.id, 2)]
    with store.writing() as tx:
        tx.deliveries.settle(first.id, DELIVERED)
    assert [one.id for one in claim(store, clock)] == [second.id]


def test_one_at_a_time_goes_to_an_organisation_about_a_client_oldest_first(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        plan, summary = ask(tx), ask(tx, item="summary")
        elsewhere = [ask(tx, client=BOHUS), ask(tx, organisation="gp")]
    assert [one.id for one in claim(store, clock)] == [plan.id, *(one.id for one in elsewhere)]
    assert claim(store, clock) == []
    with store.writing() as tx:
        tx.deliveries.settle(plan.id, DELIVERED)
    assert [one.id for one in claim(store, clock)] == [summary.id]


def test_one_that_is_held_back_does_not_hold_back_others(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        plan, summary = ask(tx), ask(tx, item="summary")
    claim(store, clock)
    with store.writing() as tx:
        tx.deliveries.retry(plan.id, NOON.replace(hour=13), "503")
    assert [one.id for one in claim(store, clock)] == [summary.id]


def test_two_claimers_whose_clocks_differ_do_not_both_send_in_one_lane(
    store: Store, clock: Clock, database_url: str
) -> None:
    with store.writing() as tx:
        plan, summary = ask(tx, at=NOON.replace(hour=13)), ask(tx, item="summary")
    ahead = Store.open(database_url, clock=clock, ids=Ids(), patience=0.05)
    with store.writing() as tx:
        assert [one.id for one in tx.deliveries.claim(9, clock.now, LEASE)] == [summary.id]
        with pytest.raises(Unavailable), ahead.writing() as other:
            other.deliveries.claim(9, NOON.replace(hour=14), LEASE)
    with ahead.writing() as other:
        assert other.deliveries.claim(9, clock.now, LEASE) == []
        waiting = other.deliveries.read(plan.id)
    ahead.close()
    assert waiting is not None
    assert waiting.state == PENDING


def test_what_is_not_due_yet_is_not_claimed(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        assert tx.deliveries.next_due() is None
        asked = ask(tx, at=NOON.replace(hour=13))
        assert (tx.deliveries.due(NOON), tx.deliveries.next_due()) == (0, NOON.replace(hour=13))
    assert claim(store, clock) == []
    clock.turn(hours=1)
    assert [one.id for one in claim(store, clock)] == [asked.id]


def test_one_whose_lease_ran_out_is_driven_again_and_counted(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        plan, summary = ask(tx), ask(tx, item="summary")
    assert [one.attempts for one in claim(store, clock)] == [1]
    clock.turn(seconds=29)
    assert claim(store, clock) == []
    clock.turn(seconds=1)
    with store.reading() as tx:
        assert tx.deliveries.due(clock.now) == 2
    again = claim(store, clock)
    assert [(one.id, one.attempts, one.key) for one in again] == [(plan.id, 2, plan.key)]
    with store.writing() as tx:
        tx.deliveries.settle(plan.id, DELIVERED)
    assert [one.id for one in claim(store, clock)] == [summary.id]


def test_one_whose_lease_ran_out_goes_before_an_older_one_that_fell_due(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        plan = ask(tx, at=NOON.replace(hour=13))
        summary = ask(tx, item="summary")
    assert [one.id for one in claim(store, clock)] == [summary.id]
    clock.turn(hours=2)
    assert [one.id for one in claim(store, clock)] == [summary.id]
    with store.writing() as tx:
        tx.deliveries.settle(summary.id, DELIVERED)
    assert [one.id for one in claim(store, clock)] == [plan.id]


def test_a_settled_delivery_says_what_went_and_why(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        asked = ask(tx)
    claim(store, clock)
    clock.turn(seconds=3)
    with store.writing() as tx:
        tx.deliveries.settle(
            asked.id,
            DELIVERED,
            version="2",
            areas=("health",),
            because=("Consent/c|1",),
            withheld=({"item": "finance", "because": "default: deny"},),
            outcome="200",
            sha256="sha",
            size=10,
        )
        done = tx.deliveries.read(asked.id)
    assert done is not None
    assert (done.state, done.version, done.areas, done.size) == (DELIVERED, "2", ("health",), 10)
    assert (done.withheld, done.updated, done.created) == (
        ({"item": "finance", "because": "default: deny"},),
        clock.now,
        NOON,
    )


def test_a_late_answer_does_not_overwrite_a_delivery_that_is_over(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        asked = ask(tx)
    claim(store, clock)
    with store.writing() as tx:
        tx.deliveries.settle(asked.id, DELIVERED, outcome="200")
        with pytest.raises(VersionConflict):
            tx.deliveries.settle(asked.id, DEAD, outcome="timeout")
        with pytest.raises(VersionConflict):
            tx.deliveries.retry(asked.id, clock.now, "timeout")
        with pytest.raises(NotFound):
            tx.deliveries.settle("absent", DELIVERED)
        kept = tx.deliveries.read(asked.id)
    assert kept is not None
    assert (kept.state, kept.outcome) == (DELIVERED, "200")


def test_an_answer_to_an_earlier_attempt_does_not_settle_a_later_one(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        asked = ask(tx)
    claim(store, clock)
    clock.turn(minutes=1)
    claim(store, clock)
    with store.writing() as tx:
        with pytest.raises(VersionConflict):
            tx.deliveries.settle(asked.id, DEAD, attempt=1)
        tx.deliveries.settle(asked.id, DELIVERED, attempt=2)


def test_a_dead_one_can_be_sent_again(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        asked = ask(tx)
    claim(store, clock)
    with store.writing() as tx:
        tx.deliveries.settle(asked.id, DEAD, outcome="refused")
    assert claim(store, clock) == []
    with store.writing() as tx:
        tx.deliveries.retry(asked.id, clock.now, "resent by the operator")
    assert [(one.id, one.attempts) for one in claim(store, clock)] == [(asked.id, 2)]


def test_what_is_over_already_is_entered_once_and_never_claimed(store: Store, clock: Clock) -> None:
    with store.writing() as tx:
        tx.deliveries.record(delivery())
        with pytest.raises(VersionConflict):
            tx.deliveries.record(delivery())
        assert tx.deliveries.read("d1") == delivery()
    assert claim(store, clock) == []


def test_deliveries_are_listed_oldest_first_by_client_and_state(store: Store) -> None:
    with store.writing() as tx:
        first, second, third = ask(tx), ask(tx, client=BOHUS), ask(tx, item="summary")
        tx.deliveries.settle(third.id, DELIVERED)
        assert [one.id for one in tx.deliveries.list()] == [first.id, second.id, third.id]
        assert [one.id for one in tx.deliveries.list(client=ANNA)] == [first.id, third.id]
        assert [one.id for one in tx.deliveries.list(state=DELIVERED)] == [third.id]
        assert [one.id for one in tx.deliveries.list(client=ANNA, state=PENDING)] == [first.id]
        assert [one.id for one in tx.deliveries.list(limit=1)] == [first.id]


def test_eight_workers_never_get_the_same_nor_two_of_a_lane_and_all_get_done(store: Store, clock: Clock) -> None:
    clients = [f"Patient/{number}" for number in range(12)]
    with store.writing() as tx:
        asked = {
            ask(tx, organisation=organisation, item=item, client=client).id
            for client in clients
            for organisation in ("gp", "home-care")
            for item in ("plan", "summary", "discharge-report")
        }
    in_flight: list[tuple[str, str]] = []
    doubled: list[tuple[str, str]] = []
    start = Barrier(8)

    def work(_: int) -> list[str]:
        done: list[str] = []
        start.wait()
        while True:
            claimed = claim(store, clock, 5)
            lanes = [(one.organisation, one.client) for one in claimed]
            doubled.extend(lane for lane in lanes if in_flight.count(lane))
            in_flight.extend(lanes)
            for one, lane in zip(claimed, lanes, strict=True):
                in_flight.remove(lane)
                with store.writing() as tx:
                    tx.deliveries.settle(one.id, DELIVERED, attempt=1)
                done.append(one.id)
            with store.reading() as tx:
                if not claimed and tx.deliveries.next_due() is None:
                    return done

    each = at_once(8, work)
    assert doubled == []
    assert sorted(one for own in each for one in own) == sorted(asked)
