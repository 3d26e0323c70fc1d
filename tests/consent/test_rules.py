"""Reading a Consent: what is refused at capture, and what a rule says of itself (consent rules §2)."""

from __future__ import annotations

from typing import Any

import pytest

from hub.consent.computable import capture_faults, read_consent
from hub.fhir.codes import CARE_AREA, CONSENT_SCOPE
from tests.consent.building import PRAGUE, concept, consent, moment
from tests.consent.world import WORLD


def paths(short: dict[str, Any]) -> list[str]:
    return [fault.path for fault in capture_faults(consent(short), WORLD)]


def test_a_consent_that_can_be_computed_is_taken() -> None:
    assert paths({"permit": {"actor": ["Organization/practice"], "area": ["health"], "purpose": ["COC"]}}) == []


def test_every_fault_is_named_at_once() -> None:
    short = {
        "permit": {
            "actor": ["Organization/nowhere"],
            "provisions": [{"deny": {"purpose": ["EMER"]}}, {"permit": {"raw": {"grantee": []}}}],
        },
        "without": ["performer"],
    }
    assert set(paths(short)) == {
        "Consent.provision.actor[0].reference",
        "Consent.provision.provision[0].purpose[0]",
        "Consent.provision.provision[1].grantee",
        "Consent.performer",
    }


def test_a_source_is_evidence_without_a_performer() -> None:
    short = {
        "permit": {},
        "without": ["performer"],
        "raw": {"sourceAttachment": {"title": "signed on paper"}},
    }
    assert paths(short) == []


def test_a_permit_that_names_the_unclassified_is_refused_at_capture() -> None:
    assert paths({"permit": {"area": ["unclassified"]}}) == ["Consent.provision.code"]
    assert paths({"permit": {"provisions": [{"deny": {"area": ["unclassified"]}}]}}) == []


def test_no_message_carries_what_the_consent_says_of_a_person() -> None:
    short = {"permit": {"actor": ["Practitioner/canary-4711"], "purpose": ["CANARY"], "area": ["canary"]}}
    for fault in capture_faults(consent(short), WORLD):
        assert "canary" not in f"{fault.path} {fault.text}".lower()


@pytest.mark.parametrize(
    "broken",
    [
        {"provision": []},
        {"provision": {"type": "permit", "actor": "x"}},
        {"provision": {"type": "permit", "actor": [3]}},
        {"provision": {"type": "permit", "actor": [{"reference": "x"}]}},
        {"provision": {"type": "permit", "action": [{"text": "read"}]}},
        {"provision": {"type": "permit", "purpose": [{"code": ["COC"]}]}},
        {"provision": {"type": "permit", "securityLabel": [{"system": CARE_AREA, "code": {}}]}},
        {"provision": {"type": "permit", "class": [{}]}},
        {"provision": {"type": "permit", "code": [concept(CARE_AREA, "health")["coding"]]}},
        {"provision": {"type": "permit", "period": "2026"}},
        {"provision": {"type": "permit", "period": {"start": 2026}}},
        {"provision": {"type": "permit", "dataPeriod": {"start": "yesterday"}}},
        {"provision": {"type": "permit", "data": [{"meaning": "instance"}]}},
        {"provision": {"type": "permit", "data": [{"meaning": "instance", "reference": {"display": "x"}}]}},
        {"provision": {"type": ["permit"]}},
        {"provision": {"type": "permit", "provision": [{"type": "maybe"}]}},
        {"provision": {"type": "permit", "provision": {}}},
        {"scope": {}},
        {"scope": "patient-privacy"},
        {"scope": {"coding": [{"system": CONSENT_SCOPE, "code": c} for c in ("patient-privacy", "treatment")]}},
        {"patient": {"display": "somebody"}},
        {"patient": {"reference": "Group/on-call"}},
        {"policyRule": 1, "provision": {}},
        {"verification": [{"modifierExtension": [{"url": "x"}]}]},
        {"_status": {"extension": [{"url": "x"}]}},
        {"extension": [{"url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent.grantee"}]},
    ],
)
def test_what_is_broken_is_named_and_never_read_by_half(broken: dict[str, Any]) -> None:
    rule = read_consent({**consent({"permit": {}}), **broken}, WORLD)
    assert rule.faults
    assert rule.root is None


def test_provisions_nested_without_end_are_refused() -> None:
    deep: dict[str, Any] = {"permit": {}}
    for _ in range(40):
        deep = {"permit": {"provisions": [deep]}}
    assert any("nested too deep" in fault.text for fault in capture_faults(consent(deep), WORLD))


def test_a_rule_knows_whom_it_names() -> None:
    rule = read_consent(
        consent(
            {
                "permit": {
                    "actor": ["Organization/practice"],
                    "provisions": [{"deny": {"data": [["instance", "Observation/o1"]]}}],
                }
            }
        ),
        WORLD,
    )
    assert rule.names == {"Organization/practice", "Observation/o1"}


def test_a_consent_to_the_end_of_time_is_in_force() -> None:
    rule = read_consent(consent({"permit": {"period": ["0001-01-01", "9999-12-31"]}}), WORLD)
    assert rule.faults == ()
    assert rule.in_force(moment("2026-03-10T12:00:00+01:00"), PRAGUE)
