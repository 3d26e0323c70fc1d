"""Index values of HL7's own examples, against what their text says, read by a person."""

from __future__ import annotations

import pytest

from hub.fhir import text
from hub.fhir.search_parameters import extract
from tests.fhir.corpus import CORPUS, needs_corpus

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
FIRST, LAST = "0001-01-01T00:00:00.000000+00:00", "9999-12-31T23:59:59.999999+00:00"

TOLD: dict[str, set[tuple[str, ...]]] = {
    "r4_CarePlan-example": {
        ("identifier", "", "12345"),
        ("identifier", "*", "12345"),
        ("instantiates-uri", "", "http://example.org/protocol-for-obesity"),
        ("based-on", "", ""),
        ("based-on:text", "Management of Type 2 Diabetes", "management of type 2 diabetes"),
        ("replaces", "", ""),
        ("replaces:text", "Plan from urgent care clinic", "plan from urgent care clinic"),
        ("part-of", "", ""),
        ("part-of:text", "Overall wellness plan", "overall wellness plan"),
        ("status", "", "active"),
        ("intent", "", "plan"),
        ("category", "", ""),
        ("category:text", "Weight management plan", "weight management plan"),
        ("subject", "", "Patient/example"),
        ("subject:text", "Peter James Chalmers", "peter james chalmers"),
        ("patient", "", "Patient/example"),
        ("patient:text", "Peter James Chalmers", "peter james chalmers"),
        ("encounter", "", "Encounter/home"),
        ("date", FIRST, "2017-06-01T23:59:59.999999+00:00"),
        ("care-team", "", "CareTeam/example"),
        ("condition", "", ""),
        ("condition:text", "obesity", "obesity"),
        ("goal", "", "Goal/example"),
        ("activity-code", LOINC, "3141-9"),
        ("activity-code", SNOMED, "27113001"),
        ("activity-code:text", "Weight Measured", "weight measured"),
        ("activity-code:text", "Body weight", "body weight"),
        ("performer", "", "Patient/example"),
        ("performer:text", "Peter James Chalmers", "peter james chalmers"),
        ("*", "", "Patient/example"),
        ("*", "", "Practitioner/example"),
        ("*", "", "Observation/example"),
    },
    "r4_Task-example3": {
        ("status", "", "draft"),
        ("intent", "", "order"),
        ("code", "", ""),
        ("code:text", "Refill Request", "refill request"),
        ("focus", "", "MedicationRequest/medrx002"),
        ("subject", "", "Patient/f001"),
        ("patient", "", "Patient/f001"),
        ("authored-on", "2016-03-11T02:39:32.000000+00:00", "2016-03-11T02:39:32.999999+00:00"),
        ("modified", "2016-03-11T02:39:32.000000+00:00", "2016-03-11T02:39:32.999999+00:00"),
        ("requester", "", "Patient/example"),
        ("owner", "", "Practitioner/example"),
    },
    "r4_RiskAssessment-prognosis": {
        ("subject", "", "Patient/example"),
        ("patient", "", "Patient/example"),
        ("date", "2010-11-22T00:00:00.000000+00:00", "2010-11-22T23:59:59.999999+00:00"),
        ("condition", "", "Condition/stroke"),
        ("condition:text", "Ischemic Stroke", "ischemic stroke"),
        ("risk", "http://terminology.hl7.org/CodeSystem/risk-probability", "moderate"),
        ("risk:text", "moderate likelihood", "moderate likelihood"),
    },
    "r4_EpisodeOfCare-example": {
        ("identifier", "http://example.org/sampleepisodeofcare-identifier", "123"),
        ("identifier", "*", "123"),
        ("status", "", "active"),
        ("type", "http://terminology.hl7.org/CodeSystem/episodeofcare-type", "hacc"),
        ("type:text", "Home and Community Care", "home and community care"),
        ("condition", "", "Condition/stroke"),
        ("patient", "", "Patient/example"),
        ("organization", "", "Organization/hl7"),
        ("date", "2014-09-01T00:00:00.000000+00:00", LAST),
        ("incoming-referral", "", ""),
        (
            "incoming-referral:text",
            "Referral from Example Aged Care Services",
            "referral from example aged care services",
        ),
        ("care-manager", "", "Practitioner/14"),
        ("care-manager:text", "Amanda Assigned", "amanda assigned"),
        ("*", "", "CareTeam/example"),
        ("*", "", "Account/example"),
    },
}
"""Example -> (parameter, system or text or start, value or end), all of them."""


@needs_corpus
@pytest.mark.parametrize("name", TOLD)
def test_an_official_example_is_found_by_what_it_says_and_nothing_else(name: str) -> None:
    resource = text.read((CORPUS / "careplan" / f"{name}.json").read_bytes())
    found = {(row.param, row.start or row.system, row.end or row.value) for row in extract(resource)}
    assert found == TOLD[name]
