"""The audit store: the journal folded once, searchable by client, and never changed behind one's back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from hub.errors import IntegrityFailure
from hub.store import schema
from hub.store.audit_store import AuditStore, Folding
from hub.store.journal import Journal
from hub.store.journal_files import files, read
from hub.store.store import Store
from tests.store.samples import ANNA, BOHUS, Clock, at_once


@pytest.fixture
def audit(empty_database_url: str) -> Iterator[AuditStore]:
    opened = AuditStore.open(empty_database_url)
    yield opened
    opened.close()


def entries(directory: Path) -> list[Folding]:
    return [
        (line.file, line.seq, line.hash, line.body, {"resourceType": "AuditEvent", "id": line.body["id"]})
        for path in files(directory)
        for line in read(path)
        if not line.opening
    ]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "journal", clock=Clock(), part="a")
    for number, clients in enumerate(([ANNA], [ANNA, BOHUS, ANNA], [])):
        opened.append({"id": f"e{number}", "clients": clients})
    yield opened
    opened.close()


def test_folding_twice_is_folding_once(audit: AuditStore, journal: Journal) -> None:
    assert audit.fold(entries(journal.directory)) == 3
    assert audit.fold(entries(journal.directory)) == 0
    assert audit.fold([]) == 0
    journal.append({"id": "e3", "clients": [BOHUS]})
    assert audit.fold(entries(journal.directory)) == 1
    assert [row.body["id"] for row in audit.list()] == ["e3", "e2", "e1", "e0"]


def test_entries_are_listed_newest_first_and_by_client(audit: AuditStore, journal: Journal) -> None:
    audit.fold(entries(journal.directory))
    assert [row.event["id"] for row in audit.list(ANNA)] == ["e1", "e0"]
    assert [row.event["id"] for row in audit.list(BOHUS)] == ["e1"]
    assert [row.event["id"] for row in audit.list(limit=1)] == ["e2"]
    assert audit.list("Patient/nobody") == []


def test_the_heads_are_the_last_folded_lines(audit: AuditStore, journal: Journal) -> None:
    assert audit.heads() == {}
    audit.fold(entries(journal.directory))
    last = read(files(journal.directory)[0])[-1]
    assert audit.heads() == {last.file: (4, last.hash)}


def test_a_line_that_comes_with_another_hash_is_refused_by_its_place(audit: AuditStore, journal: Journal) -> None:
    folding = entries(journal.directory)
    audit.fold(folding)
    file, seq, _, body, event = folding[1]
    with pytest.raises(IntegrityFailure, match=f"{file} line {seq}"):
        audit.fold([(file, seq, "0" * 64, body, event)])
    assert len(audit.list()) == 3


def test_of_eight_that_fold_the_same_at_once_each_entry_is_there_once(audit: AuditStore, journal: Journal) -> None:
    folding = entries(journal.directory)
    assert sum(at_once(8, lambda _: audit.fold(folding))) == 3
    assert len(audit.list()) == 3


def test_the_migrated_tables_are_the_ones_the_code_speaks_of(empty_database_url: str) -> None:
    AuditStore.open(empty_database_url).close()
    engine = sa.create_engine(empty_database_url.replace("postgresql://", "postgresql+psycopg://"))
    on_postgresql = engine.dialect.name == "postgresql"
    with engine.connect() as connection:
        if on_postgresql:
            connection.exec_driver_sql("SET search_path TO audit")
            connection.dialect.default_schema_name = "audit"
        context = MigrationContext.configure(connection, opts={"version_table": "audit_version"})
        assert compare_metadata(context, schema.audit) == []
    engine.dispose()


@pytest.mark.postgresql
def test_on_postgresql_the_audit_lives_beside_the_hub_in_a_schema_of_its_own(postgres_url: str) -> None:
    store = Store.open(postgres_url, clock=Clock(), ids=lambda: "x")
    store.migrate()
    audit = AuditStore.open(postgres_url)
    audit.fold([("f", 2, "h", {"clients": [ANNA]}, {})])
    assert store.ready()["migrated"]
    engine = sa.create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    assert set(sa.inspect(engine).get_table_names("audit")) == {
        "audit_entry",
        "audit_client",
        "audit_version",
    }
    for opened in (store, audit):
        opened.close()
    engine.dispose()


def test_a_path_names_an_sqlite_file(tmp_path: Path) -> None:
    audit = AuditStore.open(tmp_path / "audit.db")
    audit.fold([("f", 2, "h", {"clients": [ANNA]}, {})])
    audit.close()
    again = AuditStore.open(tmp_path / "audit.db")
    assert again.heads() == {"f": (2, "h")}
    again.close()
