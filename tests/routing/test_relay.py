"""The relay over the real outbox: what was committed is worked on, whatever dies in between."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hub.errors import Unavailable
from hub.routing.relay import LEASE, Relay, Relayed
from hub.store.model import Event
from hub.store.store import Store

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


class Scene:
    """A store with an outbox, a relay over it, and what was rung."""

    def __init__(self, url: str) -> None:
        numbers = itertools.count(1)
        self.now = NOW
        self.store = Store.open(url, clock=lambda: self.now, ids=lambda: f"id{next(numbers)}")
        self.rung: list[str] = []
        self.broker_is_away = False
        self.poison: set[str] = set()

    def put(self, *clients: str) -> None:
        with self.store.writing() as tx:
            for client in clients:
                tx.outbox.put("record-changed", client, {}, self.now)

    def relay(self, batch: int = 100) -> Relay[Event]:
        return Relay(claim=self.claim, expand=self.expand, ring=self.ring, clock=lambda: self.now, batch=batch)

    def claim(self, limit: int, now: datetime, lease: timedelta) -> list[Event]:
        with self.store.writing() as tx:
            return tx.outbox.claim(limit, now, lease)

    def expand(self, event: Event) -> list[str]:
        if event.client in self.poison:
            raise RuntimeError("a mapping of this client is broken")
        with self.store.writing() as tx:
            wanted = [
                tx.deliveries.request(
                    organisation=organisation, adapter="fhir_rest", item="plan", direction="push",
                    client=event.client, cause=event.kind, at=self.now,
                )
                for organisation in ("ordinace", "nemocnice")
            ]  # fmt: skip
            tx.outbox.done([event.id])
        return [delivery.id for delivery in wanted]

    def ring(self, delivery_id: str) -> None:
        if self.broker_is_away:
            raise Unavailable("the broker did not confirm the ring")
        self.rung.append(delivery_id)

    def pending(self) -> int:
        with self.store.reading() as tx:
            return tx.outbox.pending()

    def due(self) -> int:
        with self.store.reading() as tx:
            return tx.deliveries.due(self.now)


@pytest.fixture
def scene(database_url: str) -> Iterator[Scene]:
    opened = Scene(database_url)
    yield opened
    opened.store.close()


def test_each_event_becomes_its_deliveries_and_a_ring_for_each(scene: Scene) -> None:
    scene.put("Patient/a", "Patient/b")
    assert scene.relay().run_once() == Relayed(claimed=2, rung=4)
    assert len(set(scene.rung)) == 4
    assert scene.pending() == 0


def test_batches_are_no_larger_than_asked(scene: Scene) -> None:
    scene.put(*(f"Patient/{number}" for number in range(5)))
    relay = scene.relay(batch=2)
    assert [relay.run_once().claimed for _ in range(4)] == [2, 2, 1, 0]


def test_a_broker_that_is_away_loses_nothing(scene: Scene) -> None:
    scene.put("Patient/a")
    scene.broker_is_away = True
    assert scene.relay().run_once() == Relayed(claimed=1, unheard=2)
    assert scene.pending() == 0
    assert scene.due() == 2, "the sweeper finds them"


def test_a_relay_that_died_after_claiming_is_made_up_for_when_its_lease_runs_out(scene: Scene) -> None:
    scene.put("Patient/a")
    scene.claim(10, scene.now, LEASE)
    assert scene.relay().run_once().claimed == 0
    scene.now += LEASE + timedelta(seconds=1)
    assert scene.relay().run_once().claimed == 1
    assert scene.due() == 2


def test_an_event_expanded_twice_asks_for_the_same_deliveries(scene: Scene) -> None:
    scene.put("Patient/a")
    (event,) = scene.claim(10, scene.now, LEASE)
    assert scene.expand(event) == scene.expand(event)
    assert scene.due() == 2


def test_a_poisoned_event_holds_up_no_other_and_comes_back(scene: Scene) -> None:
    scene.put("Patient/bad", "Patient/good")
    scene.poison = {"Patient/bad"}
    assert scene.relay().run_once() == Relayed(claimed=2, rung=2, failed=1)
    assert scene.pending() == 1
    scene.poison = set()
    scene.now += LEASE + timedelta(seconds=1)
    assert scene.relay().run_once() == Relayed(claimed=1, rung=2)
    assert scene.pending() == 0


def test_events_are_marked_done_where_the_caller_leaves_that_to_the_relay(scene: Scene) -> None:
    scene.put("Patient/a")
    done: list[str] = []
    relay: Relay[Event] = Relay(
        claim=scene.claim,
        expand=lambda event: [event.client],
        ring=scene.ring,
        clock=lambda: scene.now,
        done=done.extend,
    )
    relay.run_once()
    assert len(done) == 1
    assert scene.rung == ["Patient/a"]
