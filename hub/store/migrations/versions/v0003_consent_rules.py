"""Consent as rows: provisions, what they ask of requests, which records hard ones hold of, ways into containers.

A container that was there before has no parts yet, so nothing of it is seen until it is indexed anew.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT = sa.DateTime(timezone=True)
_CONTAINERS = ("Bundle", "CarePlan", "CareTeam", "Composition", "List")
_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    inside = "of the resource inside that it is of"
    op.add_column("record_part", sa.Column("type", sa.Text(), nullable=False, server_default="", comment=inside))
    op.execute(
        sa.text("UPDATE record SET container = :yes WHERE type IN :types").bindparams(
            sa.bindparam("yes", True, type_=sa.Boolean()),
            sa.bindparam("types", _CONTAINERS, expanding=True),
        )
    )
    _sides()
    _rules()
    inside = "the rule is inside the other; else the other is inside it"
    must: sa.Column[Any] = sa.Column("must", sa.Boolean(), nullable=False, comment=inside)
    op.create_table("consent_rule_near", _of_rule("rule"), _of_rule("other"), must)
    op.create_index("ix_consent_rule_near", "consent_rule_near", ["other"])
    op.create_table("consent_rule_data", _of_rule("rule"), sa.Column("reference", sa.Text(), primary_key=True))
    op.create_index("ix_consent_rule_data", "consent_rule_data", ["reference"])
    op.create_table(
        "rule_match",
        _of_rule("rule"),
        sa.Column("record", _KEY, sa.ForeignKey("record.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("part", sa.Integer(), primary_key=True, comment="0 for the record itself"),
    )
    op.create_index("ix_rule_match_record", "rule_match", ["record"])
    _ways()


def _of_rule(name: str) -> sa.Column[Any]:
    return sa.Column(name, _KEY, sa.ForeignKey("consent_rule.key", ondelete="CASCADE"), primary_key=True)


def _sides() -> None:
    op.create_table(
        "consent_side",
        sa.Column("key", _KEY, primary_key=True, autoincrement=True),
        sa.Column("digest", sa.Text(), nullable=False, unique=True),
        sa.Column("permit", sa.Boolean(), nullable=False),
        sa.Column("anybody", sa.Boolean(), nullable=False, comment="names no actor"),
        sa.Column("named", sa.Text(), nullable=False),
    )
    op.create_index("ix_consent_side_anybody", "consent_side", ["anybody"])
    op.create_table(
        "consent_side_actor",
        sa.Column("side", _KEY, sa.ForeignKey("consent_side.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("actor", sa.Text(), primary_key=True),
    )
    op.create_index("ix_consent_side_actor", "consent_side_actor", ["actor"])


def _rules() -> None:
    small, big = sa.SmallInteger(), sa.BigInteger()
    op.create_table(
        "consent_rule",
        sa.Column("key", _KEY, primary_key=True, autoincrement=True),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("client", _EXACT, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("effect", small, nullable=False, comment="1 permit, 3 deny"),
        sa.Column("depth", small, nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False, comment="nothing is in consent_rule_near"),
        sa.Column("side", _KEY, sa.ForeignKey("consent_side.key"), nullable=False),
        *(sa.Column(name, _AT, nullable=False) for name in ("since", "until")),
        sa.Column("most", small, nullable=False, comment="highest rank of confidentiality"),
        sa.Column("least", small, nullable=False, comment="lowest rank, unless a code of some_sensitivity"),
        *(
            sa.Column(name, big, nullable=False)
            for name in ("some_sensitivity", "not_sensitivity", "some_areas", "not_areas")
        ),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("hard", sa.Boolean(), nullable=False, comment="rule_match says where it holds"),
        sa.Column("shows_client", small, nullable=False),
    )
    for column in ("client", "consent"):
        op.create_index(f"ix_consent_rule_{column}", "consent_rule", [column])
    op.create_index("ix_consent_rule_side", "consent_rule", ["side", "client"])


def _ways() -> None:
    op.create_index("ix_record_part_refers_to", "record_part", ["refers_to"])
    record = sa.ForeignKey("record.key", ondelete="CASCADE")
    op.create_table(
        "sight_way",
        sa.Column("record", _KEY, record, primary_key=True),
        sa.Column("way", sa.Integer(), primary_key=True),
        sa.Column("part", sa.Integer(), nullable=False, comment="the part that is seen by it"),
    )
    op.create_table(
        "sight_step",
        sa.Column("record", _KEY, sa.ForeignKey("record.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("way", sa.Integer(), primary_key=True),
        sa.Column("step", sa.Integer(), primary_key=True),
        sa.Column("of_record", sa.BigInteger(), nullable=False),
        sa.Column("of_part", sa.Integer(), nullable=False),
        sa.Column(
            "most", sa.SmallInteger(), nullable=False, comment="what may be said of the facet: 1 a permit, 2 nothing"
        ),
        sa.Column("shown", sa.SmallInteger(), nullable=False, comment="the same, for the part to be shown"),
        sa.Column("mixed", sa.Boolean(), nullable=False, comment="a section of several areas"),
        sa.Column("patient", _EXACT, nullable=False, server_default=""),
        sa.Column("owner", sa.Text(), nullable=False, server_default=""),
    )
