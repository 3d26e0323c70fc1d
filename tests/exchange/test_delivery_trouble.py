"""Deliveries in trouble: answers lost, leases run out, withdrawals in between, defects. Nothing leaks or doubles."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from hub.adapters.fhir_rest.tests.counterpart import Asked, Reply
from hub.errors import Unavailable
from hub.store.model import Delivery, DeliveryState
from hub.worker import Worker
from tests.exchange.world import BIRTH_NUMBER, CLIENT, House, Person, condition, ips

AREAS = ("health", "finance", "housing")
SHARED = ("health", "finance", "services", "plan", "identity")


def ready(house: House) -> None:
    """A plan in force that home care may have, and nothing sent yet."""
    house.intake()
    house.plan(AREAS, team=("homecare",))
    house.agree("homecare", SHARED)


def claim(house: House) -> Delivery:
    """The delivery of the plan to home care, taken up by a sender."""
    while house.expand():
        pass
    with house.hub.store.writing() as tx:
        found = tx.deliveries.claim(20, house.clock(), timedelta(seconds=30))
    for other in found:
        if (other.organisation, other.item) != ("homecare", "plan"):
            house.hub.deliverer.send(other)
    return next(d for d in found if (d.organisation, d.item) == ("homecare", "plan"))


def claimed_again(house: House) -> Delivery:
    """The same delivery, taken up by another sender after the lease of the one before ran out."""
    house.clock.later(minutes=5)
    with house.hub.store.writing() as tx:
        found = tx.deliveries.claim(20, house.clock(), timedelta(seconds=30))
    return next(d for d in found if (d.organisation, d.item) == ("homecare", "plan"))


def losing_answers(house: House, said: list[bytes]) -> Callable[[Asked], Reply | None]:
    """Home care takes what it is handed, and its answer is lost on the way."""

    def take(asked: Asked) -> Reply | None:
        if asked.method == "POST":
            said.append(asked.body)
            return Reply(503, b"")
        return None

    return take


def deleted(body: bytes) -> list[str]:
    return [e["request"]["url"] for e in json.loads(body)["entry"] if e["request"]["method"] == "DELETE"]


def test_a_withdrawal_beats_a_queued_delivery(house: House) -> None:
    ready(house)
    delivery = claim(house)
    house.change(house.references["consent:homecare"], status="inactive")
    assert house.hub.deliverer.send(delivery) is DeliveryState.WITHHELD
    assert house.homecare.asked == []


def test_what_may_have_arrived_is_taken_back_even_though_the_answer_was_lost(each_house: House) -> None:
    ready(each_house)
    said: list[bytes] = []
    each_house.homecare.override = losing_answers(each_house, said)
    assert each_house.hub.deliverer.send(claim(each_house)) is DeliveryState.PENDING
    assert b"ZN-CIL-FINANCE" in said[0]
    each_house.withdraw("homecare", ["finance"])
    each_house.homecare.override = lambda asked: None
    each_house.clock.later(hours=2)
    each_house.carry()
    plans = [body for body in each_house.homecare.taken.values() if b'"CarePlan"' in body]
    assert deleted(plans[-1]) == [each_house.references["goal:finance"]]
    assert any(b'"Communication"' in body for body in each_house.homecare.taken.values())


def test_a_view_that_went_back_while_the_answer_was_lost_is_sent_again(house: House) -> None:
    ready(house)
    house.carry()
    house.homecare.override = losing_answers(house, [])
    house.change(house.references["goal:finance"], description={"text": "ZN-NOVE"})
    house.carry()
    house.change(house.references["goal:finance"], description={"text": "ZN-CIL-FINANCE"})
    house.homecare.override = lambda asked: None
    house.clock.later(hours=2)
    house.carry()
    last = list(house.homecare.taken.values())[-1]
    assert len(house.homecare.taken) == 2
    assert b"ZN-CIL-FINANCE" in last


def test_every_attempt_carries_the_same_key_and_bytes(house: House) -> None:
    ready(house)
    said: list[bytes] = []
    house.homecare.override = losing_answers(house, said)
    house.carry()
    house.clock.later(hours=1)
    house.carry()
    keys = {a.headers["idempotency-key"] for a in house.homecare.asked if a.method == "POST"}
    assert len(said) >= 2
    assert len(keys) == 1
    assert len(set(said)) == 1


def test_a_late_answer_of_an_attempt_whose_lease_ran_out_doubles_nothing(each_house: House) -> None:
    ready(each_house)
    first = claim(each_house)
    second = claimed_again(each_house)
    assert each_house.hub.deliverer.send(second) is DeliveryState.DELIVERED
    assert each_house.hub.deliverer.send(first) in (DeliveryState.DELIVERED, DeliveryState.UNCHANGED)
    with each_house.hub.store.reading() as tx:
        assert len([h for h in tx.holdings.history("homecare", each_house.client) if h.item == "plan"]) == 1
    assert len(each_house.homecare.taken) == 1


def test_an_attempt_overtaken_by_another_is_not_raised_to_the_worker(each_house: House) -> None:
    ready(each_house)
    first = claim(each_house)
    later: list[DeliveryState] = []

    def overtaken(asked: Asked) -> Reply | None:
        each_house.homecare.override = lambda asked: None
        later.append(each_house.hub.deliverer.send(claimed_again(each_house)))
        return None

    each_house.homecare.override = overtaken
    assert each_house.hub.deliverer.send(first) is DeliveryState.DELIVERED
    assert later == [DeliveryState.DELIVERED]
    assert [str(d.state) for d in each_house.deliveries("homecare", "plan")] == ["delivered"]


def test_a_late_refusal_does_not_kill_a_delivery_that_is_in_other_hands(each_house: House) -> None:
    ready(each_house)
    claim(each_house)
    late = [claimed_again(each_house) for _ in range(8)][-2]
    each_house.homecare.override = lambda asked: Reply(422, b"")
    each_house.hub.deliverer.send(late)
    assert each_house.deliveries("homecare", "plan")[0].state is DeliveryState.SENDING


def test_a_defect_in_one_delivery_ends_as_a_dead_letter_and_holds_up_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(house)
    house.agree("social", ("housing", "services", "plan", "identity"))
    house.change(house.references["careteam"], participant=[
        {"member": {"reference": f"Organization/{id}"}} for id in ("homecare", "social", "municipality")
    ])  # fmt: skip
    adapter = house.hub.adapter("fhir_rest")

    def broken(*_: object) -> None:
        raise KeyError(CLIENT.family)

    monkeypatch.setattr(adapter, "push", broken)
    worker = Worker(house.hub)
    for _ in range(14):
        while house.expand() or worker.send_due():
            pass
        house.clock.later(hours=3)
    assert [str(d.state) for d in house.deliveries("homecare", "plan")] == ["dead"]
    assert [str(d.state) for d in house.deliveries("social", "plan")] == ["delivered"]
    assert CLIENT.family not in house.deliveries("homecare", "plan")[0].outcome


def test_a_pull_that_the_hub_could_not_take_in_is_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.intake()
    house.gp.patients[0]["identifier"] = [{"system": BIRTH_NUMBER, "value": CLIENT.birth_number}]
    house.gp.summary = ips(condition("ZN-PROBLEM"))
    store = house.hub.ingest

    def away(*_: object, **__: object) -> None:
        raise Unavailable("the database is busy or away")

    with monkeypatch.context() as patched:
        patched.setattr(store, "_store_all", away)
        house.carry()
        assert house.deliveries("gp", "summary")[-1].state is DeliveryState.PENDING
    house.clock.later(hours=1)
    house.carry()
    assert house.deliveries("gp", "summary")[-1].state is DeliveryState.DELIVERED
    assert [c["code"]["text"] for c in house.of_client("Condition")] == ["ZN-PROBLEM"]


def test_a_summary_about_another_client_than_was_asked_for_is_kept_and_refused(house: House) -> None:
    house.intake()
    other = Person(given="Jiná", family="Osoba", born="1950-01-02")
    somebody = house.introduce(other, number="K-2")
    house.gp.patients[0]["identifier"] = [{"system": BIRTH_NUMBER, "value": CLIENT.birth_number}]
    house.gp.summary = ips(condition("ZN-OMYL"), person=other)
    house.carry()
    assert house.of_client("Condition") == []
    assert house.of_client("Condition", client=somebody) == []
    with house.hub.store.reading() as tx:
        [entry] = [e for e in tx.received.list(10) if e.adapter == "fhir_rest"]
    assert entry.outcome == "rejected"


def test_a_disabled_organisation_gets_nothing_more(house: House) -> None:
    ready(house)
    delivery = claim(house)
    with house.hub.store.writing() as tx:
        tx.organisations.disable("homecare")
    assert house.hub.deliverer.send(delivery) is DeliveryState.WITHHELD
    assert house.homecare.asked == []


def test_a_disabled_organisation_is_not_listened_to_any_more(house: House) -> None:
    worker = Worker(house.hub)
    worker.keep_listening()
    assert set(worker.listening()) == {("hospital", "hl7v2")}
    with house.hub.store.writing() as tx:
        tx.organisations.disable("hospital")
    worker.keep_listening()
    assert worker.listening() == {}
