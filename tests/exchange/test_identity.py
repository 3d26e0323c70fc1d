"""Whose client is whose: sure by number, in doubt for a person to decide, and one client however many come at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from hub.errors import HubError, Unavailable, VersionConflict
from hub.store.model import IdentityLink, LinkState
from tests.exchange.world import CLIENT, House, Person, adt, condition, ips, patient, row, table


def links(house: House, state: LinkState | None = None) -> list[IdentityLink]:
    with house.hub.store.reading() as tx:
        return tx.identity.all(state)


def clients(house: House) -> set[str]:
    return {link.client for link in links(house)}


def test_a_birth_number_with_the_same_name_or_birth_links_at_once(house: House) -> None:
    house.introduce()
    married = Person(family="Provdaná", number=CLIENT.birth_number)
    house.take("hospital", "hl7v2", adt("A01", "m-1", married))
    assert clients(house) == {house.client}
    assert links(house, LinkState.REVIEW) == []
    assert {n["family"] for n in house.stored(house.client)["name"]} == {"Zkušební", "Provdaná"}


def test_a_birth_number_of_somebody_with_another_name_and_birth_waits_for_a_person(house: House) -> None:
    house.introduce()
    somebody = Person(given="Božena", family="Jinačí", born="1971-02-03", number=CLIENT.birth_number)
    house.take("hospital", "hl7v2", adt("A01", "m-1", somebody))
    waiting = links(house, LinkState.REVIEW)
    assert {link.suspect for link in waiting} == {house.client}
    assert house.client not in {link.client for link in waiting}
    assert len(house.stored(house.client)["name"]) == 1


def test_a_namesake_born_on_the_same_day_waits_for_a_person(each_house: House) -> None:
    each_house.introduce()
    each_house.take("homecare", "fhir_rest", json.dumps(without_birth_number("H-1")).encode())
    [link] = links(each_house, LinkState.REVIEW)
    assert link.suspect == each_house.client
    assert link.client != each_house.client


def test_further_messages_about_a_client_in_review_stay_with_that_client(each_house: House) -> None:
    each_house.introduce()
    somebody = Person(given="Božena", family="Jinačí", born="1971-02-03", number=CLIENT.birth_number)
    first = each_house.take("hospital", "hl7v2", adt("A01", "m-1", somebody))
    second = each_house.take("hospital", "hl7v2", adt("A08", "m-2", somebody))
    assert (first.outcome, second.outcome) == ("accepted", "accepted")
    assert len({link.client for link in links(each_house, LinkState.REVIEW)}) == 1


def test_a_number_decided_to_be_the_suspects_brings_its_next_message_to_the_suspect(each_house: House) -> None:
    each_house.introduce()
    somebody = Person(given="Božena", family="Jinačí", born="1971-02-03", number=CLIENT.birth_number)
    each_house.take("hospital", "hl7v2", adt("A01", "m-1", somebody))
    with each_house.hub.store.writing() as tx:
        for link in tx.identity.all(LinkState.REVIEW):
            tx.identity.decide(link.id, LinkState.REJECTED, "same person, the hospital mistyped")
    assert each_house.take("hospital", "hl7v2", adt("A08", "m-2", somebody)).outcome in ("accepted", "partly")
    with each_house.hub.store.reading() as tx:
        confirmed = [k for k in tx.identity.of_client(each_house.client) if k.organisation == "hospital"]
    assert {k.state for k in confirmed} == {LinkState.CONFIRMED}


def test_an_organisations_own_number_is_not_anothers(house: House) -> None:
    house.introduce()
    house.take("social", "tabular", table(row("Finance", "Dluh", "1", "x", number="K-1")), encoding="windows-1250")
    other = Person(given="Dana", family="Druhá", born="1960-06-06")
    house.take(
        "social", "tabular", table(row("Finance", "Dluh", "1", "x", other, number="K-2")), encoding="windows-1250"
    )
    assert len(clients(house)) == 2


def test_what_contradicts_is_shown_and_never_overwritten(house: House) -> None:
    house.introduce()
    mistyped = Person(born="1949-05-21", number=CLIENT.birth_number)
    house.take("hospital", "hl7v2", adt("A01", "m-1", mistyped))
    assert house.stored(house.client)["birthDate"] == CLIENT.born
    with house.hub.store.reading() as tx:
        [entry] = [e for e in tx.received.list(10) if e.adapter == "hl7v2"]
    assert "Patient.birthDate" in entry.report["conflicts"]


def test_the_same_client_introduced_by_eight_at_once_is_one(each_house: House) -> None:
    organisations = ["municipality", "gp", "homecare", "stranger"] * 2

    def come(position: int) -> str:
        by = organisations[position]
        told = patient(CLIENT, by, f"N-{position}")
        if position % 2:
            told["identifier"].reverse()
        for _ in range(5):
            with suppress(VersionConflict, Unavailable):
                return each_house.hub.writer.create(each_house.asker(by), told).reference
        raise AssertionError

    with ThreadPoolExecutor(8) as pool:
        references = set(pool.map(come, range(8)))
    assert len(references) == 1
    assert clients(each_house) == references


def test_eight_transactions_with_the_same_new_client_make_one(each_house: House) -> None:
    bodies = [adt("A01", f"m-{n}") for n in range(8)]

    def come(body: bytes) -> str:
        for _ in range(5):
            outcome = each_house.take("hospital", "hl7v2", body).outcome
            if outcome != "failed":
                return outcome
        return "failed"

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(come, bodies)) == {"accepted"}
    assert len(clients(each_house)) == 1


def test_a_client_introduced_again_by_the_same_organisation_is_the_same(house: House) -> None:
    first = house.hub.writer.create(house.asker(), patient())
    again = house.hub.writer.create(house.asker(), patient())
    assert first.reference == again.reference
    assert (first.created, again.created) == (True, False)


@pytest.mark.parametrize("element", ["generalPractitioner"])
def test_only_a_case_manager_says_who_the_registering_practitioner_is(house: House, element: str) -> None:
    house.introduce()
    claimed = {**patient(CLIENT, "stranger", "S-1"), element: [{"reference": "Organization/stranger"}]}
    with pytest.raises(HubError) as refused:
        house.hub.writer.create(house.asker("stranger"), claimed)
    assert refused.value.http_status == 403
    assert house.stored(house.client)[element] == [{"reference": "Organization/gp"}]


def without_birth_number(number: str) -> dict[str, object]:
    bundle = ips(condition("x"), number=number)
    told = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient")
    told["identifier"] = told["identifier"][1:]
    return bundle
