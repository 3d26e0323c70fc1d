"""Deliver one item: decide now, compose of what is permitted, hand over, remember what the organisation holds.

The decision is made at the moment of sending, so a withdrawal beats a queued message. The same content to the same
organisation travels once: an unchanged view is not sent again. States and retries: docs/delivery.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hub.adapters.sdk.contract import Adapter, Connection, Parcel, Receipt
from hub.consent.model import AccessRequest, Basis
from hub.errors import CounterpartRefused, CounterpartUnreachable, HubError, Unavailable, VersionConflict
from hub.exchange import items, notices
from hub.exchange.disclose import Disclosure, Gate
from hub.exchange.identify import Identities
from hub.exchange.organisations import Member, member
from hub.exchange.pull import Puller
from hub.fhir import codes, text
from hub.fhir.value import Resource
from hub.store.model import Delivery, DeliveryState, Holding
from hub.store.store import Store, Tx

DUTIES = frozenset({"discharge-report", "revocation-notice"})
"""Items that go on the basis of a listed legal duty, with the minimum set of that flow."""

FILE_NAMES = {"revocation-notice": "notice"}
"""What files are called where that is not the item's own name."""

DUTY_PURPOSE = "TREAT"
"""Purpose of use of a report that one provider owes another for the client's treatment."""

Render = Callable[[Member, Connection, Parcel, Resource, str], Parcel]
"""Turns a FHIR parcel into what the connection carries (a table, ...), by its outgoing mapping; the last argument is
the organisation's own number of the client."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One delivery decided and composed: the parcel, and what is remembered once it is taken."""

    parcel: Parcel
    holdings: tuple[Holding, ...]
    fields: Mapping[str, Any]
    on_its_way: Holding | None = None
    """What the organisation may hold from the moment of handing over, whether or not its answer arrives."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A delivery that needs no sending, and why."""

    state: DeliveryState
    outcome: str
    fields: Mapping[str, Any]


class Deliverer:
    """The use case `send`: one claimed delivery to its end, or back into the queue."""

    def __init__(
        self,
        *,
        store: Store,
        gate: Gate,
        puller: Puller,
        adapter: Callable[[str], Adapter],
        render: Render,
        author: Resource,
        backoff: Callable[[int, float | None], timedelta],
        max_attempts: int,
        clock: Callable[[], datetime],
        secrets: Callable[[Tx, str], Mapping[str, Mapping[str, object]]],
        identities: Identities,
    ) -> None:
        self._store = store
        self._gate = gate
        self._puller = puller
        self._adapter = adapter
        self._render = render
        self._author = author
        self._backoff = backoff
        self._max_attempts = max_attempts
        self._clock = clock
        self._secrets = secrets
        self._identities = identities

    def send(self, delivery: Delivery) -> DeliveryState:
        """Send one claimed delivery. Never raises for what the counterpart does, nor for a defect in one item."""
        try:
            return self._attempt(delivery)
        except VersionConflict:  # its lease ran out meanwhile, and another attempt has its say
            with self._store.reading() as tx:
                found = tx.deliveries.read(delivery.id)
            return found.state if found else delivery.state

    def _attempt(self, delivery: Delivery) -> DeliveryState:
        try:
            if delivery.direction == "pull":
                outcome = self._puller.pull(delivery)
                self._settle(delivery, outcome.state, outcome=outcome.said, **outcome.fields)
                return outcome.state
            prepared = self._prepare(delivery)
            if isinstance(prepared, Settled):
                self._settle(delivery, prepared.state, outcome=prepared.outcome, **prepared.fields)
                return prepared.state
            receipt = self._hand_over(delivery, prepared)
            self._delivered(delivery, prepared, receipt)
        except CounterpartUnreachable as away:
            return self._again(delivery, str(away), getattr(away, "retry_after", None))
        except CounterpartRefused as refused:
            return self._again(delivery, str(refused), getattr(refused, "retry_after", None), costly=True)
        except VersionConflict:
            raise
        except Unavailable as away:
            return self._again(delivery, str(away), None)
        except HubError as error:
            return self._again(delivery, f"{error.issue_code}: {error}", None, costly=True)
        except Exception as defect:  # its text may be about a person
            return self._again(delivery, f"exception: {type(defect).__name__}", None, costly=True)
        return DeliveryState.DELIVERED

    def _prepare(self, delivery: Delivery) -> Prepared | Settled:
        with self._store.reading() as tx:
            entry = tx.organisations.read(delivery.organisation)
            if entry is None or not entry.active:
                return Settled(DeliveryState.WITHHELD, "the organisation is not connected any more", {})
            to = member(entry, self._secrets(tx, delivery.organisation))
            connection = to.connection("push")
            if connection is None:
                return Settled(DeliveryState.WITHHELD, "its adapter carries nothing outwards", {})
            if delivery.item == "revocation-notice":
                return self._prepare_notice(tx, delivery, to, connection)
            return self._prepare_item(tx, delivery, to, connection)

    def _prepare_item(self, tx: Tx, delivery: Delivery, to: Member, connection: Connection) -> Prepared | Settled:
        disclosure = self._decide(tx, delivery, to)
        withheld = tuple({"item": w.item, "because": w.because} for w in disclosure.withheld)
        fields = {"withheld": withheld, "because": disclosure.because, "basis": str(basis_of(delivery.item))}
        known = notices.held(tx.holdings.history(to.id, delivery.client), delivery.item)
        composed = items.compose(
            delivery.item,
            disclosure,
            client=delivery.client,
            author=self._author,
            held=known.records,
        )
        if composed is None:
            reason = "nothing that may go" if not disclosure.visible else "no agreed plan yet"
            return Settled(DeliveryState.WITHHELD, reason, fields)
        if known.has(composed.digest):
            return Settled(DeliveryState.UNCHANGED, "this organisation's view is unchanged", fields)
        version = known.last.version + 1 if known.last else 1
        parcel = self._parcel(tx, delivery, to, connection, composed.bundle, composed.digest, str(version))
        holding = Holding(
            organisation=to.id,
            item=delivery.item,
            client=delivery.client,
            version=version,
            digest=composed.digest,
            at=self._clock(),
            areas=composed.areas,
            records=composed.records,
            because=disclosure.because,
            delivery=delivery.id,
        )
        on_its_way = replace(holding, item=f"{notices.HANDED}{delivery.item}", version=known.attempts + 1)
        return Prepared(
            parcel,
            (holding,),
            {**fields, "areas": composed.areas, "version": str(version)},
            None if known.was_handed(composed.digest) or delivery.item in DUTIES else on_its_way,
        )

    def _prepare_notice(self, tx: Tx, delivery: Delivery, to: Member, connection: Connection) -> Prepared | Settled:
        """A notice where today's decision no longer covers an area that this organisation was given."""
        denied = self._decide(tx, delivery, to, item="plan").withheld_areas
        history = [h for h in tx.holdings.history(to.id, delivery.client) if h.item not in DUTIES]
        lost = notices.losses(history, denied)
        if not lost:
            return Settled(DeliveryState.UNCHANGED, "it holds nothing that was withdrawn", {})
        bundle, digest = notices.notice_bundle(
            lost, client=delivery.client, organisation=to.id, at=delivery.created, delivery=delivery.id
        )
        numbers = {h.item: h.version for h in history}
        remembered = tuple(
            notices.told(
                one,
                organisation=to.id,
                client=delivery.client,
                number=numbers.get(f"{notices.NOTICE}{one.item}", 0) + 1,
                at=self._clock(),
                delivery=delivery.id,
            )
            for one in lost
        )
        areas = tuple(dict.fromkeys(area for one in lost for area in one.areas))
        version = ", ".join(str(one.version) for one in lost)
        because = tuple(f"GDPR 19: {h.because[0]}" for h in remembered)
        fields = {"areas": areas, "version": version, "basis": str(Basis.LEGAL_DUTY), "because": because}
        parcel = self._parcel(tx, delivery, to, connection, bundle, digest, version)
        return Prepared(parcel, remembered, fields)

    def _parcel(
        self,
        tx: Tx,
        delivery: Delivery,
        to: Member,
        connection: Connection,
        bundle: Resource,
        digest: str,
        version: str,
    ) -> Parcel:
        """The Bundle under its key, in the form that the connection carries."""
        key = f"{delivery.id}-{digest[:12]}"
        addressed = items.addressed(bundle, key)
        name = f"{FILE_NAMES.get(delivery.item, delivery.item)}-{key}.json"
        body = text.write(addressed)
        parcel = Parcel(key, delivery.item, version, "application/fhir+json", body, name)
        return self._render(to, connection, parcel, addressed, self._number(tx, delivery))

    def _number(self, tx: Tx, delivery: Delivery) -> str:
        """The organisation's own number of the client; empty where it has none of its own."""
        numbers = self._identities.numbers(tx, delivery.client, delivery.organisation)
        return next((value for system, value in numbers if system not in codes.STRONG_IDENTIFIERS), "")

    def _decide(self, tx: Tx, delivery: Delivery, to: Member, item: str | None = None) -> Disclosure:
        item = item or delivery.item
        request = AccessRequest(
            actors=(to.reference,),
            purpose=DUTY_PURPOSE if item in DUTIES else to.purpose,
            action="disclose",
            basis=basis_of(item),
            flow=item if item in DUTIES else None,
        )
        reporter = str(delivery.detail.get("organisation", ""))
        sealed = items.candidates(tx, item, delivery.client, reporter=reporter)
        return self._gate.disclose(tx, request, sealed, exit=f"push:{item}", client=delivery.client, closed=True)

    def _hand_over(self, delivery: Delivery, prepared: Prepared) -> Receipt:
        if prepared.on_its_way is not None:
            with self._store.writing() as tx:
                tx.holdings.add(prepared.on_its_way)
        with self._store.reading() as tx:
            entry = tx.organisations.read(delivery.organisation)
            secrets = self._secrets(tx, delivery.organisation)
        connection = member(entry, secrets).connection("push") if entry else None
        if connection is None:
            raise CounterpartRefused("the organisation is not connected any more")
        return self._adapter(connection.adapter).push(connection, prepared.parcel)

    def _delivered(self, delivery: Delivery, prepared: Prepared, receipt: Receipt) -> None:
        body = prepared.parcel.body
        with self._store.writing() as tx:
            for holding in prepared.holdings:
                tx.holdings.add(holding)
            tx.deliveries.settle(
                delivery.id,
                DeliveryState.DELIVERED,
                outcome=receipt.said or receipt.outcome,
                destination=receipt.destination,
                key=prepared.parcel.key,
                sha256=hashlib.sha256(body).hexdigest(),
                size=len(body),
                **prepared.fields,
            )

    def _settle(self, delivery: Delivery, state: DeliveryState, **fields: Any) -> None:
        with self._store.writing() as tx:
            tx.deliveries.settle(delivery.id, state, **fields)

    def _again(
        self, delivery: Delivery, said: str, retry_after: float | None, *, costly: bool = False
    ) -> DeliveryState:
        """Back into the queue with backoff, or a visible dead letter after the last attempt."""
        limit = min(self._max_attempts, 5) if costly else self._max_attempts
        with self._store.writing() as tx:
            if delivery.attempts >= limit:
                tx.deliveries.settle(delivery.id, DeliveryState.DEAD, attempt=delivery.attempts, outcome=said)
                return DeliveryState.DEAD
            pause = self._backoff(delivery.attempts, retry_after)
            tx.deliveries.retry(delivery.id, self._clock() + pause, said, attempt=delivery.attempts)
        return DeliveryState.PENDING


def basis_of(item: str) -> Basis:
    """The legal basis on which an item is pushed."""
    return Basis.LEGAL_DUTY if item in DUTIES else Basis.CONSENT
