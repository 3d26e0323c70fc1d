"""The plan of cooperation: the case manager alone writes it, and it is in force only as the client agreed to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.errors import HubError
from tests.exchange.world import EVERYTHING, House, Person, agreement, goal, plan_resources, signed, transaction, urn


@pytest.fixture
def case(house: House) -> House:
    """A client who agreed to the intake, and a draft of a plan."""
    house.intake()
    house.draft(("health", "housing"))
    return house


def refusal(attempt: Any, *arguments: Any, **named: Any) -> int:
    """The HTTP status with which this is refused; 0 where it is not."""
    try:
        attempt(*arguments, **named)
    except HubError as error:
        return error.http_status
    return 0


def version(case: House) -> str:
    """The draft as it stands now, by its version."""
    reference = case.references["careplan"]
    seen = case.hub.reader.read(case.asker(), *reference.split("/"))
    return f"{reference}/_history/{seen.source_version}"


def agree(case: House, to: str, **changes: Any) -> None:
    given = {k: v for k, v in {**agreement(case.client, to), **changes}.items() if v is not None}
    case.hub.writer.create(case.asker(), given)


def test_without_the_clients_agreement_a_plan_does_not_come_into_force(case: House) -> None:
    assert refusal(case.change, case.references["careplan"], status="active") == 422
    agree(case, version(case))
    assert refusal(case.change, case.references["careplan"], status="active") == 0


def test_the_agreement_is_to_that_very_version(case: House) -> None:
    agree(case, version(case))
    case.change(case.references["careplan"], title="přepsáno po podpisu")
    assert refusal(case.change, case.references["careplan"], status="active") == 422


def test_what_comes_into_force_is_what_was_agreed_to(case: House) -> None:
    agree(case, version(case))
    assert refusal(case.change, case.references["careplan"], status="active", title="přepsáno při zapnutí") == 422


@pytest.mark.parametrize("step", ["on-hold", "completed", "revoked", "unknown", "entered-in-error"])
def test_no_detour_brings_a_draft_into_force(case: House, step: str) -> None:
    reference = case.references["careplan"]
    detour = refusal(case.change, reference, status=step) or refusal(case.change, reference, status="active")
    assert detour == 422
    case.agree("homecare", EVERYTHING)
    case.carry()
    assert case.homecare.bundles() == []


@pytest.mark.parametrize("status", ["active", "on-hold", "completed", "revoked"])
def test_a_plan_begins_as_a_draft(case: House, status: str) -> None:
    plan = {**plan_resources(case.client, (), ())[urn("plan")], "status": status}
    plan.pop("careTeam")
    plan = {k: v for k, v in plan.items() if v}
    assert refusal(case.hub.writer.create, case.asker(), plan) == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "inactive"},
        {"performer": None},
        {"performer": [{"reference": "Organization/municipality"}]},
        {"sourceAttachment": None},
        {"provision": {"type": "deny", "data": []}},
        {"provision": None},
    ],
)
def test_what_is_no_agreement_of_the_client_counts_for_nothing(case: House, changes: dict[str, Any]) -> None:
    at = version(case)
    if changes.get("provision"):
        changes["provision"]["data"] = [{"meaning": "instance", "reference": {"reference": at}}]
    refusal(agree, case, at, **changes)
    assert refusal(case.change, case.references["careplan"], status="active") == 422


def test_an_agreement_of_another_client_counts_for_nothing(case: House) -> None:
    other = case.introduce(Person(given="Jiná", family="Osoba", born="1950-01-02"), number="K-2")
    case.hub.writer.create(case.asker(), agreement(other, version(case)))
    assert refusal(case.change, case.references["careplan"], status="active") == 422


def test_an_agreement_shares_nothing(case: House) -> None:
    agree(case, version(case))
    case.change(case.references["careplan"], status="active")
    assert refusal(case.hub.reader.read, case.asker("homecare"), *case.references["careplan"].split("/")) == 404


def test_a_client_has_one_plan_in_force(case: House) -> None:
    agree(case, version(case))
    case.change(case.references["careplan"], status="active")
    second = {k: v for k, v in plan_resources(case.client, (), ())[urn("plan")].items() if v and k != "careTeam"}
    written = case.hub.writer.create(case.asker(), second)
    case.hub.writer.create(case.asker(), agreement(case.client, f"{written.reference}/_history/1"))
    assert refusal(case.change, written.reference, status="active") == 422


def test_agreement_and_activation_in_one_transaction_do_not_outrun_each_other(case: House) -> None:
    reference = case.references["careplan"]
    plan = {**case.stored(reference), "status": "active"}
    bundle = transaction({urn("agreement"): agreement(case.client, version(case))})
    bundle["entry"].append({"resource": plan, "request": {"method": "PUT", "url": reference, "ifMatch": 'W/"1"'}})
    assert refusal(case.hub.transactions.run, case.asker(), *signed(bundle)) in (0, 422)


@pytest.mark.parametrize("type", ["CarePlan", "CareTeam", "Goal", "Consent"])
def test_only_a_case_manager_writes_what_is_theirs(case: House, type: str) -> None:
    case.introduce(by="homecare", number="D-1")
    case.agree("homecare", EVERYTHING, "access", "disclose", "correct", "collect")
    key = {"CarePlan": "careplan", "CareTeam": "careteam", "Goal": "goal:health", "Consent": "consent:homecare"}[type]
    current = case.stored(case.references[key])
    assert refusal(case.hub.writer.update, case.asker("homecare"), current, if_match=1) == 403
    fresh = {k: v for k, v in current.items() if k not in ("id", "meta")}
    assert refusal(case.hub.writer.create, case.asker("homecare"), fresh) == 403


def test_another_municipality_that_knows_the_client_cannot_take_over_the_case(case: House) -> None:
    role = {
        **case.entry("homecare"),
        "organisation": {**case.entry("homecare")["organisation"], "roles": ["case-manager"]},
    }
    case.connect("homecare", homecare=role)
    case.introduce(by="homecare", number="D-1")
    manager = replace(case.asker("homecare"), roles=frozenset({"case-manager"}))
    consent = {k: v for k, v in case.stored(case.references["consent:municipality"]).items() if k not in ("id", "meta")}
    assert refusal(case.hub.writer.create, manager, consent) == 403


def test_the_case_manager_writes_only_where_the_client_lets_them(house: House) -> None:
    house.introduce()
    assert refusal(house.hub.writer.create, house.asker(), goal(house.client, "health")) == 403
    house.agree("municipality", ("housing", "plan", "identity"), "access", "disclose", "correct", "collect")
    assert refusal(house.hub.writer.create, house.asker(), goal(house.client, "health")) == 403
    assert refusal(house.hub.writer.create, house.asker(), goal(house.client, "housing")) == 0


def test_a_goal_cannot_be_moved_to_an_area_that_is_closed_to_its_writer(case: House) -> None:
    moved = goal(case.client, "safeguarding")["category"]
    assert refusal(case.change, case.references["goal:health"], category=moved) == 403


def test_a_plan_stays_with_its_client(case: House) -> None:
    other = case.introduce(Person(given="Jiná", family="Osoba", born="1950-01-02"), number="K-2")
    assert refusal(case.change, case.references["goal:health"], subject={"reference": other}) in (404, 422)
    assert refusal(case.change, case.references["goal:health"], subject={"display": "nikdo"}) in (0, 422)
    assert case.references["goal:health"] not in {
        f"{r['resourceType']}/{r['id']}" for r in case.of_client(client=other)
    }
