"""Of which records hard rules hold: worked out with the interpreter's own conditions, when something is written.

A hard rule asks what only content can answer (codes of other systems, kinds of document, the time of the content, named
records). The answers stand beside the record, one for each of its facets, so that a search need not open it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from hub.consent.compile import CompiledConsent, CompiledRule, compile_consent
from hub.consent.facets import BEYOND_PERMIT, Facet, facets
from hub.consent.model import Record, World
from hub.exchange.policy import Policy
from hub.exchange.surroundings import authoring_roles
from hub.exchange.vault import Vault
from hub.exchange.views import labels_of, record_of
from hub.fhir.references import parse_reference
from hub.fhir.value import Reference, Resource
from hub.store.model import SealedRecord
from hub.store.rules import HardRule
from hub.store.store import Tx


class Matching:
    """The Consents and surroundings of one transaction, each read once."""

    def __init__(self, tx: Tx, vault: Vault, policy: Policy) -> None:
        self._tx = tx
        self._vault = vault
        self._policy = policy
        self._read: dict[Reference, dict[str, CompiledRule]] = {}

    def compiled(self, sealed: SealedRecord) -> CompiledConsent:
        """A stored Consent as rules, for everybody whom it binds."""
        rules = self._policy.rules(self._tx, self._vault, sealed)
        each = [compile_consent(rule, sealed.clients, self._policy.zone) for rule in rules]
        clients = frozenset[Reference]().union(*(one.clients for one in each))
        return CompiledConsent(sealed.reference, clients, each[0].rules if each else ())

    def match(self, record: Record, rules: Sequence[HardRule]) -> None:
        """Note of which facets of a record these rules hold."""
        found = {rule.key: compiled for rule in rules if (compiled := self._provision(rule)) is not None}
        named = frozenset[Reference]().union(*(compiled.data for compiled in found.values()))
        judged = [f for f in taken_facets(self._tx, self._vault, self._policy, record, named) if f.no != BEYOND_PERMIT]
        holds = {key: [f.no for f in judged if _holds(compiled, f)] for key, compiled in found.items()}
        self._tx.rules.match(record.reference, holds)

    def match_all(self, rules: Sequence[HardRule]) -> None:
        """Note of which records of their clients these rules hold."""
        for client in sorted({rule.client for rule in rules}):
            of_client = [rule for rule in rules if rule.client == client]
            for sealed in self._tx.records.of_client(client):
                self.match(record_of(self._vault, self._policy, self._tx, sealed), of_client)

    def _provision(self, rule: HardRule) -> CompiledRule | None:
        if rule.consent not in self._read:
            sealed = self._tx.records.read(*rule.consent.split("/"))
            compiled = self.compiled(sealed).rules if sealed is not None and not sealed.deleted else ()
            self._read[rule.consent] = {one.path: one for one in compiled}
        return self._read[rule.consent].get(rule.path)


def taken_facets(
    tx: Tx, vault: Vault, policy: Policy, record: Record, named: Collection[Reference] = ()
) -> tuple[Facet, ...]:
    """What of a record is judged on its own, by what surrounds it now; `named` are records that rules look up."""
    parts = {part.refers_to for part in record.parts if part.refers_to and parse_reference(part.refers_to)}
    around = tx.records.many(sorted({*parts, *named})) if parts or named else ()
    records = {s.reference: record_of(vault, policy, tx, s) if s.reference in named else _labelled(s) for s in around}
    return facets(record, World(authoring_roles(tx, vault, [record]), records), policy.zone)


def _holds(rule: CompiledRule, facet: Facet) -> bool:
    return rule.conditions is not None and rule.conditions.hold(facet.facts)


def _labelled(sealed: SealedRecord) -> Record:
    """A record that is not opened: only its labels count."""
    resource: Resource = {"resourceType": sealed.type, "id": sealed.id}
    return Record(sealed.reference, str(sealed.version), resource, labels_of(sealed.labels), frozenset(sealed.clients))
