"""What comes along with a page: what its records refer to, and what refers to them
(https://hl7.org/fhir/R4/search.html#include).

A reference that the asker does not see leads nowhere, in either direction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.selectable import FromClause, Select

from hub.fhir.search_query import Include
from hub.store.records import VERSION_COLUMNS
from hub.store.schema import record, record_version
from hub.store.search.lists import one_of
from hub.store.search.scope import Scope, Test, pointing, valued

EVERY = "*"
_v = record_version.c


def next_to(
    scope: Scope,
    here: Sequence[str],
    includes: Sequence[Include],
    types: Collection[str] | None,
    sources: Collection[str],
) -> Select[Any]:
    """The current versions of what is one reference away from these (of the types `sources`), in order."""
    keys = []
    if forward := [include for include in includes if not include.reverse]:
        keys.append(_named_by(scope, here, forward, types, sources))
    keys += _naming(scope, here, [include for include in includes if include.reverse], types)
    union = sa.union(*keys[1:], keys[0].distinct()) if keys else sa.select(record.c.key).where(sa.false())
    these = union.cte("beside").prefix_with("MATERIALIZED")
    (key,) = these.c
    joined = these.join(record, record.c.key == key).join(
        record_version, sa.and_(_v.record == record.c.key, _v.version == record.c.version)
    )
    return sa.select(*VERSION_COLUMNS).select_from(joined).order_by(record.c.reference)


def _named_by(
    scope: Scope,
    here: Sequence[str],
    includes: Sequence[Include],
    types: Collection[str] | None,
    sources: Collection[str],
) -> Select[Any]:
    """`_include`: from each record along its visible references."""
    h, r, i, t = scope.record(), scope.record(), scope.index(), scope.record()
    return sa.select(t.c.key).where(
        i.c.record.in_(sa.select(h.c.key).where(one_of(h.c.reference, here))),
        r.c.key == i.c.record,
        i.c.kind == "reference",
        sa.or_(*(_asked(scope, include, i, t.c.type) for include in includes)),
        t.c.reference == i.c.value,
        _allowed(scope, t, types),
        scope.live(t, types or ()),
        scope.live(r, sources),
        scope.sees(i, r, sources, "reference"),
    )


def _naming(
    scope: Scope, here: Sequence[str], includes: Sequence[Include], types: Collection[str] | None
) -> list[Select[Any]]:
    """`_revinclude`: against the direction of the references; one for each source, since each has an index."""
    found = []
    for include in includes:
        i, s = scope.index(), scope.record()
        sources = () if include.source == EVERY else (include.source,)
        if types is not None and sources and include.source not in types:
            continue
        if include.param == EVERY or not sources:
            rows = sa.and_(one_of(i.c.target, here), pointing(i))
        else:
            rows = sa.and_(i.c.param == include.param, one_of(i.c.value, here), valued(i))
        of_target = [i.c.value.startswith(f"{include.target}/", autoescape=True)] if include.target else []
        found.append(
            sa.select(s.c.key).where(
                rows,
                *of_target,
                i.c.kind == "reference",
                i.c.type == include.source if sources else sa.true(),
                s.c.key == i.c.record,
                _allowed(scope, s, types),
                scope.live(s, sources),
                scope.sees(i, s, sources, "reference"),
            )
        )
    return found


def _asked(scope: Scope, include: Include, i: FromClause, target: Any) -> Test:
    tests: list[Test] = []
    if include.source != EVERY:
        tests.append(scope.types(i, (include.source,), walked=False))
    if include.param != EVERY:
        tests.append(i.c.param == include.param)
    if include.target:
        tests.append(target == include.target)
    return sa.and_(sa.true(), *tests)


def _allowed(scope: Scope, r: FromClause, types: Collection[str] | None) -> Test:
    """The record is of a type that may come along."""
    if types is None:
        return sa.true()
    return scope.types(r, types, walked=False) if types else sa.false()
