"""Writing through the API: create, update, patch and delete, each in one database transaction, or not at all.

Who may write what is asked of the gate (`correct`) and of the rules of case work; what the writer cannot see whole,
they cannot overwrite. A record is locked before it is looked at, so writers of one record queue and none is lost;
where a version is pinned, the second is refused. https://hl7.org/fhir/R4/http.html#create, #update, #patch, #delete
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import replace

from hub.errors import BusinessRule, InvalidResource, MalformedContent, NotFound, NotPermitted, VersionConflict
from hub.exchange.admission import Admission, Current
from hub.exchange.asker import Asker
from hub.exchange.change import Change, hold_to, is_own_name, matched, with_labels_of
from hub.exchange.clients import merge
from hub.exchange.conditional import Conditions
from hub.exchange.disclose import Gate
from hub.exchange.identify import Identities
from hub.exchange.recorder import Recorder, Written
from hub.exchange.remove import Remover
from hub.exchange.vault import Vault
from hub.fhir.validate import assert_valid
from hub.fhir.value import Reference, Resource
from hub.store.store import Store, Tx

Rules = Callable[[Tx, Asker, Resource | None, int, Resource, Collection[Reference]], None]
"""The rules of case work: (transaction, writer, current, its version, new, clients); raises where one is broken."""

Edit = Callable[[Resource], Resource]
"""A patch: from the resource as it stands to what it becomes."""


class Writer:
    """The use cases of writing."""

    def __init__(
        self,
        *,
        store: Store,
        gate: Gate,
        vault: Vault,
        recorder: Recorder,
        identities: Identities,
        admission: Admission,
        conditions: Conditions,
        remover: Remover,
        rules: Rules,
        ids: Callable[[], str],
    ) -> None:
        self._store = store
        self._gate = gate
        self._vault = vault
        self._recorder = recorder
        self._identities = identities
        self._admission = admission
        self._conditions = conditions
        self._remover = remover
        self._rules = rules
        self._ids = ids

    # -- one interaction, one transaction ------------------------------------------------------------------------

    def create(self, asker: Asker, resource: Resource, *, if_none_exist: str | None = None) -> Written:
        """Create one record, unless one meets `if_none_exist`: then that one, unchanged.

        A Patient that the organisation introduced before is the same client again.
        """

        def once(tx: Tx) -> Written:
            type = resource["resourceType"]
            if if_none_exist is not None:
                assert_valid(resource)
                if found := self._conditions.match(tx, asker, type, if_none_exist, place="If-None-Exist"):
                    return matched(found)
            return self.make(tx, asker, resource)

        return self._in_one(asker, once, exit="create")

    def update(self, asker: Asker, resource: Resource, *, if_match: int | None, if_none: bool = False) -> Written:
        """Put the next version of a record, or the first of one in the organisation's own name space."""
        change = Change(resource, new=False, if_match=if_match, if_none=if_none)
        return self._in_one(asker, lambda tx: self.apply(tx, asker, change), exit="update")

    def update_where(self, asker: Asker, resource: Resource, query: str, *, if_match: int | None) -> Written:
        """Update the one record that meets the condition; create it where there is none."""
        return self._in_one(asker, lambda tx: self.put_where(tx, asker, resource, query, if_match), exit="update")

    def patch(self, asker: Asker, type: str, id: str, edit: Edit, *, if_match: int | None) -> Written:
        """Put what becomes of a record under a patch; patches of one record that pin no version queue."""
        return self._in_one(asker, lambda tx: self.patched(tx, asker, type, id, edit, if_match), exit="patch")

    def patch_where(self, asker: Asker, type: str, query: str, edit: Edit, *, if_match: int | None) -> Written:
        """Patch the one record that meets the condition."""

        def once(tx: Tx) -> Written:
            id = self.one(tx, asker, type, query).split("/")[1]
            return self.patched(tx, asker, type, id, edit, if_match)

        return self._in_one(asker, once, exit="patch")

    def delete(self, asker: Asker, type: str, id: str, *, if_match: int | None) -> Written | None:
        """Delete a record; None where that was done before."""
        return self._deleting(asker, lambda tx: self.removed(tx, asker, type, id, if_match))

    def delete_where(self, asker: Asker, type: str, query: str, *, if_match: int | None) -> Written | None:
        """Delete the one record that meets the condition, if there is one."""

        def once(tx: Tx) -> Written | None:
            found = self._conditions.match(tx, asker, type, query)
            return self.removed(tx, asker, type, found.reference.split("/")[1], if_match) if found else None

        return self._deleting(asker, once)

    # -- inside the caller's transaction -------------------------------------------------------------------------

    def make(
        self, tx: Tx, asker: Asker, resource: Resource, *, id: str = "", lent: frozenset[Reference] = frozenset()
    ) -> Written:
        """A new record under a new id."""
        if resource["resourceType"] == "Patient":
            return self.introduce(tx, asker, resource)
        return self.apply(tx, asker, Change({**resource, "id": id or self._ids()}, new=True, lent=lent))

    def put_where(
        self,
        tx: Tx,
        asker: Asker,
        resource: Resource,
        query: str,
        if_match: int | None,
        *,
        id: str = "",
        lent: frozenset[Reference] = frozenset(),
    ) -> Written:
        """A conditional update: one match is updated, none is created (as `id`), an id that disagrees is refused."""
        assert_valid(resource)
        type, said = resource["resourceType"], resource.get("id")
        found = self._conditions.match(tx, asker, type, query)
        if found is None:
            if if_match is not None:
                raise VersionConflict("no version of it is there", place="If-Match")
            if said is not None:
                return self.apply(tx, asker, Change(resource, new=False, lent=lent))
            return self.make(tx, asker, resource, id=id, lent=lent)
        known = found.reference.split("/")[1]
        if said not in (None, known):
            raise MalformedContent("the id in the body is not that of the match", place="/id")
        return self.apply(tx, asker, Change({**resource, "id": known}, new=False, if_match=if_match, lent=lent))

    def patched(self, tx: Tx, asker: Asker, type: str, id: str, edit: Edit, if_match: int | None) -> Written:
        """What becomes of a record under a patch."""
        current = self._admission.current(tx, asker, f"{type}/{id}", exit="patch")
        hold_to(current, if_match)
        becomes = edit(current.resource)
        if becomes.get("resourceType") != type or becomes.get("id") != id:
            raise InvalidResource("a patch changes neither resourceType nor id", place=f"{type}/{id}")
        return self._next(tx, asker, becomes, current)

    def removed(self, tx: Tx, asker: Asker, type: str, id: str, if_match: int | None) -> Written | None:
        """A record deleted; None where it was before, and the asker could see it."""
        current = self._remover.current(tx, asker, f"{type}/{id}")
        if current is None:
            return None
        hold_to(current, if_match)
        return self._remover.remove(tx, asker, current)

    def one(self, tx: Tx, asker: Asker, type: str, query: str) -> Reference:
        """The record that meets a condition; NotFound where none does."""
        found = self._conditions.match(tx, asker, type, query)
        if found is None:
            raise NotFound
        return found.reference

    def apply(self, tx: Tx, asker: Asker, change: Change) -> Written:
        """One create or update inside the caller's transaction."""
        resource = change.resource
        assert_valid(resource)
        type, id = resource["resourceType"], resource["id"]
        if change.new:
            return self._first(tx, asker, resource, change.lent)
        if not self._is_there(tx, type, id) and is_own_name(tx, asker, id):
            if type == "Patient":
                raise BusinessRule("a client's id is given by the hub: introduce them with POST", place="Patient/id")
            if change.if_match is not None:
                raise VersionConflict("no version of it is there", place=f"{type}/{id}")
            return self._first(tx, asker, resource, change.lent)
        current = self._admission.current(tx, asker, f"{type}/{id}", exit="update")
        if change.if_none:
            raise VersionConflict("it is there already", place=f"{type}/{id}")
        hold_to(current, change.if_match)
        return self._next(tx, asker, resource, current, change.lent)

    def introduce(self, tx: Tx, asker: Asker, told: Resource) -> Written:
        """A Patient: the client that they are, made or found, with what this organisation knows added."""
        assert_valid(told)
        if "generalPractitioner" in told and "case-manager" not in asker.roles:
            place = "Patient.generalPractitioner"
            raise NotPermitted("who the client is registered with, their case manager says", place=place)
        found = self._identities.identify(tx, told, organisation=asker.organisation)
        named: Resource = {**told, "id": found.client.split("/")[1]}
        head = tx.records.read(*found.client.split("/"))
        if head is not None and not head.deleted:
            named, _ = merge(self._vault.open_resource(tx, head), named)
        again = bool(tx.identity.of_organisation(asker.organisation, found.client))
        written = self._recorder.write(tx, named, contributor=asker.reference)
        self._identities.link(tx, found, told, organisation=asker.organisation)
        return replace(written, created=not again, told=False)

    def announce(self, tx: Tx, asker: Asker, written: Collection[Written], *, exit: str) -> None:
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

    def together(self) -> AbstractContextManager[None]:
        """What several writes of one transaction are audited by is written down at once, when the block ends."""
        return self._gate.together()

    # -- steps ---------------------------------------------------------------------------------------------------

    def _first(self, tx: Tx, asker: Asker, resource: Resource, lent: frozenset[Reference]) -> Written:
        clients = self._admission.clients(tx, resource, lent=lent)
        self._admission.admit(tx, asker, resource, clients, None)
        self._rules(tx, asker, None, 0, resource, clients)
        written = self._recorder.write(tx, resource, contributor=asker.reference, clients=clients, checked=True)
        return replace(written, created=True)

    def _next(
        self, tx: Tx, asker: Asker, resource: Resource, current: Current, lent: frozenset[Reference] = frozenset()
    ) -> Written:
        resource = with_labels_of(resource, current.resource)
        assert_valid(resource)
        clients = self._admission.clients(tx, resource, lent=current.lent | lent)
        self._admission.admit(tx, asker, resource, clients, current)
        concerned = clients.union(current.sealed.clients)
        self._rules(tx, asker, current.resource, current.sealed.version, resource, concerned)
        return self._recorder.write(tx, resource, contributor=asker.reference, clients=clients, checked=True)

    @staticmethod
    def _is_there(tx: Tx, type: str, id: str) -> bool:
        head = tx.records.lock(type, id)
        return head is not None and not head.deleted

    def _in_one(self, asker: Asker, once: Callable[[Tx], Written], *, exit: str) -> Written:
        def work(tx: Tx) -> Written:
            with self._gate.together():
                written = once(tx)
                self.announce(tx, asker, [written], exit=exit)
            return written

        return self._store.writing_again(work)

    def _deleting(self, asker: Asker, once: Callable[[Tx], Written | None]) -> Written | None:
        def work(tx: Tx) -> Written | None:
            with self._gate.together():
                written = once(tx)
                if written is not None:
                    self.announce(tx, asker, [written], exit="delete")
            return written

        return self._store.writing_again(work)
