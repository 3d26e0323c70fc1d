"""A transaction that clashed with another is done again by the hub, not by who called it."""

from __future__ import annotations

from threading import Barrier

import psycopg
import pytest

from hub.errors import Unavailable, VersionConflict
from hub.store.store import Store, Tx
from tests.conftest import PostgresServer
from tests.store.samples import Clock, Ids, at_once, draft


def update(tx: Tx, id: str) -> int:
    head = tx.records.lock("Condition", id)
    assert head is not None
    tx.records.append(draft(id, head.version + 1))
    return head.version + 1


def test_two_that_lock_the_same_records_in_opposite_order_both_succeed(store: Store) -> None:
    with store.writing() as tx:
        tx.records.append(draft("a"))
        tx.records.append(draft("b"))
    tries = [0, 0]
    both = Barrier(2)

    def write(who: int) -> None:
        first, second = ("a", "b") if who else ("b", "a")

        def work(tx: Tx) -> None:
            tries[who] += 1
            tx.records.lock("Condition", first)
            if sum(tries) <= 2 and tx.records._sql.postgresql:
                both.wait()
            update(tx, second)

        store.writing_again(work)

    at_once(2, write)
    assert sum(tries) == (3 if store.ready()["database"] == "postgresql" else 2)
    with store.reading() as tx:
        assert [len(tx.records.history("Condition", id)) for id in ("a", "b")] == [2, 2]


def test_what_clashes_every_time_is_told_in_the_end(store: Store) -> None:
    tries: list[int] = []

    def work(_: Tx) -> None:
        tries.append(1)
        cause = psycopg.errors.SerializationFailure()
        raise Unavailable("busy") from _as_sqlalchemy(cause)

    with pytest.raises(Unavailable):
        store.writing_again(work, attempts=3)
    assert len(tries) == 3


@pytest.mark.parametrize("error", [VersionConflict("somebody was first"), Unavailable("away")])
def test_what_would_not_go_away_is_not_tried_again(store: Store, error: Exception) -> None:
    tries: list[int] = []

    def work(tx: Tx) -> None:
        tries.append(1)
        tx.records.append(draft())
        raise error

    with pytest.raises(type(error)):
        store.writing_again(work)
    assert len(tries) == 1
    with store.reading() as tx:
        assert tx.records.read("Condition", "c1") is None


@pytest.mark.postgresql
def test_a_server_that_always_serializes_gives_each_version_once(
    postgres_server: PostgresServer, postgres_template: str
) -> None:
    url = postgres_server.create(postgres_template)
    with psycopg.connect(url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'".encode())
    store = Store.open(url, clock=Clock(), ids=Ids())
    with store.writing() as tx:
        tx.records.append(draft())
    each = at_once(4, lambda _: [store.writing_again(lambda tx: update(tx, "c1"), attempts=400) for _ in range(25)])
    assert sorted(version for own in each for version in own) == list(range(2, 102))
    store.close()
    postgres_server.drop(url)


def _as_sqlalchemy(cause: Exception) -> Exception:
    from sqlalchemy.exc import OperationalError

    return OperationalError("UPDATE", {}, cause)
