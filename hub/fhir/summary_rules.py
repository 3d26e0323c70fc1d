"""Which record belongs in which section of a document: predicates over a resource and its areas of life.

International Patient Summary (https://hl7.org/fhir/uv/ips/) and the hub's social-service summary
(docs/domain.md). What was entered in error or cancelled belongs nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from hub.fhir.codes import CONSENT_SCOPE, is_care_area
from hub.fhir.value import Resource

Areas = Callable[[Resource], frozenset[str]]
Belongs = Callable[[Resource, frozenset[str]], bool]

_GONE: Final = frozenset(("entered-in-error", "cancelled"))
_ENDED: Final = frozenset(("inactive", "remission", "resolved"))
_PREGNANCY: Final = frozenset(("82810-3", "11636-8", "11637-6", "11638-4", "11639-2", "11640-0", "11778-8"))
_BARTHEL: Final = """
96761-2 83184-2 83185-9 96767-9 83183-4 83181-8 83186-7 96758-8 83182-6 96759-6 96760-4 69861-3
"""
_FUNCTION: Final = frozenset(_BARTHEL.split())
"""The Barthel index, its items, and running errands (LOINC)."""


def codes_of(concept: Any) -> Iterator[tuple[str, str]]:
    """(system, code) of a CodeableConcept, or of several."""
    for one in concept if isinstance(concept, list) else [concept]:
        for coding in one.get("coding", ()) if isinstance(one, dict) else ():
            yield str(coding.get("system", "")), str(coding.get("code", ""))


def has_code(concept: Any, codes: frozenset[str] | str) -> bool:
    """Whether one of the codings has one of the codes, in whatever system."""
    wanted = frozenset((codes,)) if isinstance(codes, str) else codes
    return any(code in wanted for _, code in codes_of(concept))


def named_areas(resource: Resource) -> frozenset[str]:
    """The areas of life that a resource names itself: care-area codings in its category, code or labels."""
    meta = resource.get("meta")
    labels = meta.get("security", ()) if isinstance(meta, dict) else ()
    named = [
        *codes_of(resource.get("category")),
        *codes_of(resource.get("code")),
        *codes_of(resource.get("type")),
    ]
    named += [(str(label.get("system", "")), str(label.get("code", ""))) for label in labels]
    return frozenset(code for system, code in named if is_care_area(system))


def _gone(resource: Resource) -> bool:
    status = resource.get("status")
    return status in _GONE if isinstance(status, str) else has_code(resource.get("verificationStatus"), _GONE)


def of_type(*types: str) -> Belongs:
    return lambda r, _: r["resourceType"] in types and not _gone(r)


def about(area: str, *types: str) -> Belongs:
    """Resources of these types in one area of life."""
    return lambda r, areas: r["resourceType"] in types and area in areas and not _gone(r)


def problem(r: Resource, _: frozenset[str]) -> bool:
    return r["resourceType"] == "Condition" and not _gone(r) and not has_code(r.get("clinicalStatus"), _ENDED)


def past_problem(r: Resource, _: frozenset[str]) -> bool:
    return r["resourceType"] == "Condition" and not _gone(r) and has_code(r.get("clinicalStatus"), _ENDED)


def medication(r: Resource, _: frozenset[str]) -> bool:
    taken = r["resourceType"] in ("MedicationStatement", "MedicationRequest")
    return taken and not _gone(r) and r.get("status") not in ("stopped", "not-taken", "draft")


def observation_kind(r: Resource) -> str:
    """Which section of a patient summary an Observation belongs in."""
    if has_code(r.get("code"), _PREGNANCY):
        return "pregnancy"
    if has_code(r.get("code"), _FUNCTION) or has_code(r.get("category"), frozenset(("functional-status", "survey"))):
        return "function"
    if has_code(r.get("category"), "vital-signs"):
        return "vitals"
    social = frozenset(("social-history", "sdoh"))
    if has_code(r.get("category"), social) or any(is_care_area(system) for system, _ in codes_of(r.get("category"))):
        return "social"
    return "result"


def observed(kind: str, *others: str) -> Belongs:
    def belongs(r: Resource, _: frozenset[str]) -> bool:
        if _gone(r):
            return False
        return r["resourceType"] in others or (r["resourceType"] == "Observation" and observation_kind(r) == kind)

    return belongs


def function(r: Resource, areas: frozenset[str]) -> bool:
    """Abilities of daily life: by category or code, or by area."""
    return observed("function")(r, areas) or about("self-care", "Observation", "QuestionnaireResponse")(r, areas)


def advance_directive(r: Resource, _: frozenset[str]) -> bool:
    in_scope = any(pair == (CONSENT_SCOPE, "adr") for pair in codes_of(r.get("scope")))
    return r["resourceType"] == "Consent" and in_scope


def health_concern(r: Resource, areas: frozenset[str]) -> bool:
    """What of health matters for care: problems, alerts, allergies and findings that are not past."""
    kinds = ("Condition", "AllergyIntolerance", "Observation", "Flag")
    return about("health", *kinds)(r, areas) and not past_problem(r, areas) and not function(r, areas)


def own_request(r: Resource, areas: frozenset[str]) -> bool:
    """What the client asked for, in their own words."""
    own = str((r.get("expressedBy") or {}).get("reference", "")).startswith("Patient/")
    return (r["resourceType"] == "Goal" and own) or has_code(r.get("code"), "42349-1")


def safeguarding(r: Resource, areas: frozenset[str]) -> bool:
    return advance_directive(r, areas) or about("safeguarding", "Flag", "Observation", "Condition", "Consent")(r, areas)


def sharing(r: Resource, _: frozenset[str]) -> bool:
    privacy = any(pair == (CONSENT_SCOPE, "patient-privacy") for pair in codes_of(r.get("scope")))
    return r["resourceType"] == "Provenance" or (r["resourceType"] == "Consent" and privacy)
