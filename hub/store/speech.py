"""What the rules of one client say of a facet, as SQL: 1 a permit, 2 nothing, 3 a deny (consent rules §7).

A facet is the labels of something that is judged on its own: a record beyond its parts, one part, the prose. A rule
holds of it if it is in force, the request has its side and the masks agree. It speaks if every provision that it is
inside of holds too, and none that is inside of it does. The highest that speaks wins, over all Consents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from hub.consent.conditions import Match
from hub.store.among import Keys, among
from hub.store.columns import Instant
from hub.store.rules import PERMITS, SILENT
from hub.store.rules_schema import consent_rule, consent_rule_near, rule_match
from hub.store.schema import record_client

Yes = sa.ColumnElement[bool]
Number = sa.ColumnElement[int]
Rows = sa.FromClause
"""A table, or an alias of one."""


_NO: Final = int(Match.NO)
_YES: Final = int(Match.YES)
_ZERO: Final[Any] = sa.literal_column("0")


@dataclass(frozen=True, slots=True)
class Facet:
    """Labels of something in a record, as columns: the record's key, the number of the part, its type, the labels."""

    record: Any
    part: Any
    type: Any
    confidentiality: Any
    sensitivity: Any
    areas: Any


class Speech:
    """The rules, as they stand to one request."""

    def __init__(self, at: datetime, sides: frozenset[int], clients: frozenset[str] | None) -> None:
        self._at = sa.bindparam("sight_at", at, type_=Instant)
        self._sides = sa.bindparam("sight_sides", sides, type_=Keys)
        self._clients = None if clients is None else sorted(clients)

    def of(self, client: Any, facet: Facet) -> Number:
        """What the rules of a client say."""
        q, n, g = consent_rule.alias(), consent_rule_near.alias(), consent_rule.alias()
        m, k = rule_match.alias(), rule_match.alias()
        near = n.join(g, g.c.key == n.c.other).outerjoin(k, _matches(k, g, facet))
        against = some(near, n.c.rule == q.c.key, self._holds(g, k, facet) != n.c.must)
        said = sa.select(sa.func.max(q.c.effect)).select_from(q.outerjoin(m, _matches(m, q, facet)))
        said = said.where(q.c.client == client, self._holds(q, m, facet), sa.or_(q.c.alone, ~against))
        return sa.func.coalesce(said.correlate_except(q, m).scalar_subquery(), SILENT)

    def shows(self, client: Any) -> Yes:
        """Whether a permit of this client could speak of anything: who they are follows any permit."""
        q, n, g = consent_rule.alias(), consent_rule_near.alias(), consent_rule.alias()
        shut = sa.and_(n.c.must, sa.or_(g.c.shows_client == _NO, ~self._live(g)))
        covered = sa.and_(~n.c.must, g.c.shows_client == _YES, self._live(g))
        against = some(n.join(g, g.c.key == n.c.other), n.c.rule == q.c.key, sa.or_(shut, covered))
        possible = sa.and_(q.c.effect == PERMITS, q.c.shows_client > _NO, self._live(q))
        return some(q, q.c.client == client, possible, sa.or_(q.c.alone, ~against))

    def hard(self, r: Rows) -> Yes:
        """Whether a rule that only content can answer is live for a client of the record."""
        c, q = record_client.alias(), consent_rule.alias()
        return some(c.join(q, q.c.client == c.c.client), c.c.record == r.c.key, q.c.hard, self._live(q))

    def deep(self, client: Any) -> Yes:
        """Whether a provision inside another is live for the client."""
        q = consent_rule.alias()
        return some(q, q.c.client == client, q.c.depth > 1, self._live(q))

    def not_looked_at(self, client: Any) -> Yes:
        """Whether this client's rules were not looked at."""
        if self._clients is None:
            return sa.false()
        return sa.or_(client.is_(None), client.not_in(self._clients))

    def _holds(self, q: Rows, m: Rows, facet: Facet) -> Yes:
        rank, sensitivity, areas = facet.confidentiality, facet.sensitivity, facet.areas
        return sa.and_(
            self._live(q),
            rank <= q.c.most,
            sa.or_(rank >= q.c.least, sensitivity.bitwise_and(q.c.some_sensitivity) != _ZERO),
            sensitivity.bitwise_and(q.c.not_sensitivity) == _ZERO,
            areas.bitwise_and(q.c.not_areas) == _ZERO,
            sa.or_(q.c.some_areas == _ZERO, areas.bitwise_and(q.c.some_areas) != _ZERO),
            sa.or_(q.c.types == "", q.c.types.like(sa.literal("%,") + facet.type + sa.literal(",%"))),
            sa.or_(~q.c.hard, m.c.rule.is_not(None)),
        )

    def _live(self, q: Rows) -> Yes:
        return sa.and_(among(q.c.side, self._sides), q.c.since <= self._at, q.c.until >= self._at)


def _matches(m: Rows, q: Rows, facet: Facet) -> Yes:
    """Where it is noted that a hard rule holds of a facet."""
    return sa.and_(m.c.rule == q.c.key, m.c.record == facet.record, m.c.part == facet.part)


def some(rows: Rows, *conditions: Any) -> Yes:
    """Whether one of these rows is so.

    Not as EXISTS: PostgreSQL would answer that for all the rows there are, only to look one up that is asked about.
    """
    one: Any = sa.literal_column("1")
    found = sa.select(one).select_from(rows).where(*conditions).limit(one)
    return found.correlate_except(*_inside(rows)).scalar_subquery().is_not(None)


def _inside(rows: Rows) -> list[Rows]:
    return [*_inside(rows.left), *_inside(rows.right)] if isinstance(rows, sa.Join) else [rows]
