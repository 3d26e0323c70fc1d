"""Search by every kind of parameter, with every modifier and prefix, through chains and `_has`, on both databases.

https://hl7.org/fhir/R4/search.html; who asks here sees all of it, so what is tried is what the words mean.
"""

from __future__ import annotations

import pytest

from tests.api.search_world import LOINC, NUMBERS, ROLE, SID, SNOMED, UCUM, asked, found, get, ids
from tests.api.service import Service
from tests.exchange.world import BIRTH_NUMBER, CLIENT

TOKENS = [
    (f"Condition?code={SNOMED}|44054006", {"diabetes"}),
    ("Condition?code=44054006", {"diabetes"}),
    (f"Condition?code={SNOMED}|", {"diabetes", "gout"}),
    (f"Condition?code={SNOMED}|44054006,http://hl7.org/fhir/sid/icd-10|I10", {"diabetes", "hypertension"}),
    ("Condition?code=|44054006", set()),
    ("Condition?code=4405400", set()),
    ("Condition?code:text=diabetes mell", {"diabetes"}),
    ("Condition?code:text=CUKROVKA", {"diabetes"}),
    ("Condition?clinical-status:not=active", {"hypertension"}),
    ("Condition?clinical-status:not=active,resolved", set()),
    ("Condition?code:missing=true", set()),
    ("Observation?value-quantity:missing=true", {"pressure", "mood"}),
    ("Observation?code:missing=false&_summary=true", {"weight", "pressure", "mood", "weight-of-second"}),
    (f"Condition?identifier={SID}|C-1", {"diabetes"}),
    ("Condition?identifier=C-1", {"diabetes"}),
    (f"Condition?identifier={SID}|", {"diabetes"}),
    (f"Condition?identifier={SID}|C-2", set()),
    ("Condition?identifier=|C-1", set()),
    (f"Condition?identifier:of-type={NUMBERS}|MR|C-1", {"diabetes"}),
    (f"Condition?identifier:of-type={NUMBERS}|SS|C-1", set()),
    ("Condition?_tag=https://x.example/tags|review", {"diabetes"}),
    ("Condition?_id=diabetes,gout,absent", {"diabetes", "gout"}),
    ("PractitionerRole?active=true", {"jana-role"}),
    ("Condition?clinical-status:in=http://hl7.org/fhir/ValueSet/condition-clinical",
     {"diabetes", "hypertension", "gout"}),
    ("Condition?clinical-status:not-in=http://hl7.org/fhir/ValueSet/condition-clinical", set()),
    (f"RelatedPerson?relationship:below={ROLE}|FAMMEMB", {"daughter"}),
    (f"RelatedPerson?relationship:below={ROLE}|DAU", {"daughter"}),
    (f"RelatedPerson?relationship:below={ROLE}|BRO", set()),
    (f"RelatedPerson?relationship:above={ROLE}|DAU", {"daughter"}),
    (f"RelatedPerson?relationship:above={ROLE}|FAMMEMB", set()),
]  # fmt: skip

STRINGS = [
    ("Practitioner?name=nov", {"jana", "petr"}),
    ("Practitioner?name=NOVAKO", {"jana"}),
    ("Practitioner?family:exact=Novák", {"petr"}),
    ("Practitioner?family:exact=novák", set()),
    ("Practitioner?family:contains=ová", {"jana", "petr"}),
    ("Practitioner?family:contains=ovak", {"jana", "petr"}),
    ("Practitioner?name=jana,petr", {"jana", "petr"}),
    ("Practitioner?name=jana&name=nov", {"jana"}),
    ("Questionnaire?title=barthel", {"barthel", "barthel-long"}),
    ("Questionnaire?title:contains=0%25_X", {"barthel"}),
    ("Patient?name=Šťastný", {"second"}),
    ("Patient?family=stastny&given=bedrich", {"second"}),
]

NUMBERS_AND_DATES = [
    ("RiskAssessment?probability=0.8", {"fall"}),
    ("RiskAssessment?probability=gt0.8", set()),
    ("RiskAssessment?probability=ge0.8", {"fall"}),
    ("RiskAssessment?probability=lt0.9", {"fall"}),
    ("RiskAssessment?probability=ne0.5", {"fall"}),
    ("RiskAssessment?probability=ap0.81", {"fall"}),
    ("Observation?value-quantity=72.5", {"weight"}),
    (f"Observation?value-quantity=gt72|{UCUM}|kg", {"weight", "weight-of-second"}),
    (f"Observation?value-quantity=lt80|{UCUM}|kg", {"weight"}),
    (f"Observation?value-quantity=72.5|{UCUM}|g", set()),
    ("Observation?value-quantity=72.5||kg", {"weight"}),
    ("Observation?date=2026-11-01", {"weight"}),
    ("Observation?date=2026", {"weight", "pressure"}),
    ("Observation?date=ge2026-10-01&date=lt2026-11", {"pressure"}),
    ("Observation?date=gt2026-10-01", {"weight"}),
    ("Observation?date=eb2026", {"weight-of-second"}),
    ("Observation?date=sa2026-10-15", {"weight"}),
    ("Observation?date=ne2026-10", {"weight", "weight-of-second"}),
    ("Observation?date:missing=true", {"mood"}),
    ("Condition?recorded-date=2023-02-10T07:00:00Z", {"hypertension"}),
    ("Condition?onset-date=2019", {"diabetes"}),
    ("CarePlan?date=2026-06-01", set()),
    ("CarePlan?date=ap2026", {"plan"}),
    ("CarePlan?date=ge2026-06-01", {"plan"}),
    ("Condition?_lastUpdated=lt2020", set()),
    ("Condition?_lastUpdated=gt2020", {"diabetes", "hypertension", "gout"}),
]

REFERENCES = [
    ("Condition?patient={client}", {"diabetes", "hypertension"}),
    ("Condition?patient={client_id}", {"diabetes", "hypertension"}),
    ("Condition?subject={client}", {"diabetes", "hypertension"}),
    ("Condition?subject:Patient={client_id}", {"diabetes", "hypertension"}),
    ("Condition?subject={base}/{client}", {"diabetes", "hypertension"}),
    ("Condition?subject=Group/{client_id}", set()),
    ("CarePlan?goal:missing=false", {"plan"}),
    ("CarePlan?goal=Goal/walk", {"plan"}),
    ("Observation?derived-from=Observation/weight", {"pressure"}),
    ("PractitionerRole?organization=Organization/hospital", {"jana-role"}),
]

URIS = [
    ("Questionnaire?url=https://x.example/forms/barthel", {"barthel"}),
    ("Questionnaire?url:below=https://x.example/forms/barthel", {"barthel", "barthel-long"}),
    ("Questionnaire?url:above=https://x.example/forms/barthel/long/section", {"barthel", "barthel-long"}),
    ("Questionnaire?url:below=https://x.example/for", set()),
    ("Condition?_profile=https://x.example/StructureDefinition/condition", {"diabetes"}),
    ("Condition?_source=https://x.example/his", {"diabetes"}),
]

COMPOSITES_AND_PLACES = [
    (f"Observation?code-value-quantity={LOINC}|29463-7$gt80", {"weight-of-second"}),
    (f"Observation?component-code-value-quantity={LOINC}|8480-6$gt140", {"pressure"}),
    (f"Observation?component-code-value-quantity={LOINC}|8462-4$gt140", set()),
    ("Location?near=50.08|14.43|5|km", {"praha"}),
    ("Location?near=50.08|14.43|300|km", {"praha", "brno"}),
    ("Location?near=49.19|16.60|3", {"brno"}),
]

CHAINS = [
    ("Condition?asserter:Practitioner.name=petr", {"hypertension"}),
    ("Condition?asserter.family=novakova", {"diabetes"}),
    ("CarePlan?goal.lifecycle-status=active", {"plan"}),
    (f"CarePlan?goal:Goal.patient.identifier={BIRTH_NUMBER}|{CLIENT.birth_number}", {"plan"}),
    ("Condition?patient.family=stastny", {"gout"}),
    (f"Condition?patient:identifier={SID}|none", set()),
    (f"Patient?_has:Condition:patient:code={SNOMED}|90560007", {"second"}),
    (f"Practitioner?_has:Condition:asserter:code={SNOMED}|90560007", set()),
    ("Practitioner?_has:Observation:performer:code=29463-7", {"jana"}),
    ("Patient?_has:Observation:subject:performer.family=novakova", {"first"}),
    ("Goal?_has:CarePlan:goal:status=active", {"walk"}),
    ("Practitioner?_has:PractitionerRole:practitioner:organization=Organization/hospital", {"jana"}),
]

SPECIAL = [
    ("Condition?_list=problems", {"diabetes"}),
    ("Observation?_list=problems", set()),
    ("Condition?_list=absent", set()),
    ("Condition?patient={client}&_content=nemocnic", {"hypertension"}),
    ("Condition?patient={client}&_content=lecena nemocnici", {"hypertension"}),
    ("Condition?patient={client}&_content=emocnic", set()),
    ("Condition?patient={client}&_text=druheho typu", {"diabetes"}),
    ("Condition?patient={client}&_text=div", set()),
    ("Observation?patient={client}&_content=veselá&status=final", {"mood"}),
    ("Observation?patient={client}&_content=veselá&status=preliminary", set()),
]

TABLE = [
    *TOKENS, *STRINGS, *NUMBERS_AND_DATES, *REFERENCES, *URIS, *COMPOSITES_AND_PLACES, *CHAINS, *SPECIAL,
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), TABLE, ids=[query for query, _ in TABLE])
def test_a_search_finds_what_it_says(furnished_hub: Service, query: str, expected: set[str]) -> None:
    house = furnished_hub.house
    first, second = house.client, house.references["other"]
    known = {"client": first, "client_id": first.split("/")[1], "base": f"{house.hub.settings.public_url}/fhir"}
    for name, value in known.items():
        query = query.replace(f"{{{name}}}", value)
    names = {first.split("/")[1]: "first", second.split("/")[1]: "second"}
    assert {names.get(id, id) for id in found(furnished_hub, query)} == expected


def test_the_same_by_a_form_and_split_between_form_and_url(furnished_hub: Service) -> None:
    form = {"code": f"{SNOMED}|44054006", "clinical-status": "active"}
    headers = furnished_hub.headers("municipality")
    whole = furnished_hub.http.post("/fhir/Condition/_search", data=form, headers=headers).json()
    split = furnished_hub.http.post(
        "/fhir/Condition/_search?clinical-status=active", data={"code": form["code"]}, headers=headers
    ).json()
    got = asked(furnished_hub, f"Condition?code={SNOMED}|44054006&clinical-status=active")
    assert ids(whole) == ids(split) == ids(got) == ["diabetes"]
    assert whole["entry"] == split["entry"] == got["entry"]


def test_a_search_of_several_types(furnished_hub: Service) -> None:
    assert set(found(furnished_hub, "?_type=Goal,CarePlan")) == {"walk", "plan"}
    assert set(found(furnished_hub, "?_type=Goal,Condition&_id=walk,gout")) == {"walk", "gout"}
    assert set(found(furnished_hub, "?_id=walk,gout,plan")) == {"walk", "gout", "plan"}


def test_a_compartment_has_the_records_of_one_client(furnished_hub: Service) -> None:
    client = furnished_hub.house.client
    assert found(furnished_hub, f"{client}/CarePlan") == ["plan"]
    assert set(found(furnished_hub, f"{client}/Condition")) == {"diabetes", "hypertension"}
    assert found(furnished_hub, f"{client}/Condition?clinical-status=active") == ["diabetes"]
    everything = set(found(furnished_hub, f"{client}/*?_count=100"))
    assert {"plan", "walk", "diabetes", "fall", "stay", "problems"} <= everything
    assert not everything & {"gout", "weight-of-second", "jana", "praha"}
    form = furnished_hub.http.post(
        f"/fhir/{client}/Condition/_search",
        data={"clinical-status": "active"},
        headers=furnished_hub.headers("municipality"),
    )
    assert ids(form.json()) == ["diabetes"]


@pytest.mark.parametrize(
    "query",
    ["Condition?_content=cukrovka", "Condition?_text=cukrovka&patient.family=x", "?_content=cukrovka",
     "Condition?patient=Patient/a,Patient/b&_content=x", "Condition?code:in=http://x.example/ValueSet/unknown",
     "Observation?code:below=29463-7"],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_by_name(furnished_hub: Service, query: str) -> None:
    answer = get(furnished_hub, query)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "not-supported"
    assert "cukrovka" not in answer.text
