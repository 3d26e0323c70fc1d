"""Documents on demand: a stored Composition with what it speaks of, and a client named by a number of theirs.

The Composition and all that it refers to go through the gate as one item, so nothing in the document leads out of it
to what the asker may not see. https://hl7.org/fhir/R4/composition-operation-document.html
"""

from __future__ import annotations

import uuid
from datetime import datetime

from hub.errors import NotFound
from hub.exchange.asker import Asker
from hub.exchange.disclose import Disclosure, Gate
from hub.exchange.identify import Identities
from hub.exchange.policy import Policy
from hub.exchange.read import must_be_id
from hub.fhir import bundles, text
from hub.fhir.references import references_of
from hub.fhir.value import Reference, Resource
from hub.store.model import SealedRecord
from hub.store.store import Store, Tx

BEHIND = frozenset(
    ("Device", "Encounter", "Location", "Medication", "Organization", "Patient", "Practitioner", "PractitionerRole")
)
"""Types that come along where something in the document refers to them: who, where, which medicine."""

MOST = 1000
"""Records in one document."""


class Documents:
    """The use cases of documents."""

    def __init__(self, *, store: Store, gate: Gate, policy: Policy, identities: Identities, base: str) -> None:
        self._store = store
        self._gate = gate
        self._policy = policy
        self._identities = identities
        self._base = base

    def document(self, asker: Asker, id: str) -> Resource:
        """The document Bundle of a Composition as the asker may see it; it is not kept."""
        must_be_id(id)
        reference = f"Composition/{id}"
        with self._store.reading() as tx:
            composition = tx.records.read("Composition", id)
            if composition is None or composition.deleted:
                raise NotFound
            disclosure = self._disclose(tx, asker, composition)
            found = disclosure.get(reference)
            if found is None:
                raise NotFound
            members = self._members(tx, disclosure, found.resource)
        name = text.digest({"resourceType": "Bundle", "entry": [{"resource": r} for r in (found.resource, *members)]})
        moment: datetime = max(v.at for v in disclosure.visible)
        return bundles.document(
            found.resource,
            members,
            identifier=f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}",
            at=moment,
            full_url=lambda r: f"{self._base}/{r['resourceType']}/{r['id']}",
        )

    def client(self, asker: Asker, system: str, value: str) -> Reference:
        """The one client with this number whom the asker may see; NotFound where there is none, or several."""
        with self._store.reading() as tx:
            sealed = tx.records.find("Patient", "identifier", self._identities.hash(system, value))
            seen = self._gate.examine(tx, asker.request("access"), sealed, what="who has this number")
        found = [v.reference for v in seen if named(v.resource, system, value)]
        if len(found) != 1:
            raise NotFound
        return found[0]

    def _disclose(self, tx: Tx, asker: Asker, composition: SealedRecord) -> Disclosure:
        """The Composition and what it may speak of, decided as one item.

        What it refers to is known only once it is open, so it is asked first what of it may be seen.
        """
        request = asker.request("access")
        alone = self._gate.examine(tx, request, [composition], what="what a document speaks of")
        if not alone:
            raise NotFound
        around = tx.records.many(sorted(references_of(alone[0].resource) - {composition.reference}))
        sealed = [composition, *around][:MOST]
        seen = self._gate.examine(tx, request, sealed, what="what the records of a document speak of")
        further = frozenset().union(*(references_of(v.resource) for v in seen)) - {s.reference for s in sealed}
        behind = [s for s in tx.records.many(sorted(further)) if s.type in BEHIND]
        return self._gate.disclose(tx, request, [*sealed, *behind][:MOST], exit="document", closed=True)

    def _members(self, tx: Tx, disclosure: Disclosure, composition: Resource) -> list[Resource]:
        """What goes in beside the Composition, and the connected organisations that something in it names."""
        found = [v.resource for v in disclosure.visible if v.resource is not composition]
        directory = self._policy.directory(tx)
        known = {bundles.reference_of(r) for r in found}
        named = frozenset().union(*(references_of(r) for r in (composition, *found)))
        return [*found, *(directory[r] for r in sorted(named) if r in directory and r not in known)]


def named(patient: Resource, system: str, value: str) -> bool:
    """Whether a number is among those that can be seen of a client."""
    return any(i.get("system") == system and i.get("value") == value for i in patient.get("identifier", ()))
