"""The sections of the documents the hub makes, as data: code, titles, area of life, and what belongs in each.

International Patient Summary (https://hl7.org/fhir/uv/ips/), discharge report (LOINC 34105-7), and the hub's
own social-service summary (docs/domain.md). A section's `area` decides whether it is withheld; `required`
sections are there even when empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hub.fhir.codes import LOINC, SECTION
from hub.fhir.summary_rules import (
    Belongs,
    about,
    advance_directive,
    function,
    health_concern,
    medication,
    observed,
    of_type,
    own_request,
    past_problem,
    problem,
    safeguarding,
    sharing,
)


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its code, what it is called (cs, de, en), its area, and what belongs in it."""

    system: str
    code: str
    titles: tuple[str, str, str]
    area: str
    belongs: Belongs
    required: bool = False


_ALLERGIES: Final = (
    "Alergie a nesnášenlivost",
    "Allergien und Unverträglichkeiten",
    "Allergies and intolerances",
)
_PROBLEMS: Final = ("Zdravotní problémy", "Probleme und Diagnosen", "Problems")

PATIENT_SUMMARY: Final = (
    Section(LOINC, "11450-4", _PROBLEMS, "health", problem, required=True),
    Section(LOINC, "48765-2", _ALLERGIES, "health", of_type("AllergyIntolerance"), required=True),
    Section(LOINC, "10160-0", ("Medikace", "Medikation", "Medication"), "health", medication, required=True),
    Section(LOINC, "11369-6", ("Očkování", "Impfungen", "Immunisations"), "health", of_type("Immunization")),
    Section(LOINC, "47519-4", ("Výkony", "Eingriffe", "Procedures"), "health", of_type("Procedure")),
    Section(LOINC, "30954-2", ("Výsledky", "Befunde", "Results"), "health", observed("result", "DiagnosticReport")),
    Section(LOINC, "8716-3", ("Vitální funkce", "Vitalzeichen", "Vital signs"), "health", observed("vitals")),
    Section(
        LOINC,
        "29762-2",
        ("Sociální anamnéza", "Sozialanamnese", "Social history"),
        "health",
        observed("social"),
    ),
    Section(
        LOINC,
        "47420-5",
        ("Soběstačnost", "Funktionsstatus", "Functional status"),
        "self-care",
        about("self-care", "ClinicalImpression", "Condition"),
    ),
    Section(
        SECTION,
        "assessments",
        ("Hodnocení soběstačnosti", "Funktionelle Assessments", "Functional assessments"),
        "self-care",
        function,
    ),
    Section(LOINC, "18776-5", ("Plán péče", "Behandlungsplan", "Plan of care"), "plan", of_type("CarePlan")),
    Section(LOINC, "61146-7", ("Cíle", "Ziele", "Goals"), "plan", of_type("Goal")),
    Section(
        LOINC,
        "46264-8",
        ("Pomůcky a přístroje", "Hilfsmittel und Geräte", "Devices"),
        "health",
        of_type("DeviceUseStatement"),
    ),
    Section(
        LOINC,
        "11348-0",
        ("Prodělaná onemocnění", "Frühere Erkrankungen", "Past illness"),
        "health",
        past_problem,
    ),
    Section(LOINC, "10162-6", ("Těhotenství", "Schwangerschaft", "Pregnancy"), "health", observed("pregnancy")),
    Section(
        LOINC,
        "42348-3",
        ("Dříve vyslovená přání", "Patientenverfügung", "Advance directives"),
        "health",
        advance_directive,
    ),
    Section(LOINC, "104605-1", ("Upozornění", "Hinweise", "Alerts"), "health", about("health", "Flag")),
)
"""The International Patient Summary, in reading order.

What IPS lets no section of its own refer to (scores of daily living, goals) stands in sections beside them.
"""

DISCHARGE_REPORT: Final = (
    Section(
        LOINC,
        "8648-8",
        ("Průběh pobytu", "Verlauf", "Hospital course"),
        "health",
        of_type("Encounter"),
        required=True,
    ),
    Section(LOINC, "11450-4", _PROBLEMS, "health", problem, required=True),
    Section(LOINC, "48765-2", _ALLERGIES, "health", of_type("AllergyIntolerance"), required=True),
    Section(
        LOINC,
        "75311-1",
        ("Medikace při propuštění", "Entlassmedikation", "Discharge medication"),
        "health",
        medication,
        required=True,
    ),
)
"""What the registering GP must be told after a stay: no more than the duty asks for."""

_FOUND: Final = ("Observation", "Condition", "QuestionnaireResponse", "Goal")

SOCIAL_SUMMARY: Final = (
    Section(
        SECTION,
        "contacts",
        ("Klient a kontakty", "Klient und Kontakte", "Client and contacts"),
        "identity",
        of_type("RelatedPerson", "CareTeam"),
    ),
    Section(LOINC, "42349-1", ("Důvod a zakázka", "Anlass und Auftrag", "Reason and request"), "plan", own_request),
    Section(
        LOINC,
        "75310-3",
        ("Zdraví s vlivem na péči", "Gesundheit im Alltag", "Health relevant to care"),
        "health",
        health_concern,
    ),
    Section(
        LOINC,
        "47420-5",
        ("Soběstačnost", "Selbstversorgung", "Activities of daily life"),
        "self-care",
        function,
    ),
    Section(
        SECTION,
        "finance",
        ("Finance", "Finanzen", "Finance"),
        "finance",
        about("finance", *_FOUND, "Coverage"),
    ),
    Section(
        LOINC,
        "71802-3",
        ("Bydlení", "Wohnen", "Housing"),
        "housing",
        about("housing", *_FOUND, "Location", "ServiceRequest"),
    ),
    Section(
        SECTION,
        "household",
        ("Domácnost a hygiena", "Haushalt und Hygiene", "Household and hygiene"),
        "household",
        about("household", *_FOUND, "ServiceRequest"),
    ),
    Section(
        LOINC,
        "67875-5",
        ("Práce a činnosti", "Arbeit und Aktivitäten", "Work and activities"),
        "occupation",
        about("occupation", *_FOUND),
    ),
    Section(SECTION, "family", ("Rodina", "Familie", "Family"), "family", about("family", *_FOUND)),
    Section(
        SECTION,
        "circles",
        ("Širší okruhy podpory", "Weitere Unterstützungskreise", "Wider circles of support"),
        "wider-circles",
        about("wider-circles", *_FOUND),
    ),
    Section(
        SECTION,
        "services",
        ("Poskytované služby", "Erbrachte Leistungen", "Services delivered"),
        "services",
        of_type("ServiceRequest", "Task", "HealthcareService", "EpisodeOfCare"),
    ),
    Section(
        LOINC,
        "46264-8",
        ("Pomůcky a úpravy", "Hilfsmittel und Anpassungen", "Equipment and adaptations"),
        "self-care",
        of_type("DeviceUseStatement"),
    ),
    Section(
        LOINC,
        "18776-5",
        ("Plán a cíle", "Plan und Ziele", "Plan and goals"),
        "plan",
        of_type("CarePlan", "Goal"),
    ),
    Section(
        LOINC,
        "104605-1",
        ("Rizika, ochrana a právo", "Risiken, Schutz und Recht", "Risks, safeguarding, law"),
        "safeguarding",
        safeguarding,
    ),
    Section(
        SECTION,
        "provenance",
        ("Zdroje a rozsah sdílení", "Quellen und Umfang der Freigabe", "Sources and sharing"),
        "identity",
        sharing,
    ),
)
"""The social-service summary: fifteen sections, every one always there."""
