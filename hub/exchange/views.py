"""Sealed records as the decision sees them: opened, with their labels, clients and parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from hub.consent.model import LabelReason, Labels, Record
from hub.consent.parts import CONTAINERS, parts_of
from hub.exchange.vault import Vault
from hub.fhir.references import walk_references
from hub.fhir.value import Reference, Resource
from hub.store.model import SealedRecord, Standing, StoredLabels, own_words_of
from hub.store.store import Tx

if TYPE_CHECKING:
    from hub.exchange.policy import Policy


def record_of(vault: Vault, policy: Policy, tx: Tx, sealed: SealedRecord) -> Record:
    """Open one sealed record for a decision. Its parts carry the labels of the records they refer to."""
    resource = vault.open_resource(tx, sealed)
    return _record(sealed, resource, labels_around(tx, resource), policy)


def records_around(vault: Vault, policy: Policy, tx: Tx, references: Collection[Reference]) -> list[Record]:
    """Those of these records that are there, for a decision about others: each version is opened once."""
    standing = tx.records.standing(references)
    opened = vault.opened(tx, standing)
    known = labels_around(tx, *opened.values())
    return [_record(one, opened[one.reference], known, policy) for one in standing if one.reference in opened]


def labels_around(tx: Tx, *resources: Resource) -> dict[Reference, Labels]:
    """The labels, as they are now, of the records that containers refer to: their parts carry them."""
    referred = {
        node["reference"]
        for resource in resources
        if resource["resourceType"] in CONTAINERS
        for _, node in walk_references(resource)
        if isinstance(node.get("reference"), str) and "/" in node["reference"]
    }
    return {s.reference: labels_of(s.labels) for s in tx.records.standing(referred)}


def _record(
    sealed: SealedRecord | Standing, resource: Resource, known: Mapping[Reference, Labels], policy: Policy
) -> Record:
    return Record(
        reference=sealed.reference,
        version=str(sealed.version),
        resource=resource,
        labels=labels_of(sealed.labels),
        clients=frozenset(sealed.clients),
        contributor=sole_contributor(sealed),
        parts=parts_of(resource, known.get, policy.label_rules),
    )


def sole_contributor(sealed: SealedRecord | Standing) -> str | None:
    """The organisation whose own word this version is, which it may read again (basis OWN-RECORD).

    A Patient is merged of what organisations know: it is one's own as long as no other has added to it.
    """
    return own_words_of(sealed)


def labels_of(stored: StoredLabels) -> Labels:
    """Stored labels as the consent room speaks of them."""
    return Labels(
        confidentiality=stored.confidentiality,
        sensitivity=frozenset(stored.sensitivity),
        areas=frozenset(stored.areas),
        rule_set=stored.rule_set,
        because=tuple(LabelReason(*triple) for triple in stored.because),
    )


def stored_labels(labels: Labels) -> StoredLabels:
    """Labels as the store keeps them."""
    return StoredLabels(
        confidentiality=labels.confidentiality,
        sensitivity=tuple(sorted(labels.sensitivity)),
        areas=tuple(sorted(labels.areas)),
        rule_set=labels.rule_set,
        because=tuple((r.rule, r.gave, r.because) for r in labels.because),
    )
