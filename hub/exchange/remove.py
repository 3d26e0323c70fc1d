"""Deleting through the API: a last version without content, which those who saw the record may know of.

What stands on a record keeps it: a client is erased by the operator and never deleted, a Consent in force is revoked,
and what an active Consent names stays as long as it does. https://hl7.org/fhir/R4/http.html#delete; docs/consent.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from hub.errors import InUse, NotFound
from hub.exchange.admission import Admission, Current
from hub.exchange.asker import Asker
from hub.exchange.recorder import Recorder, Written
from hub.exchange.vault import Vault, record_context
from hub.fhir import text
from hub.fhir.references import references_of
from hub.fhir.value import Reference, Resource
from hub.store.model import RecordDraft, SealedRecord
from hub.store.store import Tx

Rules = Callable[[Tx, Asker, Resource, Collection[Reference]], None]
"""The rules of case work about an end: (transaction, writer, what is to go, its clients)."""


class Remover:
    """Deletes records."""

    def __init__(
        self, *, vault: Vault, recorder: Recorder, admission: Admission, rules: Rules, clock: Callable[[], datetime]
    ) -> None:
        self._vault = vault
        self._recorder = recorder
        self._admission = admission
        self._rules = rules
        self._clock = clock

    def current(self, tx: Tx, asker: Asker, reference: Reference) -> Current | None:
        """What is to be deleted, held; None where it was deleted before and the asker could see it then."""
        type, id = reference.split("/")
        tx.records.lock(type, id)
        sealed = tx.records.read(type, id)
        if sealed is None or not sealed.deleted:
            return self._admission.current(tx, asker, reference, exit="delete")
        if not self._admission.could_see(tx, asker, sealed):
            raise NotFound
        return None

    def remove(self, tx: Tx, asker: Asker, current: Current) -> Written:
        """Delete a record that the asker sees whole."""
        sealed = current.sealed
        if sealed.type == "Patient":
            raise InUse("a client is erased by the operator of the hub, not deleted", place=sealed.type)
        self._admission.may_remove(tx, asker, current)
        self._rules(tx, asker, current.resource, sealed.clients)
        self._check_consents(tx, current)
        version = sealed.version + 1
        end: Resource = {"resourceType": sealed.type, "id": sealed.id}
        tx.records.append(
            RecordDraft(
                type=sealed.type,
                id=sealed.id,
                version=version,
                at=self._clock(),
                content=self._vault.seal(
                    tx,
                    text.write(end),
                    context=record_context(sealed.type, sealed.id, version),
                    clients=sealed.clients,
                ),
                digest=text.digest(end),
                clients=sealed.clients,
                labels=sealed.labels,
                contributor=sealed.contributor,
                deleted=True,
                author=asker.reference,
            )
        )
        self._recorder.follow(tx, sealed.reference, sealed)
        return Written(sealed.reference, version, created=False, changed=True, clients=sealed.clients, type=sealed.type)

    def _check_consents(self, tx: Tx, current: Current) -> None:
        """InUse for a Consent in force, and for what one names."""
        reference = current.sealed.reference
        if current.sealed.type == "Consent" and current.resource.get("status") == "active":
            raise InUse("a Consent in force is revoked, not deleted", place=reference)
        for sealed in self._consents_near(tx, current):
            consent = self._vault.open_resource(tx, sealed)
            if consent.get("status") == "active" and reference in references_of(consent):
                raise InUse("an active Consent names it", place=reference)

    def _consents_near(self, tx: Tx, current: Current) -> list[SealedRecord]:
        """The Consents that could name it: its clients', and those whose index does."""
        near = {s.reference: s for c in current.sealed.clients for s in tx.records.of_client(c, {"Consent"})}
        named = [r for r in tx.records.referring(current.sealed.reference) if r.startswith("Consent/")]
        near |= {s.reference: s for s in tx.records.many(named)}
        return [s for s in near.values() if s.reference != current.sealed.reference]
