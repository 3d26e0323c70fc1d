"""Whether a record meets a condition, as one expression: each is an `EXISTS` over what the asker sees of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.sql.selectable import FromClause

from hub.errors import NotSupported
from hub.fhir.definitions import load
from hub.fhir.search_query import Chain, Condition, DateValue, Has, InSet, Term, TokenValue
from hub.fhir.shapes import RESOURCE_TYPES
from hub.store.search.lists import one_of
from hub.store.search.scope import Scope, Test, valued
from hub.store.search.slots import Many, Slot, derived
from hub.store.search.texts import storable
from hub.store.search.values import matches, spans

Types = Collection[str]
MANY: Final = 20
"""More references than these are bound as one value."""

_BESIDE: Final = ("", ":identifier", ":text")
"""Where a value may stand that has no code and no literal reference."""

_COMPARTMENT: Final[dict[str, list[str]]] = load("compartment")
"""Type -> the parameters that put a record into the compartment of a Patient."""


def meets(scope: Scope, r: FromClause, condition: Condition, types: Types) -> Test:
    """Whether the record `r`, of one of `types`, meets a condition."""
    match condition:
        case Term(param="_id"):
            return _negated(condition, in_set(r, named(condition, types)))
        case Term(param="_lastUpdated"):
            return _updated(scope, r, condition, types)
        case Term(modifier="missing"):
            return _missing(scope, r, condition, types)
        case Term(kind="composite"):
            return _composite(scope, r, condition, types)
        case Term():
            return _negated(condition, _value(scope, r, condition, types))
        case Chain():
            return _chain(scope, r, condition, types)
        case Has():
            return _has(scope, r, condition)
        case InSet():
            return in_set(r, condition.references)


def in_compartment(scope: Scope, r: FromClause, compartment: str, types: Types) -> Test:
    """Whether the record is the patient, or refers to them by a parameter of the compartment, visibly.

    https://hl7.org/fhir/R4/compartmentdefinition-patient.html
    """
    i = scope.index()
    wanted = [type for type in _COMPARTMENT if not types or type in types]
    through = sa.or_(sa.false(), *(sa.and_(r.c.type == type, i.c.param.in_(_COMPARTMENT[type])) for type in wanted))
    refers = scope.some(
        i,
        i.c.record == r.c.key,
        i.c.kind == "reference",
        i.c.value == compartment,
        through,
        scope.sees(i, r, types, "reference"),
    )
    return sa.or_(r.c.reference == compartment, refers)


def in_set(r: FromClause, references: Sequence[str]) -> Test:
    """Whether the record is one of these."""
    known = derived(_storable, references) if isinstance(references, tuple) else _storable(tuple(references))
    if isinstance(known, Many) or (len(known) > MANY and not any(isinstance(one, Slot) for one in known)):
        return one_of(r.c.reference, known)
    return r.c.reference.in_(known) if known else sa.false()


def named(term: Term, types: Types) -> list[str]:
    """The references that an `_id` stands for."""
    ids = [value.code for value in term.values if isinstance(value, TokenValue) and value.code]
    return [derived(_of_type(type), id) for type in sorted(types or RESOURCE_TYPES) for id in ids]


def _value(scope: Scope, r: FromClause, term: Term, types: Types) -> Test:
    i = scope.index()
    return scope.some(
        i,
        i.c.record == r.c.key,
        i.c.param == term.param,
        matches(term.kind, term.modifier, term.values, i.c, postgresql=scope.postgresql),
        scope.sees(i, r, types, term.kind),
    )


def _negated(term: Term, found: Test) -> Test:
    """`:not` is met by every record without such a value that the asker sees, also by one without any."""
    return sa.not_(found) if term.modifier in ("not", "not-in") else found


def _missing(scope: Scope, r: FromClause, term: Term, types: Types) -> Test:
    i = scope.index()
    if term.kind == "composite":
        params = [name for name, _ in term.components]
    else:
        params = [f"{term.param}{ending}" for ending in _BESIDE]
    kind = "" if params[1:] else term.kind
    there = scope.some(i, i.c.record == r.c.key, i.c.param.in_(params), scope.sees(i, r, types, kind))
    wanted = {value.code for value in term.values if isinstance(value, TokenValue)}
    return sa.or_(*(there if code == "false" else sa.not_(there) for code in sorted(wanted, key=str)))


def _composite(scope: Scope, r: FromClause, term: Term, types: Types) -> Test:
    """All parts of one value hold of one element."""

    def of(parts: Sequence[object]) -> Test:
        rows = [scope.index() for _ in parts]
        tests: list[Test] = []
        for i, (name, kind), part in zip(rows, term.components, parts, strict=True):
            holds = matches(kind, "", (part,), i.c, postgresql=scope.postgresql)  # type: ignore[arg-type]
            tests += [i.c.record == r.c.key, i.c.param == name, holds, scope.sees(i, r, types, kind)]
            if i is not rows[0]:
                tests.append(i.c.tie == rows[0].c.tie)
        return scope.some(rows, *tests)

    found = sa.or_(*(of(value.parts) for value in term.values if hasattr(value, "parts")))
    return _negated(term, found)


def _updated(scope: Scope, r: FromClause, term: Term, types: Types) -> Test:
    at = scope.updated(r, types)
    tests = []
    for value in term.values:
        if not isinstance(value, DateValue):
            raise NotSupported("a date is expected", place="_lastUpdated")
        tests.append(spans(value.prefix, derived(instant, value.start), derived(instant, value.end), at, at))
    return sa.or_(*tests) if tests else sa.false()


def _chain(scope: Scope, r: FromClause, chain: Chain, types: Types) -> Test:
    scope = scope.inside()
    i, t = scope.index(), scope.record()
    inner = sa.or_(
        *(
            sa.and_(t.c.type == target, scope.live(t, (target,)), meets(scope, t, condition, (target,)))
            for target, condition in zip(chain.targets, chain.inner, strict=True)
        )
    )
    targets = scope.apart(sa.select(t.c.reference).where(inner), "targets").alias()
    there = sa.select(targets.c.reference).where(targets.c.reference == i.c.value)
    return scope.some(
        i,
        i.c.record == r.c.key,
        i.c.param == chain.param,
        i.c.kind == "reference",
        scope.sees(i, r, types, "reference"),
        sa.exists(there.correlate_except(targets)),
    )


def _has(scope: Scope, r: FromClause, has: Has) -> Test:
    scope = scope.inside()
    i, s = scope.index(), scope.record()
    source = (has.source,)
    inner = sa.and_(scope.live(s, source), meets(scope, s, has.inner, source))
    sources = scope.apart(sa.select(s.c.key).where(inner), "sources").alias()
    there = sa.select(sources.c.key).where(sources.c.key == i.c.record)
    return scope.some(
        i,
        i.c.type == has.source,
        i.c.param == has.param,
        i.c.kind == "reference",
        i.c.value == r.c.reference,
        valued(i),
        scope.sees(i, s, source, "reference"),
        sa.exists(there.correlate_except(sources)),
    )


def _of_type(type: str) -> Callable[[str], str]:
    return lambda known: f"{type}/{known}"


def _storable(references: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({reference for reference in references if storable(reference)}))


def instant(text: str) -> datetime:
    """A moment as the AST writes it."""
    return datetime.fromisoformat(text)
