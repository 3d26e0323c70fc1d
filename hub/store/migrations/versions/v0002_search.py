"""What search needs: labels taken apart, parts, numbers, who sees which index row; the jobs that rebuild them.

The rows that are there keep what they say: labels not taken apart are the labels of the whole record, which
hides more and never less. The reindex job (`hub.store.jobs`) then works through every record.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT = sa.DateTime(timezone=True)
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_INDEX = "record_index"


def upgrade() -> None:
    """Add the columns and tables."""
    if op.get_context().dialect.name == "postgresql":
        for table, columns in (("record", ("reference",)), (_INDEX, ("system", "value", "start", "end"))):
            for column in columns:
                op.alter_column(table, column, type_=_EXACT)
    _records()
    _index()
    _jobs()


def _add(table: str, name: str, kind: Any, default: str | None = None) -> None:
    op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))


def _of_record() -> sa.Column[Any]:
    return sa.Column("record", _KEY, sa.ForeignKey("record.key", ondelete="CASCADE"), primary_key=True)


def _own(table: str) -> None:
    for name, kind in (
        ("own_confidentiality", sa.SmallInteger()),
        ("own_sensitivity", sa.BigInteger()),
        ("own_areas", sa.BigInteger()),
    ):
        _add(table, name, kind, "0")


def _records() -> None:
    _add("record", "first_at", _AT, "1970-01-01 00:00:00.000000")
    _add("record", "author", sa.Text())
    owner = sa.Column("owner", sa.Text(), comment="the organisation whose own words the current version is")
    op.add_column("record", owner)
    _add("record", "client_count", sa.SmallInteger(), "0")
    op.add_column("record", sa.Column("container", sa.Boolean(), nullable=False, server_default=sa.false()))
    _own("record")
    _own("record_version")
    patients = "(SELECT key FROM record WHERE type = 'Patient')"
    op.execute(f"UPDATE record_version SET author = '' WHERE version > 1 AND record IN {patients}")  # noqa: S608
    op.execute(
        "UPDATE record SET own_confidentiality = confidentiality, own_sensitivity = sensitivity_mask, "
        "own_areas = area_mask, client_count = (SELECT count(*) FROM record_client c WHERE c.record = record.key), "
        "first_at = (SELECT v.at FROM record_version v WHERE v.record = record.key AND v.version = 1), "
        "author = (SELECT v.author FROM record_version v WHERE v.record = record.key AND v.version = record.version)"
    )
    op.execute("UPDATE record SET owner = nullif(coalesce(author, contributor), '')")
    op.execute(
        "UPDATE record_version SET own_confidentiality = r.confidentiality, own_sensitivity = r.sensitivity_mask, "
        "own_areas = r.area_mask FROM record r WHERE r.key = record_version.record"
    )
    op.drop_index("ix_record_type", "record")
    op.create_index("ix_record_type", "record", ["type", "deleted", "reference"])
    op.create_index("ix_record_at", "record", ["type", "at"])
    op.create_index("ix_record_owner", "record", ["owner", "type"])
    _partial("record", "ix_record_unclaimed", ["type"], "client_count = 0")
    op.create_index("ix_record_version_at", "record_version", ["at"])
    op.create_table(
        "record_part",
        _of_record(),
        sa.Column("no", sa.Integer(), primary_key=True, comment="from 1 on; -1 is the prose of the record"),
        sa.Column("refers_to", _EXACT, nullable=False, server_default=""),
        sa.Column("confidentiality", sa.SmallInteger(), nullable=False, comment="rank"),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("sensitivity", "areas")),
    )
    op.create_table(
        "record_part_above",
        _of_record(),
        *(sa.Column(name, sa.Integer(), primary_key=True) for name in ("no", "above")),
    )


def _index() -> None:
    for name in ("low", "high"):
        _add(_INDEX, name, sa.Double())
    for name in ("part", "tie"):
        _add(_INDEX, name, sa.Integer(), "0")
    _add(_INDEX, "id", _EXACT, "")
    _add(_INDEX, "target", _EXACT, "")
    _add(_INDEX, "element", sa.Text(), "")
    op.add_column(_INDEX, sa.Column("prose", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE record_index SET target = CASE kind WHEN 'reference' THEN value ELSE '' END, id = "
        "(SELECT substr(r.reference, length(r.type) + 2) FROM record r WHERE r.key = record_index.record)"
    )
    op.drop_index("ix_record_index_record", _INDEX)
    op.drop_index("ix_record_index_value", _INDEX)
    op.create_index("ix_record_index_record", _INDEX, ["record", "param"])
    head = ["type", "param"]
    _partial(_INDEX, "ix_record_index_value", [*head, "value", "id", "record"], "value <> ''")
    for name, where in (
        ("start", "start <> ''"),
        ("end", "start <> ''"),
        ("low", "low IS NOT NULL"),
        ("high", "low IS NOT NULL"),
    ):
        _partial(_INDEX, f"ix_record_index_{name}", [*head, name, "record"], where)
    _partial(_INDEX, "ix_record_index_target", ["target"], "target <> ''")


def _partial(table: str, name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _jobs() -> None:
    op.create_table(
        "index_job",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False, comment="the key of the last record that was worked on"),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        *(sa.Column(name, _AT, nullable=False) for name in ("started", "updated")),
    )
    op.create_table(
        "search_parameter",
        sa.Column("url", sa.Text(), primary_key=True),
        sa.Column("code", sa.Text(), nullable=False, unique=True),
        sa.Column("resource", sa.Text(), nullable=False),
    )
