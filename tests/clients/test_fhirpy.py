"""fhirpy, as it comes from PyPI, at work with the hub: its own create, read, search, page, patch, history."""

from __future__ import annotations

import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import ForbiddenError, ResourceNotFound

from tests.api.service import Service
from tests.clients.papers import problem, weight


@pytest.fixture
def fhirpy(base: str, token: str) -> SyncFHIRClient:
    return SyncFHIRClient(base, authorization=f"Bearer {token}")


def test_a_record_is_created_read_changed_and_deleted(fhirpy: SyncFHIRClient, live: Service) -> None:
    made = fhirpy.resource("Observation", **weight(live.house.client, 71.5, 1))
    made.save()
    assert made.id
    again = fhirpy.reference("Observation", made.id).to_resource()
    assert again["valueQuantity"]["value"] == 71.5
    again["valueQuantity"]["value"] = 72
    again.save()
    assert again["meta"]["versionId"] == "2"
    again.patch(status="amended")
    assert again["status"] == "amended"
    assert made.refresh()["status"] == "amended"
    again.refresh()
    history = fhirpy.execute(f"Observation/{made.id}/_history", method="get")
    assert [e.resource.meta.versionId for e in history.entry] == ["3", "2", "1"]
    again.delete()
    with pytest.raises(ResourceNotFound):
        fhirpy.reference("Observation", made.id).to_resource()


def test_a_record_is_checked_before_it_is_sent(fhirpy: SyncFHIRClient, live: Service) -> None:
    good = fhirpy.resource("Observation", **weight(live.house.client, 71.5, 1))
    assert good.is_valid()
    bad = fhirpy.resource("Observation", **{**weight(live.house.client, 71.5, 1), "status": "perhaps"})
    assert not bad.is_valid()


def test_searching_counts_sorts_pages_and_brings_what_is_referred_to(fhirpy: SyncFHIRClient, live: Service) -> None:
    client = live.house.client
    for day in range(1, 26):
        fhirpy.resource("Observation", **weight(client, 70 + day, day)).save()
    weights = fhirpy.resources("Observation").search(patient=client, code="http://loinc.org|29463-7")
    assert weights.count() == 25
    listed = weights.sort("-date").limit(10).fetch_all()
    assert [o["effectiveDateTime"] for o in listed] == [f"2026-11-{day:02}" for day in range(25, 0, -1)]
    assert weights.sort("date").first()["effectiveDateTime"] == "2026-11-01"
    assert len(weights.search(date__ge="2026-11-20").fetch_all()) == 6
    assert len(weights.search(value_quantity__gt="90").fetch_all()) == 5
    assert len(fhirpy.resources("Observation").search(patient__Patient__gender="female").limit(100).fetch()) == 25
    bundle = weights.include("Observation", "patient").limit(2).fetch_raw()
    assert [e.search.mode for e in bundle.entry].count("include") == 1
    assert len(fhirpy.resources("Patient").has("Observation", "patient", code="29463-7").fetch()) == 1


def test_what_is_asked_for_twice_is_made_once(fhirpy: SyncFHIRClient, live: Service) -> None:
    system = "https://municipality.example/sid/problem"
    told = fhirpy.resource("Condition", **problem(live.house.client, "Pád", "P-1"))
    wanted = fhirpy.resources("Condition").search(identifier=f"{system}|P-1")
    first, was_made = wanted.get_or_create(told)
    second, was_made_again = wanted.get_or_create(told)
    assert (was_made, was_made_again) == (True, False)
    assert first["id"] == second["id"]
    changed, _ = wanted.update(fhirpy.resource("Condition", **problem(live.house.client, "Opakovaný pád", "P-1")))
    assert changed["id"] == first["id"]
    patched = wanted.patch(code={"text": "Pády doma"})
    assert patched["code"]["text"] == "Pády doma"
    wanted.delete()
    assert wanted.count() == 0


def test_a_transaction_refers_inside_itself(fhirpy: SyncFHIRClient, live: Service) -> None:
    client = live.house.client
    urn = "urn:uuid:0b7b3c0a-9a1a-4b4e-8a3b-0d6f2a9c7e11"
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": urn,
                "resource": problem(client, "Pád", "P-2"),
                "request": {"method": "POST", "url": "Condition"},
            },
            {
                "resource": {
                    "resourceType": "Goal",
                    "lifecycleStatus": "accepted",
                    "description": {"text": "Chodit bez pádu"},
                    "subject": {"reference": client},
                    "addresses": [{"reference": urn}],
                },
                "request": {"method": "POST", "url": "Goal"},
            },
        ],
    }
    answer = fhirpy.execute("", data=bundle)
    assert [e.response.status[:3] for e in answer.entry] == ["201", "201"]
    condition = answer.entry[0].response.location.split("/_history")[0].split("/fhir/")[-1]
    found = fhirpy.resources("Goal").search(patient=client).fetch()
    assert found[0]["addresses"][0]["reference"] == condition


def test_whoever_may_not_see_finds_nothing(base: str, live: Service) -> None:
    stranger = live.headers("stranger")["Authorization"]
    other = SyncFHIRClient(base, authorization=stranger)
    assert other.resources("Patient").fetch() == []
    assert other.resources("Consent").search(patient=live.house.client).fetch() == []
    with pytest.raises((ResourceNotFound, ForbiddenError)):
        other.reference("Patient", live.house.client.split("/")[1]).to_resource()
