"""What both bells do: a ring is handed over once it was taken, and again where its handler failed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, Queue

import pytest

from hub.errors import ConfigurationError
from hub.routing.bell import DELIVERY_LIMIT, Bell, open_bell

SOON = 20


def test_a_ring_reaches_a_listener(bell: Bell) -> None:
    heard: Queue[str] = Queue()
    bell.listen(heard.put)
    bell.ring("d-1")
    assert heard.get(timeout=SOON) == "d-1"


def test_a_ring_waits_for_a_listener(bell: Bell) -> None:
    bell.ring("d-1")
    bell.ring("d-2")
    assert bell.ready()["waiting"] == 2
    heard: Queue[str] = Queue()
    bell.listen(heard.put)
    assert [heard.get(timeout=SOON), heard.get(timeout=SOON)] == ["d-1", "d-2"]


def test_a_ring_goes_to_one_of_several_listeners(bell: Bell) -> None:
    heard: Queue[str] = Queue()
    for _ in range(3):
        bell.listen(heard.put)
    for number in range(30):
        bell.ring(f"d-{number}")
    assert sorted(heard.get(timeout=SOON) for _ in range(30)) == sorted(f"d-{number}" for number in range(30))
    with pytest.raises(Empty):
        heard.get(timeout=0.2)


def test_listeners_work_at_the_same_time(bell: Bell) -> None:
    together = threading.Barrier(2)
    met: Queue[str] = Queue()

    def meet(delivery_id: str) -> None:
        together.wait(timeout=SOON)
        met.put(delivery_id)

    for _ in range(2):
        bell.listen(meet)
    bell.ring("d-1")
    bell.ring("d-2")
    assert {met.get(timeout=SOON), met.get(timeout=SOON)} == {"d-1", "d-2"}


def test_a_ring_whose_handler_failed_comes_again(bell: Bell) -> None:
    tries: Queue[str] = Queue()

    def fail_once(delivery_id: str) -> None:
        tries.put(delivery_id)
        if tries.qsize() == 1:
            raise RuntimeError("the first time it fails")

    bell.listen(fail_once)
    bell.ring("d-1")
    bell.ring("d-2")
    assert sorted(tries_of(tries, 3)) == ["d-1", "d-1", "d-2"]


def test_a_poisoned_ring_is_laid_aside_and_blocks_no_other(bell: Bell) -> None:
    heard: Queue[str] = Queue()
    poisoned: Queue[str] = Queue()
    aside = threading.Event()

    def handle(delivery_id: str) -> None:
        if delivery_id == "poison":
            poisoned.put(delivery_id)
            if poisoned.qsize() == DELIVERY_LIMIT + 1:
                aside.set()
            raise RuntimeError("always")
        heard.put(delivery_id)

    bell.listen(handle)
    bell.ring("poison")
    assert aside.wait(SOON)
    bell.ring("d-2")
    assert heard.get(timeout=SOON) == "d-2"
    assert poisoned.qsize() == DELIVERY_LIMIT + 1
    assert eventually(lambda: bell.ready()["dead"] == 1)


def test_a_stopped_listener_hears_nothing_more(bell: Bell) -> None:
    heard: Queue[str] = Queue()
    stop = bell.listen(heard.put)
    bell.ring("d-1")
    heard.get(timeout=SOON)
    stop()
    bell.ring("d-2")
    with pytest.raises(Empty):
        heard.get(timeout=0.2)
    assert bell.ready()["waiting"] == 1


def test_stopping_waits_for_the_ring_in_hand(bell: Bell) -> None:
    begun, finish, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(_delivery_id: str) -> None:
        begun.set()
        finish.wait(SOON)
        ended.set()

    stop = bell.listen(slow)
    bell.ring("d-1")
    assert begun.wait(SOON)
    threading.Timer(0.1, finish.set).start()
    stop()
    assert ended.is_set()


def test_a_working_bell_says_that_it_is_ready(bell: Bell) -> None:
    assert bell.ready()["ready"] is True


def test_a_ring_for_what_waits_already_is_the_same_ring_in_the_process() -> None:
    bell = open_bell("memory://")
    bell.ring("d-1")
    bell.ring("d-1")
    assert bell.ready()["waiting"] == 1


@pytest.mark.parametrize("url", ["", "redis://x", "filesystem://", "sqla+sqlite://", "kombu"])
def test_no_bell_that_would_lose_rings_is_offered(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_bell(url)


def test_a_refused_address_is_not_repeated_with_its_password() -> None:
    with pytest.raises(ConfigurationError) as told:
        open_bell("redis://user:hunter2@host")
    assert "hunter2" not in str(told.value)


def tries_of(queue: Queue[str], count: int) -> list[str]:
    assert eventually(lambda: queue.qsize() >= count)
    return list(queue.queue)


def eventually(holds: Callable[[], bool]) -> bool:
    tick = threading.Event()
    return any(holds() or tick.wait(0.05) for _ in range(SOON * 20))
