"""delete over HTTP: who may, what stands in the way, and that it can be said twice."""

from __future__ import annotations

from typing import Any

import pytest

from hub.fhir import text
from tests.api.case import begin, create, issues, medicine, observation
from tests.api.service import Service
from tests.exchange.world import goal


def delete(served: Service, path: str, by: str = "municipality", **headers: str) -> Any:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return served.send(by, "DELETE", f"/fhir/{path}", b"", headers=sent)


def test_a_record_is_deleted_once_and_that_can_be_said_again(served_on_each: Service) -> None:
    made = create(served_on_each, goal(begin(served_on_each), "health"))
    path = f"Goal/{made['id']}"
    answers = [delete(served_on_each, path) for _ in range(3)]
    assert [(a.status_code, a.content) for a in answers] == [(204, b"")] * 3
    assert served_on_each.get("municipality", f"/fhir/{path}").status_code == 410
    assert served_on_each.house.of_client("Goal") == []
    said = delete(served_on_each, path, Prefer="return=OperationOutcome")
    assert (said.status_code, issues(said)) == (200, [("informational", "")])


def test_what_is_hidden_is_not_deleted_and_looks_absent(served: Service) -> None:
    made = create(served, goal(begin(served), "health"))
    hidden, absent = delete(served, f"Goal/{made['id']}", by="stranger"), delete(served, f"Goal/{'a' * 26}", "stranger")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    delete(served, f"Goal/{made['id']}")
    assert delete(served, f"Goal/{made['id']}", by="stranger").content == absent.content


def test_what_one_may_see_and_not_change_is_403(served: Service) -> None:
    client = begin(served)
    made = create(served, observation(client))
    served.house.introduce(by="homecare", number="H-1")
    served.house.agree("homecare", ("health", "identity"))
    assert delete(served, f"Observation/{made['id']}", by="homecare").status_code == 403
    assert served.get("municipality", f"/fhir/Observation/{made['id']}").status_code == 200


def test_what_is_seen_in_part_is_not_deleted(served: Service) -> None:
    begin(served)
    served.house.draft(("health", "finance"), team=("homecare",))
    served.house.agree("homecare", ("health", "plan", "identity", "services"), "access", "disclose", "correct")
    answer = delete(served, served.house.references["careplan"], by="homecare", If_Match='W/"1"')
    assert answer.status_code == 403


def test_if_match_is_held_and_required_where_an_update_requires_it(served: Service) -> None:
    client = begin(served)
    made = create(served, goal(client, "health"))
    assert delete(served, f"Goal/{made['id']}", If_Match='W/"2"').status_code == 412
    assert delete(served, f"Goal/{made['id']}", If_Match='W/"1"').status_code == 204
    served.house.draft(("health",))
    plan = served.house.references["careplan"]
    assert delete(served, plan).status_code == 428
    assert delete(served, plan, If_Match='W/"1"').status_code == 204


def test_a_client_is_not_deleted(served: Service) -> None:
    client = begin(served)
    for by in ("municipality", "stranger"):
        answer = delete(served, client, by=by)
        assert (answer.status_code, issues(answer)[0][0]) == (405, "not-supported")
    assert served.get("municipality", f"/fhir/{client}").status_code == 200


def test_a_consent_in_force_is_revoked_and_not_deleted(served: Service) -> None:
    begin(served)
    reference = served.house.agree("homecare", ("health",))
    assert delete(served, reference, If_Match='W/"1"').status_code == 409
    served.house.withdraw("homecare", ("health",))
    assert delete(served, reference, If_Match='W/"2"').status_code == 204


def test_what_an_active_consent_names_stays_as_long_as_it_is_active(served: Service) -> None:
    client = begin(served)
    made = create(served, goal(client, "health"))
    data = [{"meaning": "instance", "reference": {"reference": f"Goal/{made['id']}"}}]
    served.house.agree("homecare", ("health",), data=data)
    answer = delete(served, f"Goal/{made['id']}")
    assert (answer.status_code, issues(answer)[0][0]) == (409, "conflict")
    served.house.withdraw("homecare", ("health",))
    assert delete(served, f"Goal/{made['id']}").status_code == 204


def test_a_plan_in_force_is_ended_and_not_deleted(served: Service) -> None:
    begin(served)
    served.house.plan(("health",))
    plan = served.house.references["careplan"]
    version = served.get("municipality", f"/fhir/{plan}").headers["etag"]
    answer = delete(served, plan, If_Match=version)
    assert answer.status_code in (409, 422)  # its agreement names it, and it is in force


def test_what_is_about_nobody_is_deleted_by_who_contributed_it(served: Service) -> None:
    begin(served)
    made = create(served, medicine())
    path = f"Medication/{made['id']}"
    assert delete(served, path, by="gp").status_code == 404
    place = create(served, {"resourceType": "Location", "name": "Dům"})
    assert delete(served, f"Location/{place['id']}", by="gp").status_code == 403
    assert delete(served, path).status_code == 204
    assert delete(served, f"Location/{place['id']}").status_code == 204


def test_a_deleted_record_is_in_no_document_and_in_no_plan_of_what_goes_out(served: Service) -> None:
    client = begin(served)
    made = create(served, observation(client, "ZN-SMAZANY"))
    assert "ZN-SMAZANY" in served.get("municipality", f"/fhir/{client}/$everything").text
    delete(served, f"Observation/{made['id']}")
    assert "ZN-SMAZANY" not in served.get("municipality", f"/fhir/{client}/$everything").text


def test_a_delete_is_written_down_and_announced(served: Service) -> None:
    made = create(served, goal(begin(served), "health"))
    served.house.expand()
    delete(served, f"Goal/{made['id']}")
    entries = [line for line in served.house.journal().splitlines() if '"exit":"delete"' in line]
    assert any(made["id"] in line for line in entries)
    assert served.house.expand() == 1


@pytest.mark.parametrize("id", ["%00", "a%00b", "%2e%2e", "a" * 65, "x%0Ay", "'--"])
def test_an_id_that_is_none_is_404(calm: Service, id: str) -> None:
    assert delete(calm, f"Goal/{id}").status_code == 404
    assert calm.send("municipality", "PUT", f"/fhir/Goal/{id}", text.write({"resourceType": "Goal"})).status_code in (
        400,
        404,
        422,
    )
