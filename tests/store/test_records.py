"""Records: versions once and in order, nothing half-done, the current index and clients only."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest

from hub.errors import IntegrityFailure, VersionConflict
from hub.store.model import IndexRow
from hub.store.store import Store
from tests.store.samples import ANNA, BOHUS, NOON, WARD, at_once, draft, labels, sealed


def test_a_record_comes_back_as_it_went_in(store: Store) -> None:
    went_in = draft(
        content=sealed("sealed", ANNA, BOHUS),
        clients=(ANNA, BOHUS),
        labels=labels("health", "finance", confidentiality="R", sensitivity=("PSY",)),
        source="r-7",
        author="Practitioner/p",
    )
    with store.writing() as tx:
        tx.records.append(went_in)
    with store.reading() as tx:
        came_out = tx.records.read("Condition", "c1")
    assert came_out is not None
    assert came_out.reference == "Condition/c1"
    for name in (
        "version",
        "at",
        "content",
        "digest",
        "clients",
        "labels",
        "contributor",
        "source",
        "author",
    ):
        assert getattr(came_out, name) == getattr(went_in, name)


def test_times_are_aware_and_in_utc_whatever_zone_they_came_in(store: Store) -> None:
    prague = NOON.astimezone(timezone(timedelta(hours=2)))
    with store.writing() as tx:
        tx.records.append(draft(at=prague))
    with store.reading() as tx:
        found = tx.records.read("Condition", "c1")
    assert found is not None
    assert found.at == NOON
    assert found.at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(IntegrityFailure, match="without a time zone"), store.writing() as tx:
        tx.records.append(draft(at=NOON.replace(tzinfo=None)))


def test_every_version_stays_readable_and_the_newest_is_current(store: Store) -> None:
    with store.writing() as tx:
        for version in (1, 2, 3):
            tx.records.append(draft(version=version))
    with store.reading() as tx:
        assert [one.version for one in tx.records.history("Condition", "c1")] == [3, 2, 1]
        current, second = tx.records.read("Condition", "c1"), tx.records.vread("Condition", "c1", 2)
        assert tx.records.vread("Condition", "c1", 4) is None
    assert current is not None
    assert second is not None
    assert (current.version, second.version, second.digest) == (3, 2, "digest-2")
    assert second.content.ciphertext == b"c1 version 2"


@pytest.mark.parametrize("version", [2, 3, 4, 6])
def test_a_version_that_does_not_follow_the_head_is_refused(store: Store, version: int) -> None:
    with store.writing() as tx:
        for each in range(1, 5):
            tx.records.append(draft(version=each))
    with pytest.raises(VersionConflict), store.writing() as tx:
        tx.records.append(draft(version=version))


def test_a_record_cannot_be_created_twice(store: Store) -> None:
    with store.writing() as tx:
        tx.records.append(draft())
    with store.writing() as tx:
        with pytest.raises(VersionConflict):
            tx.records.append(draft())
        tx.records.append(draft("c2"))
    with store.reading() as tx:
        assert [one.id for one in tx.records.of_client(ANNA)] == ["c1", "c2"]


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with suppress(InterruptedError), store.writing() as tx:
        tx.records.append(draft())
        tx.outbox.put("record-changed", ANNA, {}, NOON)
        tx.deliveries.request("home-care", "fhir_rest", "plan", "push", ANNA, "plan", NOON)
        tx.keys.set_meta("rules", "1")
        tx.keys.put_client_key(ANNA, b"wrapped")
        tx.records.bind_source(WARD, "k", "Condition/c1")
        raise InterruptedError
    with store.reading() as tx:
        assert tx.records.read("Condition", "c1") is None
        assert tx.records.find("Condition", "code", "code-1") == []
        assert tx.records.source_key(WARD, "k") is None
        assert (tx.outbox.pending(), tx.deliveries.due(NOON)) == (0, 0)
        assert tx.keys.meta("rules") is None
        assert tx.keys.client_key(ANNA) is None


def test_eight_writers_on_one_record_give_each_version_once_and_in_order(store: Store) -> None:
    rounds = 200

    def write(_: int) -> list[int]:
        written = []
        for _round in range(rounds):
            with store.writing() as tx:
                head = tx.records.lock("Condition", "c1")
                assert head is not None
                tx.records.append(draft(version=head.version + 1, digest=f"after {head.digest}"[:40]))
                written.append(head.version + 1)
        return written

    with store.writing() as tx:
        tx.records.append(draft())
    each = at_once(8, write)
    assert all(own == sorted(own) for own in each)
    assert sorted(version for own in each for version in own) == list(range(2, 8 * rounds + 2))
    with store.reading() as tx:
        history = tx.records.history("Condition", "c1")
        assert len(tx.records.find("Condition", "code", f"code-{8 * rounds + 1}")) == 1
    assert [one.version for one in history] == list(range(8 * rounds + 1, 0, -1))


def test_of_eight_that_create_the_same_record_one_does(store: Store) -> None:
    def create(who: int) -> bool:
        try:
            with store.writing() as tx:
                tx.records.append(draft(contributor=f"Organization/{who}"))
        except VersionConflict:
            return False
        return True

    assert sum(at_once(8, create)) == 1


def test_of_eight_that_bind_the_same_source_key_one_does(store: Store) -> None:
    def bind(who: int) -> bool:
        try:
            with store.writing() as tx:
                tx.records.bind_source(WARD, "key", f"Condition/{who}")
        except VersionConflict:
            return False
        return True

    assert sum(at_once(8, bind)) == 1


def test_a_source_key_is_bound_once_for_each_organisation(store: Store) -> None:
    with store.writing() as tx:
        tx.records.bind_source("a", "key", "Condition/1")
        tx.records.bind_source("b", "key", "Condition/2")
        assert tx.records.source_key("a", "key") == "Condition/1"
        assert tx.records.source_key("b", "key") == "Condition/2"
        assert tx.records.source_key("c", "key") is None


def test_only_the_current_version_is_found_by_its_values(store: Store) -> None:
    with store.writing() as tx:
        tx.records.append(draft())
        tx.records.append(draft(version=2))
        assert tx.records.find("Condition", "code", "code-1") == []
        assert [one.version for one in tx.records.find("Condition", "code", "code-2")] == [2]
        assert len(tx.records.find("Condition", "code", "code-2", "http://snomed.info/sct")) == 1
        assert tx.records.find("Condition", "code", "code-2", "http://loinc.org") == []
        assert tx.records.find("Observation", "code", "code-2") == []


def test_a_tombstone_is_read_but_neither_found_nor_listed(store: Store) -> None:
    reference = (IndexRow("subject", "reference", "", ANNA), IndexRow("code", "token", "s", "x"))
    with store.writing() as tx:
        tx.records.append(draft(index=reference))
        assert tx.records.referring(ANNA) == ["Condition/c1"]
        tx.records.append(draft(version=2, deleted=True, index=reference))
        gone = tx.records.read("Condition", "c1")
        assert gone is not None
        assert gone.deleted
        assert tx.records.of_client(ANNA) == tx.records.find("Condition", "code", "x") == []
        assert tx.records.many(["Condition/c1"]) == []
        assert tx.records.referring(ANNA) == []


def test_a_client_has_what_is_about_them_in_the_order_in_which_it_came(store: Store) -> None:
    both = (ANNA, BOHUS)
    with store.writing() as tx:
        tx.records.append(draft("c3"))
        tx.records.append(draft("c1", clients=both))
        tx.records.append(draft("o1", type="Observation"))
        tx.records.append(draft("c2", clients=(BOHUS,)))
        tx.records.append(draft("c3", version=2))
        assert [one.id for one in tx.records.of_client(ANNA)] == ["c3", "c1", "o1"]
        assert [one.id for one in tx.records.of_client(ANNA, {"Condition"})] == ["c3", "c1"]
        assert [one.id for one in tx.records.of_client(BOHUS)] == ["c1", "c2"]
        tx.records.append(draft("c1", version=2, clients=(BOHUS,)))
        assert [one.id for one in tx.records.of_client(ANNA)] == ["c3", "o1"]


def test_many_records_come_in_the_order_asked_for(store: Store) -> None:
    with store.writing() as tx:
        for number in range(700):
            tx.records.append(draft(f"c{number}", index=()))
        wanted = [f"Condition/c{number}" for number in range(699, -1, -1)]
        found = tx.records.many([*wanted, "Condition/absent", wanted[0]])
    assert [one.reference for one in found] == wanted


def test_the_directory_is_what_is_about_no_client(store: Store) -> None:
    with store.writing() as tx:
        tx.records.append(draft("o1", type="Organization", clients=()))
        tx.records.append(draft("g1", type="Group", clients=(ANNA,)))
        tx.records.append(draft("p1", type="Practitioner", clients=()))
        found = tx.records.of_types({"Organization", "Group", "Practitioner"})
        assert [one.reference for one in found] == ["Organization/o1", "Practitioner/p1"]


def test_a_lock_tells_the_head_and_nothing_of_what_is_not_there(store: Store) -> None:
    with store.writing() as tx:
        assert tx.records.lock("Condition", "c1") is None
        tx.records.append(draft(clients=(ANNA, BOHUS)))
        head = tx.records.lock("Condition", "c1")
    assert head is not None
    assert (head.version, head.digest, head.deleted) == (1, "digest-1", False)
    assert (head.clients, head.contributor) == ((ANNA, BOHUS), WARD)


def test_a_reader_sees_one_state_throughout(store: Store) -> None:
    with store.writing() as tx:
        tx.records.append(draft())
    with store.reading() as reader:
        assert len(reader.records.history("Condition", "c1")) == 1
        with store.writing() as tx:
            tx.records.append(draft(version=2))
        assert len(reader.records.history("Condition", "c1")) == 1
    with store.reading() as reader:
        assert len(reader.records.history("Condition", "c1")) == 2


def test_a_record_keeps_its_labels_of_each_version(store: Store) -> None:
    first, second = labels("health"), replace(labels("finance", "housing"), confidentiality="V")
    with store.writing() as tx:
        tx.records.append(draft(labels=first))
        tx.records.append(draft(version=2, labels=second))
        assert [one.labels for one in tx.records.history("Condition", "c1")] == [second, first]
