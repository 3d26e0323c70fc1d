"""Pull: taking in is sharing too. The hub asks only under a Consent that lets a case manager `collect`.

The question names the client by the number that the counterpart itself gave, or by a national one; it goes to
organisations that already are the client's (docs/consent.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hub.adapters.sdk.contract import Adapter, PullRequest
from hub.consent.model import AccessRequest, Basis, Decision, Labels
from hub.errors import Unavailable
from hub.exchange.disclose import Gate, spoken
from hub.exchange.identify import Identities, identifiers
from hub.exchange.ingest import Channel, Ingest
from hub.exchange.internal import Internal
from hub.exchange.organisations import Member, member, members
from hub.fhir import codes
from hub.store.model import Delivery, DeliveryState
from hub.store.store import Store, Tx

PULLED_AREAS = {"summary": frozenset({"health"}), "social-summary": frozenset({"services"})}
"""The areas of life that an item brings in, as far as the hub knows before it has it."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """How one pull ended."""

    state: DeliveryState
    said: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class Puller:
    """The use case `pull`."""

    def __init__(
        self,
        *,
        store: Store,
        gate: Gate,
        internal: Internal,
        identities: Identities,
        ingest: Ingest,
        adapter: Callable[[str], Adapter],
        secrets: Callable[[Tx, str], Mapping[str, Mapping[str, object]]],
    ) -> None:
        self._store = store
        self._gate = gate
        self._internal = internal
        self._identities = identities
        self._ingest = ingest
        self._adapter = adapter
        self._secrets = secrets

    def pull(self, delivery: Delivery) -> Pulled:
        """Ask one organisation for one item about one client, if somebody may collect it; take what comes."""
        with self._store.reading() as tx:
            entry = tx.organisations.read(delivery.organisation)
            if entry is None or not entry.active:
                return Pulled(DeliveryState.WITHHELD, "the organisation is not connected any more")
            source = member(entry, self._secrets(tx, delivery.organisation))
            connection = source.connection("pull")
            if connection is None:
                return Pulled(DeliveryState.WITHHELD, "its adapter cannot be asked")
            decision = self._may_collect(tx, delivery)
            if decision is None:
                return Pulled(DeliveryState.WITHHELD, "no Consent lets a case manager collect this")
            request = PullRequest(delivery.item, tuple(self._known_as(tx, delivery, source)))
        because = tuple(dict.fromkeys(spoken(r) for r in decision.because))
        channel = replace(channel_of(source, connection.adapter), about=delivery.client)
        answers = [
            self._ingest.take(channel, received)
            for received in self._adapter(connection.adapter).pull(connection, request)
        ]
        if any(a.outcome == "failed" for a in answers):
            raise Unavailable("what came could not be taken in now")
        fields = {"basis": str(Basis.CONSENT), "because": because}
        if not answers:
            return Pulled(DeliveryState.UNCHANGED, "the counterpart has nothing on this client", fields)
        said = "; ".join(f"{a.outcome}: {a.note}" for a in answers)
        return Pulled(DeliveryState.DELIVERED, said, fields)

    def _may_collect(self, tx: Tx, delivery: Delivery) -> Decision | None:
        labels = Labels(areas=PULLED_AREAS.get(delivery.item, frozenset({codes.UNCLASSIFIED})))
        for manager in (m for m in members(tx) if "case-manager" in m.roles):
            request = AccessRequest((manager.reference,), manager.purpose, "collect", Basis.CONSENT)
            decision = self._gate.permits(
                tx, request, labels, [delivery.client], what=f"Basic/{delivery.item}-{delivery.organisation}"
            )
            if decision.permits:
                return decision
        return None

    def _known_as(self, tx: Tx, delivery: Delivery, source: Member) -> list[tuple[str, str]]:
        own = self._identities.numbers(tx, delivery.client, source.id)
        patient = self._internal.read(tx, delivery.client, purpose=f"ask {source.id} for {delivery.item}")
        national = [i for i in identifiers(patient or {}) if i[0] in codes.STRONG_IDENTIFIERS]
        return list(dict.fromkeys([*own, *national]))


def channel_of(source: Member, adapter: str) -> Channel:
    """The channel by which something from this organisation's adapter comes in."""
    mapping_in, _ = source.mappings.get(adapter, ("", ""))
    options = {"organisation": source.id}
    if source.systems:
        options["client-number-system"] = source.systems[0]
    return Channel(source.id, adapter, mapping_in, options, strict_ids=adapter == "hl7v2")
