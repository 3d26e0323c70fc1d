"""Operations on records over HTTP: $summary, $document, $validate, $match; each only of what the asker may see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.consent.model import Labels
from hub.fhir.ips_profile import BUNDLE, COMPOSITION, check
from hub.fhir.validate import errors
from tests.api.service import Service
from tests.exchange.world import BIRTH_NUMBER, CLIENT, House, Person, condition, ips, system_of

STRANGE = Person(given="Neznámá", family="Osoba", born="1950-01-02")


@pytest.fixture
def shared(served: Service) -> Service:
    """A client with a plan in two areas, of which home care may see health."""
    house = served.house
    house.intake()
    house.plan(("health", "finance"), team=("homecare",))
    house.agree("homecare", ("health", "plan", "services", "identity"))
    return served


def parameters(*given: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(given)}


def person(who: Person = CLIENT, **elements: Any) -> dict[str, Any]:
    """A Patient as somebody would describe them."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": BIRTH_NUMBER, "value": who.birth_number}],
        "name": [{"family": who.family, "given": [who.given]}],
        "birthDate": who.born,
        **elements,
    }


# -- $summary ------------------------------------------------------------------------------------------------------


def test_a_summary_is_an_ips_by_get_by_post_and_by_number(shared: Service) -> None:
    id = shared.house.client.split("/")[1]
    first = shared.get("municipality", f"/fhir/Patient/{id}/$summary")
    assert first.status_code == 200, first.text
    assert errors(first.json()) == ()
    assert [f for f in check(first.json()) if f.severity == "error"] == []
    number = {"name": "identifier", "valueString": f"{BIRTH_NUMBER}|{CLIENT.birth_number}"}
    profile = {"name": "profile", "valueCanonical": f"{COMPOSITION}|2.0.0"}
    for method, path, body in (
        ("POST", f"/fhir/Patient/{id}/$summary", parameters()),
        ("POST", f"/fhir/Patient/{id}/$summary", parameters(profile)),
        ("POST", "/fhir/Patient/$summary", parameters(number)),
    ):
        again = shared.send("municipality", method, path, body)
        assert again.status_code == 200, again.text
        assert again.json()["identifier"] == first.json()["identifier"]
    named = shared.get("municipality", f"/fhir/Patient/$summary?identifier={BIRTH_NUMBER}|{CLIENT.birth_number}")
    assert named.json()["identifier"] == first.json()["identifier"]


def test_a_summary_by_number_of_somebody_hidden_is_as_of_nobody(shared: Service) -> None:
    hidden = f"/fhir/Patient/$summary?identifier={BIRTH_NUMBER}|{CLIENT.birth_number}"
    nobody = f"/fhir/Patient/$summary?identifier={BIRTH_NUMBER}|0000000000"
    answers = [shared.get("stranger", path) for path in (hidden, nobody)]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].content == answers[1].content


def test_a_summary_of_another_profile_or_without_a_system_is_refused(shared: Service) -> None:
    id = shared.house.client.split("/")[1]
    assert shared.get("municipality", f"/fhir/Patient/{id}/$summary?profile=http://x.example/other").status_code == 400
    assert shared.get("municipality", f"/fhir/Patient/{id}/$summary?profile={COMPOSITION}|9.9").status_code == 400
    assert shared.get("municipality", "/fhir/Patient/$summary?identifier=123").status_code == 400


# -- $match --------------------------------------------------------------------------------------------------------


def match(service: Service, organisation: str, told: dict[str, Any], **more: Any) -> list[tuple[str, float]]:
    """(grade, score) of every candidate."""
    given = [{"name": "resource", "resource": told}]
    given += [
        {"name": name, "valueBoolean" if isinstance(value, bool) else "valueInteger": value}
        for name, value in more.items()
    ]
    answer = service.send(organisation, "POST", "/fhir/Patient/$match", parameters(*given))
    assert answer.status_code == 200, answer.text
    assert errors(answer.json()) == ()
    searches = [entry["search"] for entry in answer.json().get("entry", [])]
    return [(s["extension"][0]["valueCode"], float(s["score"])) for s in searches]


def test_a_person_with_the_same_national_number_is_certainly_the_client(shared: Service) -> None:
    assert match(shared, "municipality", person()) == [("certain", 1.0)]


def test_name_and_birth_date_alone_are_probable_and_never_certain(shared: Service) -> None:
    told = person()
    del told["identifier"]
    assert match(shared, "municipality", told) == [("probable", 0.8)]
    assert match(shared, "municipality", told, onlyCertainMatches=True) == []
    folded = {**told, "name": [{"family": "ZKUSEBNI", "given": ["alzbeta"]}]}
    assert match(shared, "municipality", folded) == [("probable", 0.8)]


def test_what_contradicts_makes_a_match_no_more_than_possible(shared: Service) -> None:
    assert match(shared, "municipality", person(birthDate="1990-09-09")) == [("possible", 0.5)]
    assert match(shared, "municipality", person(birthDate="1990-09-09"), onlyCertainMatches=True) == []


def test_nobody_is_matched_who_is_hidden_and_the_answer_is_as_if_there_were_nobody(shared: Service) -> None:
    given = parameters({"name": "resource", "resource": person()})
    strange = parameters({"name": "resource", "resource": person(STRANGE)})
    answers = [shared.send("stranger", "POST", "/fhir/Patient/$match", body) for body in (given, strange)]
    assert [a.status_code for a in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["total"] == 0


def test_a_number_that_says_nothing_is_refused_and_a_count_keeps_to_the_likeliest(shared: Service) -> None:
    house = shared.house
    twin = {**person(), "identifier": [{"system": system_of("municipality"), "value": "K-77"}]}
    other = house.hub.writer.create(house.asker(), twin).reference
    house.references["client"], first = other, house.client
    house.agree("municipality", ("identity",), "access", "disclose", "correct")
    house.references["client"] = first
    assert match(shared, "municipality", person()) == [("certain", 1.0), ("probable", 0.8)]
    assert match(shared, "municipality", person(), count=1) == [("certain", 1.0)]
    assert match(shared, "municipality", person(), onlyCertainMatches=True) == [("certain", 1.0)]
    empty = parameters({"name": "resource", "resource": {"resourceType": "Patient", "gender": "female"}})
    assert shared.send("municipality", "POST", "/fhir/Patient/$match", empty).status_code == 400
    wrong = parameters({"name": "resource", "resource": {"resourceType": "Goal"}})
    assert shared.send("municipality", "POST", "/fhir/Patient/$match", wrong).status_code == 400


# -- $document -----------------------------------------------------------------------------------------------------


def stored_composition(house: House) -> str:
    """The client's summary as their GP sent it, stored with its Composition."""
    answer = house.take("gp", "fhir_rest", json.dumps(ips(condition("ZN-DOKUMENT"))).encode())
    assert answer.outcome in ("accepted", "partly"), answer
    found = house.of_client("Composition")
    if not found:
        pytest.skip("a summary's Composition is not kept")
    return str(found[0]["id"])


def test_a_composition_is_told_with_all_that_it_speaks_of(shared: Service) -> None:
    id = stored_composition(shared.house)
    answer = shared.get("municipality", f"/fhir/Composition/{id}/$document")
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert errors(bundle) == ()
    assert bundle["entry"][0]["resource"]["id"] == id
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    for section in bundle["entry"][0]["resource"].get("section", ()):
        assert {e["reference"] for e in section.get("entry", ())} <= urls
    assert "ZN-DOKUMENT" in answer.text
    by_parameter = shared.get("municipality", f"/fhir/Composition/$document?id={id}")
    assert by_parameter.json()["identifier"] == bundle["identifier"]


def test_a_document_holds_nothing_that_is_hidden_and_a_hidden_one_is_absent(shared: Service) -> None:
    id = stored_composition(shared.house)
    hidden = shared.get("stranger", f"/fhir/Composition/{id}/$document")
    absent = shared.get("stranger", f"/fhir/Composition/{'a' * 26}/$document")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content
    shared.house.agree("social", ("plan", "identity"))
    seen = shared.get("social", f"/fhir/Composition/{id}/$document")
    assert "ZN-DOKUMENT" not in seen.text


def test_no_reference_in_a_document_leads_out_of_it(shared: Service) -> None:
    house = shared.house
    ids = {name: house.hub.ids() for name in ("Composition", "Condition", "Observation")}
    about = {"subject": {"reference": house.client}}
    seen = {"resourceType": "Observation", "id": ids["Observation"], "status": "final", "code": {"text": "x"}, **about}
    sure = {
        **condition("ZN-DUVOD"), "id": ids["Condition"], **about,
        "evidence": [{"detail": [{"reference": f"Observation/{ids['Observation']}"}]}],
    }  # fmt: skip
    told = {
        "resourceType": "Composition", "id": ids["Composition"], "status": "final", "type": {"text": "x"}, **about,
        "date": "2026-11-10", "author": [{"reference": "Organization/municipality"}], "title": "x",
        "section": [{"title": "x", "entry": [{"reference": f"Condition/{ids['Condition']}"}]}],
    }  # fmt: skip
    with house.hub.store.writing() as tx:
        for record in (seen, sure, told):
            labels = Labels(areas=frozenset({"health"}))
            house.hub.recorder.write(tx, record, contributor="Organization/municipality", labels=labels)
    house.agree("homecare", ("health", "plan", "services", "identity"))
    whole = shared.get("homecare", f"/fhir/Condition/{ids['Condition']}").text
    assert ids["Observation"] in whole
    answer = shared.get("homecare", f"/fhir/Composition/{ids['Composition']}/$document")
    assert "ZN-DUVOD" in answer.text
    assert ids["Observation"] not in answer.text
    assert "Organization/municipality" in {e["fullUrl"].split("/fhir/")[1] for e in answer.json()["entry"]}


def test_documents_are_not_kept(shared: Service) -> None:
    assert shared.get("municipality", f"/fhir/Composition/{'a' * 26}/$document?persist=true").status_code == 400


# -- $validate -----------------------------------------------------------------------------------------------------


def issues(service: Service, path: str, content: Any) -> list[dict[str, Any]]:
    answer = service.send("social", "POST", f"/fhir/{path}", content)
    assert answer.status_code == 200, answer.text
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    found: list[dict[str, Any]] = outcome["issue"]
    return found


def test_a_resource_without_fault_is_told_so_and_every_fault_is_told_at_once(calm: Service) -> None:
    assert [i["severity"] for i in issues(calm, "Patient/$validate", person())] == ["information"]
    wrong = person(gender="banana", birthDate="yesterday", colour="red")
    found = issues(calm, "Patient/$validate", wrong)
    assert {p for i in found for p in i["expression"]} == {"/gender", "/birthDate", "/colour"}
    wrapped = parameters({"name": "resource", "resource": wrong}, {"name": "mode", "valueCode": "create"})
    assert issues(calm, "Patient/$validate", wrapped) == found


def test_a_bundle_is_checked_as_a_patient_summary_where_that_is_asked(calm: Service) -> None:
    lacking = ips(condition("x"))
    assert all(i["severity"] != "error" for i in issues(calm, "Bundle/$validate", lacking))
    asked = f"Bundle/$validate?profile={BUNDLE}"
    found = [i for i in issues(calm, asked, lacking) if i["severity"] == "error"]
    assert any("48765-2" in i["diagnostics"] for i in found)
    unknown = issues(calm, "Bundle/$validate?profile=http://x.example/unknown", lacking)
    assert [i["code"] for i in unknown if i["severity"] == "error"] == ["not-supported"]


def test_what_cannot_be_read_is_a_fault_like_others(calm: Service) -> None:
    assert [i["code"] for i in issues(calm, "Patient/$validate", b'{"resourceType": "Patient",')] == ["structure"]
    assert issues(calm, "Goal/$validate", person())[-1]["expression"] == ["/resourceType"]
    assert issues(calm, "Patient/$validate?mode=strange", person())[0]["severity"] == "error"


def test_xml_is_checked_like_json_and_answered_in_xml(calm: Service) -> None:
    body = """<Patient xmlns="http://hl7.org/fhir"><gender value="banana"/></Patient>"""
    media = {"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}
    path = "/fhir/Patient/$validate"
    answer = calm.http.post(path, content=body, headers={**calm.headers("social"), **media})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert "/gender" in answer.text
    told = {"resourceType": "Patient", "gender": "banana"}
    assert [i["expression"] for i in issues(calm, "Patient/$validate", told)] == [["/gender"]]


def test_the_next_version_of_a_record_is_checked_and_a_hidden_record_is_absent(shared: Service) -> None:
    client = shared.house.client
    stored = shared.get("municipality", f"/fhir/{client}").json()
    fine = shared.send("municipality", "POST", f"/fhir/{client}/$validate?mode=update", stored)
    assert [i["severity"] for i in fine.json()["issue"]] == ["information"]
    other = shared.send("municipality", "POST", f"/fhir/{client}/$validate", {**stored, "id": "other"})
    assert [i["expression"] for i in other.json()["issue"]] == [["/id"]]
    itself = shared.get("municipality", f"/fhir/{client}/$validate")
    assert itself.status_code == 200
    assert shared.send("stranger", "POST", f"/fhir/{client}/$validate", stored).status_code == 404
    assert shared.send("municipality", "POST", "/fhir/Claim/$validate", stored).status_code == 404
