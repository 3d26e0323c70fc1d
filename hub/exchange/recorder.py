"""Write one resource into the record: validated, labelled, indexed, sealed, versioned; its event in the outbox.

Everything happens in the caller's transaction, so a version, its labels, its index rows, the rules that it makes and
its outbox row are there together or not at all (docs/adr/0003). The same content again makes no new version.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hub.consent.actors import ACTOR_TYPES
from hub.consent.labels import label
from hub.consent.model import Labels, Record
from hub.consent.parts import CONTAINERS, parts_of
from hub.errors import PreconditionRequired, VersionConflict
from hub.exchange.identify import NAMESAKE, namesakes
from hub.exchange.indexing import Taken, taken_apart
from hub.exchange.matching import taken_facets
from hub.exchange.policy import Policy
from hub.exchange.rulebook import Rulebook
from hub.exchange.vault import Vault, record_context
from hub.exchange.views import labels_around, labels_of, record_of, sole_contributor, stored_labels
from hub.fhir import text
from hub.fhir.compartments import patients_of
from hub.fhir.search_parameters import Parameter
from hub.fhir.validate import assert_valid
from hub.fhir.value import Reference, Resource
from hub.security.digests import Digests
from hub.store.model import SEVERAL, IndexRow, RecordDraft, SealedRecord
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

    def __init__(
        self,
        *,
        vault: Vault,
        policy: Policy,
        digests: Digests,
        rulebook: Rulebook,
        clock: Callable[[], datetime],
        parameters: Callable[[Tx, str], Sequence[Parameter]] = lambda _tx, _type: (),
    ) -> None:
        """`parameters` gives the search parameters that this hub adds to a type."""
        self._vault = vault
        self._policy = policy
        self._digests = digests
        self._rulebook = rulebook
        self._clock = clock
        self._parameters = parameters

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
        checked: bool = False,
    ) -> Written:
        """Store `resource` (it carries its id) as the next version. `clients` come on top of its own compartment.

        `checked`: the caller has just validated it.
        VersionConflict where `if_match` is not the current version; PreconditionRequired where `guarded` and an
        existing CarePlan, CareTeam or Consent is written without one; InvalidResource with every fault.
        """
        if not checked:
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
        before = tx.records.read(type, id) if head is not None else None
        own = contributor if type != "Patient" or _is_theirs(before, contributor) else None
        parts = parts_of(resource, labels_around(tx, resource).get, self._policy.label_rules)
        record = Record(reference, str(version), resource, found, frozenset(about), own, parts)
        taken = self._taken_apart(tx, record)
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
                index=taken.index,
                author=own or SEVERAL,
                own=taken.own,
                parts=taken.parts,
                container=taken.container,
            )
        )
        self._rulebook.match(tx, record)
        self.follow(tx, reference, before)
        return Written(reference, version, created=head is None, changed=True, clients=about, type=type)

    def follow(self, tx: Tx, reference: Reference, before: SealedRecord | None) -> None:
        """What else changes with a new version (or an end), of which `before` was the one before it.

        The rules of a Consent; the answers to rules that name the record; the containers that show what it is about;
        the Consents that name an actor who was not known, or is not any more; what a role wrote.
        """
        type, id = reference.split("/")
        after = tx.records.read(type, id)
        if type == "Consent":
            self._rulebook.learn(tx, reference)
        self._rulebook.match_naming(tx, reference)
        moved = _standing(before) != _standing(after)
        if not moved and type != "PractitionerRole":
            return
        for other in tx.records.referring(reference):
            kind = other.partition("/")[0]
            if kind == "Consent" and type in ACTOR_TYPES and _is_there(before) != _is_there(after):
                self._rulebook.learn(tx, other)
            elif kind in CONTAINERS or type == "PractitionerRole":
                self.renew(tx, other)

    def renew(self, tx: Tx, reference: Reference) -> None:
        """Take a record apart anew, as it stands: what it refers to, or what the hub looks for, has changed."""
        sealed = tx.records.read(*reference.split("/"))
        if sealed is None or sealed.deleted:
            return
        record = record_of(self._vault, self._policy, tx, sealed)
        taken = self._taken_apart(tx, record)
        tx.records.reindex(
            reference,
            taken.own,
            taken.parts,
            taken.index,
            version=sealed.version,
            labels=sealed.labels,
            container=taken.container,
        )
        self._rulebook.match(tx, record)
        if sealed.type == "Consent":
            self._rulebook.learn(tx, reference)

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

    def _taken_apart(self, tx: Tx, record: Record) -> Taken:
        type = record.reference.partition("/")[0]
        taken = taken_apart(
            record,
            taken_facets(tx, self._vault, self._policy, record),
            zone=self._policy.zone,
            extra=self._parameters(tx, type),
            hashed=self.identifier_hash,
        )
        if type != "Patient":
            return taken
        known = (self._digests.of(NAMESAKE, namesake) for namesake in namesakes(record.resource))
        more = tuple(IndexRow(NAMESAKE, "token", "", one, element="name") for one in known)
        return replace(taken, index=(*more, *taken.index))


def _standing(sealed: SealedRecord | None) -> tuple[object, ...]:
    """What others show of a record: whether it is there, whose it is, and its labels."""
    return (sealed.clients, replace(sealed.labels, because=())) if sealed and _is_there(sealed) else ()


def _is_theirs(before: SealedRecord | None, contributor: Reference) -> bool:
    """Whether everything that is known of a client came from this organisation."""
    return before is None or sole_contributor(before) == contributor


def _is_there(sealed: SealedRecord | None) -> bool:
    return sealed is not None and not sealed.deleted
