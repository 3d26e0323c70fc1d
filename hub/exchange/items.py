"""The items that travel: what goes into each, and the shape it takes.

`plan` (CarePlan, CareTeam, Goals and what the plan refers to), `summary` (IPS document), `discharge-report` (the
duty to the registering GP), `social-summary` (pulled). Each is composed only of what the gate let through, so an item
cannot hold what was not decided. Composing reads no clock: the same content gives the same bytes.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from hub.errors import NotSupported
from hub.exchange.disclose import Disclosure, Visible
from hub.exchange.organisations import case_managers
from hub.fhir import bundles, codes, summary, text
from hub.fhir.references import references_of
from hub.fhir.value import Reference, Resource
from hub.store.model import SealedRecord
from hub.store.store import Tx

DELIVERY = f"{codes.HUB}/sid/delivery"
CURRENT_PLANS = frozenset({"active", "on-hold", "completed", "revoked"})
SUPPORTING = frozenset({"Organization", "Practitioner", "PractitionerRole", "Location", "RelatedPerson"})
"""Who and where: types that come along where something in an item names them."""

CLINICAL = SUPPORTING | {
    "Patient", "AllergyIntolerance", "Condition", "MedicationStatement", "MedicationRequest", "Medication",
    "Immunization", "Procedure", "Observation", "DiagnosticReport", "Device", "DeviceUseStatement", "Flag",
    "Encounter", "CarePlan", "CareTeam", "Goal", "ServiceRequest", "Task", "Specimen", "Substance",
}  # fmt: skip
INPATIENT = frozenset({"IMP", "ACUTE", "NONAC"})
"""Classes of Encounter in which a person stays (v3-ActCode, http://hl7.org/fhir/R4/v3/ActEncounterCode)."""

SOCIAL = CLINICAL | {"Coverage", "QuestionnaireResponse"}


@dataclass(frozen=True, slots=True)
class Composed:
    """An item ready to be addressed: its Bundle without identifier, and the digest of what it says."""

    bundle: Resource
    digest: str
    records: tuple[str, ...]
    areas: tuple[str, ...]


def candidates(tx: Tx, item: str, client: Reference, *, reporter: str = "") -> list[SealedRecord]:
    """The sealed records that an item may be composed of; the gate decides which of them.

    The plan is what a case manager wrote; a plan of care in somebody's document is content of that document. A
    discharge report is `reporter`'s own: the duty is about the services it gave, not about what others know.
    """
    if item == "plan":
        types = {"CarePlan", "CareTeam", "Goal", "Patient", "ServiceRequest", "Task", *SUPPORTING}
        managers = case_managers(tx)
        found = tx.records.of_client(client, types)
        return [s for s in found if s.type != "CarePlan" or s.contributor in managers]
    if item == "discharge-report":
        found = tx.records.of_client(client, CLINICAL)
        return [s for s in found if s.type == "Patient" or s.contributor == f"Organization/{reporter}"]
    if item == "summary":
        return tx.records.of_client(client, CLINICAL)
    if item == "social-summary":
        return tx.records.of_client(client, SOCIAL)
    raise NotSupported(f"no item `{item}`")


def compose(
    item: str, disclosure: Disclosure, *, client: Reference, author: Resource, held: Collection[str] = ()
) -> Composed | None:
    """The item as this recipient gets it; None where there is nothing to send (no agreed plan, no client)."""
    patient = disclosure.get(client)
    if patient is None:
        return None
    if item == "plan":
        return _plan(disclosure, patient, held)
    others = [v.resource for v in disclosure.visible if v.reference != client]
    areas = {v.reference: v.areas for v in disclosure.visible}
    digest = _digest(disclosure.visible)
    identifier = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}"
    moment = max(v.at for v in disclosure.visible)

    def areas_of(resource: Resource) -> frozenset[str]:
        return frozenset(areas.get(f"{resource['resourceType']}/{resource.get('id')}", ()))

    if item == "discharge-report":
        stay = last_stay(others)
        if stay is None:
            return None
        bundle = summary.discharge_report(
            patient.resource, others, author=author, now=moment, identifier=identifier, encounter=stay, areas=areas_of
        )
    else:
        builder = summary.patient_summary if item == "summary" else summary.social_summary
        bundle = builder(
            patient.resource,
            others,
            author=author,
            now=moment,
            identifier=identifier,
            withheld=disclosure.withheld_areas,
            areas=areas_of,
        )
    return Composed(bundle, digest, tuple(v.pinned for v in disclosure.visible), disclosure.areas)


def last_stay(resources: Iterable[Resource]) -> Resource | None:
    """The inpatient stay that ended last: what a discharge report is about."""
    ended = [r for r in resources if is_ended_stay(r)]
    return max(ended, key=lambda r: str(r.get("period", {}).get("end", "")), default=None)


def is_ended_stay(resource: Resource) -> bool:
    """Whether this is an inpatient stay that is over; a visit that ended is no discharge."""
    inpatient = resource.get("class", {}).get("code") in INPATIENT
    return resource["resourceType"] == "Encounter" and resource.get("status") == "finished" and inpatient


def addressed(bundle: Resource, key: str) -> Resource:
    """A Bundle under the idempotency key of one delivery."""
    return {**bundle, "identifier": {"system": DELIVERY, "value": key}}


def _plan(disclosure: Disclosure, patient: Visible, held: Collection[str]) -> Composed | None:
    plans = [
        v for v in disclosure.visible
        if v.reference.startswith("CarePlan/") and v.resource.get("status") in CURRENT_PLANS
    ]  # fmt: skip
    if not plans:
        return None
    chosen = [patient, *plans]
    left = {v.reference: v for v in disclosure.visible if v not in chosen}
    for one in chosen:
        chosen += [left.pop(reference) for reference in sorted(references_of(one.resource)) if reference in left]
    bundle = bundles.transaction(v.resource for v in chosen)
    now = {v.reference for v in chosen}
    gone = sorted({h.split("|")[0] for h in held} - now - {patient.reference})
    bundle["entry"] += [{"request": {"method": "DELETE", "url": reference}} for reference in gone]
    areas = {a for v in chosen for a in v.areas}
    return Composed(
        bundle,
        _digest(chosen),
        tuple(v.pinned for v in chosen),
        tuple(a for a in (*codes.AREAS, codes.UNCLASSIFIED) if a in areas),
    )


def _digest(visible: Iterable[Visible]) -> str:
    """What the item says; not what it takes back, or the next one would seem new for having nothing to take back."""
    hashed = hashlib.sha256()
    for one in visible:
        hashed.update(f"{one.reference}|{text.digest(one.resource)};".encode())
    return hashed.hexdigest()
