"""The flow, one way: what systems send becomes a record, the client decides, and each organisation hears its part."""

from __future__ import annotations

import json

import pytest

from hub.errors import NotFound
from hub.store.model import DeliveryState
from tests.exchange.world import (
    BIRTH_NUMBER,
    CLIENT,
    CONSENT_ACTION,
    House,
    Person,
    adt,
    cda,
    condition,
    consent,
    goal,
    ips,
    row,
    signed,
    table,
    transaction,
    urn,
)

EVERY = ("health", "finance", "housing", "identity", "plan")
AREAS = ("health", "finance", "housing", "self-care")


def in_force(house: House) -> None:
    """A plan over four areas; home care knows health and finance, the social service housing and finance."""
    house.intake()
    house.plan(AREAS)
    house.agree("homecare", ("health", "finance", "services", "plan", "identity"))
    house.agree("social", ("housing", "finance", "services", "plan", "identity"))
    house.carry()


def said(house: House) -> str:
    """Everything home care was handed so far."""
    return "".join(json.dumps(bundle, ensure_ascii=False) for bundle in house.homecare.bundles())


def test_four_formats_become_one_record_of_one_client(each_house: House) -> None:
    each_house.intake()
    answers = [
        each_house.take("hospital", "hl7v2", adt("A01", "m-1")),
        each_house.take("hospital", "cda", cda()),
        each_house.take(
            "social", "tabular", table(row("Finance", "Dluh", "18450,50", "ZN-DLUH")), encoding="windows-1250"
        ),
        each_house.take("gp", "fhir_rest", json.dumps(ips(condition("ZN-PROBLEM"))).encode()),
    ]
    assert {a.outcome for a in answers} <= {"accepted", "partly"}, answers
    types = {r["resourceType"] for r in each_house.of_client()}
    assert {"Patient", "Encounter", "AllergyIntolerance", "Observation", "Condition"} <= types
    with each_house.hub.store.reading() as tx:
        assert len(tx.records.of_types({"Patient"})) == 0
        assert {link.client for link in tx.identity.all()} == {each_house.client}


def test_each_organisation_receives_its_part_and_only_its_part(each_house: House) -> None:
    in_force(each_house)
    [bundle] = each_house.homecare.bundles()
    got = json.dumps(bundle)
    assert "ZN-CIL-HEALTH" in got
    assert "ZN-CIN-FINANCE" in got
    assert "HOUSING" not in got
    assert "SELF-CARE" not in got
    assert bundle["identifier"]["value"] == each_house.deliveries("homecare", "plan", "delivered")[0].key
    [file] = list((each_house.social / "out").glob("plan-*.csv"))
    sent = file.read_bytes().decode("windows-1250")
    assert "ZN-CIL-HOUSING" in sent
    assert "HEALTH" not in sent
    assert each_house.gp.bundles() == []
    assert each_house.deliveries("gp", "plan")[0].state is DeliveryState.WITHHELD


def test_what_went_where_is_remembered_as_a_holding(house: House) -> None:
    in_force(house)
    with house.hub.store.reading() as tx:
        held = {h.organisation: h for h in tx.holdings.of_client(house.client) if h.item == "plan"}
    assert set(held) == {"homecare", "social"}
    assert "finance" in held["homecare"].areas
    assert "housing" not in held["homecare"].areas


def test_an_unchanged_view_is_not_sent_again(house: House) -> None:
    in_force(house)
    house.change(house.references["goal:housing"], description={"text": "ZN-JINAK"})
    house.carry()
    assert len(house.homecare.bundles()) == 1
    assert house.deliveries("homecare", "plan")[-1].state is DeliveryState.UNCHANGED
    assert len(list((house.social / "out").glob("plan-*.csv"))) == 2


def test_what_is_hidden_now_and_was_held_is_deleted_at_the_holder_once(house: House) -> None:
    in_force(house)
    house.withdraw("homecare", ["finance"])
    house.carry()
    last = [b for b in house.homecare.bundles() if b["entry"][0]["resource"]["resourceType"] != "Communication"][-1]
    deleted = [e["request"]["url"] for e in last["entry"] if e["request"]["method"] == "DELETE"]
    assert deleted == [house.references["goal:finance"]]
    assert "FINANCE" not in json.dumps(last)


def test_after_a_deletion_an_unchanged_view_is_not_sent_again(house: House) -> None:
    in_force(house)
    house.withdraw("homecare", ["finance"])
    house.carry()
    handed = len(house.homecare.bundles())
    house.change(house.references["goal:housing"], description={"text": "ZN-JINAK"})
    house.carry()
    assert len(house.homecare.bundles()) == handed


def test_the_holder_of_withdrawn_data_is_told_once(each_house: House) -> None:
    in_force(each_house)
    each_house.withdraw("homecare", ["finance"])
    each_house.carry()
    each_house.change(each_house.references["consent:homecare"], dateTime="2026-11-03")
    each_house.carry()
    notices = [
        e["resource"]
        for b in each_house.homecare.bundles()
        for e in b["entry"]
        if e.get("resource", {}).get("resourceType") == "Communication"
    ]
    assert [[c["coding"][0]["code"] for c in n["reasonCode"]] for n in notices] == [["finance"]]
    assert list((each_house.social / "out").glob("notice-*.csv")) == []


def test_each_further_loss_is_told_as_well(house: House) -> None:
    in_force(house)
    house.withdraw("homecare", ["finance"])
    house.carry()
    house.withdraw("homecare", ["health", "services", "plan", "identity"])
    house.carry()
    told = [
        c["coding"][0]["code"]
        for b in house.homecare.bundles()
        for e in b["entry"]
        if e.get("resource", {}).get("resourceType") == "Communication"
        for c in e["resource"]["reasonCode"]
    ]
    assert sorted(told) == sorted(set(told))
    assert {"finance", "health", "plan"} <= set(told)
    assert house.deliveries("homecare", "revocation-notice", "dead") == []


def test_a_holder_who_left_the_team_is_told_of_a_withdrawal_too(house: House) -> None:
    in_force(house)
    team = house.stored(house.references["careteam"])
    left = [p for p in team["participant"] if p["member"]["reference"] != "Organization/homecare"]
    house.change(house.references["careteam"], participant=left)
    house.withdraw("homecare", ["health", "finance", "services", "plan", "identity"])
    house.carry()
    assert '"Communication"' in said(house)


def test_a_table_holder_is_told_by_a_file(house: House) -> None:
    in_force(house)
    house.withdraw("social", ["finance"])
    house.carry()
    [notice] = list((house.social / "out").glob("notice-*.csv"))
    assert "inance" in notice.read_bytes().decode("windows-1250")


def test_the_discharge_report_goes_by_duty_and_carries_the_minimum_set_of_the_hospital_alone(each_house: House) -> None:
    each_house.intake()
    each_house.take("hospital", "hl7v2", adt("A01", "m-1"))
    each_house.take("hospital", "cda", cda("ZN-ALERGIE"))
    each_house.take("social", "tabular", table(row("Finance", "Dluh", "1,5", "ZN-DLUH")), encoding="windows-1250")
    each_house.take("homecare", "fhir_rest", json.dumps(ips(condition("ZN-CIZI-PROBLEM"), number="DP-1")).encode())
    each_house.take("hospital", "hl7v2", adt("A03", "m-2"))
    each_house.carry()
    [report] = [b for b in each_house.gp.bundles() if b["type"] == "document"]
    got = json.dumps(report, ensure_ascii=False)
    assert "ZN-ALERGIE" in got
    assert "ZN-DLUH" not in got
    assert "ZN-CIZI-PROBLEM" not in got, "what another provider wrote is not the hospital's report"
    [delivery] = each_house.deliveries("gp", "discharge-report", "delivered")
    assert delivery.basis == "LEGAL-DUTY"


def test_an_outpatient_visit_that_ended_is_no_discharge(house: House) -> None:
    house.intake()
    visit = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "period": {"start": "2026-11-01", "end": "2026-11-01"},
    }
    house.take("homecare", "fhir_rest", json.dumps(ips(visit, condition("ZN-VISIT"), number="DP-1")).encode())
    house.carry()
    assert house.deliveries("gp", "discharge-report") == []


def test_an_outsider_cannot_make_itself_the_registering_practitioner(house: House) -> None:
    house.intake()
    told = ips(condition("x"), number="S-1")
    told["entry"][1]["resource"]["generalPractitioner"] = [{"reference": "Organization/homecare"}]
    house.take("homecare", "fhir_rest", json.dumps(told).encode())
    providers = [r["reference"] for r in house.stored(house.client)["generalPractitioner"] if "reference" in r]
    assert providers == ["Organization/gp"]


def test_a_document_cannot_attach_itself_to_another_client(house: House) -> None:
    house.intake()
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "ZN-PODVRH"},
        "focus": [{"reference": house.client}],
        "note": [{"text": "x"}],
    }
    other = Person(given="Jiná", family="Osoba", born="1950-01-02")
    house.take("homecare", "fhir_rest", json.dumps(ips(observation, person=other, number="S-1")).encode())
    assert "ZN-PODVRH" not in json.dumps(house.of_client())


def test_a_plan_in_somebodys_document_is_not_the_plan_of_cooperation(house: House) -> None:
    house.intake()
    foreign = {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "title": "ZN-CIZI-PLAN",
        "activity": [{"detail": {"status": "scheduled", "description": "ZN-CIZI-PLAN"}}],
    }
    house.take("gp", "fhir_rest", json.dumps(ips(foreign)).encode())
    house.agree("homecare", ("health", "finance", "services", "plan", "identity"))
    house.plan(AREAS)
    house.carry()
    assert len(house.homecare.bundles()) == 1
    assert "ZN-CIZI-PLAN" not in said(house)


def test_a_consent_inside_a_document_permits_nothing(house: House) -> None:
    house.intake()
    forged = consent(urn("patient"), "gp", EVERY, ("access", "disclose", "correct", "collect"))
    house.take("gp", "fhir_rest", json.dumps(ips(condition("x"), forged)).encode())
    with pytest.raises(NotFound):
        house.hub.reader.read(house.asker("gp"), *house.client.split("/"))


def test_the_hub_asks_for_a_summary_only_where_the_client_lets_a_case_manager_collect(house: House) -> None:
    house.introduce()
    house.agree("municipality", ("health", "plan", "identity"), "access", "disclose", "correct")
    house.gp.patients[0]["identifier"] = [{"system": BIRTH_NUMBER, "value": CLIENT.birth_number}]
    house.gp.summary = ips(condition("ZN-PROBLEM"))
    house.carry()
    assert house.gp.asked == []
    assert house.deliveries("gp", "summary")[-1].state is DeliveryState.WITHHELD
    current = house.stored(house.references["consent:municipality"])["provision"]
    with_collect = [*current["action"], {"coding": [{"system": CONSENT_ACTION, "code": "collect"}]}]
    house.change(house.references["consent:municipality"], provision={**current, "action": with_collect})
    house.carry()
    assert len(house.gp.asked_for) == 1
    assert any(r.get("code", {}).get("text") == "ZN-PROBLEM" for r in house.of_client("Condition"))


def test_a_draft_travels_nowhere(house: House) -> None:
    house.intake()
    house.draft(AREAS)
    house.agree("homecare", ("health", "finance", "services", "plan", "identity"))
    house.carry()
    assert house.homecare.bundles() == []


def test_the_same_transaction_twice_is_once_in_effect(each_house: House) -> None:
    each_house.intake()
    bundle = transaction({urn("g"): goal(each_house.client, "health")}, key="g")
    first = each_house.hub.transactions.run(each_house.asker(), *signed(bundle))
    second = each_house.hub.transactions.run(each_house.asker(), *signed(bundle))
    assert first == second
    assert len(each_house.of_client("Goal")) == 1


def test_a_past_stay_in_a_gps_own_summary_is_no_discharge(house: House) -> None:
    house.intake()
    stay = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "period": {"start": "2025-11-01", "end": "2025-11-09"},
    }
    house.take("gp", "fhir_rest", json.dumps(ips(stay, condition("ZN-STAY"))).encode())
    house.carry()
    assert house.deliveries("gp", "discharge-report") == []
