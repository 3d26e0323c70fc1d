"""Bulk export over HTTP: begun, asked after, fetched, cancelled; and never more than may be seen at that moment."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from hub.consent.model import Labels
from hub.exchange.export import MOST, Exporter, Ordered
from tests.api.planted import plant
from tests.api.service import Service
from tests.exchange.world import Person, area

ASYNC = {"Prefer": "respond-async"}
OTHER = Person(given="Květa", family="Jiná", born="1951-07-08")


@pytest.fixture
def shared(served_on_each: Service) -> Service:
    """A client with a plan, of which home care may see health; and a client whom it does not know."""
    house = served_on_each.house
    house.intake()
    house.plan(("health", "finance"), team=("homecare",))
    house.agree("homecare", ("health", "plan", "services", "identity"))
    house.introduce(OTHER, number="K-9")
    return served_on_each


def begin(service: Service, organisation: str, path: str = "$export", **headers: str) -> httpx.Response:
    return service.http.get(f"/fhir/{path}", headers={**service.headers(organisation), **ASYNC, **headers})


def local(url: str) -> str:
    """The path of one of the hub's own addresses."""
    return urlsplit(url).path


def exported(service: Service, organisation: str, path: str = "$export") -> dict[str, Any]:
    """The manifest of a finished export."""
    begun = begin(service, organisation, path)
    assert begun.status_code == 202, begun.text
    where = local(begun.headers["content-location"])
    for _ in range(2000):
        answer = service.get(organisation, where)
        if answer.status_code != 202:
            assert answer.status_code == 200, answer.text
            manifest: dict[str, Any] = answer.json()
            return manifest | {"where": where}
    raise AssertionError("the export does not end")


def lines(service: Service, organisation: str, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Every record in every file."""
    found: list[dict[str, Any]] = []
    for output in manifest["output"]:
        answer = service.get(organisation, local(output["url"]))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/fhir+ndjson")
        records = [json.loads(line) for line in answer.text.splitlines()]
        assert {r["resourceType"] for r in records} <= {output["type"]}
        found += records
    return found


def names(records: list[dict[str, Any]]) -> set[str]:
    return {f"{r['resourceType']}/{r['id']}" for r in records}


def test_an_export_holds_everything_that_the_organisation_may_see_and_nothing_else(shared: Service) -> None:
    house = shared.house
    manifest = exported(shared, "homecare")
    assert manifest["requiresAccessToken"] is True
    assert manifest["request"].endswith("/fhir/$export")
    records = lines(shared, "homecare", manifest)
    assert house.client in names(records)
    assert house.references["goal:health"] in names(records)
    assert house.references["goal:finance"] not in names(records)
    assert "ZN-CIL-FINANCE" not in json.dumps(records)
    for record in records:
        read = shared.get("homecare", f"/fhir/{record['resourceType']}/{record['id']}")
        assert read.json() == record
    assert {record["resourceType"] for record in records} == {output["type"] for output in manifest["output"]}
    assert exported(shared, "stranger", "Patient/$export")["output"] == []


@pytest.mark.parametrize("organisation", ["stranger", "homecare"])
def test_no_file_of_an_export_says_what_is_hidden(served: Service, organisation: str) -> None:
    planted = plant(served.house)
    for path in ("$export", "Patient/$export"):
        records = json.dumps(lines(served, organisation, exported(served, organisation, path)), ensure_ascii=False)
        assert [word for word in planted.forbidden(organisation) if word in records] == []
        shown = set(planted.canaries) - set(planted.hidden) if organisation == "homecare" else set()
        assert {word for word in planted.canaries if word in records} == shown


def test_a_consent_withdrawn_after_the_export_began_takes_effect_in_its_files(shared: Service) -> None:
    house = shared.house
    manifest = exported(shared, "homecare", "$export?_type=Goal,Patient")
    assert house.references["goal:health"] in names(lines(shared, "homecare", manifest))
    house.withdraw("homecare", ("health", "plan", "services", "identity"))
    assert lines(shared, "homecare", manifest) == []


def test_every_file_is_written_down_when_it_is_fetched(shared: Service) -> None:
    house = shared.house
    manifest = exported(shared, "homecare", "$export?_type=Goal")
    before = house.journal().count('"exit":"export"')
    lines(shared, "homecare", manifest)
    assert house.journal().count('"exit":"export"') == before + len(manifest["output"])


def test_an_export_belongs_to_the_organisation_that_began_it(shared: Service) -> None:
    manifest = exported(shared, "homecare", "$export?_type=Goal")
    absent = shared.get("municipality", f"/fhir/$export-status/{'a' * 26}")
    for path in (manifest["where"], local(manifest["output"][0]["url"])):
        refused = shared.get("municipality", path)
        assert refused.status_code == 404
        assert refused.content == absent.content
    assert shared.http.delete(manifest["where"], headers=shared.headers("municipality")).status_code == 404


def test_a_cancelled_export_is_gone_with_its_files(shared: Service) -> None:
    manifest = exported(shared, "homecare", "$export?_type=Goal")
    gone = shared.http.delete(manifest["where"], headers=shared.headers("homecare"))
    assert gone.status_code == 202
    for path in (manifest["where"], local(manifest["output"][0]["url"])):
        assert shared.get("homecare", path).status_code == 404


def test_an_export_expires(shared: Service) -> None:
    manifest = exported(shared, "homecare", "$export?_type=Goal")
    shared.house.clock.later(hours=25)
    shared.renew("homecare")
    assert shared.get("homecare", manifest["where"]).status_code == 404


def test_clients_of_a_group_and_no_others_are_exported(shared: Service) -> None:
    house = shared.house
    house.agree("municipality", ("health", "plan", "services", "identity", "finance"), "access", "disclose")
    group = {
        "resourceType": "Group", "id": house.hub.ids(), "type": "person", "actual": True,
        "member": [{"entity": {"reference": house.client}}],
    }  # fmt: skip
    with house.hub.store.writing() as tx:
        house.hub.recorder.write(
            tx, group, contributor="Organization/municipality", labels=Labels(areas=frozenset({"services"}))
        )
    found = names(lines(shared, "municipality", exported(shared, "municipality", f"Group/{group['id']}/$export")))
    assert house.client in found
    assert house.references["careplan"] in found
    assert not any(r.startswith("Organization/") for r in found)
    nobody = begin(shared, "stranger", f"Group/{group['id']}/$export")
    absent = begin(shared, "stranger", f"Group/{'a' * 26}/$export")
    assert nobody.status_code == absent.status_code == 404
    assert nobody.content == absent.content


def test_only_what_changed_since_is_exported(shared: Service) -> None:
    house = shared.house
    house.clock.later(minutes=10)
    shared.renew("homecare")
    since = house.clock().isoformat()
    assert exported(shared, "homecare", f"$export?_type=Goal&_since={since.replace('+', '%2B')}")["output"] == []
    house.clock.later(minutes=1)
    house.change(house.references["goal:health"], lifecycleStatus="on-hold")
    shared.renew("homecare")
    again = exported(shared, "homecare", f"$export?_type=Goal&_since={since.replace('+', '%2B')}")
    assert names(lines(shared, "homecare", again)) == {house.references["goal:health"]}


def test_a_change_that_is_hidden_does_not_show_in_an_export_of_changes(shared: Service) -> None:
    house = shared.house
    plan = house.references["careplan"]
    seen = shared.get("homecare", f"/fhir/{plan}")
    house.clock.later(minutes=10)
    since = house.clock().isoformat().replace("+", "%2B")
    house.clock.later(minutes=1)
    activity = {"detail": {"kind": "Task", "code": area("finance"), "status": "scheduled", "description": "ZN-TAJNE"}}
    house.change(plan, activity=[*house.stored(plan)["activity"], activity])
    shared.renew("homecare")
    assert shared.get("homecare", f"/fhir/{plan}").content == seen.content
    assert exported(shared, "homecare", f"$export?_since={since}")["output"] == []


def test_a_job_goes_on_where_another_process_was_killed(shared: Service) -> None:
    house = shared.house
    exporter, asker = house.hub.exporter, house.asker("homecare")
    job = exporter.begin(asker, Ordered("http://x.example/fhir/$export", ("Goal", "Patient")))
    with house.hub.store.writing() as tx:
        assert tx.exports.claim(job, house.clock(), house.clock() + timedelta(seconds=60)) is not None
    exporter.work(job)
    assert exporter.progress(asker, job).said == "0 of 2 types, 0 records found"
    house.clock.later(minutes=2)
    assert list(exporter.waiting()) == [job]
    exporter.work(job)
    done = exporter.progress(asker, job)
    assert done.complete
    assert [type for _, type in done.files] == ["Goal", "Patient"]


def test_many_records_make_many_files_and_each_record_is_in_one(shared: Service) -> None:
    house = shared.house
    house.agree("municipality", ("health", "finance", "plan", "services", "identity"), "access", "disclose")
    hub, asker = house.hub, house.asker()
    small = Exporter(store=hub.store, gate=hub.gate, sight=hub.rulebook.sight, clock=hub.clock, ids=hub.ids, page=1)
    job = small.begin(asker, Ordered("http://x.example/fhir/$export", ("Goal",)))
    small.work(job)
    files = small.progress(asker, job).files
    found = [json.loads(small.file(asker, job, no))["id"] for no, _ in files]
    assert len(files) == 2
    assert {f"Goal/{id}" for id in found} == {house.references["goal:health"], house.references["goal:finance"]}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("$export", {"Prefer": "return=minimal"}, 400),
        ("$export?_type=Banana", {}, 400),
        ("$export?_type=AuditEvent", {}, 400),
        ("$export?_type=Goal,Banana", {"Prefer": "respond-async, handling=lenient"}, 202),
        ("$export?_outputFormat=application/xml", {}, 400),
        ("$export?_outputFormat=ndjson&_type=Goal", {}, 202),
        ("$export?_since=yesterday", {}, 400),
        ("$export?_since=2026-01-01T00:00:00", {}, 400),
        ("$export?_typeFilter=Goal", {}, 400),
        ("Patient/$export?_type=Organization", {}, 400),
    ],
)
def test_an_export_that_cannot_be_made_is_refused_at_once(
    served: Service, path: str, headers: dict[str, str], status: int
) -> None:
    answer = begin(served, "homecare", path, **headers)
    assert answer.status_code == status, answer.text


def test_no_organisation_keeps_the_hub_busy_with_exports(served: Service) -> None:
    house = served.house
    for _ in range(MOST):
        house.hub.exporter.begin(house.asker("homecare"), Ordered("x", ("Goal",)))
    busy = begin(served, "homecare")
    assert busy.status_code == 429
    assert busy.json()["issue"][0]["code"] == "throttled"
    assert begin(served, "social").status_code == 202


def test_an_export_has_only_types_that_the_token_covers(served: Service) -> None:
    goals = {**served.headers("homecare", scope="system/Goal.r"), **ASYNC}
    assert served.http.get("/fhir/$export", headers=goals).status_code == 202
    assert served.http.get("/fhir/$export?_type=Goal", headers=goals).status_code == 202
    assert served.http.get("/fhir/$export?_type=Condition", headers=goals).status_code == 403
    assert served.http.get("/fhir/$export", headers=ASYNC).status_code == 401
