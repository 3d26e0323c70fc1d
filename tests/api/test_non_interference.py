"""What an asker may not see changes nothing they are told: same questions, same answers, byte for byte."""

from __future__ import annotations

import json

import pytest

from hub.exchange.overview import Overview
from tests.api.service import Service
from tests.exchange.world import House, adt, area, goal, row, table

SHARED = ("health", "services", "plan", "identity")


def shared(served: Service) -> House:
    """A plan that home care sees in part."""
    house = served.house
    house.intake()
    house.plan(("health", "finance"), team=("homecare", "gp"))
    house.agree("homecare", SHARED)
    house.take("hospital", "hl7v2", adt("A01", "m-1"))
    house.carry()
    return house


def answers(served: Service, organisation: str = "homecare") -> dict[str, tuple[object, ...]]:
    """Everything home care can ask about this client, and what it is told."""
    house = served.house
    served.renew(organisation)
    listed = served.get(organisation, f"/fhir/{house.client}/$everything").json().get("entry", [])
    references = {f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in listed}
    references |= {r for name, r in house.references.items() if name != "consent:gp"}
    paths = [f"/fhir/{house.client}/{operation}" for operation in ("$everything", "$summary", "$social-summary")]
    paths += [f"/fhir/{r}" for r in sorted(references)]
    paths += [f"/fhir/{r}/_history/{v}" for r in sorted(references) for v in ("1", "2", "3", "4")]
    told = {}
    for path in paths:
        answer = served.get(organisation, path)
        told[path] = (
            answer.status_code,
            answer.content,
            answer.headers.get("etag"),
            answer.headers.get("last-modified"),
        )
    return told


def hidden_changes(house: House) -> None:
    """Much happens that home care may not see."""
    house.clock.later(hours=3)
    house.change(house.references["goal:finance"], description={"text": "ZN-TAJNE-1"})
    house.clock.later(hours=3)
    house.hub.writer.create(house.asker(), goal(house.client, "family", "ZN-TAJNE-2"))
    plan = house.stored(house.references["careplan"])
    activity = {"detail": {"kind": "Task", "code": area("finance"), "status": "scheduled", "description": "ZN-TAJNE-3"}}
    house.change(house.references["careplan"], activity=[*plan["activity"], activity])
    house.agree("gp", ("finance", "family"))
    house.clock.later(hours=3)
    house.take("municipality", "tabular", table(row("Finance", "Dluh", "1,5", "ZN-TAJNE-4", number="K-1")))


def test_hidden_changes_are_met_in_no_answer(served: Service) -> None:
    house = shared(served)
    before = answers(served)
    sent = len(house.homecare.taken)
    hidden_changes(house)
    house.carry()
    after = answers(served)
    assert {path: told for path, told in after.items() if before.get(path) != told} == {}
    assert set(after) == set(before)
    assert len(house.homecare.taken) == sent


def test_the_changes_are_really_there(served: Service) -> None:
    house = shared(served)
    hidden_changes(house)
    served.renew("municipality")
    everything = served.get("municipality", f"/fhir/{house.client}/$everything").text
    for number in (1, 2, 3):
        assert f"ZN-TAJNE-{number}" in everything


@pytest.mark.parametrize("viewer", ["homecare"])
def test_the_page_tells_of_nothing_that_its_viewer_does_not_see(served: Service, viewer: str) -> None:
    house = shared(served)

    def seen() -> Overview:
        overview = house.hub.overviews.of(house.asker(viewer), house.client)
        assert overview is not None
        return overview

    before = seen()
    hidden_changes(house)
    house.carry()
    after = seen()
    assert "TAJNE" not in str(after)
    assert {m for m in after.timeline if m.kind != "delivered"} == {m for m in before.timeline if m.kind != "delivered"}
    assert {a for m in after.timeline for a in m.areas} <= set(SHARED)
    assert after.goals == before.goals
    assert after.plan == before.plan
    hidden = {"finance", "family"}
    for one in after.rows:
        assert not hidden & set(one.shared)
        assert not hidden & {a for cell in one.cells for a in cell.areas}
        assert not hidden & {a for left in one.withheld for a in left.areas}
    assert json.dumps([one.id for one in after.rows]) == json.dumps([one.id for one in before.rows])
