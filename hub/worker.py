"""The worker: relay events, send deliveries, poll folders, listen for systems that call us, fold the audit.

Everything it does is driven by rows in the database: the bell only says that there is something to do, and a sweep
finds whatever a lost bell did not announce. It can be killed at any moment and goes on where the rows say.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import structlog

from hub.adapters.sdk.contract import Answer, Connection, Listening, Received, Take
from hub.bootstrap import Hub
from hub.errors import HubError
from hub.exchange.organisations import Member, member
from hub.exchange.pull import channel_of

log = structlog.get_logger("hub.worker")

LEASE = timedelta(seconds=30)
BATCH = 10
SENDERS = 2
SWEEP_SECONDS = 0.5
FOLD_SECONDS = 5.0


class Worker:
    """The threads of one worker process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listening: dict[tuple[str, str], Listening] = {}
        self._silence: list[Callable[[], None]] = []

    def start(self) -> None:
        """Start every thread; returns at once."""
        self._silence.append(self._hub.bell.listen(lambda _id: self._hub.wake_senders.set()))
        loops: list[tuple[str, Callable[[], float]]] = [
            ("relay", self.relay),
            ("poll", self.poll),
            ("listen", self.keep_listening),
            ("fold", self.fold),
            *((f"send-{n}", self.send) for n in range(SENDERS)),
        ]
        for name, step in loops:
            thread = threading.Thread(target=self._loop, args=(name, step), name=f"hub-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop every thread and listener; what was begun is finished or left to its lease."""
        self._stop.set()
        self._hub.wake.set()
        self._hub.wake_senders.set()
        for silence in self._silence:
            silence()
        for thread in self._threads:
            thread.join(timeout=10)
        for listening in self._listening.values():
            listening.stop()

    def relay(self) -> float:
        """Turn outbox events into deliveries and ring for each; returns how long to rest."""
        hub = self._hub
        hub.wake.clear()
        with hub.store.writing() as tx:
            events = tx.outbox.claim(100, hub.clock(), LEASE)
        for event in events:
            for delivery in hub.announcer.expand(event):
                hub.bell.ring(delivery)
        if events:
            hub.wake_senders.set()
        return 0.0 if events else SWEEP_SECONDS

    def send(self) -> float:
        """Send what is due; returns how long to rest."""
        hub = self._hub
        hub.wake_senders.clear()
        with hub.store.writing() as tx:
            claimed = tx.deliveries.claim(BATCH, hub.clock(), LEASE)
        for delivery in claimed:
            state = hub.deliverer.send(delivery)
            log.info(
                "delivery",
                organisation=delivery.organisation,
                item=delivery.item,
                direction=delivery.direction,
                state=str(state),
                attempt=delivery.attempts,
            )
        return 0.0 if claimed else SWEEP_SECONDS

    def poll(self) -> float:
        """Look once into every drop folder."""
        for source in self._members():
            for connection in source.connections:
                if "pull" in connection.directions and self._is_folder(connection):
                    self._take_waiting(source, connection)
        return self._hub.settings.poll_seconds

    def keep_listening(self) -> float:
        """Listen for every organisation that calls us, also those connected since."""
        for source in self._members():
            for connection in source.connections:
                key = (source.id, connection.adapter)
                if "listen" not in connection.directions or key in self._listening:
                    continue
                listening = self._hub.adapter(connection.adapter).listen(connection, self._taker(source, connection))
                if listening is not None:
                    self._listening[key] = listening
                    log.info("listening", organisation=source.id, adapter=connection.adapter)
        return self._hub.settings.poll_seconds

    def fold(self) -> float:
        """Fold the audit journal into the audit store."""
        self._hub.fold_audit()
        return FOLD_SECONDS

    def _loop(self, name: str, step: Callable[[], float]) -> None:
        wake = self._hub.wake if name == "relay" else self._hub.wake_senders if name.startswith("send") else self._stop
        while not self._stop.is_set():
            try:
                rest = step()
            except HubError as error:
                log.warning("step failed", queue=name, kind=type(error).__name__, reason=error.issue_code)
                rest = 1.0
            except Exception as error:  # a defect in one step must not end the worker; it is said and tried again
                log.error("step failed", queue=name, kind=type(error).__name__, exc_info=False)
                rest = 1.0
            if rest:
                wake.wait(rest)

    def _members(self) -> list[Member]:
        with self._hub.store.reading() as tx:
            return [member(e, self._hub.secrets_of(tx, e.id)) for e in tx.organisations.list() if e.active]

    def _is_folder(self, connection: Connection) -> bool:
        return not self._hub.registry.get(connection.adapter).manifest.capabilities.asks

    def _take_waiting(self, source: Member, connection: Connection) -> None:
        adapter = self._hub.adapter(connection.adapter)
        take = self._taker(source, connection)
        for received in adapter.pull(connection, None):
            answer = take(received)
            if answer.outcome != "failed":
                adapter.settle(connection, received, answer)

    def _taker(self, source: Member, connection: Connection) -> Take:
        channel = channel_of(source, connection.adapter)

        def take(received: Received) -> Answer:
            answer = self._hub.ingest.take(channel, received)
            log.info("received", organisation=source.id, adapter=connection.adapter, outcome=answer.outcome)
            self._hub.wake.set()
            return answer

        return take
