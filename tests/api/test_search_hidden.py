"""What is hidden is not told by any search: not found, not counted, not sorted by, not reached, not missed.

The same questions are asked before and after much happens that the asker may not see; every answer is the same, byte
for byte. A sweep asks for every search parameter of the types that were planted; the rest are attacks that people
tried on other servers (docs/guarantees.md, attacks 33 and 36).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.consent.model import Labels
from hub.fhir.search_definitions import parameters
from tests.api.search_world import (
    HEALTH,
    LOINC,
    OTHER,
    SID,
    SNOMED,
    UCUM,
    agree,
    asked,
    coded,
    directory,
    found,
    get,
    ids,
    link,
    put,
    reference,
)  # fmt: skip
from tests.api.service import Service
from tests.exchange.world import EVERYTHING, INTAKE, PARTICIPATION, House, area, goal

Resource = dict[str, Any]
SHARED = ("health", "services", "plan", "identity")
FINANCE = Labels(areas=frozenset({"finance"}))
PSYCHIATRIC = Labels("R", frozenset({"PSY"}), frozenset({"health"}))
PSY = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]
SWEPT = ("CarePlan", "Condition", "Encounter", "Goal", "List", "Observation", "Patient")


def condition(id: str, client: str, text: str, **more: Any) -> Resource:
    return {"resourceType": "Condition", "id": id, "subject": reference(client), "code": {"text": text}, **more}


def observation(id: str, client: str, value: float, **more: Any) -> Resource:
    quantity = {"value": value, "unit": "kg", "system": UCUM, "code": "kg"}
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": reference(client),
        "code": coded(LOINC, "29463-7"), "valueQuantity": quantity, **more,
    }  # fmt: skip


def seen_in_part(service: Service) -> House:
    """A client of whom home care sees some: records, and a plan with parts that it does not see."""
    house = service.house
    house.intake()
    directory(house)
    put(
        house,
        condition("seen-1", house.client, "Viděno jedna", recordedDate="2020-05-01",
                  asserter=reference("Practitioner/jana")),
        condition("seen-2", house.client, "Viděno dvě", recordedDate="2022-05-01"),
        observation("seen-3", house.client, 72.5, effectiveDateTime="2026-01-01"),
        observation("seen-4", house.client, 80.0, effectiveDateTime="2025-01-01"),
        {"resourceType": "Encounter", "id": "seen-5", "status": "finished", "subject": reference(house.client),
         "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
         "diagnosis": [{"condition": reference("Condition/seen-1")}]},
        {"resourceType": "List", "id": "seen-6", "status": "current", "mode": "working",
         "subject": reference(house.client), "entry": [{"item": reference("Condition/seen-1")}]},
        labels=HEALTH,
    )  # fmt: skip
    put(house, condition("hidden-0", house.client, "ZN-SKRYTO-0"), labels=FINANCE)
    house.plan(("health", "finance"), team=("homecare",))
    who = [{"role": coded(PARTICIPATION, "IRCP"), "reference": reference("Organization/homecare")}]
    house.agree("homecare", SHARED, provision=[{"type": "deny", "actor": who, "securityLabel": PSY}])
    return house


def hidden_things_happen(house: House) -> None:
    """New records, changed ones, and new parts of what is seen in part; all of them out of home care's sight."""
    client = house.client
    house.clock.later(hours=2)
    put(
        house,
        condition("hidden-1", client, "ZN-SKRYTO-1", recordedDate="2021-01-01", severity=coded(SNOMED, "24484000"),
                  identifier=[{"system": SID, "value": "ZN-7"}], asserter=reference("Practitioner/petr"),
                  clinicalStatus=coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")),
        observation("hidden-2", client, 1.5, effectiveDateTime="2030-01-01", performer=[reference("Practitioner/petr")],
                    hasMember=[reference("Observation/seen-3")], derivedFrom=[reference("Observation/seen-4")]),
        {"resourceType": "Encounter", "id": "hidden-3", "status": "planned", "subject": reference(client),
         "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
         "diagnosis": [{"condition": reference("Condition/seen-1")}],
         "location": [{"location": reference("Location/brno")}]},
        {"resourceType": "Provenance", "id": "hidden-4", "target": [reference("Condition/seen-1")],
         "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": reference("Practitioner/petr")}]},
        labels=FINANCE,
        clients=[client],
    )  # fmt: skip
    put(
        house,
        condition("hidden-5", client, "ZN-SKRYTO-5", recordedDate="2023-01-01", note=[{"text": "viděno"}]),
        {"resourceType": "List", "id": "hidden-6", "status": "current", "mode": "working",
         "subject": reference(client), "entry": [{"item": reference("Condition/seen-2")}]},
        labels=PSYCHIATRIC,
    )  # fmt: skip
    house.hub.writer.create(house.asker(), {**goal(client, "finance", "ZN-SKRYTO-7"), "startDate": "2020-01-01"})
    house.change(house.references["goal:finance"], description={"text": "ZN-SKRYTO-8"}, lifecycleStatus="on-hold")
    plan = house.stored(house.references["careplan"])
    activity = {
        "detail": {
            "kind": "Task", "code": area("finance"), "status": "scheduled", "description": "ZN-SKRYTO-9",
            "scheduledString": "ZN", "performer": [reference("Practitioner/petr")],
        }
    }  # fmt: skip
    house.change(house.references["careplan"], activity=[*plan["activity"], activity])
    house.clock.later(hours=2)
    other = house.introduce(OTHER, number="K-2")
    agree(house, other, "municipality", EVERYTHING, *INTAKE)
    put(house, condition("hidden-10", other, "Viděno nikým", recordedDate="2024-01-01"), labels=HEALTH)


def sweep() -> list[str]:
    """Every parameter of the planted types: is it there, is it missing, and in its order."""
    queries = []
    for type in SWEPT:
        for name, parameter in parameters(type).items():
            if name not in ("_id", "_lastUpdated"):
                queries += [f"{type}?{name}:missing={there}&_count=2&_total=accurate" for there in ("true", "false")]
            if (
                parameter.kind in ("date", "number", "quantity", "reference", "string", "token")
                and not parameter.secret
            ):
                queries.append(f"{type}?_sort=-{name}&_count=2")
    return queries


def attacks(house: House) -> list[str]:
    """By hidden values, along hidden references, around hidden rows."""
    client = house.client
    finance = house.references["goal:finance"].split("/")[1]
    return [
        "Condition?code:text=ZN-SKRYTO", f"Condition?identifier={SID}|ZN-7", "Condition?identifier=ZN-7",
        "Condition?code:not=x&_total=accurate", "Condition?_id=hidden-1,hidden-5,seen-1",
        "Condition?severity=24484000", f"Condition?patient={client}&_content=skryto",
        f"Condition?patient={client}&_content=videno", f"Condition?patient={client}&_text=skryto",
        "Condition?_lastUpdated=gt2020&_sort=-_lastUpdated", "Condition?_list=hidden-6", "Condition?_list=seen-6",
        *(f"Condition?recorded-date={prefix}{year}" for prefix in ("ge", "lt") for year in range(2019, 2025)),
        "Condition?_summary=count", "Condition?_count=1&_total=accurate", "Condition?_elements=recordedDate",
        "Condition?_revinclude=Encounter:diagnosis&_revinclude=Provenance:target&_revinclude=*",
        "Condition?asserter:Practitioner.family=novak", "Condition?asserter.name=petr",
        "Condition?_has:Encounter:diagnosis:status=planned", "Condition?_has:Encounter:diagnosis:class=AMB",
        "Condition?_has:List:item:status=current", "Condition?_has:Provenance:target:agent=Practitioner/petr",
        *(f"Patient?_has:Observation:patient:value-quantity=lt{value}" for value in (1, 2, 50, 73, 100)),
        "Patient?_has:Condition:patient:code:text=ZN-SKRYTO-1", "Patient?_has:Goal:patient:lifecycle-status=on-hold",
        "Patient?_has:Encounter:patient:status=planned", "Patient?name=stastny", "Patient?family:contains=ast",
        "Patient?_summary=count", "Patient?_revinclude=Observation:patient&_revinclude:iterate=*",
        "Practitioner?_has:Condition:asserter:severity=24484000",
        "Practitioner?_has:Observation:performer:status=final",
        "Practitioner?_has:CarePlan:performer:status=active", "Practitioner?_revinclude=*",
        "Location?_has:Encounter:location:status=planned", "Location?_revinclude=Encounter:location",
        "Observation?value-quantity=lt10", "Observation?_sort=value-quantity&_count=1",
        "Observation?_sort=-date&_count=1", "Observation?_has:Observation:derived-from:status=final",
        "Observation?_has:Observation:has-member:status=final",
        "Observation?_revinclude=Observation:derived-from&_revinclude=Observation:has-member",
        f"Observation?code-value-quantity={LOINC}|29463-7$lt10", "Observation?derived-from:missing=false",
        "Goal?lifecycle-status=on-hold", f"Goal?_id={finance}", "Goal?_summary=count",
        "Goal?start-date=2020", "Goal?_has:CarePlan:goal:status=active", "Goal?lifecycle-status:not=on-hold",
        f"CarePlan?goal={finance}", "CarePlan?goal.lifecycle-status=on-hold", "CarePlan?_include=CarePlan:goal",
        "CarePlan?activity-code=finance", "CarePlan?activity-code:not=finance", "CarePlan?performer=Practitioner/petr",
        "CarePlan?performer:missing=true", "CarePlan?performer.name=petr", "CarePlan?_include=*&_include:iterate=*",
        "CarePlan?_elements=activity", "CarePlan?_summary=true", f"CarePlan?patient={client}&_content=skryto",
        "CarePlan?_lastUpdated=gt2020&_sort=_lastUpdated", "List?item.code:text=videno", "List?_include=List:item",
        f"{client}/Condition?_total=accurate", f"{client}/*?_count=100", f"{client}/Observation?_sort=value-quantity",
        "?_type=Condition,Goal,Observation&_count=100", "?_id=hidden-1,hidden-2,seen-1",
        "?_lastUpdated=gt2020&_count=100",
        f"{client}/$everything", f"{client}/$everything?_count=2", f"{client}/$everything?start=2021&end=2021",
        "Patient/absent/Condition", "Condition?patient=Patient/absent",
    ]  # fmt: skip


def answers(service: Service, queries: list[str], organisation: str) -> dict[str, tuple[int, bytes]]:
    """What is said to each query, and on the page after."""
    service.renew(organisation)
    told: dict[str, tuple[int, bytes]] = {}
    for query in queries:
        answer = get(service, query, organisation)
        told[query] = (answer.status_code, answer.content)
        if answer.status_code == 200 and (following := link(answer.json(), "next")):
            told[f"{query} next"] = (answer.status_code, get(service, following, organisation).content)
    return told


def shown(content: bytes) -> str:
    """What a Bundle holds, without the links that echo the question."""
    return str(json.loads(content).get("entry"))


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return sorted(query for query in before.keys() | after.keys() if before.get(query) != after.get(query))


def test_no_search_tells_of_what_is_hidden(served_on_each: Service) -> None:
    house = seen_in_part(served_on_each)
    queries = attacks(house)
    before = {one: answers(served_on_each, queries, one) for one in ("homecare", "stranger")}
    hidden_things_happen(house)
    for one, told in before.items():
        after = answers(served_on_each, queries, one)
        assert differences(told, after) == []
        assert not any("SKRYTO" in shown(content) or "hidden-" in shown(content) for _, content in after.values())
    assert {query: told for query, told in before["homecare"].items() if told[0] != 200} == {}


@pytest.mark.slow
def test_no_parameter_of_any_kind_tells_of_what_is_hidden(served: Service) -> None:
    house = seen_in_part(served)
    queries = sweep()
    assert len(queries) > 250
    before = answers(served, queries, "homecare")
    hidden_things_happen(house)
    assert differences(before, answers(served, queries, "homecare")) == []
    assert {status for status, _ in before.values()} == {200}


def test_what_is_hidden_is_really_there(served: Service) -> None:
    house = seen_in_part(served)
    queries = [query for query in attacks(house) if "=seen-6" not in query]
    before = answers(served, queries, "municipality")
    hidden_things_happen(house)
    changed = differences(before, answers(served, queries, "municipality"))
    assert len(changed) > 40
    assert set(found(served, "Condition?code:text=ZN-SKRYTO")) == {"hidden-0", "hidden-1", "hidden-5"}


def test_what_is_seen_is_found(served_on_each: Service) -> None:
    house = seen_in_part(served_on_each)
    hidden_things_happen(house)
    served_on_each.renew("homecare")

    def seen(query: str) -> list[str]:
        return found(served_on_each, query, "homecare")

    assert seen("Condition?_sort=-recorded-date") == ["seen-2", "seen-1"]
    assert asked(served_on_each, "Condition?_total=accurate&_count=1", "homecare")["total"] == 2
    assert seen("Observation?_sort=value-quantity") == ["seen-3", "seen-4"]
    assert seen("Goal?_has:CarePlan:goal:status=active") == [house.references["goal:health"].split("/")[1]]
    assert seen("CarePlan?activity-code=health") == [house.references["careplan"].split("/")[1]]
    assert seen("CarePlan?activity-code=finance") == []
    assert seen("Condition?_list=seen-6") == ["seen-1"]
    assert seen(f"Condition?patient={house.client}&_content=videno dve") == ["seen-2"]
    included = asked(served_on_each, "CarePlan?_include=CarePlan:goal", "homecare")
    assert ids(included, "include") == [house.references["goal:health"].split("/")[1]]


def test_what_was_shared_no_longer_is_found_from_the_next_request_on(served_on_each: Service) -> None:
    house = seen_in_part(served_on_each)
    served_on_each.renew("homecare")
    page = asked(served_on_each, "Condition?_count=1", "homecare")
    assert len(ids(page)) == 1
    house.withdraw("homecare", SHARED)
    after = asked(served_on_each, link(page, "next"), "homecare")
    absent = asked(served_on_each, "Condition?code=absent", "homecare")
    assert "entry" not in after
    assert "entry" not in absent
    for query in (
        "Condition",
        "Condition?_summary=count",
        "Patient",
        f"{house.client}/Condition",
        "CarePlan?_include=*",
    ):
        assert asked(served_on_each, query, "homecare").get("total") == 0


def test_an_organisation_searches_its_own_words_on_that_basis_alone(served: Service) -> None:
    house = served.house
    house.intake()
    put(house, condition("of-hospital", house.client, "Naše"), labels=FINANCE)
    put(house, condition("of-social", house.client, "Jejich"), labels=FINANCE, by="social")
    assert found(served, "Condition", "hospital") == []
    answer = served.get("hospital", "/fhir/Condition", basis="OWN-RECORD").json()
    assert ids(answer) == ["of-hospital"]
    assert ids(served.get("hospital", "/fhir/Condition?_id=of-social", basis="OWN-RECORD").json()) == []


@pytest.mark.parametrize("organisation", ["homecare", "stranger"])
def test_the_gate_agrees_with_every_search(served: Service, organisation: str) -> None:
    house = seen_in_part(served)
    hidden_things_happen(house)
    answers(served, attacks(house), organisation)
    assert "hub_gate_disagreements_total 0.0" in served.http.get("/metrics").text
