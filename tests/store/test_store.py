"""The store as a whole: migrated once, durable, and speaking only the hub's errors."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from threading import Barrier

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from hub.errors import ConfigurationError, HubError, IntegrityFailure, Unavailable
from hub.store import masks, schema
from hub.store.store import Store
from tests.conftest import PostgresServer
from tests.store.samples import ANNA, Clock, Ids, at_once, draft, labels, message


def opened(url: str, *, patience: float = 15) -> Store:
    return Store.open(url, clock=Clock(), ids=Ids(), patience=patience)


def test_an_empty_database_is_migrated_once_and_says_so(empty_database_url: str) -> None:
    store = opened(empty_database_url)
    kind = empty_database_url.partition(":")[0]
    assert store.ready() == {"database": kind, "migrated": False}
    store.migrate()
    store.migrate()
    assert store.ready() == {"database": kind, "migrated": True}
    with store.writing() as tx:
        tx.records.append(draft())
    store.close()


def test_the_migrated_tables_are_the_ones_the_code_speaks_of(database_url: str) -> None:
    engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "hub_version"})
        assert compare_metadata(context, schema.hub) == []
    engine.dispose()


def test_processes_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    code = (
        "import sys; from datetime import datetime, UTC; from hub.store.store import Store; "
        "s = Store.open(sys.argv[1], clock=lambda: datetime.now(UTC), ids=lambda: 'x'); "
        "s.migrate(); assert s.ready()['migrated']"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, empty_database_url]) for _ in range(4)]
    assert [process.wait(timeout=60) for process in started] == [0, 0, 0, 0]


def test_stores_that_are_migrated_at_the_same_moment_are_migrated_once(empty_database_url: str) -> None:
    start = Barrier(6)

    def migrate(_: int) -> bool:
        store = opened(empty_database_url)
        start.wait()
        store.migrate()
        store.close()
        return bool(store.ready()["migrated"])

    assert at_once(6, migrate) == [True] * 6


@pytest.mark.parametrize("url", ["mysql://h/d", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_a_database_that_is_not_offered_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError):
        opened(url)


def test_a_database_that_was_not_migrated_is_a_configuration_error(empty_database_url: str) -> None:
    store = opened(empty_database_url)
    with pytest.raises(ConfigurationError, match="not migrated"), store.reading() as tx:
        tx.records.read("Condition", "c1")
    store.close()


def test_a_server_that_is_away_is_unavailable_and_not_ready() -> None:
    store = opened("postgresql://postgres@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable), store.writing():
        pass
    assert store.ready() == {"database": "postgresql", "migrated": False}


def test_a_file_that_is_not_a_database_is_an_integrity_failure(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_bytes(b"this is a letter, not a database. " * 100)
    store = opened(f"sqlite:///{tmp_path / 'hub.db'}")
    with pytest.raises(IntegrityFailure), store.reading():
        pass
    store.close()


def test_a_lock_that_is_not_given_back_is_unavailable(store: Store, database_url: str) -> None:
    with store.writing() as tx:
        tx.records.append(draft())
    impatient = opened(database_url, patience=0.05)
    with store.writing() as tx:
        tx.records.lock("Condition", "c1")
        with pytest.raises(Unavailable), impatient.writing() as other:
            other.records.lock("Condition", "c1")
    with impatient.writing() as other:
        assert other.records.lock("Condition", "c1") is not None
    impatient.close()


def test_a_reader_cannot_change_anything(store: Store) -> None:
    with pytest.raises(HubError), store.reading() as tx:
        tx.records.append(draft())
    with store.reading() as tx:
        assert tx.records.read("Condition", "c1") is None


def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    with store.writing() as tx:
        tx.records.append(draft())
        with store.reading() as reader:
            assert reader.records.read("Condition", "c1") is None


@pytest.mark.postgresql
def test_a_connection_that_was_cut_is_unavailable_once(postgres_server: PostgresServer, postgres_template: str) -> None:
    url = postgres_server.create(postgres_template)
    store = opened(url)
    with store.writing() as tx:
        tx.records.append(draft())
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'casehub'")
    with pytest.raises(Unavailable), store.reading() as tx:
        tx.records.read("Condition", "c1")
    with store.reading() as tx:
        assert tx.records.read("Condition", "c1") is not None
    store.close()
    postgres_server.drop(url)


def test_what_was_committed_survives_a_kill(database_url: str, store: Store) -> None:
    code = """
import sys, itertools
from hub.store.store import Store
from tests.store.samples import Clock, Ids, draft
store = Store.open(sys.argv[1], clock=Clock(), ids=Ids())
for number in itertools.count():
    with store.writing() as tx:
        tx.records.append(draft(f"c{number}"))
        tx.outbox.put("record-changed", "Patient/anna", {}, Clock().now)
    print(number, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code, database_url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(25)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout.read().splitlines()]
    process.wait()
    with store.reading() as tx:
        kept = [one.id for one in tx.records.of_client(ANNA)]
        assert kept[: len(acknowledged)] == [f"c{number}" for number in acknowledged]
        assert len(kept) - len(acknowledged) in (0, 1)
        assert tx.outbox.pending() == len(kept)


def test_sqlite_is_set_so_that_a_commit_survives_a_power_cut(sqlite_template: Path) -> None:
    store = opened(f"sqlite:///{sqlite_template}")
    with store._engines.writer.connect() as connection:
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
        assert settings == ["wal", 2]
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    store.close()


def test_labels_stand_beside_the_record_as_numbers(store: Store) -> None:
    with store.writing() as tx:
        known = labels("health", "finance", confidentiality="R", sensitivity=("PSY",))
        tx.records.append(draft("known", labels=known))
        tx.records.append(draft("unknown", labels=labels("sailing", confidentiality="X", sensitivity=("NEW",))))
    with store.reading() as tx:
        rows = tx.records._sql.rows(sa.select(schema.record).order_by(schema.record.c.key))
    assert [(row.confidentiality, row.sensitivity_mask, row.area_mask) for row in rows] == [
        (4, masks.sensitivity_mask(["PSY"]), masks.area_mask(["health", "finance"])),
        (masks.HIGHEST, masks.UNKNOWN, masks.UNKNOWN),
    ]
    assert [row.client for row in rows] == [ANNA, ANNA]


def test_the_places_in_the_masks_never_move() -> None:
    assert masks.area_mask(["health"]) == 1
    assert masks.area_mask(["identity"]) == 1 << 11
    assert masks.sensitivity_mask(["ETH"]) == 1
    assert masks.sensitivity_mask(["PRS"]) == 1 << 40
    assert [masks.rank(word) for word in "ULMNRV"] == [0, 1, 2, 3, 4, 5]
    assert max(len(masks.SENSITIVITIES), len(masks.CONFIDENTIALITIES)) < 62


def test_messages_of_errors_carry_no_values(store: Store) -> None:
    with store.writing() as tx:
        tx.received.take(message(message_id="secret-number"))
        with pytest.raises(HubError) as refused:
            tx.received.take(message(message_id="secret-number"))
    assert "secret-number" not in str(refused.value)


def test_a_database_of_an_older_hub_is_not_ready(database_url: str) -> None:
    engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE hub_version SET version_num = '0000'")
    engine.dispose()
    store = opened(database_url)
    assert store.ready()["migrated"] is False
    store.close()


@pytest.mark.postgresql
def test_the_tables_may_stand_in_a_schema_of_their_own(postgres_server: PostgresServer) -> None:
    url = postgres_server.create()
    try:
        store = Store.open(url, clock=Clock(), ids=Ids(), schema="apart")
        store.migrate()
        assert store.ready() == {"database": "postgresql", "migrated": True}
        with store.reading() as tx:
            assert tx.records.read("Goal", "nobody") is None
        store.close()
    finally:
        postgres_server.drop(url)
