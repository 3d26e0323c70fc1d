"""Where to begin: the index rows that lead to the records that may meet a condition.

A lead says too much rather than too little, and knows nothing of who asks: whatever it leads to is held against
every condition afterwards, in the same statement. So it may be a plain walk along one index.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause, Select

from hub.consent.parts import CONTAINERS
from hub.fhir.search_parameters import fold
from hub.fhir.search_query import (
    Chain,
    CompositeValue,
    Condition,
    DateValue,
    Has,
    InSet,
    NearValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    Term,
    TokenValue,
)
from hub.fhir.shapes import RESOURCE_TYPES
from hub.store.among import Keys as SideKeys
from hub.store.among import among
from hub.store.rules import PERMITS
from hub.store.rules_schema import consent_rule
from hub.store.schema import record_client
from hub.store.search.conditions import in_set, instant, named
from hub.store.search.scope import Scope, Test, dated, measured, pointing, unclaimed, valued
from hub.store.search.slots import derived
from hub.store.search.texts import storable
from hub.store.search.values import box, matches

Keys = Select[Any]
"""One column: keys of records."""

SOME: Final = 1000
"""So many records are looked at and sorted rather than walked past."""

FEW: Final = 0
"""The rank of what is known to be few: named records, one identifier, one patient."""

SEEN: Final = 7
COARSE: Final = 8
_COARSE_PARAMS: Final = frozenset(
    (
        *("_security", "_tag", "_profile", "_source", "active", "address-use", "category", "class", "clinical-status"),
        *("confidentiality", "deceased", "gender", "intent", "language", "lifecycle-status", "mode", "priority"),
        *("severity", "status", "telecom", "type", "use", "verification-status"),
    )
)
"""Parameters with a handful of values: whatever is found by one is a good part of all there is."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Keys of the records to look at; `rank` is how many to expect, the least first."""

    keys: Keys
    rank: int
    walks: tuple[tuple[str, str, str], ...] = ()
    """(type, param, value): where these rows of the index are all of it, in the order of the ids."""
    on_the_way: tuple[Keys, ...] = ()
    """What it leads past: if any of these are many, so is what it leads to, whatever that is counted as."""


def lead(scope: Scope, condition: Condition, types: Collection[str]) -> Lead | None:
    """Where a condition leads from, if it leads from anywhere."""
    match condition:
        case Term(modifier="not" | "not-in" | "missing"):
            return None
        case Term(param="_id"):
            return _named(scope, named(condition, types))
        case Term(param="_lastUpdated"):
            return _updated(scope, condition, types)
        case Term():
            return _term(scope, condition, types)
        case Chain():
            return _chain(scope, condition, types)
        case Has():
            return _has(scope, condition)
        case InSet():
            return _named(scope, condition.references)


def of_compartment(scope: Scope, compartment: str) -> Lead:
    """Everything that refers to a patient, and the patient."""
    i, r = scope.index(), scope.record()
    refers = sa.select(i.c.record).where(i.c.target == compartment, pointing(i), i.c.kind == "reference")
    return Lead(_together([refers, sa.select(r.c.key).where(r.c.reference == compartment)]), FEW)


def of_sight(scope: Scope, types: Collection[str]) -> Lead | None:
    """Records of the clients who permit the asker anything, of nobody, and its own: there is nothing else to see.

    Not so of containers: one may be seen by what is inside.
    """
    spec = scope.spec
    if spec.basis == "all" or not types or not CONTAINERS.isdisjoint(types):
        return None
    r, c, n = scope.record(), record_client.alias(), scope.record()
    nobody = sa.select(n.c.key).where(scope.types(n, types), unclaimed(n))
    if spec.basis == "own":
        o = scope.record()
        owned = sa.select(o.c.key).where(o.c.owner.in_(sorted(spec.organisations)), scope.types(o, types))
        return Lead(_together([owned, nobody]), SEEN)
    permits = sa.select(consent_rule.c.client).where(
        among(consent_rule.c.side, sa.bindparam("sight_sides", spec.sides, type_=SideKeys)),
        consent_rule.c.effect == PERMITS,
    )
    theirs = sa.select(c.c.record).where(
        c.c.client.in_(permits), r.c.key == c.c.record, scope.types(r, types, walked=False)
    )
    return Lead(_together([theirs, nobody]), SEEN)


def _named(scope: Scope, references: Sequence[str]) -> Lead:
    r = scope.record()
    return Lead(sa.select(r.c.key).where(in_set(r, references)), FEW)


def _term(scope: Scope, term: Term, types: Collection[str]) -> Lead | None:
    if term.kind == "composite":
        return _composite(scope, term, types)
    i = scope.index()
    test = _indexed(term, i, scope)
    if test is None:
        return None
    kinds = sorted(types or RESOURCE_TYPES)
    of_type = i.c.type == kinds[0] if len(kinds) == 1 else i.c.type.in_(kinds)
    found = Lead(sa.select(i.c.record).where(of_type, i.c.param == term.param, *test), _rank(term))
    values = _equal(term)
    if values and types:
        return replace(found, walks=tuple((type, term.param, value) for type in kinds for value in values))
    return found


def _rank(term: Term) -> int:
    if term.kind == "token":
        secret = term.param.endswith("identifier") or term.param.endswith(":of-type")
        return FEW if secret else COARSE if term.param in _COARSE_PARAMS else 4
    if term.kind == "reference":
        patients = (isinstance(v, ReferenceValue) and v.reference.startswith("Patient/") for v in term.values)
        return FEW if all(patients) else 3
    return 2 if term.modifier == "exact" else 5


def _equal(term: Term) -> tuple[str, ...]:
    """The values that a row must have exactly, where that is all there is to say."""
    if term.kind == "token":
        codes = [value.code for value in term.values if isinstance(value, TokenValue)]
        return tuple(dict.fromkeys(code for code in codes if code and storable(code))) if all(codes) else ()
    if term.kind == "reference":
        named = [value.reference for value in term.values if isinstance(value, ReferenceValue)]
        known = (reference for reference in named if storable(reference))
        return () if any(":" in reference for reference in named) else tuple(dict.fromkeys(known))
    return ()


def _indexed(term: Term, i: FromClause, scope: Scope) -> list[Any] | None:
    """What the rows meet, in terms that an index can walk; None where none can."""
    values = [value for value in term.values if storable(value)]
    if term.kind in ("token", "reference", "string", "uri"):
        if term.modifier == "contains" or any(isinstance(v, TokenValue) and not v.code for v in values):
            return None
        if any(fold(text) == "" for value in values if (text := getattr(value, "text", None)) is not None):
            return None
        return [matches(term.kind, term.modifier, term.values, i.c, postgresql=scope.postgresql), valued(i)]
    if term.kind not in ("date", "number", "quantity", "near") or not values:
        return None
    there = dated(i) if term.kind == "date" else measured(i)
    bounds = [_bound(value, i) for value in values]
    known = [bound for bound in bounds if bound is not None]
    return [sa.or_(*known), there] if len(known) == len(bounds) else None


def _bound(value: object, i: FromClause) -> Test | None:
    """One bound on one end of what a row covers, that each row with the value keeps."""
    if isinstance(value, NearValue):
        reach, _, _ = box(value)
        return i.c.low.between(value.latitude - reach, value.latitude + reach)
    if isinstance(value, DateValue):
        return _end(value.prefix, value.start, value.end, i.c.start, i.c.end)
    if isinstance(value, NumberValue | QuantityValue):
        return _end(value.prefix, value.low, value.high, i.c.low, i.c.high)
    return None


def _end(prefix: str, low: Any, high: Any, start: Any, end: Any) -> Test | None:
    match prefix:
        case "eq":
            return sa.and_(start >= low, start <= high)
        case "gt" | "sa":
            return sa.and_(end > high)
        case "ge":
            return sa.and_(end >= low)
        case "lt" | "eb":
            return sa.and_(start < low)
        case "le":
            return sa.and_(start <= high)
    return None


def _composite(scope: Scope, term: Term, types: Collection[str]) -> Lead | None:
    """By the component that leads to the fewest."""
    found: list[Lead] = []
    for place, (name, kind) in enumerate(term.components):
        values = tuple(value.parts[place] for value in term.values if isinstance(value, CompositeValue))
        if one := _term(scope, Term(term.type, name, kind, "", values), types):
            found.append(replace(one, rank=4 if kind == "token" else one.rank))
    return min(found, key=lambda each: each.rank, default=None)


def _updated(scope: Scope, term: Term, types: Collection[str]) -> Lead | None:
    """By the time of the current version: it is never before the first one."""
    r = scope.record()
    bounds = []
    for value in term.values:
        if not isinstance(value, DateValue) or value.prefix in ("lt", "le", "eb", "ne"):
            return None
        bounds.append(r.c.at >= derived(instant, value.start))
    return Lead(sa.select(r.c.key).where(scope.types(r, types or RESOURCE_TYPES), sa.or_(*bounds)), 5)


def _chain(scope: Scope, chain: Chain, types: Collection[str]) -> Lead | None:
    """From what the references name to what refers to it."""
    kinds = sorted(types or RESOURCE_TYPES)
    found: list[Lead] = []
    for target, condition in zip(chain.targets, chain.inner, strict=True):
        inner = lead(scope, condition, (target,))
        if inner is None:
            return None
        i, t = scope.index(), scope.record()
        named = sa.select(t.c.reference).where(t.c.key.in_(_bounded(scope, inner)))
        refers = sa.select(i.c.record).where(
            i.c.type == kinds[0] if len(kinds) == 1 else i.c.type.in_(kinds),
            i.c.param == chain.param,
            i.c.value.in_(named),
            valued(i),
        )
        found.append(_past(inner, refers))
    if not found:
        return None
    past = tuple(keys for each in found for keys in each.on_the_way)
    return Lead(_together([each.keys for each in found]), max(each.rank for each in found), on_the_way=past)


def _has(scope: Scope, has: Has) -> Lead | None:
    """From what refers to what it refers to."""
    inner = lead(scope, has.inner, (has.source,))
    if inner is None:
        return None
    i, r = scope.index(), scope.record()
    refers = sa.select(r.c.key).where(
        i.c.record.in_(_bounded(scope, inner)),
        i.c.param == has.param,
        i.c.kind == "reference",
        r.c.reference == i.c.value,
    )
    return _past(inner, refers)


def _bounded(scope: Scope, inner: Lead) -> Keys:
    """What a lead leads to, or, where that is many, some of it: then nobody goes this way."""
    found = inner.keys if inner.rank == FEW else inner.keys.limit(SOME)
    return sa.select(*found.cte(scope.name("some")).c)


def _past(inner: Lead, keys: Keys) -> Lead:
    past = () if inner.rank == FEW else (*inner.on_the_way, inner.keys)
    return Lead(keys, inner.rank, on_the_way=past)


def _together(keys: Sequence[Keys]) -> Keys:
    if len(keys) == 1:
        return keys[0]
    union = sa.union_all(*keys).subquery()
    return sa.select(reduce(lambda first, _: first, union.c))


def few(found: Lead) -> Test:
    """Whether a lead leads to fewer than SOME: counted no further than that, by the index, once for the statement."""
    return sa.and_(*(_count(keys) < SOME for keys in (*found.on_the_way, found.keys)))


def _count(keys: Keys) -> ColumnElement[int]:
    some = keys.limit(SOME).subquery()
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()
