"""The tables of consent: provisions as rules, what they ask of requests, which records hard ones hold of; and the ways
by which containers are seen.

What the columns mean is in `hub.consent.compile`; how they decide, in `hub.store.sight`.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from hub.store.columns import at, exact, json, key, text
from hub.store.schema import hub

Named = dict[str, list[str] | None]


def _of_rule(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.ForeignKey("consent_rule.key", ondelete="CASCADE"), primary_key=True)


consent_side: Final = sa.Table(
    "consent_side",
    hub,
    key(),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("permit", sa.Boolean, nullable=False),
    sa.Column("anybody", sa.Boolean, nullable=False, comment="names no actor"),
    json("named", Named),
)
sa.Index("ix_consent_side_anybody", consent_side.c.anybody)

consent_side_actor: Final = sa.Table(
    "consent_side_actor",
    hub,
    sa.Column("side", sa.ForeignKey("consent_side.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("actor", sa.Text, primary_key=True),
)
sa.Index("ix_consent_side_actor", consent_side_actor.c.actor)

consent_rule: Final = sa.Table(
    "consent_rule",
    hub,
    key(),
    text("consent"),
    exact("client"),
    text("path"),
    sa.Column("effect", sa.SmallInteger, nullable=False, comment="1 permit, 3 deny"),
    sa.Column("depth", sa.SmallInteger, nullable=False),
    sa.Column("alone", sa.Boolean, nullable=False, comment="nothing is in consent_rule_near"),
    sa.Column("side", sa.ForeignKey("consent_side.key"), nullable=False),
    at("since"),
    at("until"),
    sa.Column("most", sa.SmallInteger, nullable=False, comment="highest rank of confidentiality"),
    sa.Column("least", sa.SmallInteger, nullable=False, comment="lowest rank, unless a code of some_sensitivity"),
    *(
        sa.Column(name, sa.BigInteger, nullable=False)
        for name in ("some_sensitivity", "not_sensitivity", "some_areas", "not_areas")
    ),
    text("types"),
    sa.Column("hard", sa.Boolean, nullable=False, comment="rule_match says where it holds"),
    sa.Column("shows_client", sa.SmallInteger, nullable=False),
)
sa.Index("ix_consent_rule_client", consent_rule.c.client)
sa.Index("ix_consent_rule_consent", consent_rule.c.consent)
sa.Index("ix_consent_rule_side", consent_rule.c.side, consent_rule.c.client)

consent_rule_near: Final = sa.Table(
    "consent_rule_near",
    hub,
    _of_rule("rule"),
    _of_rule("other"),
    sa.Column("must", sa.Boolean, nullable=False, comment="the rule is inside the other; else the other is inside it"),
)
sa.Index("ix_consent_rule_near", consent_rule_near.c.other)

consent_rule_data: Final = sa.Table(
    "consent_rule_data", hub, _of_rule("rule"), sa.Column("reference", sa.Text, primary_key=True)
)
sa.Index("ix_consent_rule_data", consent_rule_data.c.reference)

rule_match: Final = sa.Table(
    "rule_match",
    hub,
    _of_rule("rule"),
    sa.Column("record", sa.ForeignKey("record.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True, comment="0 for the record itself"),
)
sa.Index("ix_rule_match_record", rule_match.c.record)

sight_way: Final = sa.Table(
    "sight_way",
    hub,
    sa.Column("record", sa.ForeignKey("record.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("way", sa.Integer, primary_key=True),
    sa.Column("part", sa.Integer, nullable=False, comment="the part that is seen by it"),
)

sight_step: Final = sa.Table(
    "sight_step",
    hub,
    sa.Column("record", sa.ForeignKey("record.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("way", sa.Integer, primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True),
    sa.Column("of_record", sa.BigInteger, nullable=False),
    sa.Column("of_part", sa.Integer, nullable=False),
    sa.Column("most", sa.SmallInteger, nullable=False, comment="what may be said of the facet: 1 a permit, 2 nothing"),
    sa.Column("shown", sa.SmallInteger, nullable=False, comment="the same, for the part to be shown"),
    sa.Column("mixed", sa.Boolean, nullable=False, comment="a section of several areas"),
    exact("patient", ""),
    text("owner", ""),
)
