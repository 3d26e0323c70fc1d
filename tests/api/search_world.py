"""What searches are tried on: two clients, a few records of each kind of value, and ways to ask for them.

Records have ids that read well; a search is told by the ids that it finds, in order.
"""

from __future__ import annotations

from typing import Any

import httpx

from hub.consent.model import Labels
from hub.security.tokens import issue_access_token
from tests.api.service import Service
from tests.exchange.world import EVERYTHING, INTAKE, House, Person, consent

Resource = dict[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
ACTIVE = "http://terminology.hl7.org/CodeSystem/condition-clinical"
CARE_PLAN_CATEGORY = "https://x.example/plan-category"
NUMBERS = "http://terminology.hl7.org/CodeSystem/v2-0203"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
SID = "https://x.example/sid"
OTHER = Person(given="Bedřich", family="Šťastný", born="1951-07-08")
HEALTH = Labels(areas=frozenset({"health"}))
NOBODY = Labels()


def reference(to: str) -> Resource:
    return {"reference": to}


def coded(system: str, code: str, display: str = "", text: str = "") -> Resource:
    coding = {"system": system, "code": code, **({"display": display} if display else {})}
    return {"coding": [coding], **({"text": text} if text else {})}


def put(house: House, *resources: Resource, labels: Labels = HEALTH, by: str = "hospital", **more: Any) -> None:
    """Records as they stand after an organisation's documents were taken in."""
    with house.hub.store.writing() as tx:
        for resource in resources:
            house.hub.recorder.write(tx, resource, contributor=f"Organization/{by}", labels=labels, **more)


def agree(house: House, client: str, organisation: str, areas: tuple[str, ...], *actions: str, **more: Any) -> str:
    """A client lets an organisation know these areas; the reference of the Consent."""
    given = consent(client, organisation, areas, actions or ("access", "disclose"), **more)
    return house.hub.writer.create(house.asker(), given).reference


def found(service: Service, query: str, by: str = "municipality", **headers: str) -> list[str]:
    """The ids of the matches, in order."""
    return ids(asked(service, query, by, **headers))


def asked(service: Service, query: str, by: str = "municipality", **headers: str) -> Resource:
    """The Bundle that a search is answered with."""
    answer = get(service, query, by, **headers)
    assert answer.status_code == 200, answer.text
    bundle: Resource = answer.json()
    assert bundle["type"] == "searchset"
    return bundle


def get(service: Service, query: str, by: str = "municipality", **headers: str) -> httpx.Response:
    """A search by GET; a query that begins with http is a link."""
    public = service.house.hub.settings.public_url
    url = query.removeprefix(public) if query.startswith("http") else f"/fhir/{query}"
    return service.http.get(url, headers={**service.headers(by), **headers})


def with_scope(service: Service, scope: str, organisation: str = "municipality") -> dict[str, str]:
    """The headers of a caller whose token is good for this, as of the hub's own time of day."""
    hub = service.house.hub
    token = issue_access_token(
        hub.keys,
        organisation=organisation,
        purpose="COC",
        basis="CONSENT",
        scope=scope,
        audience=f"{hub.settings.public_url}/fhir",
        now=service.house.clock(),
    )
    return {"Authorization": f"Bearer {token}"}


def ids(bundle: Resource, mode: str = "match") -> list[str]:
    entries = [e for e in bundle.get("entry", []) if e["search"]["mode"] == mode]
    return [e["resource"].get("id", e["resource"]["resourceType"]) for e in entries]


def link(bundle: Resource, relation: str) -> str:
    return next((one["url"] for one in bundle.get("link", []) if one["relation"] == relation), "")


def furnish(house: House) -> str:
    """Two clients with their records; the first one's reference."""
    house.intake()
    other = house.introduce(OTHER, number="K-2")
    house.references["other"] = other
    agree(house, other, "municipality", EVERYTHING, *INTAKE)
    directory(house)
    put(house, *of_first(house.client))
    put(house, *of_second(other))
    return house.client


def directory(house: House) -> None:
    """Who and where: known to everybody."""
    put(
        house,
        {"resourceType": "Practitioner", "id": "jana", "name": [{"family": "Nováková", "given": ["Jana"]}],
         "qualification": [{"code": coded(SNOMED, "309343006")}]},
        {"resourceType": "Practitioner", "id": "petr", "name": [{"family": "Novák", "given": ["Petr"]}],
         "telecom": [{"system": "phone", "value": "+420 111"}]},
        {"resourceType": "PractitionerRole", "id": "jana-role", "practitioner": reference("Practitioner/jana"),
         "organization": reference("Organization/hospital"), "active": True},
        {"resourceType": "Location", "id": "praha", "name": "Praha", "status": "active",
         "position": {"longitude": 14.4378, "latitude": 50.0755}},
        {"resourceType": "Location", "id": "brno", "name": "Brno", "status": "active",
         "position": {"longitude": 16.6068, "latitude": 49.1951}, "partOf": reference("Location/praha")},
        {"resourceType": "Questionnaire", "id": "barthel", "status": "active", "title": "Barthel 100%_x",
         "url": "https://x.example/forms/barthel", "version": "2", "date": "2025"},
        {"resourceType": "Questionnaire", "id": "barthel-long", "status": "draft", "title": "Barthelová",
         "url": "https://x.example/forms/barthel/long", "date": "2025-06-15"},
        labels=NOBODY,
    )  # fmt: skip


def of_first(client: str) -> list[Resource]:
    subject = reference(client)
    return [
        {"resourceType": "Condition", "id": "diabetes", "subject": subject, "clinicalStatus": coded(ACTIVE, "active"),
         "code": coded(SNOMED, "44054006", "Diabetes mellitus type 2", "cukrovka"), "onsetDateTime": "2019-05",
         "recordedDate": "2019-06-01", "asserter": reference("Practitioner/jana"),
         "identifier": [{"system": SID, "value": "C-1", "type": coded(NUMBERS, "MR")}],
         "meta": {"tag": [{"system": "https://x.example/tags", "code": "review"}], "source": "https://x.example/his",
                  "profile": ["https://x.example/StructureDefinition/condition"]},
         "text": {"status": "generated",
                  "div": '<div xmlns="http://www.w3.org/1999/xhtml">Cukrovka druhého typu</div>'}},
        {"resourceType": "Condition", "id": "hypertension", "subject": subject,
         "clinicalStatus": coded(ACTIVE, "resolved"), "code": coded("http://hl7.org/fhir/sid/icd-10", "I10"),
         "recordedDate": "2023-02-10T08:00:00+01:00", "asserter": reference("Practitioner/petr"),
         "note": [{"text": "Léčena v nemocnici"}]},
        {"resourceType": "Observation", "id": "weight", "status": "final", "subject": subject,
         "code": coded(LOINC, "29463-7", "Body weight"), "effectiveDateTime": "2026-11-01T10:00:00Z",
         "valueQuantity": {"value": 72.5, "unit": "kg", "system": UCUM, "code": "kg"},
         "performer": [reference("Practitioner/jana")]},
        {"resourceType": "Observation", "id": "pressure", "status": "preliminary", "subject": subject,
         "code": coded(LOINC, "85354-9", "Blood pressure"), "effectiveDateTime": "2026-10-01",
         "component": [
             {"code": coded(LOINC, "8480-6"), "valueQuantity": {"value": 145, "system": UCUM, "code": "mm[Hg]"}},
             {"code": coded(LOINC, "8462-4"), "valueQuantity": {"value": 85, "system": UCUM, "code": "mm[Hg]"}}],
         "derivedFrom": [reference("Observation/weight")]},
        {"resourceType": "Observation", "id": "mood", "status": "final", "subject": subject,
         "code": {"text": "Nálada"}, "valueString": "Klidná, veselá"},
        {"resourceType": "RiskAssessment", "id": "fall", "status": "final", "subject": subject,
         "prediction": [{"probabilityDecimal": 0.80}]},
        {"resourceType": "RelatedPerson", "id": "daughter", "patient": subject, "relationship": [coded(ROLE, "DAU")]},
        {"resourceType": "Goal", "id": "walk", "lifecycleStatus": "active", "subject": subject,
         "description": {"text": "Chodit"}, "addresses": [reference("Condition/diabetes")]},
        {"resourceType": "CarePlan", "id": "plan", "status": "active", "intent": "plan", "subject": subject,
         "goal": [reference("Goal/walk")], "category": [coded(CARE_PLAN_CATEGORY, "home")],
         "period": {"start": "2026-01-01", "end": "2026-12-31"}},
        {"resourceType": "List", "id": "problems", "status": "current", "mode": "working", "subject": subject,
         "entry": [{"item": reference("Condition/diabetes")}]},
        {"resourceType": "Encounter", "id": "stay", "status": "finished", "subject": subject,
         "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
         "diagnosis": [{"condition": reference("Condition/diabetes")}],
         "location": [{"location": reference("Location/brno")}]},
    ]  # fmt: skip


def of_second(client: str) -> list[Resource]:
    subject = reference(client)
    return [
        {"resourceType": "Condition", "id": "gout", "subject": subject, "clinicalStatus": coded(ACTIVE, "active"),
         "code": coded(SNOMED, "90560007", "Gout"), "recordedDate": "2021-03-04"},
        {"resourceType": "Observation", "id": "weight-of-second", "status": "final", "subject": subject,
         "code": coded(LOINC, "29463-7"), "effectiveDateTime": "2025-01-01T00:00:00Z",
         "valueQuantity": {"value": 90, "unit": "kg", "system": UCUM, "code": "kg"}},
    ]  # fmt: skip
