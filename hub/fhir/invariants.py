"""The invariants of FHIR R4, written as plain functions: shape -> key -> does it hold for this object?

Official text and severity come with the definitions
(https://hl7.org/fhir/R4/conformance-rules.html#constraints); this is what a FHIRPath engine would answer
at a hundredth of its cost. Those of questionnaires and published definitions are in
`invariant_definitions`. `UNCHECKED` names the shapes whose invariants are not written at all: definitional
resources, which the hub neither makes nor decides by. What looks at more than one object (contained
resources, references) is in `hub.fhir.validate`; narratives in `narrative_rules`.
"""

from __future__ import annotations

from typing import Final

from hub.fhir.codes import UCUM
from hub.fhir.invariant_definitions import DEFINITION_INVARIANTS
from hub.fhir.invariant_rules import (
    Rule,
    abated_is_over,
    age_in_time,
    allergy_in_error,
    any_of,
    choice,
    condition_in_error,
    consent_patient,
    count_of_ones,
    document_identified,
    extension_or_value,
    first_is,
    full_url_agrees,
    full_urls_distinct,
    in_order,
    items,
    listed_with_status,
    needs,
    no_home,
    not_both,
    not_negative,
    offset_from_event,
    parameter_part,
    probable_at_most,
    range_in_order,
    range_in_percent,
    ratio_complete,
    request_where_asked,
    response_where_answered,
    team_member,
    ucum_only,
    value_or_components,
)

_DEFINITIONAL: Final = """
ActivityDefinition ChargeItemDefinition CompartmentDefinition DataRequirement EffectEvidenceSynthesis
ElementDefinition EventDefinition Evidence EvidenceVariable ExampleScenario GraphDefinition
ImplementationGuide InsurancePlan Library Measure MeasureReport MessageDefinition MetadataResource
MolecularSequence PlanDefinition ResearchDefinition ResearchElementDefinition RiskEvidenceSynthesis
StructureDefinition StructureMap SubscriptionStatus TerminologyCapabilities TestReport TestScript
TriggerDefinition
"""
UNCHECKED: Final = frozenset(_DEFINITIONAL.split())
"""Types (with their backbone elements) whose invariants are not checked."""

ELSEWHERE: Final = frozenset(("dom-2", "dom-3", "dom-4", "dom-5", "ref-1", "txt-1", "txt-2"))
"""Invariants that `validate` and `narrative_rules` check."""

ADVICE: Final = frozenset(("dom-6",))
"""Best practice, not said of each resource: the hub writes narratives where people read them."""


INVARIANTS: Final[dict[str, dict[str, Rule]]] = {
    "Age": {"age-1": age_in_time, "qty-3": needs("code", "system")},
    "AllergyIntolerance": {
        "ait-1": lambda o: allergy_in_error(o) or "clinicalStatus" in o,
        "ait-2": lambda o: not allergy_in_error(o) or "clinicalStatus" not in o,
    },
    "Appointment": {
        "app-2": lambda o: ("start" in o) == ("end" in o),
        "app-3": lambda o: {"start", "end"} <= o.keys() or o.get("status") in ("proposed", "cancelled", "waitlist"),
        "app-4": lambda o: "cancelationReason" not in o or o.get("status") in ("noshow", "cancelled"),
    },
    "Appointment.participant": {"app-1": any_of("type", "actor")},
    "AppointmentResponse": {"apr-1": any_of("participantType", "actor")},
    "Attachment": {"att-1": needs("data", "contentType")},
    "AuditEvent.entity": {"sev-1": not_both("name", "query")},
    "Bundle": {
        "bdl-1": lambda o: "total" not in o or o.get("type") in ("searchset", "history"),
        "bdl-2": lambda o: o.get("type") == "searchset" or not any("search" in e for e in items(o, "entry")),
        "bdl-3": request_where_asked,
        "bdl-4": response_where_answered,
        "bdl-7": full_urls_distinct,
        "bdl-9": document_identified,
        "bdl-10": lambda o: o.get("type") != "document" or "timestamp" in o,
        "bdl-11": lambda o: first_is(o, "document", "Composition"),
        "bdl-12": lambda o: first_is(o, "message", "MessageHeader"),
    },
    "Bundle.entry": {
        "bdl-5": any_of("resource", "request", "response"),
        "bdl-8": lambda o: "/_history/" not in str(o.get("fullUrl", "")),
        "hub-full-url": full_url_agrees,
    },
    "CarePlan.activity": {"cpl-3": not_both("detail", "reference")},
    "CareTeam.participant": {"ctm-1": team_member},
    "Composition.section": {
        "cmp-1": any_of("text", "entry", "section"),
        "cmp-2": not_both("emptyReason", "entry"),
    },
    "Condition": {
        "con-3": listed_with_status,
        "con-4": abated_is_over,
        "con-5": lambda o: not condition_in_error(o) or "clinicalStatus" not in o,
    },
    "Condition.evidence": {"con-2": any_of("code", "detail")},
    "Condition.stage": {"con-1": any_of("summary", "assessment")},
    "Consent": {
        "ppc-1": any_of("policy", "policyRule"),
        "ppc-2": consent_patient("patient-privacy"),
        "ppc-3": consent_patient("research"),
        "ppc-4": consent_patient("adr"),
        "ppc-5": consent_patient("treatment"),
    },
    "ContactPoint": {"cpt-2": needs("value", "system")},
    "Count": {"cnt-3": count_of_ones, "qty-3": needs("code", "system")},
    "CoverageEligibilityResponse.insurance.item": {
        "ces-1": lambda o: ("category" in o) != ("productOrService" in o),
    },
    "Distance": {"dis-1": ucum_only, "qty-3": needs("code", "system")},
    "Duration": {
        "drt-1": lambda o: "code" not in o or (o.get("system") == UCUM and "value" in o),
        "qty-3": needs("code", "system"),
    },
    "Expression": {"exp-1": any_of("expression", "reference")},
    "Extension": {"ext-1": extension_or_value},
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
        "obs-7": value_or_components,
    },
    "Observation.referenceRange": {"obs-3": any_of("low", "high", "text")},
    "Organization": {
        "org-1": any_of("identifier", "name"),
        "org-2": no_home("address"),
        "org-3": no_home("telecom"),
    },
    "Parameters.parameter": {"inv-1": parameter_part},
    "Patient.contact": {"pat-1": any_of("name", "telecom", "address", "organization")},
    "Period": {"per-1": lambda o: in_order(o.get("start"), o.get("end"))},
    "Quantity": {"qty-3": needs("code", "system")},
    "QuestionnaireResponse.item": {"qrs-1": not_both("answer", "item")},
    "Range": {"rng-2": range_in_order},
    "Ratio": {"rat-1": ratio_complete},
    "RequestGroup.action": {"rqg-1": lambda o: ("resource" in o) != ("action" in o)},
    "RiskAssessment.prediction": {"ras-1": range_in_percent, "ras-2": probable_at_most},
    "ServiceRequest": {"prr-1": needs("orderDetail", "code")},
    "Task": {"inv-1": lambda o: in_order(o.get("authoredOn"), o.get("lastModified"))},
    "Timing.repeat": {
        "tim-1": needs("duration", "durationUnit"),
        "tim-2": needs("period", "periodUnit"),
        "tim-4": not_negative("duration"),
        "tim-5": not_negative("period"),
        "tim-6": needs("periodMax", "period"),
        "tim-7": needs("durationMax", "duration"),
        "tim-8": needs("countMax", "count"),
        "tim-9": offset_from_event,
        "tim-10": not_both("timeOfDay", "when"),
    },
    **DEFINITION_INVARIANTS,
}
"""Shape -> key -> rule. Keys that are not official (`hub-…`, `ext-1`) carry their text as docstring."""
