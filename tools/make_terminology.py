"""Make the hub's tables of HL7 terminology and of published search parameters from the official definitions (CC0).

    python tools/make_terminology.py DIR

DIR holds `valuesets.json`, `security-codes.json` and `search-parameters.json`. The result goes to
`hub/fhir/definitions/`, is the same byte for byte on every run, and DIR is not needed again.

- `terminology.json.gz`: `systems`: url -> [whether all its codes are here, [[code, display, [parents]]]];
  `value_sets`: url -> {system: [codes]}; `displays`: {system: {code: display}} of systems that others publish.
- `parameters.json.gz`: search parameters of the types that the hub serves: [url, code, type, [bases], expression,
  [targets]].
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "hub" / "fhir" / "definitions"
HL7 = ("http://hl7.org/fhir/", "http://terminology.hl7.org/CodeSystem/")
IN_PART = ("http://terminology.hl7.org/CodeSystem/v3-ActCode",)
"""Of these the security codes are a part."""

_NAMES = """
Resource DomainResource Patient RelatedPerson Practitioner PractitionerRole Organization Endpoint
HealthcareService Location CareTeam CarePlan Goal Condition AllergyIntolerance Medication MedicationStatement
MedicationRequest Immunization Procedure Observation DiagnosticReport Device DeviceUseStatement Flag
ServiceRequest Task Appointment Encounter EpisodeOfCare Communication CommunicationRequest Questionnaire
QuestionnaireResponse Composition Bundle DocumentReference Binary Consent Provenance AuditEvent List Coverage
ClinicalImpression RiskAssessment Group Basic
"""
SERVED = frozenset(_NAMES.split())


def systems_of(value_sets: dict[str, Any], security: dict[str, Any]) -> dict[str, Any]:
    """Every code system that HL7 publishes and the definitions speak of, with what is known of it."""
    found: dict[str, dict[str, list[Any]]] = {}
    for system, codes in security.items():
        for code, display, parents in codes:
            found.setdefault(system, {})[code] = [code, display or "", parents]
    for codes_by_system in value_sets.values():
        for system, codes in codes_by_system.items():
            for code, display in codes:
                known = found.setdefault(system, {}).setdefault(code, [code, "", []])
                known[1] = known[1] or display or ""
    return {
        system: [is_whole(system, concepts, value_sets, security), list(concepts.values())]
        for system, concepts in sorted(found.items())
    }


def is_whole(system: str, concepts: dict[str, Any], value_sets: dict[str, Any], security: dict[str, Any]) -> bool:
    """Whether all codes of a system are here: it stands in the security codes, or its own value set has them all."""
    if system in security:
        return system not in IN_PART
    own = value_sets.get(f"http://hl7.org/fhir/ValueSet/{system.rsplit('/', 1)[-1]}", {})
    return list(own) == [system] and len(own[system]) == len(concepts)


def write(name: str, content: Any) -> None:
    """Write one table, compressed without a time stamp."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (TARGET / name).write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def main(source: Path) -> None:
    """Make both tables."""
    value_sets, security, parameters = (
        json.loads((source / f"{name}.json").read_text("utf-8"))
        for name in ("valuesets", "security-codes", "search-parameters")
    )
    systems = systems_of(value_sets, security)
    write(
        "terminology.json.gz",
        {
            "systems": {url: known for url, known in systems.items() if url.startswith(HL7)},
            "value_sets": {
                url: {system: [code for code, _ in codes] for system, codes in content.items()}
                for url, content in value_sets.items()
            },
            "displays": {
                url: {code: display for code, display, _ in known[1]}
                for url, known in systems.items()
                if not url.startswith(HL7)
            },
        },
    )
    served = [p for p in parameters if SERVED & set(p["base"])]
    write(
        "parameters.json.gz",
        [
            [p["url"], p["code"], p["type"], p["base"], p.get("expression", ""), p.get("target", [])]
            for p in sorted(served, key=lambda p: str(p["url"]))
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
