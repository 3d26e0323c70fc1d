"""Pauses, giving up and circuits: functions of what happened and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.routing.retry import Backoff, Circuit, Circuits, CircuitState, Retry

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
STEADY = Backoff(first=2 * SECOND, longest=60 * SECOND, jitter=0)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def turn(self, by: timedelta) -> None:
        self.now += by


def test_pauses_double_up_to_the_longest() -> None:
    assert [STEADY.pause(attempt) / SECOND for attempt in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]


@given(st.integers(-5, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_never_longer_than_the_longest_nor_shorter_than_half_of_the_first(
    attempt: int, drawn: float
) -> None:
    pause = Backoff(first=2 * SECOND, longest=60 * SECOND, draw=lambda: drawn).pause(attempt)
    assert SECOND <= pause <= 60 * SECOND


def test_jitter_spreads_those_who_failed_together() -> None:
    early = Backoff(first=2 * SECOND, draw=lambda: 0.9).pause(3)
    late = Backoff(first=2 * SECOND, draw=lambda: 0.1).pause(3)
    assert early < late


def test_a_counterpart_may_ask_for_a_longer_pause_but_not_for_a_year() -> None:
    assert STEADY.pause(1, retry_after=30 * SECOND) == 30 * SECOND
    assert STEADY.pause(1, retry_after=timedelta(days=365)) == 60 * SECOND
    assert STEADY.pause(3, retry_after=SECOND) == 8 * SECOND
    assert STEADY.pause(1, retry_after=-SECOND) == 2 * SECOND


def test_after_the_last_attempt_it_gives_up() -> None:
    policy = Retry(STEADY, attempts=3)
    assert policy.next_at(2, NOW) == NOW + 4 * SECOND
    assert policy.next_at(3, NOW) is None
    assert policy.next_at(4, NOW) is None


def circuits(clock: Clock) -> Circuits:
    return Circuits(clock, threshold=3, rest=Backoff(first=10 * SECOND, longest=60 * SECOND, jitter=0))


def fail(some: Circuits, times: int) -> None:
    for _ in range(times):
        assert some.enter("ordinace")
        some.failed("ordinace")


def test_failures_in_a_row_open_the_circuit_and_leave_others_alone() -> None:
    some = circuits(Clock())
    fail(some, 2)
    assert some.of("ordinace").state is CircuitState.CLOSED
    fail(some, 1)
    assert some.of("ordinace").state is CircuitState.OPEN
    assert not some.enter("ordinace")
    assert some.enter("nemocnice")


def test_a_success_in_between_starts_the_count_anew() -> None:
    some = circuits(Clock())
    fail(some, 2)
    some.succeeded("ordinace")
    fail(some, 2)
    assert some.enter("ordinace")


def test_after_the_rest_one_try_is_let_through_and_decides() -> None:
    clock = Clock()
    some = circuits(clock)
    fail(some, 3)
    clock.turn(10 * SECOND)
    assert some.enter("ordinace")
    assert some.of("ordinace").state is CircuitState.HALF_OPEN
    assert not some.enter("ordinace"), "one at a time"
    some.succeeded("ordinace")
    assert some.of("ordinace") == Circuit()
    assert some.enter("ordinace")


def test_a_failed_try_opens_it_again_for_longer() -> None:
    clock = Clock()
    some = circuits(clock)
    fail(some, 3)
    clock.turn(10 * SECOND)
    fail(some, 1)
    clock.turn(10 * SECOND)
    assert not some.enter("ordinace")
    clock.turn(10 * SECOND)
    assert some.enter("ordinace")


def test_a_try_that_was_never_answered_does_not_close_the_door_for_ever() -> None:
    clock = Clock()
    some = circuits(clock)
    fail(some, 3)
    clock.turn(10 * SECOND)
    assert some.enter("ordinace")
    clock.turn(60 * SECOND)
    assert some.enter("ordinace")
