"""What came in: kept as it came, taken once, settled with what became of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hub.errors import NotFound, VersionConflict
from hub.store.store import Store
from tests.store.samples import ANNA, WARD, at_once, message


def test_a_message_is_kept_as_it_came(store: Store) -> None:
    with store.writing() as tx:
        tx.received.take(message())
    with store.reading() as tx:
        assert tx.received.find(WARD, "MSG-1") == message()
        assert tx.received.read("r1") == message()
        assert tx.received.find("Organization/other", "MSG-1") is None
        assert tx.received.read("r9") is None


def test_the_same_message_is_taken_once_also_after_a_restart(store: Store, database_url: str) -> None:
    with store.writing() as tx:
        tx.received.take(message())
    store.close()
    again = Store.open(database_url, clock=lambda: message().at, ids=lambda: "x")
    with again.writing() as tx:
        with pytest.raises(VersionConflict):
            tx.received.take(message("r2"))
        tx.received.take(message("r3", message_id="MSG-2"))
    with again.reading() as tx:
        assert [one.id for one in tx.received.list(10)] == ["r3", "r1"]
    again.close()


def test_of_eight_that_take_the_same_message_at_once_one_does(store: Store) -> None:
    def take(who: int) -> bool:
        try:
            with store.writing() as tx:
                tx.received.take(message(f"r{who}"))
        except VersionConflict:
            return False
        return True

    assert sum(at_once(8, take)) == 1


def test_another_content_under_the_same_id_is_told_apart_from_the_first(store: Store) -> None:
    with store.writing() as tx:
        tx.received.take(message())
        tx.received.take(message("r2", sha256="sha-2"))
        first, second = tx.received.find(WARD, "MSG-1"), tx.received.find(WARD, "MSG-1", "sha-2")
    assert first is not None
    assert second is not None
    assert (first.id, second.id) == ("r1", "r2")


def test_what_became_of_a_message_is_kept_beside_it(store: Store) -> None:
    report = {"residue": ["PID-30"], "share": Decimal("1.50")}
    with store.writing() as tx:
        tx.received.take(message())
        tx.received.take(message("r2", message_id="MSG-2"))
        tx.received.settle("r1", "accepted", "adt|1", report, [ANNA])
        settled = tx.received.read("r1")
        assert settled is not None
        assert (settled.outcome, settled.mapping, settled.clients) == ("accepted", "adt|1", (ANNA,))
        assert settled.report == report
        assert str(settled.report["share"]) == "1.50"
        assert [one.id for one in tx.received.list(10, "taken")] == ["r2"]
        assert [one.id for one in tx.received.list(1)] == ["r2"]
        with pytest.raises(NotFound):
            tx.received.settle("r9", "accepted", "", {}, ())
