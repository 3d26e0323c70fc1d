"""transaction over HTTP: every kind of entry, names for what is new, all or nothing, the same again when re-sent."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from hub.fhir.validate import errors
from tests.api.case import REGISTER, Resource, begin, create, issues, medicine, numbered, observation, other, write
from tests.api.service import Service
from tests.exchange.world import BIRTH_NUMBER, CLIENT, EVERYTHING, INTAKE, consent, goal, patient, urn

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "ips"


def entry(method: str, url: str, resource: Resource | None = None, **request: str) -> Resource:
    """One entry; `fullUrl` among the keywords is the entry's own."""
    full_url = request.pop("fullUrl", "")
    return {
        **({"fullUrl": full_url} if full_url else {}),
        **({"resource": resource} if resource else {}),
        "request": {"method": method, "url": url, **request},
    }


def bundle(*entries: Resource, key: str = "") -> Resource:
    made: Resource = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
    return {**made, "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:test:{key}"}} if key else made


def send(served: Service, *entries: Resource, by: str = "municipality", key: str = "", **headers: str) -> Any:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return served.send(by, "POST", "/fhir", bundle(*entries, key=key), headers=sent)


def statuses(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert errors(said) == ()
    assert said["type"] == "transaction-response"
    return [e["response"]["status"][:3] for e in said["entry"]]


def place(answer: Any, number: int) -> str:
    """The reference that an entry got."""
    return "/".join(answer.json()["entry"][number]["response"]["location"].split("/")[:2])


def test_every_kind_of_entry_in_one_transaction(served_on_each: Service) -> None:
    client = begin(served_on_each)
    old, kept = create(served_on_each, goal(client, "health")), create(served_on_each, observation(client))
    patch = base64.b64encode(b'[{"op":"replace","path":"/code/text","value":"patched"}]').decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": patch}
    answer = send(
        served_on_each,
        entry("GET", f"Observation/{kept['id']}"),
        entry("PUT", "Goal/municipality.1", {**goal(client, "health"), "id": "municipality.1"}),
        entry("POST", "Observation", observation(client, "new"), fullUrl=urn("o")),
        entry("PATCH", f"Observation/{kept['id']}", binary),
        entry("DELETE", f"Goal/{old['id']}"),
    )
    assert statuses(answer) == ["200", "201", "201", "200", "204"]
    assert answer.json()["entry"][0]["resource"]["code"]["text"] == "patched"
    assert served_on_each.get("municipality", f"/fhir/Goal/{old['id']}").status_code == 410
    assert answer.json()["entry"][2]["response"]["etag"] == 'W/"1"'


def test_references_are_rewritten_wherever_they_stand(served: Service) -> None:
    client = begin(served)
    link = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{urn("b")}">x</a></div>'
    pages = {"resourceType": "Binary", "contentType": "text/plain", "data": "eA=="}
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "category": [{"coding": [{"system": "https://casehub.example/fhir/CodeSystem/care-area", "code": "health"}]}],
        "subject": {"reference": client},
        "text": {"status": "generated", "div": link},
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": urn("b")}],
        "content": [{"attachment": {"url": urn("b")}}],
        "relatesTo": [{"code": "appends", "target": {"reference": "DocumentReference/elsewhere"}}],
        "context": {"related": [{"reference": urn("o") + "/_history/1"}, {"reference": "Observation/there"}]},
    }
    answer = send(
        served,
        entry("POST", "DocumentReference", document),
        entry("POST", "Binary", pages, fullUrl=urn("b")),
        entry("POST", "Observation", {**observation(client), "id": "there"}, fullUrl=urn("o")),
    )  # fmt: skip
    assert statuses(answer) == ["201"] * 3
    stored = served.house.stored(place(answer, 0))
    binary, seen = place(answer, 1), place(answer, 2)
    assert stored["content"][0]["attachment"]["url"] == binary
    assert f'href="{binary}"' in stored["text"]["div"]
    assert stored["identifier"][0]["value"] == urn("b")
    assert [r["reference"] for r in stored["context"]["related"]] == [f"{seen}/_history/1", seen]
    assert stored["relatesTo"][0]["target"]["reference"] == "DocumentReference/elsewhere"


def test_a_relative_reference_is_looked_up_beside_the_entry_it_stands_in(served: Service) -> None:
    client = begin(served)
    base = "https://elsewhere.example/fhir"
    answer = send(
        served,
        entry("POST", "MedicationStatement", {
            "resourceType": "MedicationStatement", "status": "active", "subject": {"reference": client},
            "medicationReference": {"reference": "Medication/7"},
        }, fullUrl=f"{base}/MedicationStatement/1"),
        entry("POST", "Medication", medicine(), fullUrl=f"{base}/Medication/7"),
    )  # fmt: skip
    assert statuses(answer) == ["201", "201"]
    stored = served.house.stored(place(answer, 0))
    assert stored["medicationReference"]["reference"] == place(answer, 1)


def test_a_conditional_reference_leads_to_the_one_match(served: Service) -> None:
    client = begin(served)
    subject = f"Patient?identifier={BIRTH_NUMBER}|{CLIENT.birth_number}"
    answer = send(served, entry("POST", "Goal", goal(subject, "health")))
    assert statuses(answer) == ["201"]
    assert served.house.stored(place(answer, 0))["subject"]["reference"] == client
    for wrong in ("Patient?identifier=urn:x|nobody", "Patient?identifier=", "Patient?nonsense=1"):
        refused = send(served, entry("POST", "Goal", goal(wrong, "health")))
        assert refused.status_code in (400, 412, 422), refused.text
        assert issues(refused)[0][1].startswith("/entry/0")


def test_a_conditional_reference_may_lead_to_what_the_same_transaction_makes(served: Service) -> None:
    client = begin(served)
    answer = send(
        served,
        entry("POST", "Observation", {**observation(client), "hasMember": [
            {"reference": f"Observation?identifier={REGISTER}|9"}]}),
        entry("POST", "Observation", {**observation(client), "identifier": [{"system": REGISTER, "value": "9"}]}),
    )  # fmt: skip
    assert statuses(answer) == ["201", "201"]
    assert served.house.stored(place(answer, 0))["hasMember"] == [{"reference": place(answer, 1)}]


def test_a_transaction_without_identifier_sent_twenty_times_changes_nothing(served_on_each: Service) -> None:
    client = begin(served_on_each)
    condition = f"identifier={REGISTER}|1"
    entries = (
        entry("POST", "Goal", numbered(client, "1"), ifNoneExist=condition, fullUrl=urn("g")),
        entry("PUT", f"Observation?identifier={REGISTER}|2", {
            **observation(client), "identifier": [{"system": REGISTER, "value": "2"}],
            "focus": [{"reference": urn("g")}]}),
        entry("PUT", "Observation/municipality.1", {**observation(client), "id": "municipality.1"}),
        entry("DELETE", f"Flag?identifier={REGISTER}|3"),
    )  # fmt: skip
    first, *more = [send(served_on_each, *entries) for _ in range(20)]
    assert statuses(first) == ["201", "201", "201", "204"]
    assert {tuple(statuses(a)) for a in more} == {("200", "200", "200", "204")}
    stored = served_on_each.house.of_client("Goal", "Observation")
    assert sorted(r["meta"]["versionId"] for r in stored) == ["1", "1", "1"]


def test_a_re_sent_transaction_reads_anew_what_it_reads(served: Service) -> None:
    client = begin(served)
    kept = create(served, observation(client, "a"))
    entries = (entry("POST", "Goal", goal(client, "health")), entry("GET", f"Observation/{kept['id']}"))
    first = send(served, *entries, key="again")
    write(served, "PUT", f"/fhir/Observation/{kept['id']}", {**kept, "code": {"text": "b"}})
    again = send(served, *entries, key="again")
    assert first.json()["entry"][0] == again.json()["entry"][0]
    assert again.json()["entry"][1]["resource"]["code"]["text"] == "b"
    assert len(served.house.of_client("Goal")) == 1


def test_every_fault_of_every_entry_is_told_at_once_with_its_place(served: Service) -> None:
    client = begin(served)
    answer = send(
        served,
        entry("POST", "Goal", goal(client, "health")),
        entry("POST", "Goal", {**goal(client, "health"), "lifecycleStatus": "nonsense", "target": "x"}),
        entry("POST", "Observation", {"resourceType": "Observation", "subject": {"reference": client}}),
        entry("BURN", "Goal/1"),
        entry("PUT", "Goal/1", {**goal(client, "health"), "id": "2"}),
        entry("POST", "Goal/1", goal(client, "health")),
    )
    places = [where for _, where in issues(answer)]
    assert answer.status_code == 422
    for wanted in ("/entry/1/resource/lifecycleStatus", "/entry/1/resource/target", "/entry/2/resource", "/entry/3",
                   "/entry/4/resource/id", "/entry/5/request/url"):  # fmt: skip
        assert any(p.startswith(wanted) for p in places), (wanted, places)
    assert not any(p.startswith("/entry/0") for p in places)
    assert served.house.of_client("Goal") == []


def test_every_refusal_of_every_entry_is_told_at_once(served_on_each: Service) -> None:
    client = begin(served_on_each)
    kept = create(served_on_each, observation(client))
    answer = send(
        served_on_each,
        entry("PUT", f"Observation/{kept['id']}", {**kept, "code": {"text": "y"}}, ifMatch='W/"1"'),
        entry("PUT", f"Goal/{'a' * 26}", {**goal(client, "health"), "id": "a" * 26}),
        entry("POST", "Goal", goal(f"Patient/{'a' * 26}", "health")),
        entry("PUT", "Observation/municipality.1", {**observation(client), "id": "municipality.1"}, ifMatch='W/"7"'),
    )
    assert answer.status_code == 422
    assert issues(answer) == [
        ("not-found", "/entry/1"),
        ("invalid", "/entry/2/resource/subject/reference"),
        ("conflict", "/entry/3"),
    ]
    assert served_on_each.house.stored(f"Observation/{kept['id']}")["meta"]["versionId"] == "1"


def test_refusals_of_one_kind_keep_their_status(served: Service) -> None:
    begin(served)
    body = {**goal(served.house.client, "health"), "id": "a" * 26}
    assert send(served, entry("PUT", f"Goal/{'a' * 26}", body)).status_code == 404
    assert send(served, entry("DELETE", f"Goal/{'a' * 26}")).status_code == 404
    assert send(served, entry("GET", f"Goal/{'a' * 26}")).status_code == 404


def test_a_read_that_finds_nothing_undoes_all(served: Service) -> None:
    client = begin(served)
    gets = (f"Goal/{'a' * 26}", f"Goal/{'a' * 26}/_history/1", "Goal?nonsense=1", "Nonsense/1")
    for url in gets:
        answer = send(served, entry("POST", "Goal", goal(client, "health")), entry("GET", url))
        assert 400 <= answer.status_code < 500, answer.text
        assert issues(answer)[0][1].startswith("/entry/1")
    assert served.house.of_client("Goal") == []


def test_searches_of_a_transaction_see_what_it_wrote(served: Service) -> None:
    client = begin(served)
    answer = send(
        served,
        entry("GET", f"Goal?identifier={REGISTER}|1"),
        entry("GET", "Goal/_history"),
        entry("POST", "Goal", numbered(client, "1")),
    )
    assert statuses(answer) == ["200", "200", "201"]
    found, history, _ = answer.json()["entry"]
    assert len(found["resource"]["entry"]) == len(history["resource"]["entry"]) == 1


def test_the_same_record_is_changed_by_one_entry_alone(served: Service) -> None:
    client = begin(served)
    body = {**goal(client, "health"), "id": "municipality.1"}
    answer = send(served, entry("PUT", "Goal/municipality.1", body), entry("DELETE", "Goal/municipality.1"))
    assert (answer.status_code, issues(answer)) == (422, [("invalid", "/entry/1/request/url")])


def test_two_creates_under_one_condition_make_one(served: Service) -> None:
    client = begin(served)
    one = entry("POST", "Goal", numbered(client, "1"), ifNoneExist=f"identifier={REGISTER}|1")
    answer = send(served, one, one)
    assert statuses(answer) == ["201", "200"]
    assert place(answer, 0) == place(answer, 1)
    assert len(served.house.of_client("Goal")) == 1


def test_a_whole_intake_in_one_transaction_whatever_the_order(served_on_each: Service) -> None:
    """The client, their agreement, and what is written under it: in the order that a system happens to send."""
    agreed = consent(urn("p"), "municipality", EVERYTHING, INTAKE)
    answer = send(
        served_on_each,
        entry("POST", "CarePlan", {
            "resourceType": "CarePlan", "status": "draft", "intent": "plan", "subject": {"reference": urn("p")},
            "goal": [{"reference": urn("g")}]}),
        entry("POST", "Goal", goal(urn("p"), "health"), fullUrl=urn("g")),
        entry("POST", "Consent", agreed),
        entry("POST", "Patient", patient(), fullUrl=urn("p")),
    )  # fmt: skip
    assert statuses(answer) == ["201"] * 4
    plan = served_on_each.house.stored(place(answer, 0))
    assert plan["goal"][0]["reference"] == place(answer, 1)
    assert plan["subject"]["reference"] == place(answer, 3)


def test_what_supports_records_about_one_client_is_that_clients(served: Service) -> None:
    client = begin(served)
    served.house.agree("homecare", ("health", "identity"))
    taking = {"resourceType": "MedicationStatement", "status": "active", "subject": {"reference": client},
              "medicationReference": {"reference": urn("m")}}  # fmt: skip
    answer = send(
        served,
        entry("POST", "MedicationStatement", taking),
        entry("POST", "Medication", {**medicine("ZN-LEK"), "manufacturer": {"reference": urn("b")}}, fullUrl=urn("m")),
        entry("POST", "Organization", {"resourceType": "Organization", "name": "Výrobce"}, fullUrl=urn("b")),
        entry("POST", "Medication", medicine("ZN-NICI")),
    )
    assert statuses(answer) == ["201"] * 4
    assert "ZN-LEK" in served.get("homecare", f"/fhir/{place(answer, 1)}").text
    assert served.get("homecare", f"/fhir/{place(answer, 2)}").status_code == 200
    assert served.get("homecare", f"/fhir/{place(answer, 3)}").status_code == 404
    assert served.get("stranger", f"/fhir/{place(answer, 1)}").status_code == 404


def test_what_supports_records_about_two_clients_is_nobodys(served: Service) -> None:
    client = begin(served)
    second = served.send("municipality", "POST", "/fhir/Patient", other()).headers["location"].split("/fhir/")[1]
    second = "/".join(second.split("/")[:2])
    write(served, "POST", "/fhir/Consent", consent(second, "municipality", EVERYTHING, INTAKE))
    taking = [{"resourceType": "MedicationStatement", "status": "active", "subject": {"reference": who},
               "medicationReference": {"reference": urn("m")}} for who in (client, second)]  # fmt: skip
    answer = send(
        served,
        *(entry("POST", "MedicationStatement", one) for one in taking),
        entry("POST", "Medication", medicine(), fullUrl=urn("m")),
    )
    assert statuses(answer) == ["201"] * 3
    served.house.agree("homecare", ("health", "identity"))
    assert served.get("homecare", f"/fhir/{place(answer, 2)}").status_code == 404


def test_a_record_about_two_clients_needs_the_consent_of_both(served: Service) -> None:
    client = begin(served)
    answer = served.send("municipality", "POST", "/fhir/Patient", other())
    second = "/".join(answer.headers["location"].split("/fhir/")[1].split("/")[:2])
    meeting = {**observation(client), "focus": [{"reference": second}]}
    assert served.send("municipality", "POST", "/fhir/Observation", meeting).status_code == 403
    write(served, "POST", "/fhir/Consent", consent(second, "municipality", EVERYTHING, INTAKE))
    made = create(served, meeting)
    served.house.agree("homecare", ("health", "identity"))
    assert served.get("homecare", f"/fhir/Observation/{made['id']}").status_code == 404


def test_entries_need_the_scopes_of_what_they_are(served: Service) -> None:
    client = begin(served)
    one = bundle(entry("POST", "Goal", goal(client, "health")))
    for scope, status in (("system/Goal.u", 403), ("system/Flag.c", 403), ("system/Goal.c", 200)):
        assert served.send("municipality", "POST", "/fhir", one, scope=scope).status_code == status
    where = bundle(entry("PUT", f"Goal?identifier={REGISTER}|1", numbered(client, "1")))
    assert served.send("municipality", "POST", "/fhir", where, scope="system/Goal.cu").status_code == 403


def test_what_was_written_comes_back_where_that_is_preferred(served: Service) -> None:
    client = begin(served)
    answer = send(served, entry("POST", "Goal", goal(client, "health")), Prefer="return=representation")
    assert answer.json()["entry"][0]["resource"]["resourceType"] == "Goal"
    assert "resource" not in send(served, entry("POST", "Goal", goal(client, "health"))).json()["entry"][0]


def documents() -> list[Any]:
    if not CORPUS.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the corpus is not beside the project"))]
    return [pytest.param(path, id=path.stem) for path in sorted(CORPUS.glob("*.json"))]


@pytest.mark.parametrize("path", documents())
def test_a_whole_patient_summary_is_imported_in_one_transaction(served: Service, path: Path) -> None:
    document = json.loads(path.read_text("utf-8"))
    entries = [e for e in document["entry"] if not errors(e["resource"]) and not in_force(e["resource"])]
    [person] = [e for e in entries if e["resource"]["resourceType"] == "Patient"]
    given = consent(person["fullUrl"], "municipality", EVERYTHING, INTAKE)
    del given["provision"]["code"]  # the client agreed to everything, also what nobody has classified
    posts = [entry("POST", e["resource"]["resourceType"], e["resource"], fullUrl=e["fullUrl"]) for e in entries]
    posts.append(entry("POST", "Consent", given))
    answer = send(served, *posts)
    assert set(statuses(answer)) <= {"200", "201"}
    client = place(answer, next(n for n, e in enumerate(entries) if e is person))
    with served.house.hub.store.reading() as tx:
        stored = tx.records.of_client(client)
        texts = [served.house.hub.vault.open_text(tx, one).decode() for one in stored]
    assert len(texts) > len(entries) / 4
    if len(entries) == len(document["entry"]):
        assert not any('"reference":"urn:' in text for text in texts)


def in_force(resource: Resource) -> bool:
    """What case work keeps out: a plan that no client agreed to, a directive about a patient of another file."""
    if resource["resourceType"] == "Consent":
        return bool(resource["patient"].get("reference") == "Patient/gecco-patient")
    return resource["resourceType"] == "CarePlan" and resource["status"] != "draft"
