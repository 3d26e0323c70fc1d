"""SMART's own Python client (fhirclient), which parses strictly, at work with the hub."""

from __future__ import annotations

from typing import Any

import pytest
from fhirclient import client as smart
from fhirclient.models.bundle import Bundle
from fhirclient.models.condition import Condition
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient

from tests.api.service import Service
from tests.clients.papers import problem, weight


@pytest.fixture
def server(base: str, token: str) -> Any:
    """Signed in: the token endpoint is found in the server's own CapabilityStatement."""
    app = smart.FHIRClient({"app_id": "municipality", "api_base": base, "jwt_token": "-"})
    app.server.get_capability()
    assert app.server.auth.auth_type == "oauth2"
    app.server.auth.access_token = token
    return app.server


def test_the_capability_statement_is_understood(server: Any, base: str) -> None:
    stated = server.capabilityStatement
    assert stated.fhirVersion == "4.0.1"
    types = {resource.type for resource in stated.rest[0].resource}
    assert {"Patient", "CarePlan", "CareTeam", "Goal", "Consent"} <= types
    assert server.auth._token_uri == base.removesuffix("/fhir") + "/oauth/token"


def test_a_record_is_created_read_updated_and_deleted(server: Any, live: Service) -> None:
    made = Observation(weight(live.house.client, 71.5, 1))
    stored = made.create(server)
    observation = Observation.read(stored["id"], server)
    assert observation.valueQuantity.value == 71.5
    observation.status = "amended"
    observation.update(server)
    assert Observation.read(stored["id"], server).status == "amended"
    first = Observation.read_from(f"Observation/{stored['id']}/_history/1", server)
    assert first.status == "final"
    history = Bundle.read_from(f"Observation/{stored['id']}/_history", server)
    assert [entry.resource.meta.versionId for entry in history.entry] == ["2", "1"]
    observation.delete(server)
    found = Observation.where({"_id": stored["id"]}).perform_resources(server)
    assert found == []


def test_pages_are_walked_and_references_brought_along(server: Any, live: Service) -> None:
    client = live.house.client
    for day in range(1, 8):
        Observation(weight(client, 70 + day, day)).create(server)
    search = Observation.where({"patient": client, "_count": "3", "_sort": "date"})
    days = [o.as_json()["effectiveDateTime"] for o in search.perform_resources_iter(server)]
    assert days == [f"2026-11-{day:02}" for day in range(1, 8)]
    with_client = Observation.where({"patient": client}).include("subject").perform(server)
    assert [e.resource.resource_type for e in with_client.entry].count("Patient") == 1
    named = Patient.where({"family": "Zkušební"}).perform_resources(server)
    assert [p.relativePath() for p in named] == [client]


def test_a_transaction_is_sent_as_one(server: Any, live: Service) -> None:
    bundle = Bundle(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "resource": problem(live.house.client, f"Pád {n}", f"P-{n}"),
                    "request": {"method": "POST", "url": "Condition"},
                }
                for n in range(3)
            ],
        }
    )
    answer = Bundle(server.post_json("", bundle.as_json()).json())
    assert [entry.response.status[:3] for entry in answer.entry] == ["201"] * 3
    assert len(Condition.where({"patient": live.house.client}).perform_resources(server)) == 3
