"""Who may write what over the API: the writer sees what they change, knows every client, and may correct it.

A record about no client belongs to the organisation that contributed it: it alone changes or deletes it. What the
writer cannot see does not tell: neither in a refusal nor in the labels that the decision is made on.
Rules: docs/consent.md, docs/casework.md.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from hub.consent.labels import combined, label
from hub.consent.model import Labels
from hub.errors import BusinessRule, Gone, InvalidResource, NotFound, NotPermitted
from hub.exchange.asker import Asker, knows
from hub.exchange.disclose import Gate
from hub.exchange.policy import Policy
from hub.exchange.recorder import Recorder
from hub.exchange.vault import Vault
from hub.exchange.views import labels_of, stored_labels
from hub.fhir.compartments import groups_of
from hub.fhir.references import parse_reference, walk_references
from hub.fhir.validate import Fault
from hub.fhir.value import Reference, Resource
from hub.store.model import SealedRecord
from hub.store.store import Tx

EMPLOYERS: Final = {
    "PractitionerRole": "organization",
    "HealthcareService": "providedBy",
    "Location": "managingOrganization",
    "Endpoint": "managingOrganization",
    "Organization": "partOf",
}
"""Types of the directory, and the element that says whose they are."""


@dataclass(frozen=True, slots=True)
class Current:
    """A record as it stands, locked, which the writer sees whole."""

    sealed: SealedRecord
    resource: Resource

    @property
    def own(self) -> frozenset[Reference]:
        """The clients that the content itself names."""
        return Recorder.clients_of(self.resource)

    @property
    def lent(self) -> frozenset[Reference]:
        """The clients that it belongs to although it names none of them."""
        return frozenset(self.sealed.clients) - self.own


class Admission:
    """Decides whether one write may be."""

    def __init__(self, *, gate: Gate, vault: Vault, policy: Policy) -> None:
        self._gate = gate
        self._vault = vault
        self._policy = policy

    def current(self, tx: Tx, asker: Asker, reference: Reference, *, exit: str) -> Current:
        """The record as it stands, held until the end of the transaction.

        NotFound where it is absent or hidden, Gone where it was deleted and the writer could see it, NotPermitted
        where they see it in part.
        """
        type, id = reference.split("/")
        tx.records.lock(type, id)
        sealed = tx.records.read(type, id)
        if sealed is None:
            raise NotFound
        if sealed.deleted:
            raise Gone if self.could_see(tx, asker, sealed) else NotFound
        seen = self._gate.disclose(tx, asker.request("access"), [sealed], exit=exit).get(reference)
        if seen is None:
            raise NotFound
        if seen.partial:
            raise NotPermitted("you see this record in part, so you cannot change it", place=reference)
        return Current(sealed, self._vault.open_resource(tx, sealed))

    def could_see(self, tx: Tx, asker: Asker, tombstone: SealedRecord) -> bool:
        """Whether the asker may know that this was there: they would see something of its last version."""
        last = tx.records.vread(tombstone.type, tombstone.id, tombstone.version - 1)
        if last is None or last.deleted:
            return False
        judged = replace(last, labels=stored_labels(combined(labels_of(last.labels), labels_of(tombstone.labels))))
        return bool(self._gate.disclose(tx, asker.request("access"), [judged], exit="deleted").visible)

    def clients(self, tx: Tx, resource: Resource, *, lent: Collection[Reference] = ()) -> frozenset[Reference]:
        """The clients that a resource will be about: those it names, the members of its Group, those it is lent to."""
        groups = tx.records.many(sorted(groups_of(resource)))
        return Recorder.clients_of(resource).union(lent, *(g.clients for g in groups if not g.deleted))

    def admit(
        self,
        tx: Tx,
        asker: Asker,
        resource: Resource,
        clients: Collection[Reference],
        current: Current | None,
    ) -> None:
        """Raises where this resource may not be written: NotFound, InvalidResource, NotPermitted, BusinessRule."""
        if current is not None and current.own and not current.own & frozenset(clients):
            raise BusinessRule("a record stays with the client that it is about", place=current.sealed.reference)
        concerned = frozenset(clients) | (frozenset(current.sealed.clients) if current else frozenset())
        if current is not None and resource["resourceType"] == "Patient":
            self._keep_registration(asker, current.resource, resource)
        if not concerned:
            self._belongs(tx, asker, resource, current)
            return
        unknown = {c for c in concerned if not self._known(tx, asker, c)}
        if current is not None and unknown & set(current.sealed.clients):
            raise NotFound
        if unknown:
            raise InvalidResource("a client is not known here", faults=unknown_clients(resource, unknown))
        self._may_correct(tx, asker, resource, concerned, current)

    def may_remove(self, tx: Tx, asker: Asker, current: Current) -> None:
        """Raises where the record may not be deleted."""
        clients = current.sealed.clients
        if not clients:
            self._belongs(tx, asker, current.resource, current)
            return
        if not all(self._known(tx, asker, c) for c in clients):
            raise NotFound
        self._may_correct(tx, asker, current.resource, frozenset(clients), current)

    def _known(self, tx: Tx, asker: Asker, client: Reference) -> bool:
        sealed = tx.records.read(*client.split("/"))
        return sealed is not None and not sealed.deleted and knows(tx, self._vault, asker, client)

    def _belongs(self, tx: Tx, asker: Asker, resource: Resource, current: Current | None) -> None:
        type = resource["resourceType"]
        if current is not None and current.sealed.contributor != asker.reference:
            raise NotPermitted("the organisation that contributed this changes it, nobody else", place=type)
        element = EMPLOYERS.get(type)
        named = resource.get(element, {}).get("reference") if element else None
        if element and named is not None and not self._is_ours(tx, asker, str(named), {f"{type}/{resource['id']}"}):
            raise NotPermitted("this is said by the organisation itself", place=f"{type}.{element}")

    def _is_ours(self, tx: Tx, asker: Asker, named: str, seen: set[str]) -> bool:
        """Whether an organisation is the asker's, a part of it, or nobody that the hub knows."""
        parsed = parse_reference(named)
        if parsed is None or parsed.type != "Organization" or str(parsed) in seen:
            return True
        if str(parsed) == asker.reference:
            return True
        connected = tx.organisations.read(parsed.id)
        if connected is not None:
            above = connected.resource.get("partOf", {}).get("reference")
            return above is not None and self._is_ours(tx, asker, str(above), {*seen, str(parsed)})
        known = tx.records.read(parsed.type, parsed.id)
        return known is None or known.deleted or known.contributor == asker.reference

    def _keep_registration(self, asker: Asker, before: Resource, after: Resource) -> None:
        element = "generalPractitioner"
        if before.get(element) != after.get(element) and "case-manager" not in asker.roles:
            raise NotPermitted("who the client is registered with, their case manager says", place=f"Patient.{element}")

    def _may_correct(
        self, tx: Tx, asker: Asker, resource: Resource, clients: frozenset[Reference], current: Current | None
    ) -> None:
        type = resource["resourceType"]
        if type == "Consent":
            if "case-manager" not in asker.roles:
                raise NotPermitted("a client's Consent is captured by their case manager", place=type)
            return
        labels = label(resource, self._policy.label_rules, lambda ref: self._labels_seen(tx, asker, ref))
        if current is not None:
            labels = combined(labels, labels_of(current.sealed.labels))
        reference = f"{type}/{resource['id']}"
        decision = self._gate.permits(tx, asker.request("correct"), labels, sorted(clients), what=reference)
        if not decision.permits:
            raise NotPermitted("no Consent lets you write this", place=type)

    def _labels_seen(self, tx: Tx, asker: Asker, reference: str) -> Labels | None:
        """The labels of what is referred to, where the writer may see it: hidden is absent here too."""
        parsed = parse_reference(reference)
        known = tx.records.read(parsed.type, parsed.id) if parsed else None
        if known is None or known.deleted:
            return None
        seen = self._gate.disclose(tx, asker.request("access"), [known], exit="processing").get(known.reference)
        return labels_of(known.labels) if seen is not None else None


def unknown_clients(resource: Resource, unknown: Collection[Reference]) -> list[Fault]:
    """A fault for each place that names one of these: the same whether there is no such client or they are hidden."""
    places = [
        pointer
        for pointer, value in walk_references(resource)
        if (parsed := parse_reference(value.get("reference"))) and str(parsed) in unknown
    ]
    return [Fault(f"{p}/reference", "client", "error", "names no client that you know") for p in places or [""]]
