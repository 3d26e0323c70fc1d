"""The invariants of FHIR R4, written as plain functions: shape -> key -> does it hold for this object?

Official text and severity come with the definitions
(https://hl7.org/fhir/R4/conformance-rules.html#constraints); this is what a FHIRPath engine would answer
at a hundredth of its cost. `UNCHECKED` names the shapes whose invariants are not written here:
definitional resources, which the hub neither makes nor decides by. What looks at more than one object
(contained resources, references) is in `hub.fhir.validate`; narratives in `narrative_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from hub.fhir.codes import CONSENT_SCOPE, UCUM

Object = dict[str, Any]
Rule = Callable[[Object], bool]

_TERMS: Final = "http://terminology.hl7.org/CodeSystem/"
_ALLERGY_VERIFICATION: Final = f"{_TERMS}allergyintolerance-verification"
_CONDITION_VERIFICATION: Final = f"{_TERMS}condition-ver-status"
_CONDITION_CLINICAL: Final = f"{_TERMS}condition-clinical"
_HISTORY: Final = frozenset(("batch", "transaction", "history"))
_RESPONSES: Final = frozenset(("batch-response", "transaction-response", "history"))

_DEFINITIONAL: Final = """
ActivityDefinition CapabilityStatement ChargeItemDefinition CodeSystem
CompartmentDefinition ConceptMap DataRequirement EffectEvidenceSynthesis ElementDefinition EventDefinition
Evidence EvidenceVariable ExampleScenario GraphDefinition ImplementationGuide InsurancePlan Library
Measure MeasureReport MessageDefinition MetadataResource MolecularSequence NamingSystem
OperationDefinition PlanDefinition Questionnaire ResearchDefinition ResearchElementDefinition
RiskEvidenceSynthesis SearchParameter StructureDefinition StructureMap SubscriptionStatus
TerminologyCapabilities TestReport TestScript TriggerDefinition ValueSet
"""
UNCHECKED: Final = frozenset(_DEFINITIONAL.split())
"""Types (with their backbone elements) whose invariants are not checked."""

ELSEWHERE: Final = frozenset(("dom-2", "dom-3", "dom-4", "dom-5", "ref-1", "txt-1", "txt-2"))
"""Invariants that `validate` and `narrative_rules` check."""

ADVICE: Final = frozenset(("dom-6",))
"""Best practice, not said of each resource: the hub writes narratives where people read them."""


def not_both(one: str, other: str) -> Rule:
    """Not both of two elements."""
    return lambda o: not (one in o and other in o)


def any_of(*keys: str) -> Rule:
    """At least one of the elements."""
    return lambda o: any(key in o for key in keys)


def needs(one: str, *others: str) -> Rule:
    """If the first element is there, one of the others is too."""
    return lambda o: one not in o or any(key in o for key in others)


def choice(o: Object, stem: str) -> bool:
    """Whether the object has `stem[x]`."""
    size = len(stem)
    return any(key.startswith(stem) and key[size : size + 1].isupper() for key in o)


def coded(concept: Any, system: str, *codes: str) -> bool:
    """Whether a CodeableConcept has a coding of the system with one of the codes."""
    return any(
        coding.get("system") == system and coding.get("code") in codes for coding in items(concept, "coding")
    )


def items(value: Any, key: str) -> Iterator[Object]:
    """The objects in a list element, whatever else may be wrong with it."""
    found = value.get(key) if isinstance(value, dict) else None
    if isinstance(found, list):
        yield from (item for item in found if isinstance(item, dict))


def in_order(earlier: Any, later: Any) -> bool:
    """Whether two partial dates may stand in this order; what cannot be compared may."""
    if not isinstance(earlier, str) or not isinstance(later, str):
        return True
    if "T" in earlier and "T" in later:
        try:
            return datetime.fromisoformat(earlier) <= datetime.fromisoformat(later)
        except (ValueError, TypeError):
            return True
    size = min(len(earlier), len(later), 10)
    return earlier[:size] <= later[:size]


def _number(o: Any, key: str) -> Any:
    value = o.get(key) if isinstance(o, dict) else None
    return None if isinstance(value, bool | str | list | dict) else value


def _ucum_only(o: Object) -> bool:
    return o.get("system", UCUM) == UCUM and ("code" in o or "value" not in o)


def _age(o: Object) -> bool:
    value = _number(o, "value")
    return _ucum_only(o) and (value is None or value > 0)


def _count(o: Object) -> bool:
    return _ucum_only(o) and o.get("code", "1") == "1" and "." not in str(o.get("value", ""))


def _range(o: Object) -> bool:
    low, high = _number(o.get("low"), "value"), _number(o.get("high"), "value")
    units = {
        (side.get("system"), side.get("code") or side.get("unit"))
        for side in (o.get("low"), o.get("high"))
        if isinstance(side, dict)
    }
    return low is None or high is None or len(units) > 1 or bool(low <= high)


def _ratio(o: Object) -> bool:
    both, none = {"numerator", "denominator"} <= o.keys(), not ({"numerator", "denominator"} & o.keys())
    return both or (none and "extension" in o)


def _offset(o: Object) -> bool:
    when = o.get("when")
    return "offset" not in o or (
        isinstance(when, list) and not {"C", "CM", "CD", "CV"} & {str(w) for w in when}
    )


def _not_negative(key: str) -> Rule:
    return lambda o: (_number(o, key) or 0) >= 0


def _extension(o: Object) -> bool:
    """must have either extensions or a value, not both"""
    return ("extension" in o) != (choice(o, "value") or choice(o, "_value"))


def _allergy_in_error(o: Object) -> bool:
    return coded(o.get("verificationStatus"), _ALLERGY_VERIFICATION, "entered-in-error")


def _condition_in_error(o: Object) -> bool:
    return coded(o.get("verificationStatus"), _CONDITION_VERIFICATION, "entered-in-error")


def _con_3(o: Object) -> bool:
    listed = any(
        coded(item, f"{_TERMS}condition-category", "problem-list-item") for item in items(o, "category")
    )
    return "clinicalStatus" in o or _condition_in_error(o) or not listed


def _con_4(o: Object) -> bool:
    ended = coded(o.get("clinicalStatus"), _CONDITION_CLINICAL, "resolved", "remission", "inactive")
    return not choice(o, "abatement") or ended


def _obs_7(o: Object) -> bool:
    if not choice(o, "value") or "component" not in o:
        return True
    own = {(c.get("system"), c.get("code")) for c in items(o.get("code"), "coding")}
    parts = {
        (c.get("system"), c.get("code"))
        for p in items(o, "component")
        for c in items(p.get("code"), "coding")
    }
    return not own & parts


def _consent_patient(code: str) -> Rule:
    return lambda o: "patient" in o or not coded(o.get("scope"), CONSENT_SCOPE, code)


def _prediction(o: Object) -> bool:
    probability = _number(o, "probabilityDecimal")
    return probability is None or probability <= 100


def _percent(o: Object) -> bool:
    sides = [side for side in (o.get("probabilityRange") or {}).values() if isinstance(side, dict)]
    return all(side.get("code") == "%" and side.get("system") == UCUM for side in sides)


def _bdl_3(o: Object) -> bool:
    return all(("request" in entry) == (o.get("type") in _HISTORY) for entry in items(o, "entry"))


def _bdl_4(o: Object) -> bool:
    return all(("response" in entry) == (o.get("type") in _RESPONSES) for entry in items(o, "entry"))


def _bdl_7(o: Object) -> bool:
    if o.get("type") == "history":
        return True
    seen = [
        (entry["fullUrl"], str(((entry.get("resource") or {}).get("meta") or {}).get("versionId")))
        for entry in items(o, "entry")
        if isinstance(entry.get("fullUrl"), str) and isinstance(entry.get("resource", {}), dict)
    ]
    return len(set(seen)) == len(seen)


def _first_is(o: Object, bundle: str, type: str) -> bool:
    if o.get("type") != bundle:
        return True
    first = next(items(o, "entry"), {}).get("resource")
    return isinstance(first, dict) and first.get("resourceType") == type


def _bdl_9(o: Object) -> bool:
    return o.get("type") != "document" or {"system", "value"} <= (o.get("identifier") or {}).keys()


def _full_url(o: Object) -> bool:
    """the fullUrl must not name another id than the resource's own"""
    url, resource = o.get("fullUrl"), o.get("resource")
    if not isinstance(url, str) or not isinstance(resource, dict) or not url.startswith(("http:", "https:")):
        return True
    kind, own = resource.get("resourceType"), resource.get("id")
    tail = url.split("/_history/")[0].rsplit("/", 2)
    return not own or len(tail) < 3 or tail[1] != kind or tail[2] == own


def _parameter(o: Object) -> bool:
    value, part, resource = choice(o, "value"), "part" in o, "resource" in o
    return (part and not value and not resource) or (not part and value != resource)


def _no_home(key: str) -> Rule:
    return lambda o: all(item.get("use") != "home" for item in items(o, key))


def _team_member(o: Object) -> bool:
    member = o.get("member")
    text = member.get("reference") if isinstance(member, dict) else None
    shown = text.split("/")[-2] if isinstance(text, str) and "/" in text else None
    return "onBehalfOf" not in o or shown in (None, "Practitioner")


INVARIANTS: Final[dict[str, dict[str, Rule]]] = {
    "Age": {"age-1": _age, "qty-3": needs("code", "system")},
    "AllergyIntolerance": {
        "ait-1": lambda o: _allergy_in_error(o) or "clinicalStatus" in o,
        "ait-2": lambda o: not _allergy_in_error(o) or "clinicalStatus" not in o,
    },
    "Appointment": {
        "app-2": lambda o: ("start" in o) == ("end" in o),
        "app-3": lambda o: (
            {"start", "end"} <= o.keys() or o.get("status") in ("proposed", "cancelled", "waitlist")
        ),
        "app-4": lambda o: "cancelationReason" not in o or o.get("status") in ("noshow", "cancelled"),
    },
    "Appointment.participant": {"app-1": any_of("type", "actor")},
    "AppointmentResponse": {"apr-1": any_of("participantType", "actor")},
    "Attachment": {"att-1": needs("data", "contentType")},
    "AuditEvent.entity": {"sev-1": not_both("name", "query")},
    "Bundle": {
        "bdl-1": lambda o: "total" not in o or o.get("type") in ("searchset", "history"),
        "bdl-2": lambda o: o.get("type") == "searchset" or not any("search" in e for e in items(o, "entry")),
        "bdl-3": _bdl_3,
        "bdl-4": _bdl_4,
        "bdl-7": _bdl_7,
        "bdl-9": _bdl_9,
        "bdl-10": lambda o: o.get("type") != "document" or "timestamp" in o,
        "bdl-11": lambda o: _first_is(o, "document", "Composition"),
        "bdl-12": lambda o: _first_is(o, "message", "MessageHeader"),
    },
    "Bundle.entry": {
        "bdl-5": any_of("resource", "request", "response"),
        "bdl-8": lambda o: "/_history/" not in str(o.get("fullUrl", "")),
        "hub-full-url": _full_url,
    },
    "CarePlan.activity": {"cpl-3": not_both("detail", "reference")},
    "CareTeam.participant": {"ctm-1": _team_member},
    "Composition.section": {
        "cmp-1": any_of("text", "entry", "section"),
        "cmp-2": not_both("emptyReason", "entry"),
    },
    "Condition": {
        "con-3": _con_3,
        "con-4": _con_4,
        "con-5": lambda o: not _condition_in_error(o) or "clinicalStatus" not in o,
    },
    "Condition.evidence": {"con-2": any_of("code", "detail")},
    "Condition.stage": {"con-1": any_of("summary", "assessment")},
    "Consent": {
        "ppc-1": any_of("policy", "policyRule"),
        "ppc-2": _consent_patient("patient-privacy"),
        "ppc-3": _consent_patient("research"),
        "ppc-4": _consent_patient("adr"),
        "ppc-5": _consent_patient("treatment"),
    },
    "ContactPoint": {"cpt-2": needs("value", "system")},
    "Count": {"cnt-3": _count, "qty-3": needs("code", "system")},
    "CoverageEligibilityResponse.insurance.item": {
        "ces-1": lambda o: ("category" in o) != ("productOrService" in o),
    },
    "Distance": {"dis-1": _ucum_only, "qty-3": needs("code", "system")},
    "Duration": {
        "drt-1": lambda o: "code" not in o or (o.get("system") == UCUM and "value" in o),
        "qty-3": needs("code", "system"),
    },
    "Expression": {"exp-1": any_of("expression", "reference")},
    "Extension": {"ext-1": _extension},
    "FamilyMemberHistory": {
        "fhs-1": lambda o: not (choice(o, "age") and choice(o, "born")),
        "fhs-2": lambda o: choice(o, "age") or "estimatedAge" not in o,
    },
    "Goal.target": {"gol-1": lambda o: not choice(o, "detail") or "measure" in o},
    "Group": {"grp-1": lambda o: "member" not in o or o.get("actual") is True},
    "Immunization.education": {"imm-1": any_of("documentType", "reference")},
    "ImmunizationRecommendation.recommendation": {"imr-1": any_of("vaccineCode", "targetDisease")},
    "Linkage": {"lnk-1": lambda o: sum(1 for _ in items(o, "item")) > 1},
    "List": {
        "lst-1": not_both("emptyReason", "entry"),
        "lst-2": lambda o: o.get("mode") == "changes" or not any("deleted" in e for e in items(o, "entry")),
        "lst-3": lambda o: o.get("mode") == "working" or not any("date" in e for e in items(o, "entry")),
    },
    "MedicationAdministration.dosage": {"mad-1": lambda o: "dose" in o or choice(o, "rate")},
    "MedicationDispense": {"mdd-1": lambda o: in_order(o.get("whenPrepared"), o.get("whenHandedOver"))},
    "NutritionOrder": {"nor-1": any_of("oralDiet", "supplement", "enteralFormula")},
    "Observation": {
        "obs-6": lambda o: "dataAbsentReason" not in o or not choice(o, "value"),
        "obs-7": _obs_7,
    },
    "Observation.referenceRange": {"obs-3": any_of("low", "high", "text")},
    "Organization": {
        "org-1": any_of("identifier", "name"),
        "org-2": _no_home("address"),
        "org-3": _no_home("telecom"),
    },
    "Parameters.parameter": {"inv-1": _parameter},
    "Patient.contact": {"pat-1": any_of("name", "telecom", "address", "organization")},
    "Period": {"per-1": lambda o: in_order(o.get("start"), o.get("end"))},
    "Quantity": {"qty-3": needs("code", "system")},
    "QuestionnaireResponse.item": {"qrs-1": not_both("answer", "item")},
    "Range": {"rng-2": _range},
    "Ratio": {"rat-1": _ratio},
    "RequestGroup.action": {"rqg-1": lambda o: ("resource" in o) != ("action" in o)},
    "RiskAssessment.prediction": {"ras-1": _percent, "ras-2": _prediction},
    "ServiceRequest": {"prr-1": needs("orderDetail", "code")},
    "Task": {"inv-1": lambda o: in_order(o.get("authoredOn"), o.get("lastModified"))},
    "Timing.repeat": {
        "tim-1": needs("duration", "durationUnit"),
        "tim-2": needs("period", "periodUnit"),
        "tim-4": _not_negative("duration"),
        "tim-5": _not_negative("period"),
        "tim-6": needs("periodMax", "period"),
        "tim-7": needs("durationMax", "duration"),
        "tim-8": needs("countMax", "count"),
        "tim-9": _offset,
        "tim-10": not_both("timeOfDay", "when"),
    },
}
"""Shape -> key -> rule. Keys that are not official (`hub-…`, `ext-1`) carry their text as docstring."""
