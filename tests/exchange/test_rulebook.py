"""Rules are kept with what they are made of: a change binds the next search, whatever changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from hub.consent.model import AccessRequest, Basis, Labels
from hub.store.schema import record, record_index
from hub.store.store import Tx
from tests.consent.building import consent
from tests.exchange.random_worlds import tombstone
from tests.exchange.world import House

CLIENT = "Patient/eva"
GP, MANAGER = "Organization/gp", "Organization/municipality"
LABELS = {area: Labels(areas=frozenset({area}), rule_set="test") for area in ("health", "finance", "plan")}


class Record:
    """The record of one client, and what the GP finds of it."""

    def __init__(self, house: House, tx: Tx) -> None:
        self.hub = house.hub
        self.tx = tx
        self.write({"resourceType": "Patient", "id": "eva", "name": [{"family": "Zkušební"}]})

    def write(self, resource: dict[str, Any], area: str = "", *, by: str = MANAGER) -> str:
        labels = LABELS.get(area)
        return self.hub.recorder.write(self.tx, resource, contributor=by, labels=labels).reference

    def agree(self, short: dict[str, Any], id: str = "c1", *, by: str = MANAGER) -> str:
        return self.write(consent({"patient": CLIENT, "policy": "OPTIN", "id": id, **short}), by=by)

    def observe(self, id: str, area: str, **more: Any) -> str:
        code = {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}
        made = {"resourceType": "Observation", "id": id, "status": "final", "code": code, **more}
        return self.write({**made, "subject": {"reference": CLIENT}}, area)

    def list(self, *entries: str, area: str = "plan", **more: Any) -> str:
        items = [{"item": {"reference": entry}} for entry in entries]
        made = {"resourceType": "List", "id": "l", "status": "current", "mode": "working", "title": "Seznam", **more}
        return self.write({**made, "subject": {"reference": CLIENT}, "entry": items}, area)

    def delete(self, reference: str) -> None:
        tombstone(self.hub, self.tx, reference)

    def seen(self, *actors: str, client: str | None = None, purpose: str = "COC") -> set[str]:
        asked = AccessRequest(actors or (GP,), purpose, "access", Basis.CONSENT)
        sight = self.hub.rulebook.sight(self.tx, asked, client=client)
        r = record.alias("r")
        found = sa.select(r.c.reference).where(~r.c.deleted, r.c.type != "Consent", sight.record(r))
        return {row.reference for row in self.tx.records._sql.rows(found)}

    def values(self, reference: str, param: str) -> set[str]:
        sight = self.hub.rulebook.sight(self.tx, AccessRequest((GP,), "COC", "access", Basis.CONSENT))
        r, i = record.alias("r"), record_index.alias("i")
        found = sa.select(i.c.value).select_from(i.join(r, r.c.key == i.c.record))
        found = found.where(r.c.reference == reference, i.c.param == param, sight.row(i, r))
        return {row.value for row in self.tx.records._sql.rows(found)}


@pytest.fixture
def eva(each_house: House) -> Iterator[Record]:
    with each_house.hub.store.writing() as tx:
        yield Record(each_house, tx)


def test_a_permit_opens_its_area_and_nothing_else(eva: Record) -> None:
    health, _ = eva.observe("h", "health"), eva.observe("f", "finance")
    eva.agree({"permit": {"actor": [GP], "area": ["health"]}})
    assert eva.seen() == {CLIENT, health}
    assert eva.seen("Organization/social") == set()


def test_a_revocation_binds_the_next_search(eva: Record) -> None:
    eva.observe("h", "health")
    eva.agree({"permit": {"actor": [GP]}})
    eva.agree({"permit": {"actor": [GP]}, "status": "inactive"})
    assert eva.seen() == set()


def test_a_membership_counts_as_soon_as_it_is_written(eva: Record) -> None:
    seen = eva.observe("h", "health")
    team: dict[str, Any] = {"resourceType": "CareTeam", "id": "t", "status": "active", "subject": {"reference": CLIENT}}
    eva.write(team, "plan")
    eva.agree({"permit": {"actor": ["CareTeam/t"], "area": ["health"]}})
    assert eva.seen() == set()
    eva.write({**team, "participant": [{"member": {"reference": GP}}]}, "plan")
    assert seen in eva.seen()


def test_an_actor_who_is_written_later_makes_the_consent_computable(eva: Record) -> None:
    seen = eva.observe("h", "health")
    eva.agree({"permit": {}})
    eva.agree({"permit": {"actor": ["Practitioner/d"]}}, "c2")
    assert eva.seen() == set(), "a Consent that names nobody known denies everything"
    eva.write({"resourceType": "Practitioner", "id": "d"})
    assert seen in eva.seen()


def test_a_role_means_its_organisation_and_the_person_in_it(eva: Record) -> None:
    seen = eva.observe("h", "health")
    eva.write({"resourceType": "Practitioner", "id": "d"})
    role = {"practitioner": {"reference": "Practitioner/d"}, "organization": {"reference": GP}}
    eva.write({"resourceType": "PractitionerRole", "id": "r", **role})
    eva.agree({"permit": {"actor": ["Practitioner/d"]}})
    assert seen in eva.seen("PractitionerRole/r", GP)
    assert seen not in eva.seen(GP)


def test_a_container_is_seen_by_what_it_refers_to_at_any_depth(eva: Record) -> None:
    eva.agree({"permit": {"actor": [GP], "area": ["health"]}})
    inner = eva.list(eva.observe("h", "health"))
    outer = eva.list(inner, id="outer")
    assert {inner, outer} <= eva.seen()
    eva.observe("h", "finance", language="cs")
    assert not {inner, outer} & eva.seen()


def test_what_is_deleted_opens_no_container(eva: Record) -> None:
    eva.agree({"permit": {"actor": [GP], "area": ["health"]}})
    inside = eva.observe("h", "health")
    outer = eva.list(inside)
    eva.delete(inside)
    assert outer not in eva.seen()


def test_a_title_is_found_only_where_one_provision_covers_all_it_may_tell_of(eva: Record) -> None:
    eva.agree({"permit": {"actor": [GP], "area": ["health", "plan"]}})
    eva.agree({"permit": {"actor": [GP], "area": ["finance"]}}, "c2")
    one, other = eva.observe("one", "health"), eva.observe("other", "health")
    outer = eva.list(one, other)
    assert eva.values(outer, "title") == {"seznam"}
    eva.observe("other", "finance", language="cs")
    assert eva.values(outer, "item") == {one, other}
    assert eva.values(outer, "title") == set()


def test_a_hard_rule_is_answered_for_records_before_and_after_it(eva: Record) -> None:
    before = eva.observe("before", "health", effectiveDateTime="2025-05-01")
    eva.agree({"permit": {"actor": [GP], "dataPeriod": ["2025", "2025"]}})
    after = eva.observe("after", "health", effectiveDateTime="2025-06-01")
    eva.observe("outside", "health", effectiveDateTime="2026-06-01")
    assert eva.seen() == {CLIENT, before, after}


def test_a_rule_that_names_a_record_follows_what_that_record_refers_to(eva: Record) -> None:
    one, other = eva.observe("one", "health"), eva.observe("other", "health")
    eva.agree({"permit": {"actor": [GP], "data": [["related", "List/l"]], "class": ["Observation"]}})
    eva.list(one)
    assert eva.seen() & {one, other} == {one}
    eva.list(other)
    assert eva.seen() & {one, other} == {other}


def test_with_a_client_named_nobody_elses_record_is_seen(eva: Record) -> None:
    mine = eva.observe("h", "health")
    eva.write({"resourceType": "Patient", "id": "adam", "name": [{"family": "Jiný"}]})
    eva.agree({"permit": {"actor": [GP]}})
    eva.agree({"permit": {"actor": [GP]}, "patient": "Patient/adam"}, "c2")
    assert {CLIENT, "Patient/adam", mine} <= eva.seen()
    assert eva.seen(client=CLIENT) == {CLIENT, mine}


@pytest.mark.parametrize("basis", [Basis.VITAL_INTEREST, Basis.LEGAL_DUTY, Basis.CARE_PROVISION])
def test_no_other_basis_finds_anything(eva: Record, basis: Basis) -> None:
    eva.agree({"permit": {}})
    asked = AccessRequest((GP,), "COC", "access", basis)
    assert eva.hub.rulebook.spec(eva.tx, asked).basis == "none"


@pytest.mark.parametrize("purpose", ["PurposeOfUse", "EMER", ""])
def test_a_refused_purpose_finds_nothing(eva: Record, purpose: str) -> None:
    eva.agree({"permit": {}})
    assert eva.seen(purpose=purpose) == set()


def test_an_organisation_finds_what_it_contributed_also_against_a_deny(eva: Record) -> None:
    mine = eva.write(
        {
            "resourceType": "Condition",
            "id": "k",
            "subject": {"reference": CLIENT},
            "code": {"text": "Únava"},
            "clinicalStatus": {
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
            },
        },
        "health",
        by=GP,
    )
    eva.agree({"deny": {}})
    asked = AccessRequest((GP,), "COC", "access", Basis.OWN_RECORD)
    sight = eva.hub.rulebook.sight(eva.tx, asked)
    r = record.alias("r")
    found = sa.select(r.c.reference).where(sight.record(r), sight.whole(r))
    assert {row.reference for row in eva.tx.records._sql.rows(found)} == {mine}


def test_rules_can_be_made_anew(eva: Record) -> None:
    seen = eva.observe("h", "health")
    eva.agree({"permit": {"actor": [GP], "area": ["health"]}})
    eva.hub.rulebook.recompile(eva.tx)
    assert eva.seen() == {CLIENT, seen}
