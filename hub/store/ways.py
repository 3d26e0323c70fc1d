"""The ways by which a container is seen, worked out when a record is written (consent rules §5).

A container is seen as soon as a part is: by the record that the part refers to, which may be a container itself, or by
the part's own labels where nobody stored that record. A way leads to one such part; it is open if nothing denies what
it passes (each container beyond its parts, each section) and something permits where it ends. So a search need not
walk, it asks whether a way is open.

INVARIANT: a way never passes the same record twice; what cannot be reached in `DEEPEST` records is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row

from hub.consent.codes import DIRECTORY_TYPES
from hub.store.engine import Sql
from hub.store.prepared import Prepared, named
from hub.store.rules import PERMITS, SILENT
from hub.store.rules_schema import sight_step, sight_way
from hub.store.schema import record, record_part, record_part_above

CLIENT: Final = "Patient"

DEEPEST: Final = 4
"""How many records a way may pass after the first."""

MOST: Final = 400
"""How many ways into one record are kept."""

STRICT: Final = ("Bundle", "Composition")
"""Types where a part is only shown in a section that is itself permitted."""

_r, _p, _a = record.c, record_part.c, record_part_above.c
_NODE: Final = sa.select(_r.key, _r.reference, _r.type, _r.container, _r.client_count, _r.owner, _r.deleted)
_PARTS: Final = sa.select(_p.no, _p.refers_to, _p.areas).where(_p.no > 0).order_by(_p.no)
_ABOVE: Final = sa.select(_a.no, _a.above).order_by(_a.no, _a.above)
_KEYS: Final = sa.select(_r.key, _r.reference)
_WAYS: Final = sa.select(sight_way.c.way).where(sight_way.c.record == _r.key).correlate(record)
_AROUND: Final = _KEYS.join(record_part, _p.record == _r.key).distinct()
_OUT: Final = tuple(Prepared(sa.delete(t).where(t.c.record == sa.bindparam("of"))) for t in (sight_step, sight_way))
_HERE: Final = Prepared(_KEYS.where(named(_r.reference, "references"), sa.or_(_r.container, sa.exists(_WAYS))))
_NEAR: Final = Prepared(_AROUND.where(named(_p.refers_to, "references"), _p.no > 0))


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing on the way, and what may be said of it. `owner`: about nobody, and seen by who contributed it."""

    of_record: int
    of_part: int
    most: int
    shown: int
    mixed: bool = False
    patient: str = ""
    owner: str = ""


_Way = tuple[_Step, ...]


def renew_ways(sql: Sql, written: Sequence[str]) -> None:
    """Work out the ways into these records as they are now, and into every container that leads to them."""
    walk = _Walk(sql)
    waiting = {row.reference: row.key for row in sql.rows(_HERE, {"references": written})}
    known, names = dict[str, int](), sorted(written)
    for _ in range(DEEPEST + 1):
        around = {row.reference: row.key for row in sql.rows(_NEAR, {"references": names})}
        waiting |= {reference: key for reference, key in around.items() if reference not in known}
        for reference, key in waiting.items():
            _rewrite(sql, walk, key, reference)
        known |= waiting
        names, waiting = sorted(waiting), {}
        if not names:
            return


def _rewrite(sql: Sql, walk: _Walk, key: int, reference: str) -> None:
    for statement in _OUT:
        sql.run(statement, {"of": key})
    node = walk.node(reference)
    if node is None or not node.container or not node.client_count:
        return
    ways = list(islice(walk.ways(node, frozenset((key,)), DEEPEST), MOST))
    if not ways:
        return
    sql.run(sa.insert(sight_way), [{"record": key, "way": n, "part": part} for n, (part, _) in enumerate(ways)])
    names = _Step.__slots__
    steps = [
        {"record": key, "way": n, "step": number, **{name: getattr(step, name) for name in names}}
        for n, (_, way) in enumerate(ways)
        for number, step in enumerate(way)
    ]
    sql.run(sa.insert(sight_step), steps)


class _Walk:
    """The records on the way, each read once."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._nodes: dict[str, Row[Any] | None] = {}
        self._inside: dict[int, tuple[dict[int, Row[Any]], dict[int, list[int]]]] = {}

    def node(self, reference: str) -> Row[Any] | None:
        """A record that is there."""
        if reference not in self._nodes:
            self._nodes[reference] = self._sql.row(_NODE.where(_r.reference == reference, _r.deleted == sa.false()))
        return self._nodes[reference]

    def ways(self, node: Row[Any], within: frozenset[int], left: int) -> Iterator[tuple[int, _Way]]:
        """The ways into a container, each with the part that is seen by it.

        What is seen inside a part shows the part too; not in a document, where the section may be withheld.
        """
        parts, above = self._parts(node.key)
        own = _Step(node.key, 0, SILENT, SILENT)
        strict = node.type in STRICT
        for no, part in parts.items():
            around = [one for one in above.get(no, ()) if one in parts]
            passed = (own, *(self._section(node, parts[one], strict, SILENT) for one in around))
            for end in self._ends_of(node, part, strict, within, left):
                for seen in (no, *(() if strict else around)):
                    yield seen, (*passed, *end)

    def _ends_of(
        self, node: Row[Any], part: Row[Any], strict: bool, within: frozenset[int], left: int
    ) -> Iterator[_Way]:
        """How a part is seen: by the record that it refers to, by its own labels where that is not stored."""
        target = self.node(part.refers_to) if part.refers_to else None
        if target is None:
            yield (self._section(node, part, strict, PERMITS),)
        elif target.key not in within and left > 0:
            yield from self._ends(target, within | {target.key}, left - 1)

    def _ends(self, node: Row[Any], within: frozenset[int], left: int) -> Iterator[_Way]:
        """The ways by which a record is seen that a part refers to."""
        if not node.client_count:
            if node.type in DIRECTORY_TYPES:
                yield ()
            elif node.owner:
                yield (_Step(node.key, 0, PERMITS, PERMITS, owner=node.owner),)
        elif node.container and node.type != CLIENT:
            for _, way in self.ways(node, within, left):
                yield tuple(replace(step, shown=step.most, mixed=False) for step in way)
        else:
            patient = node.reference if node.type == CLIENT else ""
            yield (_Step(node.key, 0, PERMITS, PERMITS, patient=patient),)

    def _parts(self, key: int) -> tuple[dict[int, Row[Any]], dict[int, list[int]]]:
        if key not in self._inside:
            above: dict[int, list[int]] = {}
            for row in self._sql.rows(_ABOVE.where(_a.record == key)):
                above.setdefault(row.no, []).append(row.above)
            parts = {row.no: row for row in self._sql.rows(_PARTS.where(_p.record == key))}
            self._inside[key] = (parts, above)
        return self._inside[key]

    @staticmethod
    def _section(node: Row[Any], part: Row[Any], strict: bool, most: int) -> _Step:
        """A part by its own labels. A document shows a part only in a section that is itself permitted."""
        mixed = strict and not part.refers_to and part.areas & (part.areas - 1) != 0
        return _Step(node.key, part.no, most, PERMITS if strict else most, mixed)
