"""The contract of adapters, held against every adapter there is (tests/adapters/contract.py)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from hub.adapters.sdk.contract import Answer, Received
from hub.adapters.sdk.registry import FILES, FOLDER, Registered, load
from hub.errors import ConfigurationError, CounterpartRefused, CounterpartUnreachable, HubError
from tests.adapters.contract import CANARY, Counterpart, TestClock
from tests.adapters.inbox import Inbox

IDS = load(FOLDER, TestClock()).ids


def able(direction: str) -> list[str]:
    return [entry.manifest.id for entry in load(FOLDER, TestClock()) if direction in entry.manifest.directions]


class Bench:
    """One adapter, freshly made, with its counterpart and the clock of both."""

    def __init__(self, registered: Registered, counterpart: Counterpart, clock: TestClock) -> None:
        self.registered = registered
        self.adapter = registered.adapter
        self.counterpart = counterpart
        self.clock = clock

    def pull_all(self, settle_with: Answer | None = None) -> list[Received]:
        """Offer one piece and look until it comes, as a worker does."""
        request = self.counterpart.offer()
        return self.pull_again(request, settle_with)

    def pull_again(self, request: object, settle_with: Answer | None = None) -> list[Received]:
        found: list[Received] = []
        for _ in range(3):
            for received in self.adapter.pull(self.counterpart.connection, request):  # type: ignore[arg-type]
                found.append(received)
                if settle_with:
                    self.adapter.settle(self.counterpart.connection, received, settle_with)
            if found:
                break
            self.clock.turn(10)
        return found


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    clock = TestClock()
    registered = load(FOLDER, clock).get(request.param)
    counterparts = import_module(f"hub.adapters.{request.param}.tests.counterpart")
    with counterparts.open_counterpart(tmp_path, clock) as counterpart:
        yield Bench(registered, counterpart, clock)


def over(ids: list[str] | tuple[str, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("bench", list(ids), indirect=True)


def says_nothing_of_a_person(error: BaseException) -> bool:
    """Neither the error nor anything that a log would print of it."""
    chain: list[BaseException] = []
    while error and error not in chain:
        chain.append(error)
        error = error.__cause__ or (error.__context__ if not error.__suppress_context__ else None)  # type: ignore[assignment]
    return not any(part in str(entry) for entry in chain for part in CANARY.split("-"))


@pytest.mark.parametrize("id", IDS)
def test_every_adapter_folder_holds_the_same_files(id: str) -> None:
    assert [name for name in FILES if not (FOLDER / id / name).exists()] == []


def test_the_four_kinds_of_counterpart_are_registered() -> None:
    assert {"cda", "fhir_rest", "hl7v2", "tabular"} <= set(IDS)


@over(IDS)
def test_check_touches_nothing(bench: Bench) -> None:
    before = bench.counterpart.state()
    findings = bench.adapter.check(bench.counterpart.connection)
    assert bench.counterpart.state() == before
    assert findings
    assert all(finding.what for finding in findings)


@over(IDS)
def test_check_says_that_a_counterpart_is_away_and_what_to_do(bench: Bench) -> None:
    findings = bench.adapter.check(bench.counterpart.unreachable())
    assert [finding.advice for finding in findings if not finding.well]
    assert all(finding.advice for finding in findings if not finding.well)


@over(able("pull"))
def test_what_is_pulled_comes_verbatim_with_a_stable_identity(bench: Bench) -> None:
    request = bench.counterpart.offer()
    first = bench.pull_again(request)
    again = bench.pull_again(request)
    assert len(first) == 1
    assert first[0].body
    assert first[0].format in bench.registered.manifest.formats
    assert [(piece.message_id, piece.body) for piece in again] == [(first[0].message_id, first[0].body)]
    assert CANARY not in first[0].message_id + first[0].name


@over(able("pull"))
def test_what_is_settled_does_not_wait_any_more(bench: Bench) -> None:
    for outcome in ("accepted", "partly", "rejected"):
        assert len(bench.pull_all(settle_with=Answer(outcome))) == 1  # type: ignore[arg-type]
        assert bench.counterpart.waiting() == 0


@over(able("pull"))
def test_what_the_hub_cannot_take_now_stays_to_be_pulled_again(bench: Bench) -> None:
    request = bench.counterpart.offer()
    assert len(bench.pull_again(request, settle_with=Answer("failed"))) == 1
    assert len(bench.pull_again(request, settle_with=Answer("accepted"))) == 1


@over(able("push"))
def test_a_parcel_pushed_twice_with_one_key_has_one_effect(bench: Bench) -> None:
    parcel = bench.counterpart.parcel("delivery-1")
    first = bench.adapter.push(bench.counterpart.connection, parcel)
    second = bench.adapter.push(bench.counterpart.connection, parcel)
    assert first.outcome == "delivered"
    assert second.outcome == "duplicate"
    assert bench.counterpart.in_effect() == 1
    assert "?" not in first.destination


@over(able("push"))
def test_parcels_with_different_keys_each_have_their_effect(bench: Bench) -> None:
    for key in ("delivery-1", "delivery-2"):
        bench.adapter.push(bench.counterpart.connection, bench.counterpart.parcel(key))
    assert bench.counterpart.in_effect() == 2


@over(able("push"))
def test_a_push_that_nobody_answers_is_unreachable(bench: Bench) -> None:
    with pytest.raises(CounterpartUnreachable) as caught:
        bench.adapter.push(bench.counterpart.unreachable(), bench.counterpart.parcel("delivery-1"))
    assert says_nothing_of_a_person(caught.value)


@over(able("push"))
def test_a_push_that_is_answered_with_no_is_refused_and_quotes_nobody(bench: Bench) -> None:
    with pytest.raises(CounterpartRefused) as caught:
        bench.adapter.push(bench.counterpart.refusing(), bench.counterpart.parcel("delivery-1"))
    assert says_nothing_of_a_person(caught.value)
    assert caught.value.place


@over(able("pull"))
def test_a_pull_from_nobody_is_unreachable(bench: Bench) -> None:
    request = bench.counterpart.offer()
    with pytest.raises(CounterpartUnreachable) as caught:
        list(bench.adapter.pull(bench.counterpart.unreachable(), request))
    assert says_nothing_of_a_person(caught.value)


@over(able("pull"))
def test_a_pull_that_is_answered_with_no_is_refused_and_quotes_nobody(bench: Bench) -> None:
    request = bench.counterpart.offer()
    with pytest.raises(CounterpartRefused) as caught:
        list(bench.adapter.pull(bench.counterpart.refusing(), request))
    assert says_nothing_of_a_person(caught.value)


@over([each for each in IDS if each not in able("push")])
def test_an_adapter_that_hands_nothing_over_says_so(bench: Bench) -> None:
    with pytest.raises(ConfigurationError):
        bench.adapter.push(bench.counterpart.connection, bench.counterpart.parcel("delivery-1"))


@over([each for each in IDS if each not in able("listen")])
def test_an_adapter_that_nobody_calls_does_not_listen(bench: Bench) -> None:
    assert bench.adapter.listen(bench.counterpart.connection, Inbox().take) is None


@over(able("listen"))
def test_a_listener_answers_only_after_the_hub_has_taken(bench: Bench) -> None:
    inbox = Inbox()
    inbox.open.clear()
    listening = bench.adapter.listen(bench.counterpart.connection, inbox.take)
    assert listening is not None
    answers: list[bool] = []
    caller = threading.Thread(
        target=lambda: answers.append(bench.counterpart.send(listening.address, message_id="m-1").positive)
    )
    caller.start()
    try:
        assert inbox.reached.wait(10)
        assert answers == []
        assert inbox.kept == []
        inbox.open.set()
        caller.join(10)
        assert answers == [True]
        assert [piece.message_id for piece in inbox.kept] == ["m-1"]
    finally:
        inbox.open.set()
        listening.stop()


@over(able("listen"))
def test_a_listener_says_no_while_the_hub_cannot_take_and_yes_afterwards(bench: Bench) -> None:
    inbox = Inbox()
    listening = bench.adapter.listen(bench.counterpart.connection, inbox.take)
    assert listening is not None
    try:
        inbox.away = True
        assert bench.counterpart.send(listening.address, message_id="m-1").negative
        inbox.away = False
        assert bench.counterpart.send(listening.address, message_id="m-1").positive
        assert bench.counterpart.send(listening.address, message_id="m-1").positive
        assert len(inbox.kept) == 1
    finally:
        listening.stop()


@over(able("listen"))
def test_a_listener_that_stopped_is_gone_and_can_be_started_again(bench: Bench) -> None:
    inbox = Inbox()
    listening = bench.adapter.listen(bench.counterpart.connection, inbox.take)
    assert listening is not None
    assert bench.counterpart.send(listening.address, message_id="m-1").positive
    listening.stop()
    with pytest.raises(OSError, match="refused"):
        bench.counterpart.send(listening.address, message_id="m-2")
    again = bench.adapter.listen(bench.counterpart.connection, inbox.take)
    assert again is not None
    assert bench.counterpart.send(again.address, message_id="m-2").positive
    again.stop()


@over(IDS)
def test_whatever_happens_an_adapter_raises_only_the_hubs_own_errors(bench: Bench) -> None:
    request = bench.counterpart.offer()
    for connection in (bench.counterpart.unreachable(), bench.counterpart.refusing()):
        for act in (
            lambda to=connection: list(bench.adapter.pull(to, request)),
            lambda to=connection: bench.adapter.push(to, bench.counterpart.parcel("delivery-1")),
            lambda to=connection: bench.adapter.check(to),
        ):
            with suppress(HubError):
                act()
