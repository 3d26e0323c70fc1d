"""history over HTTP: of a record, of a type, of everything; by today's Consents, without a trace of what is hidden."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub.fhir.validate import errors
from tests.api.case import Resource, begin, create, observation, write
from tests.api.service import Service
from tests.exchange.world import area, goal


def history(served: Service, path: str, by: str = "municipality", **changes: str) -> Resource:
    answer = served.get(by, f"/fhir/{path.rsplit('/fhir/', maxsplit=1)[-1]}", **changes)
    assert answer.status_code == 200, answer.text
    bundle = dict(answer.json())
    assert errors(bundle) == ()
    return bundle


def told(bundle: Resource) -> list[tuple[str, str]]:
    """(method, version) of every entry."""
    return [(e["request"]["method"], e["response"].get("etag", "")) for e in bundle.get("entry", [])]


def walked(served: Service, path: str, by: str = "municipality") -> list[Resource]:
    """Every entry of every page."""
    entries: list[Resource] = []
    while path:
        bundle = history(served, path, by)
        entries += bundle.get("entry", [])
        path = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    return entries


def changed(served: Service, made: Resource, *words: str) -> None:
    """The record written again with each of these, a minute apart."""
    for word in words:
        served.house.clock.later(minutes=1)
        served.renew("municipality")
        write(served, "PUT", f"/fhir/{made['resourceType']}/{made['id']}", {**made, "code": {"text": word}})


def test_the_versions_of_a_record_are_told_the_newest_first(served_on_each: Service) -> None:
    made = create(served_on_each, observation(begin(served_on_each), "a"))
    changed(served_on_each, made, "b", "c")
    path = f"Observation/{made['id']}"
    write(served_on_each, "DELETE", f"/fhir/{path}", b"")
    bundle = history(served_on_each, f"{path}/_history")
    assert told(bundle) == [("DELETE", ""), ("PUT", 'W/"3"'), ("PUT", 'W/"2"'), ("POST", 'W/"1"')]
    assert [e["resource"]["code"]["text"] for e in bundle["entry"] if "resource" in e] == ["c", "b", "a"]
    assert bundle["total"] == 4
    assert [e["response"]["status"][:3] for e in bundle["entry"]] == ["204", "200", "200", "201"]


def test_a_history_is_walked_page_by_page(served_on_each: Service) -> None:
    made = create(served_on_each, observation(begin(served_on_each), "0"))
    changed(served_on_each, made, *(str(n) for n in range(1, 8)))
    for path in (f"Observation/{made['id']}/_history?_count=3", "Observation/_history?_count=3"):
        entries = walked(served_on_each, path)
        assert [e["resource"]["code"]["text"] for e in entries] == [str(n) for n in range(7, -1, -1)]
    first = history(served_on_each, "Observation/_history?_count=3")
    assert len(first["entry"]) == 3
    assert "total" not in first


def test_pages_go_on_while_others_write(served: Service) -> None:
    client = begin(served)
    for number in range(6):
        create(served, observation(client, str(number)))
    bundle = history(served, "Observation/_history?_count=2")
    seen = [e["resource"]["id"] for e in bundle["entry"]]
    while following := next((link["url"] for link in bundle["link"] if link["relation"] == "next"), ""):
        create(served, observation(client, "late"))
        bundle = history(served, following)
        seen += [e["resource"]["id"] for e in bundle.get("entry", [])]
    assert len(seen) == len(set(seen)) == 6


def test_the_history_of_everything_holds_the_types_that_the_token_covers(served: Service) -> None:
    client = begin(served)
    create(served, observation(client))
    create(served, goal(client, "health"))
    types = {e["resource"]["resourceType"] for e in walked(served, "_history")}
    assert types == {"Observation", "Goal", "Consent", "Patient"}
    some = served.get("municipality", "/fhir/_history", scope="system/Goal.rs").json()
    assert {e["resource"]["resourceType"] for e in some["entry"]} == {"Goal"}


def test_since_and_at_are_held(served: Service) -> None:
    made = create(served, observation(begin(served), "a"))
    start = served.house.clock()
    changed(served, made, "b", "c")

    def words(query: str) -> list[str]:
        bundle = history(served, f"Observation/{made['id']}/_history?{query}")
        return [e["resource"]["code"]["text"] for e in bundle.get("entry", [])]

    def at(seconds: int) -> str:
        return (start + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert words(f"_since={at(60)}") == ["c", "b"]
    assert words(f"_since={at(61)}") == ["c"]
    assert words(f"_at={at(90)}") == ["b"]
    assert words(f"_at={at(30)}") == ["a"]
    assert words(f"_at={at(-10)}") == []
    assert words(f"_at={at(1000)}") == ["c"]
    assert words("_count=0") == []


@pytest.mark.parametrize(
    "query",
    [
        "_count=-1",
        "_count=abc",
        "_count=1%00",
        "_since=yesterday",
        "_since=2026",
        "_at=x",
        "code=x",
        "_page=x",
        "_sort=x",
    ],
)
def test_what_a_history_does_not_understand_is_refused(calm: Service, query: str) -> None:
    client = calm.house.client
    for path in (f"{client}/_history", "Patient/_history", "_history"):
        answer = calm.get("municipality", f"/fhir/{path}?{query}")
        assert answer.status_code in (400, 404), answer.text
        assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_huge_count_is_clamped(calm: Service) -> None:
    assert history(calm, f"{calm.house.client}/_history?_count=1000000000")["entry"]
    assert calm.get("municipality", f"/fhir/Patient/_history?_count={'9' * 400}").status_code in (200, 400)


def test_a_page_of_another_organisation_or_history_is_404(served: Service) -> None:
    client = begin(served)
    for _ in range(3):
        create(served, observation(client))
    bundle = history(served, "Observation/_history?_count=1")
    following = next(link["url"] for link in bundle["link"] if link["relation"] == "next")
    following = following[following.index("/fhir/") :]
    assert served.get("municipality", following).status_code == 200
    assert served.get("gp", following).status_code == 404
    assert served.get("municipality", following.replace("Observation/", "")).status_code == 404
    assert served.get("municipality", following[:-4] + "AAAA").status_code == 404


def test_hidden_and_absent_have_the_same_history(served: Service) -> None:
    made = create(served, observation(begin(served)))
    hidden = served.get("stranger", f"/fhir/Observation/{made['id']}/_history")
    absent = served.get("stranger", f"/fhir/Observation/{'a' * 26}/_history")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert "entry" not in history(served, "Observation/_history", "stranger")


def test_old_versions_are_judged_by_todays_consents_and_the_stricter_labels(served: Service) -> None:
    client = begin(served)
    made = create(served, observation(client, "ZN-ZDRAVI", "health"))
    path = f"Observation/{made['id']}"
    served.house.agree("homecare", ("health", "identity"))
    assert len(history(served, f"{path}/_history", "homecare")["entry"]) == 1
    served.house.clock.later(minutes=1)
    write(served, "PUT", f"/fhir/{path}", {**observation(client, "ZN-DLUH", "finance"), "id": made["id"]})
    for asked in (f"{path}/_history", f"{path}/_history/1", f"{path}/_history/2", path):
        assert served.get("homecare", f"/fhir/{asked}").status_code == 404, asked
    assert "ZN-" not in served.get("homecare", "/fhir/Observation/_history").text
    served.house.withdraw("homecare", ("health", "identity"))
    assert served.get("homecare", f"/fhir/{path}/_history").status_code == 404


def test_a_deletion_is_told_to_those_who_saw_the_record(served: Service) -> None:
    made = create(served, observation(begin(served)))
    path = f"Observation/{made['id']}"
    served.house.agree("homecare", ("health", "identity"))
    write(served, "DELETE", f"/fhir/{path}", b"")
    assert told(history(served, f"{path}/_history", "homecare"))[0] == ("DELETE", "")
    assert told(history(served, "Observation/_history", "homecare"))[0] == ("DELETE", "")
    assert served.get("gp", f"/fhir/{path}/_history").status_code == 404
    assert "entry" not in history(served, "Observation/_history", "gp")


def plan_of(served: Service) -> str:
    """A plan that home care sees in part: its health, not its finance."""
    begin(served)
    served.house.draft(("health", "finance"), team=("homecare",))
    served.house.agree("homecare", ("health", "plan", "identity", "services"))
    return served.house.references["careplan"]


def activity(served: Service, plan: str, area: str, status: str) -> None:
    """One activity of the plan moved on."""
    stored = served.house.stored(plan)
    for one in stored["activity"]:
        if one["detail"]["code"]["coding"][0]["code"] == area:
            one["detail"]["status"] = status
    served.house.clock.later(minutes=1)
    served.renew("municipality")
    served.renew("homecare")
    write(served, "PUT", f"/fhir/{plan}", stored, If_Match=f'W/"{stored["meta"]["versionId"]}"')


def test_a_version_that_changed_nothing_visible_is_not_told(served: Service) -> None:
    plan = plan_of(served)
    for path in (f"{plan}/_history", "CarePlan/_history"):
        assert len(history(served, path, "homecare")["entry"]) == 1
    before = served.get("homecare", f"/fhir/{plan}/_history").content
    activity(served, plan, "finance", "in-progress")
    assert served.get("homecare", f"/fhir/{plan}/_history").content == before
    activity(served, plan, "health", "in-progress")
    activity(served, plan, "finance", "completed")
    for path in (f"{plan}/_history", "CarePlan/_history"):
        entries = history(served, path, "homecare")["entry"]
        assert len(entries) == 2
        assert "FINANCE" not in str(entries)
        assert [e["request"]["method"] for e in entries] == ["PUT", "POST"]


def test_a_projected_version_is_read_by_the_name_it_was_told_under(served: Service) -> None:
    plan = plan_of(served)
    activity(served, plan, "health", "in-progress")
    entries = history(served, f"{plan}/_history", "homecare")["entry"]
    versions = [e["resource"]["meta"]["versionId"] for e in entries]
    assert all(v.startswith("p") for v in versions)
    assert len(set(versions)) == 2
    for entry, version in zip(entries, versions, strict=True):
        answer = served.get("homecare", f"/fhir/{plan}/_history/{version}")
        assert (answer.status_code, answer.json()) == (200, entry["resource"])
    assert served.get("homecare", f"/fhir/{plan}/_history/1").status_code == 404
    assert served.get("homecare", f"/fhir/{plan}/_history/p{'0' * 16}").status_code == 404
    assert served.get("municipality", f"/fhir/{plan}/_history/{versions[0]}").status_code == 404


def test_what_is_hidden_now_does_not_hide_what_was_there_before(served: Service) -> None:
    """The old version has no finance: whether the new one has must not show in whether the old is seen."""
    begin(served)
    served.house.draft(("health",), team=("homecare",))
    served.house.agree("homecare", ("health", "plan", "identity", "services"))
    plan = served.house.references["careplan"]
    first: Any = served.get("homecare", f"/fhir/{plan}").json()
    stored = served.house.stored(plan)
    extra = {"detail": {**stored["activity"][0]["detail"], "description": "ZN-DLUH", "code": area("finance")}}
    stored["activity"].append(extra)
    write(served, "PUT", f"/fhir/{plan}", stored, If_Match='W/"1"')
    entries = history(served, f"{plan}/_history", "homecare")["entry"]
    assert len(entries) == 1
    assert entries[0]["resource"]["activity"] == first["activity"]


def test_an_organisation_reads_the_versions_that_it_wrote_itself(served: Service) -> None:
    client = begin(served)
    made = create(served, observation(client, "a"))
    served.house.introduce(by="homecare", number="H-1")
    served.house.agree("homecare", ("health", "identity"), "access", "disclose", "correct")
    changed(served, made, "b")
    served.renew("homecare")
    put = {**served.house.stored(f"Observation/{made['id']}"), "code": {"text": "c"}}
    write(served, "PUT", f"/fhir/Observation/{made['id']}", put, by="homecare")
    served.house.withdraw("homecare", ("health", "identity"))
    bundle = history(served, f"Observation/{made['id']}/_history", "homecare", basis="OWN-RECORD")
    assert [e["resource"]["code"]["text"] for e in bundle["entry"]] == ["c"]


def test_a_history_is_written_down_once_with_what_it_told(served: Service) -> None:
    made = create(served, observation(begin(served), "a"))
    changed(served, made, "b")
    history(served, f"Observation/{made['id']}/_history")
    lines = [line for line in served.house.journal().splitlines() if '"exit":"history"' in line]
    assert len(lines) == 1
    assert lines[0].count(made["id"]) == 2
