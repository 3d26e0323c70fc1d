"""Search parameters of this hub's own, and records indexed anew: nothing is found before all of it can be."""

from __future__ import annotations

from typing import Any

import pytest

from hub.errors import InvalidResource, NotFound, NotSupported, VersionConflict
from hub.exchange.reindexing import WHOLE
from hub.fhir.search_query import Has, Query, Sort, StringValue, Term
from hub.store.jobs_model import JobState, Progress
from hub.store.sight import Sight, SightSpec
from hub.worker import Worker
from tests.exchange.world import House, Person, birth_number

URL = "http://hub.example/SearchParameter/family-as-written"
FAMILY = {
    "resourceType": "SearchParameter",
    "url": URL,
    "name": "FamilyAsWritten",
    "status": "active",
    "description": "A family name, once more",
    "code": "surname",
    "base": ["Patient"],
    "type": "string",
    "expression": "Patient.name.family",
}
TERM = Term("Patient", "surname", "string", "", (StringValue("dvor"),))


def one(family: str, number: int) -> Person:
    """Somebody else than everybody else."""
    born = f"19{50 + number % 40}-0{number % 9 + 1}-{number % 27 + 1:02}"
    return Person(f"Karel{number}", family, born, birth_number(born, 20 + number))


def found(house: House) -> list[str]:
    with house.hub.store.reading() as tx:
        return tx.search.references(Query(("Patient",), (TERM,)), Sight(SightSpec("all", house.clock())), 10)


def add(house: House, **changes: Any) -> None:
    with house.hub.store.writing() as tx:
        house.hub.own_parameters.add(tx, {**FAMILY, **changes})


def progress(house: House, name: str) -> Progress:
    return next(one for one in house.hub.reindexer.progress() if one.name.endswith(name))


def finish(house: House) -> None:
    while house.hub.reindexer.step():
        pass


def test_a_parameter_finds_what_was_there_before_it(each_house: House) -> None:
    house = each_house
    old = house.introduce(one("Dvořák", 1), number="K-7")
    add(house)
    assert found(house) == []
    finish(house)
    assert found(house) == [old]
    assert progress(house, URL).state is JobState.DONE
    new = house.introduce(one("Dvořáková", 2), number="K-8")
    assert found(house) == sorted([old, new])


def test_a_search_by_it_is_refused_until_all_is_indexed_and_says_how_far_it_is(house: House) -> None:
    house.introduce()
    add(house)
    asked = (
        Query(("Patient",), (TERM,)),
        Query(("Patient",), (), (Sort("surname", "string"),)),
        Query(("Group",), (Has("Group", "Patient", "member", TERM),)),
    )
    with house.hub.store.reading() as tx:
        for query in asked:
            with pytest.raises(NotSupported, match="0 % of the records") as refused:
                house.hub.own_parameters.refuse_unfinished(tx, query)
            assert refused.value.place == "surname"
        house.hub.own_parameters.refuse_unfinished(tx, Query(("Patient",)))
    finish(house)
    with house.hub.store.reading() as tx:
        for query in asked:
            house.hub.own_parameters.refuse_unfinished(tx, query)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"expression": "Patient.name.family.lower()"}, "SearchParameter.expression"),
        ({"expression": "Patient.name.where(use = 'usual' and family.exists()).family"}, "SearchParameter.expression"),
        ({"expression": "Patient.nickname"}, "SearchParameter.expression"),
        ({"type": "quantity"}, "SearchParameter.expression"),
        ({"expression": None}, "SearchParameter.expression"),
        ({"base": ["Person2"]}, "SearchParameter.base"),
        ({"code": "family"}, "SearchParameter.code"),
        ({"type": "special"}, "SearchParameter.type"),
    ],
)
def test_what_is_not_understood_is_refused_by_its_place(house: House, changes: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        add(house, **changes)
    assert refused.value.place == place
    with house.hub.store.reading() as tx:
        assert tx.search_parameters.all() == []
        assert tx.jobs.all() == []


def test_a_name_is_taken_once(house: House) -> None:
    add(house)
    with pytest.raises(VersionConflict):
        add(house, url="http://hub.example/other")


def test_another_expression_begins_anew_and_a_parameter_that_is_gone_leaves_nothing(house: House) -> None:
    house.introduce(one("Dvořák", 1), number="K-7")
    add(house)
    finish(house)
    add(house)
    assert progress(house, URL).state is JobState.DONE, "the same once more is no work"
    add(house, expression="Patient.name.given")
    assert progress(house, URL).done == 0
    finish(house)
    assert found(house) == []
    with house.hub.store.writing() as tx:
        house.hub.own_parameters.remove(tx, URL)
        with pytest.raises(NotFound):
            house.hub.own_parameters.remove(tx, URL)
        assert [one.name for one in tx.jobs.all()] in ([], [WHOLE])


def test_definitions_that_are_the_same_are_no_work_and_others_are(house: House) -> None:
    house.introduce()
    assert house.hub.reindexer.begin()
    assert not house.hub.reindexer.begin()
    finish(house)
    before = progress(house, WHOLE)
    assert (before.done, before.percent, before.state) == (before.total, 100, JobState.DONE)
    again = house.restart("two")
    assert not again.reindexer.begin(), "a restart changes no definitions"
    again.reindexer._digest = "of another version"
    assert again.reindexer.begin()
    assert progress(house, WHOLE).done == 0
    finish(house)
    assert again.reindexer.begin(again=True)


def test_indexing_anew_makes_no_version_and_tells_nobody(house: House) -> None:
    house.intake()
    house.plan(("health",))
    house.expand()
    with house.hub.store.reading() as tx:
        before = [(one.reference, one.version, one.labels) for one in tx.records.of_client(house.client)]
    house.hub.reindexer.begin(again=True)
    finish(house)
    with house.hub.store.reading() as tx:
        assert [(one.reference, one.version, one.labels) for one in tx.records.of_client(house.client)] == before
        assert tx.outbox.pending() == 0


def test_a_record_that_cannot_be_opened_does_not_hold_up_the_others(house: House) -> None:
    lost = house.introduce(one("Dvořák", 1), number="K-7")
    kept = house.introduce(one("Dvořáčková", 2), number="K-8")
    add(house)
    with house.hub.store.writing() as tx:
        tx.records._sql.run(_without_key(lost))
    finish(house)
    assert progress(house, URL).state is JobState.DONE
    assert found(house) == [kept]


def test_a_worker_indexes_in_small_batches(house: House) -> None:
    for number in range(45):
        house.introduce(one(f"Dvořák{number}", number), number=f"N-{number}")
    add(house)
    worker = Worker(house.hub)
    seen = []
    while worker.reindex() < 1:
        seen.append(progress(house, URL).done)
    assert seen[:3] == [20, 40, 45]
    assert len(found(house)) == 10


def _without_key(reference: str) -> Any:
    import sqlalchemy as sa

    from hub.store.schema import client_key

    return sa.delete(client_key).where(client_key.c.client == reference)
