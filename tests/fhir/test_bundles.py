"""Bundles made and resolved, resources built."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from hub.errors import InvalidResource
from hub.fhir import r4
from hub.fhir.bundles import collection, document, resolve, resources_of, searchset, transaction
from hub.fhir.validate import validate
from hub.fhir.value import Resource
from tests.fhir.test_validate import ALLERGY, COMPOSITION, PATIENT

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UUID = "urn:uuid:7f9c0e2e-0000-4000-8000-00000000000"


def test_a_document_names_each_resource_once_and_refers_by_full_url() -> None:
    composition = {**COMPOSITION, "id": "c", "subject": {"reference": "Patient/p1"}}
    names = {"Composition": f"{UUID}1", "Patient": f"{UUID}2", "AllergyIntolerance": f"{UUID}3"}
    allergy = {**ALLERGY, "id": "a"}
    made = document(
        composition,
        [PATIENT, allergy, PATIENT],
        identifier=f"{UUID}9",
        at=NOW,
        full_url=lambda r: names[r["resourceType"]],
    )
    assert validate(made) == ()
    assert [r["resourceType"] for r in resources_of(made)] == ["Composition", "Patient", "AllergyIntolerance"]
    assert resources_of(made)[0]["subject"] == {"reference": f"{UUID}2"}
    assert resolve(made, f"{UUID}2") == PATIENT


def test_a_transaction_puts_by_id_under_the_version_it_saw() -> None:
    made = transaction([PATIENT], identifier=f"{UUID}9", if_match={"Patient/p1": "4"})
    assert validate(made) == ()
    assert made["entry"][0]["request"] == {"method": "PUT", "url": "Patient/p1", "ifMatch": 'W/"4"'}


def test_collections_and_searchsets_are_valid() -> None:
    assert validate(collection([PATIENT, ALLERGY])) == ()
    assert validate(collection([])) == ()
    base = "http://x.example/fhir"
    warning: Resource = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "not-supported", "diagnostics": "`colour` was left out"}],
    }
    links = [("self", f"{base}/Patient"), ("next", f"{base}/Patient?_page=x")]
    found = searchset([PATIENT], base=base, total=7, links=links, included=[ALLERGY], outcome=warning)
    assert validate(found) == ()
    assert [e["search"]["mode"] for e in found["entry"]] == ["match", "include", "outcome"]
    assert found["entry"][0]["fullUrl"] == f"{base}/Patient/p1"
    assert "total" not in searchset([], base=base)


def test_a_relative_reference_is_resolved_from_the_entry_it_stands_in() -> None:
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "fullUrl": "http://a.example/Patient/1",
                "resource": {"resourceType": "Patient", "id": "1", "gender": "male"},
            },
            {
                "fullUrl": "http://b.example/Patient/1",
                "resource": {"resourceType": "Patient", "id": "1", "gender": "female"},
            },
        ],
    }
    found = resolve(bundle, "Patient/1/_history/3", seen_from="http://b.example/Task/9")
    assert found is not None
    assert found["gender"] == "female"
    assert resolve(bundle, "Patient/2") is None
    assert resolve(bundle, None) is None


def test_what_is_built_is_valid_and_plain() -> None:
    task = r4.build(
        "Task",
        status="requested",
        intent="order",
        for_={"reference": "Patient/p1"},
        authoredOn=NOW,
        note=None,
    )
    assert task == {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "for": {"reference": "Patient/p1"},
        "authoredOn": "2026-01-02T03:04:05.000Z",
    }
    assert r4.build("Patient", birthDate=date(1955, 3, 15))["birthDate"] == "1955-03-15"
    with pytest.raises(InvalidResource):
        r4.build("Task", status="asked", intent="order")


def test_a_model_is_a_typed_view_and_its_refusal_names_places_only() -> None:
    assert r4.model(PATIENT).gender == "female"
    with pytest.raises(InvalidResource) as refused:
        r4.model({"resourceType": "Observation", "status": "final", "valueString": ["Anna"]})
    assert "Anna" not in str(refused.value)
    with pytest.raises(InvalidResource):
        r4.model({"resourceType": "Nothing"})
