"""The client's agreement to share: taken only if the hub can hold to every word of it.

A Consent that cannot be computed is refused at capture, naming the element, rather than half-kept
(docs/consent.md).
"""

from __future__ import annotations

from hub.casework.plan import is_agreement, scope_of
from hub.consent.computable import capture_faults
from hub.consent.model import World
from hub.errors import ConsentNotComputable
from hub.fhir.value import Resource

SHARES_NOTHING = frozenset({"adr", "treatment"})
"""Scopes of directives about care: they are kept and shown, and are no word about sharing (docs/consent.md)."""


def check_capture(consent: Resource, world: World) -> None:
    """ConsentNotComputable naming every element that the hub could not enforce."""
    patient = str(consent.get("patient", {}).get("reference", ""))
    if is_agreement(consent):
        performers = {p.get("reference") for p in consent.get("performer", [])}
        guardians = {r for r, known in world.directory.items() if is_guardian(known, patient)}
        if not patient or not performers or not performers <= {patient, *guardians}:
            raise ConsentNotComputable("the client or their guardian agrees, nobody else", place="/performer")
        if not any(k in consent for k in ("sourceAttachment", "sourceReference")):
            raise ConsentNotComputable("an agreement names its signed source", place="/source[x]")
        return
    if scope_of(consent) in SHARES_NOTHING:
        return
    faults = capture_faults(consent, world)
    if faults:
        first, *others = faults
        listed = "; ".join((first.text, *(f"{f.path}: {f.text}" for f in others)))
        raise ConsentNotComputable(listed, place=first.path)


def is_guardian(known: Resource, patient: str) -> bool:
    """Whether this is the client's appointed guardian (v3-RoleCode GUARD)."""
    return (
        known.get("resourceType") == "RelatedPerson"
        and known.get("active", True) is True
        and known.get("patient", {}).get("reference") == patient
        and any(c.get("code") == "GUARD" for r in known.get("relationship", []) for c in r.get("coding", []))
    )
