"""Sealed records as the decision sees them: opened, with their labels, clients and parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.consent.model import LabelReason, Labels, Record
from hub.consent.parts import parts_of
from hub.exchange.vault import Vault
from hub.fhir.references import walk_references
from hub.store.model import SealedRecord, StoredLabels
from hub.store.store import Tx

if TYPE_CHECKING:
    from hub.exchange.policy import Policy


def record_of(vault: Vault, policy: Policy, tx: Tx, sealed: SealedRecord) -> Record:
    """Open one sealed record for a decision. Its parts carry the labels of the records they refer to."""
    resource = vault.open_resource(tx, sealed)
    referred = {
        node["reference"]
        for _, node in walk_references(resource)
        if isinstance(node.get("reference"), str) and "/" in node["reference"]
    }
    known = {s.reference: labels_of(s.labels) for s in tx.records.many(referred)} if referred else {}
    return Record(
        reference=sealed.reference,
        version=str(sealed.version),
        resource=resource,
        labels=labels_of(sealed.labels),
        clients=frozenset(sealed.clients),
        contributor=sole_contributor(sealed),
        parts=parts_of(resource, known.get, policy.label_rules),
    )


def sole_contributor(sealed: SealedRecord) -> str | None:
    """The organisation whose own word this version is, which it may read again (basis OWN-RECORD).

    A Patient is merged of what several organisations know, so only its first version is one organisation's own.
    """
    if sealed.type == "Patient" and sealed.version > 1:
        return None
    return sealed.author or sealed.contributor


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
