"""Write one resource into the record: validated, labelled, indexed, sealed, versioned; its event in the outbox.

Everything happens in the caller's transaction, so a version, its labels, its index rows and its outbox row are there
together or not at all (docs/adr/0003). The same content again makes no new version.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from hub.consent.labels import label
from hub.consent.model import Labels
from hub.errors import PreconditionRequired, VersionConflict
from hub.exchange.identify import NAMESAKE, namesakes
from hub.exchange.policy import Policy
from hub.exchange.vault import Vault, record_context
from hub.exchange.views import labels_of, stored_labels
from hub.fhir import text
from hub.fhir.compartments import patients_of
from hub.fhir.search_parameters import extract
from hub.fhir.validate import assert_valid
from hub.fhir.value import Reference, Resource
from hub.security.digests import Digests
from hub.store.model import IndexRow, RecordDraft, SealedRecord
from hub.store.store import Tx

GUARDED_TYPES = frozenset({"CarePlan", "CareTeam", "Consent"})
"""Types that are only changed with If-Match, so that no update is lost (docs/adr/0012-lost-updates.md)."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one write: the reference, its version, and whether anything changed."""

    reference: Reference
    version: int
    created: bool
    changed: bool
    clients: tuple[Reference, ...]
    type: str
    told: bool = True
    """Whether the writer may know the version: how often others changed a client is not for somebody new to them."""


class Recorder:
    """The one way into the record."""

    def __init__(self, *, vault: Vault, policy: Policy, digests: Digests, clock: Callable[[], datetime]) -> None:
        self._vault = vault
        self._policy = policy
        self._digests = digests
        self._clock = clock

    def write(
        self,
        tx: Tx,
        resource: Resource,
        *,
        contributor: Reference,
        clients: Collection[Reference] = (),
        source: str | None = None,
        if_match: int | None = None,
        guarded: bool = False,
        labels: Labels | None = None,
    ) -> Written:
        """Store `resource` (it carries its id) as the next version. `clients` come on top of its own compartment.

        VersionConflict where `if_match` is not the current version; PreconditionRequired where `guarded` and an
        existing CarePlan, CareTeam or Consent is written without one; InvalidResource with every fault.
        """
        assert_valid(resource)
        type, id = resource["resourceType"], resource["id"]
        reference = f"{type}/{id}"
        head = tx.records.lock(type, id)
        if if_match is not None and (head is None or head.version != if_match):
            raise VersionConflict("the version named in If-Match is not the current one", place=reference)
        if guarded and head is not None and not head.deleted and if_match is None and type in GUARDED_TYPES:
            raise PreconditionRequired(f"a {type} is changed with If-Match", place=reference)
        about = tuple(sorted({*self.clients_of(resource), *clients}))
        digest = text.digest(resource)
        if head is not None and not head.deleted and head.digest == digest and head.clients == about:
            return Written(reference, head.version, created=False, changed=False, clients=about, type=type)
        version = head.version + 1 if head else 1
        at = self._clock()
        body = text.splice(text.write(resource), id=id, version=str(version), last_updated=at.isoformat())
        found = labels or label(resource, self._policy.label_rules, lambda ref: self._labels_at(tx, ref))
        tx.records.append(
            RecordDraft(
                type=type,
                id=id,
                version=version,
                at=at,
                content=self._vault.seal(tx, body, context=record_context(type, id, version), clients=about),
                digest=digest,
                clients=about,
                labels=stored_labels(found),
                contributor=head.contributor if head else contributor,
                source=source,
                index=tuple(self._index(resource)),
                author=contributor,
            )
        )
        return Written(reference, version, created=head is None, changed=True, clients=about, type=type)

    def announce(self, tx: Tx, written: Collection[Written], *, kind: str = "record-changed") -> None:
        """Put one outbox event for each client whose record changed."""
        at = self._clock()
        changed = [w for w in written if w.changed]
        for client in sorted({c for w in changed for c in w.clients}):
            references = sorted(w.reference for w in changed if client in w.clients)
            tx.outbox.put(kind, client, {"types": sorted({r.split("/")[0] for r in references})}, at)

    def identifier_hash(self, system: str, value: str) -> str:
        """The keyed hash under which an exact identifier is indexed."""
        return self._digests.of("identifier", f"{system}|{value}")

    def current(self, tx: Tx, sealed: SealedRecord) -> Resource:
        """The stored resource, opened to be merged or compared with what comes in."""
        return self._vault.open_resource(tx, sealed)

    @staticmethod
    def clients_of(resource: Resource) -> frozenset[Reference]:
        """The clients a resource is about; a Patient is about themselves."""
        if resource["resourceType"] == "Patient":
            return frozenset({f"Patient/{resource['id']}"})
        return patients_of(resource)

    def _labels_at(self, tx: Tx, reference: Reference) -> Labels | None:
        if reference.count("/") != 1:
            return None
        known = tx.records.read(*reference.split("/"))
        return labels_of(known.labels) if known and not known.deleted else None

    def _index(self, resource: Resource) -> list[IndexRow]:
        rows = []
        if resource["resourceType"] == "Patient":
            rows += [IndexRow(NAMESAKE, "token", "", self._digests.of(NAMESAKE, n)) for n in namesakes(resource)]
        for value in extract(resource):
            exact = value.param == "identifier"
            rows.append(
                IndexRow(
                    value.param,
                    value.kind,
                    value.system or "",
                    self.identifier_hash(value.system or "", value.value or "") if exact else value.value or "",
                    value.start or "",
                    value.end or "",
                )
            )
        return rows
