"""The bell on RabbitMQ: quorum queues, publisher confirms, at-least-once dead letters.

What each setting prevents was measured (docs/adr/0003): without `confirm_publish` a ring is lost in silence
when the broker dies; without `mandatory` one that no queue takes is acknowledged all the same, and an
`on_return` callback swallows the error; without a delivery limit a poisoned ring turns for ever;
dead-lettering is at most once unless the overflow is `reject-publish` and the strategy `at-least-once`.
Names of people never get here: a ring is an id.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from threading import Event, Lock, Thread, current_thread
from time import monotonic
from typing import Any, Final

import structlog
from amqp.exceptions import AMQPError, MessageNacked
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.exceptions import KombuError
from kombu.message import Message
from kombu.messaging import Consumer, Producer

from hub.errors import Unavailable
from hub.routing.retry import Backoff

BROKEN: Final = (AMQPError, KombuError, MessageNacked, OSError)
"""What a lost broker, connection or channel shows itself as."""

HEARTBEAT: Final = 10
"""Seconds; a connection that is silent for two of these is given up."""

_CONFIRM: Final = 5.0
_CONNECT: Final = 5.0
_DRAIN: Final = 0.5
LONGEST_QUEUE: Final = 100_000

_log = structlog.get_logger(__name__)


class Topology:
    """The exchanges and queues of one hub."""

    def __init__(self, name: str, delivery_limit: int, longest_queue: int) -> None:
        self.name = f"{name}.deliveries"
        self.dead_name = f"{name}.dead"
        self.exchange = Exchange(self.name, type="direct", durable=True)
        self.dead_exchange = Exchange(self.dead_name, type="direct", durable=True)
        self.dead_queue = Queue(
            self.dead_name,
            self.dead_exchange,
            routing_key=self.dead_name,
            durable=True,
            queue_arguments={"x-queue-type": "quorum"},
        )
        self.queue = Queue(
            self.name,
            self.exchange,
            routing_key=self.name,
            durable=True,
            queue_arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": delivery_limit,
                "x-max-length": longest_queue,
                "x-overflow": "reject-publish",
                "x-dead-letter-exchange": self.dead_name,
                "x-dead-letter-routing-key": self.dead_name,
                "x-dead-letter-strategy": "at-least-once",
            },
        )

    def declare(self, channel: Any) -> None:
        """Make sure that all of it is there; the dead letters first, as the queue needs them."""
        for part in (self.dead_queue, self.queue):
            part(channel).declare()


class RabbitBell:
    """Rings through RabbitMQ. Publishing shares one connection under a lock; every listener has its own."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        delivery_limit: int,
        longest_queue: int = LONGEST_QUEUE,
        heartbeat: int = HEARTBEAT,
        backoff: Backoff | None = None,
    ) -> None:
        self._url = url
        self._topology = Topology(name, delivery_limit, longest_queue)
        self._heartbeat = heartbeat
        self._backoff = backoff or Backoff(first=timedelta(seconds=0.2), longest=timedelta(seconds=15))
        self._lock = Lock()
        self._connection: Connection | None = None
        self._open_channel: Any = None
        self._listeners: list[Listener] = []

    def ring(self, delivery_id: str) -> None:
        """Ring, and wait until the broker confirms; one broken connection is replaced at once."""
        with self._lock:
            try:
                self._publish(delivery_id)
            except BROKEN:
                self._drop()
                try:
                    self._publish(delivery_id)
                except BROKEN as away:
                    self._drop()
                    raise Unavailable("the broker did not confirm the ring") from away

    def listen(self, handle: Callable[[str], None]) -> Callable[[], None]:
        """Hand rings to `handle` in a thread of its own, which connects again whenever it has to."""
        listener = Listener(self._url, self._topology, handle, self._backoff, self._heartbeat)
        self._listeners.append(listener)
        listener.start()
        return listener.stop

    def ready(self) -> dict[str, Any]:
        """Whether the broker answers, and how many rings wait and are laid aside."""
        try:
            with self._lock:
                channel = self._channel()
                waiting = self._topology.queue(channel).queue_declare(passive=True).message_count
                dead = self._topology.dead_queue(channel).queue_declare(passive=True).message_count
        except BROKEN as away:
            with self._lock:
                self._drop()
            return {"bell": "rabbitmq", "ready": False, "reason": type(away).__name__}
        return {"bell": "rabbitmq", "ready": True, "waiting": waiting, "dead": dead}

    def close(self) -> None:
        """End all listeners and connections."""
        while self._listeners:
            self._listeners.pop().stop()
        with self._lock:
            self._drop()

    def remove(self) -> None:
        """Take this hub's exchanges and queues, with what is in them, from the broker."""
        with connection(self._url, heartbeat=0) as opened:
            channel = opened.channel()
            for queue in (self._topology.queue, self._topology.dead_queue):
                queue(channel).delete()
            for exchange in (self._topology.exchange, self._topology.dead_exchange):
                exchange(channel).delete()

    def _publish(self, delivery_id: str) -> None:
        Producer(self._channel()).publish(
            delivery_id,
            exchange=self._topology.exchange,
            routing_key=self._topology.name,
            serializer="json",
            delivery_mode="persistent",
            mandatory=True,
            timeout=_CONFIRM,
            confirm_timeout=_CONFIRM,
        )

    def _channel(self) -> Any:
        if self._connection is None:
            self._connection = connection(self._url, heartbeat=0)
            self._open_channel = self._connection.channel()
            self._topology.declare(self._open_channel)
        return self._open_channel

    def _drop(self) -> None:
        dropped, self._connection, self._open_channel = self._connection, None, None
        if dropped is not None:
            with suppress(*BROKEN):
                dropped.collect()


class Listener:
    """One consumer: a thread that takes rings, and one that keeps its connection alive meanwhile.

    The connection is used under a lock, and never while `handle` runs, so the second thread can answer and
    expect heartbeats meanwhile. A ring is acknowledged after `handle` returned; where the connection broke
    before, the broker gives it to somebody again.
    """

    def __init__(
        self,
        url: str,
        topology: Topology,
        handle: Callable[[str], None],
        backoff: Backoff,
        heartbeat: int,
    ) -> None:
        self._url = url
        self._topology = topology
        self._handle = handle
        self._backoff = backoff
        self._heartbeat = heartbeat
        self._stopped = Event()
        self._lock = Lock()
        self._wire: Any = None
        self._taken: list[Message] = []
        self._threads = [
            Thread(target=self._run, name="bell", daemon=True),
            Thread(target=self._keep_alive, name="bell-heartbeat", daemon=True),
        ]

    def start(self) -> None:
        """Begin to listen."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the ring in hand."""
        self._stopped.set()
        for thread in self._threads:
            if thread is not current_thread():
                thread.join()

    def _run(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            began = monotonic()
            try:
                self._consume()
            except BROKEN as away:
                failures = 1 if monotonic() - began > self._heartbeat else failures + 1
                pause = self._backoff.pause(failures).total_seconds()
                _log.warning("broker lost", queue=self._topology.name, error=type(away).__name__, seconds=pause)
                self._stopped.wait(pause)

    def _consume(self) -> None:
        self._taken.clear()
        opened = connection(self._url, heartbeat=self._heartbeat)
        try:
            channel = opened.channel()
            self._topology.declare(channel)
            consumer = Consumer(
                channel,
                queues=[self._topology.queue],
                accept=["json"],
                prefetch_count=1,
                on_message=self._taken.append,
                auto_declare=False,
            )
            consumer.consume()
            with self._lock:
                self._wire = opened.connection
            while not self._stopped.is_set():
                with self._lock:
                    beat(self._wire, _DRAIN)
                while self._taken:
                    self._hand_over(self._taken.pop(0))
        finally:
            with self._lock:
                self._wire = None
            with suppress(*BROKEN):
                opened.collect()

    def _hand_over(self, message: Message) -> None:
        try:
            self._handle(str(message.decode()))
        except Exception as error:
            _log.warning("ring not handled", queue=self._topology.name, error=type(error).__name__)
            with self._lock:
                message.requeue()
        else:
            with self._lock:
                message.ack()

    def _keep_alive(self) -> None:
        while not self._stopped.wait(self._heartbeat / 4):
            with self._lock:
                if self._wire is not None:
                    with suppress(*BROKEN):
                        beat(self._wire, 0.01)


def beat(wire: Any, longest: float) -> None:
    """Take what comes within `longest` seconds, then give and expect heartbeats; BROKEN where none came.

    `wire` is the connection itself and not kombu's, which would open a new one without the consumer.
    """
    if not wire.connected:
        raise ConnectionResetError("the connection to the broker is gone")
    with suppress(TimeoutError):
        wire.drain_events(timeout=longest)
    wire.heartbeat_tick()


def connection(url: str, *, heartbeat: int) -> Connection:
    """An open connection; one of BROKEN where there is no broker."""
    opened = Connection(url, heartbeat=heartbeat, connect_timeout=_CONNECT, transport_options={"confirm_publish": True})
    opened.connect()
    return opened
