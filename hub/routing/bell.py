"""The bell: tells a worker that a delivery is due. It carries the id of a delivery and nothing else.

The database is the truth. A ring may come twice, late or never: what is due is worked out from the
database, so a lost ring costs time and never a delivery (docs/adr/0003). Two bells ring: one inside the
process, and RabbitMQ.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from threading import Condition, Thread, current_thread
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import structlog

from hub.errors import ConfigurationError
from hub.routing.rabbit import RabbitBell

Handle = Callable[[str], None]
"""Is given the id that was rung; the ring is over once it returns, and comes again where it raises."""

Stop = Callable[[], None]
"""Ends a listener after the ring in hand; returns when it is over."""

DELIVERY_LIMIT: Final = 20
"""A ring whose handler failed as often as this is laid aside."""

_log = structlog.get_logger(__name__)


class Bell(Protocol):
    """Both bells."""

    def ring(self, delivery_id: str) -> None:
        """Ring for a delivery; Unavailable where nobody took the ring over for certain."""

    def listen(self, handle: Handle) -> Stop:
        """Hand rings to `handle` in a thread of its own, one at a time; several listeners share them."""

    def ready(self) -> dict[str, Any]:
        """`{"bell", "ready", ...}`: whether it works and what waits. Never raises."""

    def close(self) -> None:
        """End all listeners and connections."""


class ProcessBell:
    """The bell inside one process. A ring for an id that is waiting already is the same ring."""

    def __init__(self, *, limit: int = 100_000) -> None:
        self._limit = limit
        self._waiting: OrderedDict[str, int] = OrderedDict()
        self._laid_aside: deque[str] = deque(maxlen=1000)
        self._changed = Condition()
        self._stops: list[Stop] = []

    def ring(self, delivery_id: str) -> None:
        """Ring. Over the limit nothing is added: the sweeper finds what the database holds."""
        with self._changed:
            if len(self._waiting) < self._limit:
                self._waiting.setdefault(delivery_id, 0)
            self._changed.notify()

    def listen(self, handle: Handle) -> Stop:
        """Hand rings to `handle` in a thread of its own."""
        stopped = False

        def run() -> None:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: stopped or self._waiting)
                    if stopped:
                        return
                    delivery_id, failures = self._waiting.popitem(last=False)
                self._hand_over(handle, delivery_id, failures)

        def stop() -> None:
            nonlocal stopped
            with self._changed:
                stopped = True
                self._changed.notify_all()
            if thread is not current_thread():
                thread.join()

        thread = Thread(target=run, name="bell", daemon=True)
        thread.start()
        self._stops.append(stop)
        return stop

    def ready(self) -> dict[str, Any]:
        """Always ready."""
        with self._changed:
            waiting, aside = len(self._waiting), len(self._laid_aside)
        return {"bell": "process", "ready": True, "waiting": waiting, "dead": aside}

    def close(self) -> None:
        """End all listeners."""
        while self._stops:
            self._stops.pop()()

    def _hand_over(self, handle: Handle, delivery_id: str, failures: int) -> None:
        try:
            handle(delivery_id)
        except Exception as error:
            _log.warning("ring not handled", delivery=delivery_id, error=type(error).__name__)
            with self._changed:
                if failures < DELIVERY_LIMIT:
                    self._waiting[delivery_id] = max(self._waiting.get(delivery_id, 0), failures + 1)
                    self._changed.notify()
                else:
                    self._laid_aside.append(delivery_id)


def open_bell(url: str, *, name: str = "casehub") -> Bell:
    """The bell of an address: `memory://`, `amqp://…`, `amqps://…`; `name` begins the names of its queues."""
    scheme = urlsplit(url).scheme
    if scheme == "memory":
        return ProcessBell()
    if scheme in ("amqp", "amqps", "pyamqp"):
        return RabbitBell(url, name=name, delivery_limit=DELIVERY_LIMIT)
    raise ConfigurationError("the broker must be `memory://`, `amqp://…` or `amqps://…`", place="broker_url")
