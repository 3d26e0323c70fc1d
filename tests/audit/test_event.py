"""AuditEvents: valid R4, in the pattern of IHE BALP that fits, with every reason in them."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from hub.audit.entry import Disclosed, JournalEntry, Withheld
from hub.audit.event import BALP, DCM, authorisation_event, to_audit_event
from hub.fhir.validate import validate

ENTRY = JournalEntry(
    id="e1",
    at="2026-11-21T10:00:00+01:00",
    kind="disclosure",
    organisation="Organization/ordinace",
    person="PractitionerRole/lekarka",
    purpose="COC",
    basis="CONSENT",
    action="access",
    exit="read",
    clients=("Patient/p1",),
    disclosed=(Disclosed("CarePlan/plan", "3", partial=True),),
    withheld=(Withheld("finance", "default: deny"),),
    because=("Consent/c1|2 provision.provision[1]",),
    token="t-1",
    network="192.0.2.7",
)

EVERY_KIND = [
    ENTRY,
    replace(ENTRY, exit="vread", person=""),
    replace(ENTRY, exit="search", query="Condition?code&patient"),
    replace(ENTRY, exit="summary", clients=("Patient/p1", "Patient/p2")),
    replace(ENTRY, kind="delivery", exit="push:plan", network="https://peer.example/fhir"),
    replace(ENTRY, kind="delivery", exit="push:plan", outcome="failed", reason="timeout"),
    replace(ENTRY, kind="received", exit="hl7v2", disclosed=()),
    replace(ENTRY, kind="refusal", exit="read", disclosed=(), outcome="refused", reason="default: deny"),
    replace(ENTRY, kind="refusal", because=("default: deny",), disclosed=()),
    replace(ENTRY, kind="consent", exit="update"),
    replace(ENTRY, kind="sign-in", clients=(), disclosed=(), because=()),
    replace(ENTRY, kind="notice"),
    JournalEntry("e2", "2026-11-21T10:00:00Z", "processing", exit="internal", clients=("Patient/p1",)),
    JournalEntry("e3", "2026-11-21T10:00:00Z", "refusal"),
    JournalEntry("e4", "2026-11-21T10:00:00Z", "disclosure", exit="read"),
]


@pytest.mark.parametrize("entry", EVERY_KIND, ids=lambda entry: f"{entry.kind}-{entry.exit}-{entry.outcome}")
def test_every_event_is_valid_fhir(entry: JournalEntry) -> None:
    faults = [fault for fault in validate(to_audit_event(entry)) if fault.severity == "error"]
    assert faults == []


def agents(event: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [one for one in event["agent"] if one["type"]["coding"][0]["code"] == code]


def entities(event: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [one for one in event["entity"] if one["type"]["code"] == code]


def profile(event: dict[str, Any]) -> str | None:
    found: list[str] = event.get("meta", {}).get("profile", [])
    return found[0].removeprefix(f"{BALP}/StructureDefinition/IHE.BasicAudit.") if found else None


def test_a_read_names_the_version_the_patient_the_consent_and_the_token() -> None:
    event = to_audit_event(ENTRY)
    assert profile(event) == "PatientRead"
    assert (event["action"], event["outcome"]) == ("R", "0")
    assert [one["what"] for one in entities(event, "2")] == [{"reference": "CarePlan/plan/_history/3"}]
    assert [one["what"] for one in entities(event, "1")] == [{"reference": "Patient/p1"}]
    assert [one["what"] for one in entities(event, "Consent")] == [{"reference": "Consent/c1/_history/2"}]
    assert entities(event, "UserOauthAgent")[0]["what"]["identifier"]["value"] == "t-1"
    assert agents(event, "IRCP")[0]["who"] == {"reference": "PractitionerRole/lekarka"}
    assert agents(event, "110152")[0]["who"] == {"reference": "Organization/ordinace"}
    assert agents(event, "110153")[0]["who"] == event["source"]["observer"]


def test_what_was_withheld_and_why_is_in_the_event() -> None:
    details = entities(to_audit_event(ENTRY), "decision")[0]["detail"]
    said = {(detail["type"], detail["valueString"]) for detail in details}
    assert {("withheld", "finance: default: deny"), ("basis", "CONSENT")} <= said


def test_a_search_carries_the_query_without_values() -> None:
    event = to_audit_event(replace(ENTRY, exit="search", query="Condition?code&patient"))
    assert profile(event) == "PatientQuery"
    assert base64.b64decode(entities(event, "2")[0]["query"]) == b"Condition?code&patient"
    assert entities(event, "CarePlan")[0]["what"]["reference"] == "CarePlan/plan/_history/3"


def test_a_delivery_is_a_privacy_disclosure_whose_source_is_the_hub() -> None:
    event = to_audit_event(replace(ENTRY, kind="delivery", exit="push:plan"))
    assert profile(event) == "PrivacyDisclosure.Source"
    assert event["type"] == {"system": DCM, "code": "110106", "display": "Export"}
    assert agents(event, "110153")[0]["who"] == event["source"]["observer"]
    assert agents(event, "110152")[0]["who"] == {"reference": "Organization/ordinace"}


def test_a_refusal_is_an_authorisation_decision_with_outcome_8() -> None:
    refused = replace(ENTRY, kind="refusal", disclosed=(), reason="Consent denies")
    event = to_audit_event(refused)
    assert profile(event) == "AuthZconsent"
    assert (event["action"], event["outcome"], event["outcomeDesc"]) == ("E", "8", "Consent denies")
    assert {one["type"]["code"] for one in event["entity"]} == {"1", "Consent", "UserOauthAgent"}
    assert agents(event, "authserver")[0]["who"] == event["source"]["observer"]
    assert agents(event, "PROV")[0]["who"] == {"reference": "Organization/ordinace"}
    assert agents(event, "IRCP")[0]["purposeOfUse"][0]["coding"][0]["code"] == "COC"


def test_a_permit_can_be_told_as_a_decision_too() -> None:
    event = authorisation_event(ENTRY)
    assert (profile(event), event["outcome"]) == ("AuthZconsent", "0")


def test_a_refusal_without_any_consent_claims_no_profile_but_keeps_its_reason() -> None:
    event = to_audit_event(replace(ENTRY, kind="refusal", because=("default: deny",)))
    assert profile(event) is None
    assert event["outcome"] == "8"
    assert {"type": "because", "valueString": "default: deny"} in entities(event, "decision")[0]["detail"]


@pytest.mark.parametrize("exit", ["read", "search", "summary"])
def test_an_event_about_two_people_claims_no_profile_made_for_one(exit: str) -> None:
    event = to_audit_event(replace(ENTRY, exit=exit, query="x", clients=("Patient/p1", "Patient/p2")))
    assert profile(event) is None
    assert len(entities(event, "1")) == 2
