"""The worker: carry what is due, take in what waits in folders, listen for systems that call us, fold the audit.

Everything is driven by rows in the database and files in folders, so the process can be killed at any moment and goes
on where they say. The carrying itself (relay, senders, sweeper) is `hub.routing.worker`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from hub.adapters.sdk.contract import Answer, Connection, Listening, Received, Take
from hub.bootstrap import Hub
from hub.errors import HubError
from hub.exchange.organisations import Member, member
from hub.exchange.pull import channel_of
from hub.routing.relay import Relay
from hub.routing.worker import Worker as Carrier
from hub.store.model import Event

log = structlog.get_logger("hub.worker")

BATCH = 2
"""Deliveries one sender claims at a time: few, so that a slow counterpart does not outlast their lease."""

SENDERS = 4
FOLD_SECONDS = 5.0
PURGE_EVERY = timedelta(hours=1)
REINDEX_SECONDS = 5.0
BREATH = 0.02
"""Seconds between two batches of the index, for whoever else wants to write."""


class Worker:
    """The threads of one worker process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lease = timedelta(seconds=hub.settings.lease_seconds)
        self._purge_at = hub.clock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listening: dict[tuple[str, str], tuple[Connection, Listening]] = {}
        self._carrier = Carrier(
            bell=hub.bell,
            relay=Relay[Event](
                claim=self._claim_events,
                expand=hub.announcer.expand,
                ring=hub.bell.ring,
                clock=hub.clock,
                lease=self._lease,
            ).run_once,
            work=self.send_due,
            next_due=self._next_due,
            clock=hub.clock,
            senders=SENDERS,
        )

    def start(self) -> None:
        """Start every thread; returns at once."""
        self._carrier.start()
        self._hub.on_change = self._carrier.poke
        steps = (
            ("poll", self.poll), ("listen", self.keep_listening), ("fold", self.fold), ("reindex", self.reindex)
        )  # fmt: skip
        for name, step in steps:
            thread = threading.Thread(target=self._loop, args=(name, step), name=f"hub-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop every thread and listener; what was begun is finished or left to its lease."""
        self._stop.set()
        self.stop_listening()
        self._carrier.stop()
        for thread in self._threads:
            thread.join(timeout=10)
        self._hub.bell.close()

    def send_due(self) -> int:
        """Claim what is due and send it; returns how many were taken on."""
        hub = self._hub
        with hub.store.writing() as tx:
            claimed = tx.deliveries.claim(BATCH, hub.clock(), self._lease)
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
        return len(claimed)

    def poll(self) -> float:
        """Look once into every drop folder; returns how long to rest."""
        for source in self._members():
            for connection in source.connections:
                if "pull" in connection.directions and self._is_folder(connection):
                    self._apart("poll", source, connection, self._take_waiting)
        return self._hub.settings.poll_seconds

    def keep_listening(self) -> float:
        """Listen for every organisation that calls us, as it is connected now; no more for those that are not."""
        wanted = {
            (source.id, connection.adapter): (source, connection)
            for source in self._members()
            for connection in source.connections
            if "listen" in connection.directions
        }
        for key, (connection, listening) in list(self._listening.items()):
            if key not in wanted or wanted[key][1] != connection:
                del self._listening[key]
                listening.stop()
        for key, (source, connection) in wanted.items():
            if key not in self._listening:
                self._apart("listen", source, connection, self._begin_listening)
        return self._hub.settings.poll_seconds

    def listening(self) -> dict[tuple[str, str], tuple[str, int]]:
        """Where it listens, by organisation and adapter."""
        return {key: listening.address for key, (_, listening) in self._listening.items()}

    def stop_listening(self) -> None:
        """Close every port."""
        while self._listening:
            _, (_, listening) = self._listening.popitem()
            listening.stop()

    def fold(self) -> float:
        """Fold the audit journal into the audit store; now and then, forget assertions that have expired anyway."""
        self._hub.fold_audit()
        now = self._hub.clock()
        if now >= self._purge_at:
            self._purge_at = now + PURGE_EVERY
            with self._hub.store.writing() as tx:
                tx.tokens.purge(now)
        return FOLD_SECONDS

    def reindex(self) -> float:
        """Index one batch of what is not indexed by today's definitions; returns how long to rest."""
        return BREATH if self._hub.reindexer.step() else REINDEX_SECONDS

    def _begin_listening(self, source: Member, connection: Connection) -> None:
        taker = self._taker(source, connection)
        listening = self._hub.adapter(connection.adapter).listen(connection, taker)
        if listening is not None:
            self._listening[source.id, connection.adapter] = (connection, listening)
            log.info("listening", organisation=source.id, adapter=connection.adapter)

    def _apart(
        self,
        name: str,
        source: Member,
        connection: Connection,
        step: Callable[[Member, Connection], None],
    ) -> None:
        """Do one step for one organisation, so that its trouble holds up no other."""
        try:
            step(source, connection)
        except HubError as error:
            log.warning(
                "connection failed",
                queue=name,
                organisation=source.id,
                adapter=connection.adapter,
                kind=type(error).__name__,
                reason=str(error),
            )
        except Exception as error:  # a defect met at one organisation must not hold up the others
            log.error("step failed", queue=name, organisation=source.id, kind=type(error).__name__)

    def _loop(self, name: str, step: Callable[[], float]) -> None:
        while not self._stop.is_set():
            try:
                rest = step()
            except HubError as error:
                log.warning("step failed", queue=name, kind=type(error).__name__, reason=str(error))
                rest = 1.0
            except Exception as error:  # a defect in one step must not end the worker; it is said and tried again
                log.error("step failed", queue=name, kind=type(error).__name__)
                rest = 1.0
            self._stop.wait(rest)

    def _claim_events(self, limit: int, now: datetime, lease: timedelta) -> list[Event]:
        with self._hub.store.writing() as tx:
            return tx.outbox.claim(limit, now, lease)

    def _next_due(self) -> datetime | None:
        with self._hub.store.reading() as tx:
            return tx.deliveries.next_due()

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
            self._hub.changed()
            return answer

        return take
