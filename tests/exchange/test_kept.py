"""What is kept between requests is content and never a permission: a change binds the next request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from hub.consent.model import Basis, Labels
from hub.errors import IntegrityFailure, NotFound, Unauthenticated
from hub.exchange.asker import Asker
from hub.security.tokens import issue_access_token
from hub.store.schema import client_key
from hub.store.store import Tx
from tests.consent.building import consent
from tests.exchange.world import House

CLIENT = "Patient/eva"
GP, MANAGER = "Organization/gp", "Organization/municipality"
HEALTH = Labels(areas=frozenset({"health"}), rule_set="test")


class Abandoned(Exception):
    """A transaction that is given up on purpose."""


class Case:
    """A client with one record; every step is a request of its own."""

    def __init__(self, house: House) -> None:
        self.hub = house.hub
        self.write({"resourceType": "Patient", "id": "eva", "name": [{"family": "Zkušební"}]})
        code = {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}
        subject = {"reference": CLIENT}
        self.write({"resourceType": "Observation", "id": "h", "status": "final", "code": code, "subject": subject})

    def write(self, resource: dict[str, Any], *, by: str = MANAGER) -> None:
        with self.hub.store.writing() as tx:
            self.write_in(tx, resource, by=by)

    def write_in(self, tx: Tx, resource: dict[str, Any], *, by: str = MANAGER) -> None:
        labels = HEALTH if resource["resourceType"] == "Observation" else None
        self.hub.recorder.write(tx, resource, contributor=by, labels=labels)

    def agree(self, short: dict[str, Any], id: str = "c1", *, by: str = MANAGER) -> None:
        self.write(agreement(short, id), by=by)

    def sees(self, *, person: str | None = None) -> bool:
        """Whether the GP reads the record."""
        try:
            self.hub.reader.read(Asker("gp", "COC", Basis.CONSENT, person=person), "Observation", "h")
        except NotFound:
            return False
        return True

    def may(self, tx: Tx) -> bool:
        """Whether the GP might read such a record: decided without one."""
        asked = Asker("gp", "COC", Basis.CONSENT).request("access")
        return self.hub.gate.permits(tx, asked, HEALTH, [CLIENT], what="Observation/h").permits


def agreement(short: dict[str, Any], id: str = "c1") -> dict[str, Any]:
    return consent({"patient": CLIENT, "policy": "OPTIN", "id": id, **short})


@pytest.fixture
def case(each_house: House) -> Case:
    return Case(each_house)


PERMIT = {"permit": {"actor": [GP]}}
ELSEWHERE = {"permit": {"actor": ["Organization/social"]}}


@pytest.mark.parametrize("after", [{**PERMIT, "status": "inactive"}, ELSEWHERE])
def test_a_change_of_consent_binds_the_next_request(case: Case, after: dict[str, Any]) -> None:
    assert not case.sees()
    case.agree(PERMIT)
    assert case.sees()
    assert case.sees()
    case.agree(after)
    assert not case.sees()
    case.agree(PERMIT)
    assert case.sees()


def test_a_second_consent_binds_the_next_request(case: Case) -> None:
    case.agree(PERMIT)
    assert case.sees()
    case.agree({"deny": {"actor": [GP]}}, "c2")
    assert not case.sees()


def test_a_role_that_ends_binds_the_next_request(case: Case) -> None:
    role = {"practitioner": {"reference": "Practitioner/d"}, "organization": {"reference": GP}}
    case.write({"resourceType": "Practitioner", "id": "d"})
    case.write({"resourceType": "PractitionerRole", "id": "r", **role})
    case.agree({"permit": {"actor": ["PractitionerRole/r"]}})
    assert case.sees(person="Practitioner/d")
    case.write({"resourceType": "PractitionerRole", "id": "r", "active": False, **role})
    assert not case.sees(person="Practitioner/d")


def test_a_team_that_changes_binds_the_next_request(case: Case) -> None:
    team = {"resourceType": "CareTeam", "id": "t", "status": "active", "subject": {"reference": CLIENT}}
    joined = {**team, "participant": [{"member": {"reference": GP}}]}
    case.write(joined)
    case.agree({"permit": {"actor": ["CareTeam/t"]}})
    assert case.sees()
    case.write(team)
    assert not case.sees()


def test_somebody_who_becomes_known_is_understood_in_a_consent_that_was_read_before(case: Case) -> None:
    case.agree(PERMIT)
    case.agree({"permit": {"actor": ["RelatedPerson/m"]}}, "c2")
    assert not case.sees()
    case.write({"resourceType": "RelatedPerson", "id": "m", "patient": {"reference": CLIENT}})
    assert case.sees()


def test_an_organisation_that_is_a_case_manager_no_more_denies_nothing_by_what_nobody_can_read(case: Case) -> None:
    case.agree(PERMIT)
    case.agree({**PERMIT, "raw": {"modifierExtension": [{"url": "urn:test", "valueBoolean": True}]}}, "c2")
    assert not case.sees()
    manages(case, roles=[])
    assert case.sees()
    manages(case, roles=["case-manager"])
    assert not case.sees()


def test_an_organisation_that_comes_is_understood_in_a_consent_that_was_read_before(case: Case) -> None:
    case.agree(PERMIT)
    case.agree({"permit": {"actor": ["Organization/new"]}}, "c2")
    assert not case.sees()
    with case.hub.store.writing() as tx:
        known = tx.organisations.read("gp")
        assert known is not None
        resource = {"resourceType": "Organization", "id": "new", "name": "New"}
        tx.organisations.put(replace(known, id="new", resource=resource))
    assert case.sees()


def test_a_disabled_organisation_is_out_at_the_next_request(case: Case) -> None:
    token = issue_access_token(
        case.hub.keys,
        organisation="gp",
        purpose="COC",
        basis="CONSENT",
        scope="system/*.cruds",
        audience=f"{case.hub.settings.public_url}/fhir",
        now=case.hub.clock(),
    )
    assert case.hub.signin.caller(token).asker.organisation == "gp"
    with case.hub.store.reading() as tx:
        assert case.hub.signin.caller(token, tx).asker.organisation == "gp"
    with case.hub.store.writing() as tx:
        tx.organisations.disable("gp")
    for within in (None, case.hub.store):
        with pytest.raises(Unauthenticated), case.hub.store.reading() as tx:
            case.hub.signin.caller(token, tx if within else None)


def test_what_was_opened_before_is_not_used_once_the_clients_key_is_gone(case: Case) -> None:
    case.agree(PERMIT)
    with case.hub.store.reading() as tx:
        assert case.may(tx)
    with case.hub.store.writing() as tx:
        tx.keys._sql.run(sa.delete(client_key).where(client_key.c.client == CLIENT))
    with pytest.raises(IntegrityFailure), case.hub.store.reading() as tx:
        case.may(tx)
    with pytest.raises(IntegrityFailure):
        case.sees()


def test_what_was_read_of_a_transaction_that_was_given_up_is_not_taken_for_what_came_instead(case: Case) -> None:
    case.agree(ELSEWHERE)

    def permit_for_now(tx: Tx) -> None:
        case.write_in(tx, agreement(PERMIT))
        assert case.may(tx)

    given_up(case, permit_for_now)
    case.agree({**ELSEWHERE, "status": "inactive"})
    assert not case.sees()


def test_who_was_in_a_team_for_a_transaction_that_was_given_up_is_not_in_it(case: Case) -> None:
    team = {"resourceType": "CareTeam", "id": "t", "status": "active", "subject": {"reference": CLIENT}}

    def join_for_now(tx: Tx) -> None:
        case.write_in(tx, {**team, "participant": [{"member": {"reference": GP}}]})
        assert case.may(tx)

    case.write(team)
    case.agree({"permit": {"actor": ["CareTeam/t"]}})
    given_up(case, join_for_now)
    case.write({**team, "name": "Tým"})
    assert not case.sees()


def test_a_change_of_the_directory_that_was_given_up_leaves_nothing(case: Case) -> None:
    def disable_for_now(tx: Tx) -> None:
        tx.organisations.disable("gp")
        assert "gp" not in {o.id for o in tx.organisations.list() if o.active}

    given_up(case, disable_for_now)
    with case.hub.store.writing() as tx:
        tx.organisations.disable("social")
        assert {"gp", "social"} & {o.id for o in tx.organisations.list() if o.active} == {"gp"}
    with case.hub.store.reading() as tx:
        assert {"gp", "social"} & {o.id for o in tx.organisations.list() if o.active} == {"gp"}


def test_nobody_changes_what_is_kept(case: Case) -> None:
    case.agree(PERMIT)
    each: list[Callable[[], object]] = [
        case.sees,
        lambda: case.hub.reader.document(Asker("gp", "COC", Basis.CONSENT), CLIENT, "summary"),
    ]
    for ask in each:
        ask()
    with case.hub.store.reading() as tx:
        standing = tx.records.standing((CLIENT, "Consent/c1"))
        kept = case.hub.vault.opened(tx, standing)
        assert kept == {s.reference: case.hub.vault.open_resource(tx, s) for s in tx.records.many(list(kept))}
        assert len(kept) == 2


def given_up(case: Case, work: Callable[[Tx], None]) -> None:
    """Do this in a transaction of which nothing stays."""
    with suppress(Abandoned), case.hub.store.writing() as tx:
        work(tx)
        raise Abandoned


def manages(case: Case, *, roles: list[str]) -> None:
    with case.hub.store.writing() as tx:
        known = tx.organisations.read("municipality")
        assert known is not None
        about = {**known.configuration["organisation"], "roles": roles}
        tx.organisations.put(replace(known, configuration={**known.configuration, "organisation": about}))
