"""Writing through the API: create, update, transaction; in one database transaction each, or not at all.

Who may write what is asked of the gate (`correct`) and of the rules of case work; what the writer cannot see whole,
they cannot overwrite. https://hl7.org/fhir/R4/http.html#create, #update, #transaction
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hub.consent.labels import label
from hub.consent.model import Labels
from hub.errors import BusinessRule, NotFound, NotPermitted
from hub.exchange.asker import Asker, knows
from hub.exchange.clients import merge
from hub.exchange.disclose import Gate
from hub.exchange.identify import Identities
from hub.exchange.policy import Policy
from hub.exchange.recorder import Recorder, Written
from hub.exchange.vault import Vault
from hub.exchange.views import labels_of
from hub.fhir.validate import assert_valid
from hub.fhir.value import Reference, Resource
from hub.store.model import SealedRecord
from hub.store.store import Store, Tx

Rules = Callable[[Tx, Asker, Resource | None, int, Resource, Reference], None]
"""The rules of case work: (transaction, writer, current, its version, new, client); raises where one is broken."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write of a request: what, whether it is new, and the version the writer saw."""

    resource: Resource
    new: bool
    if_match: int | None = None


class Writer:
    """The use cases of writing."""

    def __init__(
        self,
        *,
        store: Store,
        gate: Gate,
        vault: Vault,
        policy: Policy,
        recorder: Recorder,
        identities: Identities,
        rules: Rules,
        ids: Callable[[], str],
    ) -> None:
        self._store = store
        self._gate = gate
        self._vault = vault
        self._policy = policy
        self._recorder = recorder
        self._identities = identities
        self._rules = rules
        self._ids = ids

    def create(self, asker: Asker, resource: Resource) -> Written:
        """Create one record; a Patient that the organisation introduced before is the same client again."""
        with self._store.writing() as tx:
            if resource["resourceType"] == "Patient":
                written = self._introduce(tx, asker, resource)
            else:
                written = self.apply(tx, asker, Change({**resource, "id": self._ids()}, new=True))
            self.announce(tx, asker, [written], exit="create")
        return written

    def update(self, asker: Asker, resource: Resource, *, if_match: int | None) -> Written:
        """Put the next version of an existing record."""
        with self._store.writing() as tx:
            written = self.apply(tx, asker, Change(resource, new=False, if_match=if_match))
            self.announce(tx, asker, [written], exit="update")
        return written

    def apply(self, tx: Tx, asker: Asker, change: Change) -> Written:
        """One write inside the caller's transaction."""
        resource = change.resource
        assert_valid(resource)
        type, id = resource["resourceType"], resource["id"]
        sealed = None if change.new else tx.records.read(type, id)
        if not change.new:
            self._must_see_whole(tx, asker, sealed)
        clients = self._recorder.clients_of(resource) | (set(sealed.clients) if sealed else set())
        if len(clients) != 1:
            raise BusinessRule("a record written here is about exactly one client", place=f"{type}/{id}")
        client = next(iter(clients))
        known = tx.records.read(*client.split("/"))
        if known is None or known.deleted or not knows(tx, self._vault, asker, client):
            raise NotFound
        self._may_correct(tx, asker, resource, client, sealed)
        before = self._vault.open_resource(tx, sealed) if sealed else None
        self._rules(tx, asker, before, sealed.version if sealed else 0, resource, client)
        return self._recorder.write(
            tx,
            resource,
            contributor=asker.reference,
            clients=[client],
            if_match=change.if_match,
            guarded=True,
        )

    def announce(self, tx: Tx, asker: Asker, written: list[Written], *, exit: str) -> None:
        """Write these writes down, and put their events into the outbox, Consents first: they may stop the rest."""
        if changed := [w for w in written if w.changed]:
            self._gate.wrote(
                asker.request("correct"),
                {w.reference: w.version for w in changed},
                exit=exit,
                clients={c for w in changed for c in w.clients},
            )
        consents = [w for w in written if w.type == "Consent"]
        self._recorder.announce(tx, consents, kind="consent-changed")
        self._recorder.announce(tx, [w for w in written if w.type != "Consent"])

    def introduce(self, tx: Tx, asker: Asker, resource: Resource) -> Written:
        """A Patient inside a transaction."""
        return self._introduce(tx, asker, resource)

    def _introduce(self, tx: Tx, asker: Asker, told: Resource) -> Written:
        assert_valid(told)
        if "generalPractitioner" in told and "case-manager" not in asker.roles:
            place = "Patient.generalPractitioner"
            raise NotPermitted("who the client is registered with, their case manager says", place=place)
        found = self._identities.identify(tx, told, organisation=asker.organisation)
        named: Resource = {**told, "id": found.client.split("/")[1]}
        named.pop("meta", None)
        head = tx.records.read(*found.client.split("/"))
        if head is not None and not head.deleted:
            named, _ = merge(self._vault.open_resource(tx, head), named)
        again = bool(tx.identity.of_organisation(asker.organisation, found.client))
        written = self._recorder.write(tx, named, contributor=asker.reference)
        self._identities.link(tx, found, told, organisation=asker.organisation)
        return replace(written, created=not again, told=False)

    def _must_see_whole(self, tx: Tx, asker: Asker, sealed: SealedRecord | None) -> None:
        if sealed is None or sealed.deleted:
            raise NotFound
        seen = self._gate.disclose(tx, asker.request("access"), [sealed], exit="update").get(sealed.reference)
        if seen is None:
            raise NotFound
        if seen.partial:
            raise NotPermitted("you see this record in part, so you cannot replace it", place=sealed.reference)

    def _may_correct(
        self, tx: Tx, asker: Asker, resource: Resource, client: Reference, sealed: SealedRecord | None
    ) -> None:
        type = resource["resourceType"]
        if type == "Consent":
            if "case-manager" not in asker.roles:
                raise NotPermitted("a client's Consent is captured by their case manager", place=type)
            return
        labels = label(resource, self._policy.label_rules, lambda ref: self._labels_at(tx, ref))
        reference = f"{type}/{resource['id']}"
        decision = self._gate.permits(tx, asker.request("correct"), labels, [client], what=reference)
        if not decision.permits:
            raise NotPermitted("no Consent lets you write this", place=type)

    def _labels_at(self, tx: Tx, reference: str) -> Labels | None:
        if reference.count("/") != 1:
            return None
        known = tx.records.read(*reference.split("/"))
        return labels_of(known.labels) if known and not known.deleted else None
