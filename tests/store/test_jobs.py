"""Jobs that rebuild the index: nothing twice, nothing left out, and progress that is true when it is told."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from hub.errors import VersionConflict
from hub.fhir.search_query import Query, Term, TokenValue
from hub.store import masks
from hub.store.jobs_model import JobState, Progress, StoredParameter
from hub.store.model import IndexRow, StoredFacet, StoredPart
from hub.store.schema import record, record_index
from hub.store.sight import Sight, SightSpec
from hub.store.store import Store, Tx
from tests.store.samples import NOON, Clock, at_once, draft, labels

ALL = Sight(SightSpec("all", NOON))


def write(store: Store, ids: Iterable[str], **other: object) -> None:
    with store.writing() as tx:
        for id in ids:
            tx.records.append(draft(id, **other))


def work(store: Store, size: int = 3) -> list[str]:
    """One batch, as a worker does it; what it was given."""
    with store.writing() as tx:
        batch = tx.jobs.batch("index", size)
        assert batch is not None
        tx.jobs.advance(batch)
        return list(batch.references)


def progress(store: Store) -> Progress:
    with store.reading() as tx:
        found = tx.jobs.progress("index")
    assert found is not None
    return found


def test_a_job_goes_through_every_record_once_and_says_how_far_it_is(store: Store, clock: Clock) -> None:
    write(store, [f"c{n}" for n in range(7)])
    with store.writing() as tx:
        assert tx.jobs.start("index", "digest")
    assert (progress(store).done, progress(store).total, progress(store).percent) == (0, 7, 0)
    later = clock.turn(seconds=10)
    assert work(store) == ["Condition/c0", "Condition/c1", "Condition/c2"]
    told = progress(store)
    assert (told.done, told.total, told.percent, told.state) == (3, 7, 42, JobState.RUNNING)
    assert (told.started, told.updated) == (NOON, later)
    assert [len(work(store)) for _ in range(3)] == [3, 1, 0]
    told = progress(store)
    assert (told.done, told.total, told.percent, told.state) == (7, 7, 100, JobState.DONE)
    with store.writing() as tx:
        assert tx.jobs.batch("index", 3) is None


def test_records_that_come_meanwhile_are_counted_and_done(store: Store) -> None:
    write(store, ["c0", "c1"])
    with store.writing() as tx:
        tx.jobs.start("index", "digest")
    assert len(work(store)) == 2
    write(store, ["c2", "c3", "c4"])
    told = progress(store)
    assert (told.done, told.total, told.percent, told.state) == (2, 5, 40, JobState.RUNNING)
    assert work(store) == ["Condition/c2", "Condition/c3", "Condition/c4"]


def test_all_but_the_last_record_is_not_yet_all(store: Store) -> None:
    write(store, [f"c{n}" for n in range(300)])
    with store.writing() as tx:
        tx.jobs.start("index", "digest")
    work(store, 299)
    assert progress(store).percent == 99
    work(store, 299)
    assert progress(store).percent == 99
    work(store)
    assert progress(store).percent == 100


def test_a_job_that_is_killed_in_a_batch_does_it_again(store: Store) -> None:
    write(store, ["c0", "c1"])
    with store.writing() as tx:
        tx.jobs.start("index", "digest")
    with suppress(InterruptedError), store.writing() as tx:
        batch = tx.jobs.batch("index", 1)
        assert batch is not None
        tx.jobs.advance(batch)
        raise InterruptedError
    assert work(store, 1) == ["Condition/c0"]


def test_a_job_begins_anew_only_for_other_definitions(store: Store) -> None:
    write(store, ["c0", "c1"])
    with store.writing() as tx:
        assert tx.jobs.start("index", "digest")
    work(store, 1)
    with store.writing() as tx:
        assert not tx.jobs.start("index", "digest")
    assert progress(store).done == 1
    with store.writing() as tx:
        assert tx.jobs.start("index", "other")
    assert progress(store).done == 0
    work(store, 1)
    with store.writing() as tx:
        assert tx.jobs.start("index", "other", again=True)
        assert [job.done for job in tx.jobs.all()] == [0]
        tx.jobs.forget("index")
        assert tx.jobs.all() == []


def test_what_was_done_for_other_definitions_does_not_count(store: Store) -> None:
    write(store, ["c0", "c1"])
    with store.writing() as tx:
        tx.jobs.start("index", "digest")
        batch = tx.jobs.batch("index", 1)
        assert batch is not None
        tx.jobs.start("index", "other")
        tx.jobs.advance(batch)
    assert progress(store).done == 0


def test_a_job_for_some_types_leaves_the_others_and_the_deleted(store: Store) -> None:
    write(store, ["c0", "c1"])
    write(store, ["o0"], type="Observation")
    with store.writing() as tx:
        tx.records.append(draft("c1", 2, deleted=True))
        tx.jobs.start("index", "digest", ["Condition", "Goal"])
    assert progress(store).total == 1
    assert work(store) == ["Condition/c0"]
    assert work(store) == []


def test_workers_at_one_job_share_the_records_out(store: Store) -> None:
    write(store, [f"c{n}" for n in range(40)])
    with store.writing() as tx:
        tx.jobs.start("index", "digest")

    def until_done(_: int) -> list[str]:
        did: list[str] = []
        while progress(store).state is JobState.RUNNING:
            with store.writing() as tx:
                if batch := tx.jobs.batch("index", 3):
                    did += batch.references
                    tx.jobs.advance(batch)
        return did

    each = at_once(4, until_done)
    assert sorted(one for did in each for one in did) == sorted(f"Condition/c{n}" for n in range(40))


def test_indexing_anew_makes_no_version(store: Store) -> None:
    part = StoredPart(2, "Goal/g", StoredFacet(1, 2, 4), above=(1,))
    row = IndexRow("code", "token", "s", "new", part=2, target="Goal/g", element="code", prose=True, tie=3)
    now = labels("finance", confidentiality="R")
    write(store, ["c0"])
    with store.writing() as tx:
        tx.records.reindex("Condition/c0", StoredFacet(1, 2, 4), (part,), (row,), version=1, labels=now, container=True)
    with store.reading() as tx:
        assert found(tx, "new") == ["Condition/c0"]
        assert found(tx, "code-1") == []
        (only,) = tx.records.history("Condition", "c0")
        assert only.labels == now
        head = tx.records._sql.row(_head())
    assert head is not None
    assert (head.own_confidentiality, head.own_sensitivity, head.own_areas, head.container) == (1, 2, 4, True)
    assert head.area_mask == masks.area_mask(["finance"])


def test_a_record_that_was_changed_meanwhile_is_not_indexed_by_what_it_was(store: Store) -> None:
    write(store, ["c0"])
    with store.writing() as tx:
        tx.records.append(draft("c0", 2))
        with pytest.raises(VersionConflict):
            tx.records.reindex("Condition/c0", None, (), (), version=1, labels=labels("health"))
        assert found(tx, "code-2") == ["Condition/c0"]


def test_parameters_of_this_hub_are_known_by_url_and_by_name(store: Store) -> None:
    one = StoredParameter("http://h.example/one", "mood", {"resourceType": "SearchParameter", "code": "mood"})
    with store.writing() as tx:
        tx.search_parameters.add(one)
        tx.search_parameters.add(replace(one, resource={"code": "mood", "type": "token"}))
        with pytest.raises(VersionConflict):
            tx.search_parameters.add(replace(one, url="http://h.example/other"))
        assert [p.resource for p in tx.search_parameters.all()] == [{"code": "mood", "type": "token"}]


def test_what_was_indexed_for_a_parameter_goes_with_it(store: Store) -> None:
    rows = (IndexRow("mood", "token", "", "x"), IndexRow("mood:text", "string", "X", "x"))
    rows += (IndexRow("mood$0", "token", "", "x"), IndexRow("moods", "token", "", "x"), IndexRow("m_od:", "uri", "x"))
    write(store, ["c0"], index=rows)
    with store.writing() as tx:
        tx.search_parameters.add(StoredParameter("http://h.example/one", "mood", {}))
        removed = tx.search_parameters.remove("http://h.example/one")
        assert removed is not None
        assert removed.code == "mood"
        assert tx.search_parameters.remove("http://h.example/one") is None
        left = tx.records._sql.rows(_rows())
    assert sorted(row.param for row in left) == ["m_od:", "moods"]


def found(tx: Tx, code: str) -> list[str]:
    term = Term("Condition", "code", "token", "", (TokenValue(None, code),))
    return tx.search.references(Query(("Condition",), (term,)), ALL, 10)


def _head() -> sa.Select[Any]:

    return sa.select(record)


def _rows() -> sa.Select[Any]:

    return sa.select(record_index)
