"""Consents as rules: one row for each provision, what they ask of requests, and which records hard ones hold of.

A Consent's rows are replaced whole, in the transaction that writes it, so a change binds the next request
(docs/consent.md). Rules that ask the same of a request share one side.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from hub.consent.compile import CompiledConsent, CompiledRule, RequestSide
from hub.fhir.codes import HUB
from hub.store import masks
from hub.store.engine import Sql
from hub.store.prepared import Prepared, named
from hub.store.rules_schema import (
    consent_rule,
    consent_rule_data,
    consent_rule_near,
    consent_side,
    consent_side_actor,
    rule_match,
)
from hub.store.schema import record, record_client, record_index

PERMITS: Final = 1
SILENT: Final = 2
DENIES: Final = 3
"""What a rule comes to, and what is said where none speaks: the highest wins."""

EVERY: Final = (1 << 63) - 1
"""Every bit that a mask can have."""

_q, _s, _a, _m, _r = consent_rule.c, consent_side.c, consent_side_actor.c, rule_match.c, record.c
_OUT: Final = sa.delete(consent_rule).where(_q.consent == sa.bindparam("of"))
_HARD: Final = sa.select(_q.key, _q.consent, _q.client, _q.path).where(_q.hard == sa.true()).order_by(_q.key)
_HARD_OF: Final = Prepared(_HARD.where(named(_q.client, "clients")))
_NAMING: Final = Prepared(
    _HARD.where(
        _q.key.in_(sa.select(consent_rule_data.c.rule).where(consent_rule_data.c.reference == sa.bindparam("named")))
    )
)
_CONSENTS: Final = sa.select(_r.reference).where(_r.type == "Consent", _r.deleted == sa.false()).order_by(_r.key)
_TEAMS: Final = ("CareTeam/", "Group/")


@dataclass(frozen=True, slots=True)
class HardRule:
    """A rule that only the content of a record can answer: its key, and where the provision stands."""

    key: int
    consent: str
    client: str
    path: str


_Hard = list[HardRule]


class Rules:
    """The rules, as one transaction sees them."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def put(self, compiled: CompiledConsent) -> None:
        """Let these be the rules of a Consent, and no others."""
        self._sql.run(_OUT, {"of": compiled.reference})
        for client in sorted(compiled.clients):
            keys: dict[int, int] = {}
            for rule in compiled.rules:
                keys[rule.no] = self._put(compiled.reference, client, rule, keys)

    def hard(self, clients: Collection[str]) -> _Hard:
        """The hard rules of these clients."""
        return self._hard(_HARD_OF, {"clients": clients}) if clients else []

    def naming(self, reference: str) -> _Hard:
        """The hard rules, of whichever client, whose provision names this record."""
        return self._hard(_NAMING, {"named": reference})

    def match(self, reference: str, holds: Mapping[int, Collection[int]]) -> None:
        """Note of which parts of a record each of these rules holds (0: the record itself)."""
        if not holds:
            return
        key = self._sql.value(sa.select(_r.key).where(_r.reference == reference))
        self._sql.run(sa.delete(rule_match).where(_m.record == key, _m.rule.in_(sorted(holds))))
        rows = [{"rule": rule, "record": key, "part": part} for rule, parts in holds.items() for part in set(parts)]
        if rows:
            self._sql.run(sa.insert(rule_match), rows)

    def consents(self) -> list[str]:
        """Every Consent that there is."""
        return [row.reference for row in self._sql.rows(_CONSENTS)]

    def sides(self, actors: Collection[str], clients: Collection[str] | None = None) -> dict[int, RequestSide]:
        """What rules (of these clients) ask of a request, where it names one of these actors or nobody."""
        naming = sa.select(_a.side).where(_a.actor.in_(sorted(actors)))
        found = sa.select(_s.key, _s.permit, _s.named).where(sa.or_(_s.anybody, _s.key.in_(naming)))
        if clients is not None:
            found = found.where(_s.key.in_(sa.select(_q.side).where(_q.client.in_(sorted(clients)))))
        return {row.key: RequestSide.of(row.permit, row.named) for row in self._sql.rows(found)}

    def teams(self, actors: Collection[str], clients: Collection[str] | None = None) -> list[str]:
        """The CareTeams and Groups that rules (of these clients) name and that have one of these actors, or a team."""
        members = [name for actor in sorted(actors) for name in (actor, f"{HUB}/{actor}")]
        inside = sa.select(record_index.c.record).where(
            record_index.c.record == _r.key,
            record_index.c.kind == "reference",
            sa.or_(record_index.c.value.in_(members), *(record_index.c.value.like(f"%{team}%") for team in _TEAMS)),
        )
        named = sa.select(_a.actor).where(sa.or_(*(_a.actor.like(f"{team}%") for team in _TEAMS)))
        if clients is not None:
            named = named.where(_a.side.in_(sa.select(_q.side).where(_q.client.in_(sorted(clients)))))
        found = sa.select(_r.reference).where(_r.reference.in_(named), _r.deleted == sa.false(), sa.exists(inside))
        return [row.reference for row in self._sql.rows(found.order_by(_r.key))]

    def companions(self, client: str) -> frozenset[str]:
        """A client, and those who share a record with them."""
        mine, theirs = record_client.alias("mine"), record_client.alias("theirs")
        shared = sa.select(theirs.c.client).join(mine, mine.c.record == theirs.c.record).where(mine.c.client == client)
        return frozenset({client, *(row.client for row in self._sql.rows(shared.distinct()))})

    def _put(self, consent: str, client: str, rule: CompiledRule, keys: Mapping[int, int]) -> int:
        row = {"consent": consent, "client": client, "side": self._side(rule.side), **_row(rule)}
        key: int = self._sql.value(sa.insert(consent_rule).values(row).returning(_q.key))
        near = [{"rule": key, "other": keys[no], "must": True} for no in rule.above]
        if rule.parent is not None:
            near.append({"rule": keys[rule.parent], "other": key, "must": False})
        if near:
            self._sql.run(sa.insert(consent_rule_near), near)
        if rule.data:
            self._sql.run(sa.insert(consent_rule_data), [{"rule": key, "reference": one} for one in sorted(rule.data)])
        return key

    def _side(self, side: RequestSide) -> int:
        row = {
            "digest": side.digest,
            "permit": side.permit,
            "anybody": side.actors is None,
            "named": side.fields(),
        }
        key = self._sql.insert_new(consent_side, row)
        if key is None:
            known: int = self._sql.value(sa.select(_s.key).where(_s.digest == side.digest))
            return known
        if side.actors:
            self._sql.run(sa.insert(consent_side_actor), [{"side": key, "actor": one} for one in sorted(side.actors)])
        return key

    def _hard(self, statement: Prepared, values: Mapping[str, Any]) -> _Hard:
        rows = self._sql.rows(statement, values)
        return [HardRule(row.key, row.consent, row.client, row.path) for row in rows]


def _row(rule: CompiledRule) -> dict[str, Any]:
    """A rule as numbers; a mask `not_...` has the bits that must not be there."""
    asked = rule.record
    only_areas, only_sensitivity = asked.only_areas, asked.only_sensitivity
    return {
        "path": rule.path,
        "effect": PERMITS if rule.permit else DENIES,
        "depth": rule.depth,
        "alone": not rule.above and not rule.has_children,
        "since": rule.since,
        "until": rule.until,
        "most": asked.most,
        "least": asked.least,
        "some_sensitivity": masks.sensitivity_mask(asked.some_sensitivity),
        "not_sensitivity": 0 if only_sensitivity is None else EVERY & ~masks.sensitivity_mask(only_sensitivity),
        "some_areas": masks.area_mask(asked.some_areas),
        "not_areas": 0 if only_areas is None else EVERY & ~masks.area_mask(only_areas),
        "types": "".join(f",{type}" for type in sorted(asked.types)) + ("," if asked.types else ""),
        "hard": rule.conditions is not None,
        "shows_client": rule.shows_client,
    }
