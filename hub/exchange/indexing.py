"""What the store needs beside a sealed record: its facets, its parts, its search values, and who sees each value.

A value counts for an asker only if it would also be found in what they are shown (docs/consent.md, search). So each row
says of which part it is, what it points at, and in which element it stands; a row that goes when something else is
taken out points at that, and where it depends on more than one thing, it goes with any of them (`prose`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from hub.consent.facets import BEYOND_PERMIT, OWN, PROSE, Facet
from hub.consent.model import Record
from hub.consent.parts import CONTAINERS
from hub.consent.redact_sections import PROSE as PROSE_ELEMENTS
from hub.exchange.leaning import leaning
from hub.fhir.search_parameters import IndexValue, Parameter, extract
from hub.store import masks
from hub.store.model import IndexRow, StoredFacet, StoredPart

CLOSED = 99
"""The rank of a part that its labels open to nobody: above every one that a permit can name."""

Hash = Callable[[str, str], str]
"""The keyed hash of an exact identifier: (system, value)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A record taken apart, as the store keeps it beside the sealed text."""

    own: StoredFacet
    parts: tuple[StoredPart, ...]
    index: tuple[IndexRow, ...]
    container: bool


def taken_apart(
    record: Record, facets: Sequence[Facet], *, zone: ZoneInfo, extra: Sequence[Parameter], hashed: Hash
) -> Taken:
    """The rows of a record. `extra` are the search parameters that this hub adds."""
    own, *others = facets
    assert own.no == OWN
    return Taken(
        own=_stored(own),
        parts=tuple(_part(facet, record) for facet in others),
        index=tuple(_rows(record, facets, zone, extra, hashed)),
        container=any(facet.no > OWN for facet in others),
    )


def _stored(facet: Facet) -> StoredFacet:
    labels = facet.labels
    return StoredFacet(
        CLOSED if facet.closed else masks.rank(labels.confidentiality),
        masks.sensitivity_mask(labels.sensitivity),
        masks.area_mask(labels.areas),
    )


def _part(facet: Facet, record: Record) -> StoredPart:
    inside = facet.type if facet.no not in (PROSE, BEYOND_PERMIT) and facet.type != _type(record) else ""
    return StoredPart(facet.no, facet.refers_to, _stored(facet), facet.above, inside)


def _rows(
    record: Record, facets: Sequence[Facet], zone: ZoneInfo, extra: Sequence[Parameter], hashed: Hash
) -> list[IndexRow]:
    parts = _Parts(facets)
    values = extract(record.resource, zone=zone, extra=extra)
    leans = leaning(record.resource, values, local=record.clients | {record.reference}, again=_again(zone, extra))
    prose = _Prose(_type(record), parts)
    rows: dict[IndexRow, None] = {}
    for number, value in enumerate(values):
        on = leans.on.get(number, frozenset())
        target = value.target or (next(iter(on)) if len(on) == 1 else "")
        if not target and value.value in parts.naming:
            target = value.value
        part = parts.of(value.pointer)
        naming = parts.naming.get(target, ())
        row = IndexRow(
            param=value.param,
            kind=value.kind,
            system=value.system,
            value=hashed(value.system, value.value) if value.secret and value.value else value.value,
            start=value.start,
            end=value.end,
            low=value.low,
            high=value.high,
            part=part or next(iter(naming), OWN),
            target=target,
            element=value.pointer[1:].partition("/")[0],
            prose=bool(on - {target}) or prose.is_in(value) or parts.is_said_elsewhere(part, naming),
            tie=value.tie,
        )
        rows[row] = None
    uncovered = leans.targets - {row.target for row in rows}
    for target in sorted(uncovered):
        rows[IndexRow("*", "reference", value=target, target=target)] = None
    return list(rows)


def _again(zone: ZoneInfo, extra: Sequence[Parameter]) -> Callable[[Mapping[str, object]], Sequence[IndexValue]]:
    return lambda resource: extract(dict(resource), zone=zone, extra=extra)


def _type(record: Record) -> str:
    return record.reference.partition("/")[0]


class _Parts:
    """Which part a place in the record belongs to."""

    def __init__(self, facets: Sequence[Facet]) -> None:
        self._numbers = {facet.pointer: facet.no for facet in facets if facet.no > OWN}
        self._inside = frozenset(facet.no for facet in facets if facet.above)
        self.naming: dict[str, list[int]] = {}
        """The parts that refer to something: what a hidden part names is not said elsewhere either."""
        for facet in facets:
            if facet.no > OWN and facet.refers_to:
                self.naming.setdefault(facet.refers_to, []).append(facet.no)

    def of(self, pointer: str) -> int:
        """The innermost part around the place; 0 for the record itself."""
        if not self._numbers:
            return OWN
        while pointer:
            if pointer in self._numbers:
                return self._numbers[pointer]
            pointer = pointer.rpartition("/")[0]
        return OWN

    def is_said_elsewhere(self, part: int, naming: Sequence[int]) -> bool:
        """Whether a value hangs on more parts than one: its own, and others of the same name."""
        if not naming or (part in naming and len(naming) == 1) or (not part and len(naming) == 1):
            return False
        same = not self._inside.intersection(naming)
        return not (same and (not part or part in naming))

    def is_section(self, pointer: str) -> bool:
        """Whether the innermost part around a code is a section of a document."""
        head, found, _ = pointer.rpartition("/code/")
        return bool(found) and head in self._numbers


class _Prose:
    """What a container no longer says once anything of it is hidden (`hub.consent.redact_sections`)."""

    def __init__(self, type: str, parts: _Parts) -> None:
        self._type = type
        self._parts = parts
        self._elements = (PROSE_ELEMENTS.get(type, frozenset()) | {"extension"}) if type in CONTAINERS else frozenset()

    def is_in(self, value: IndexValue) -> bool:
        """Whether the value goes with anything that is hidden."""
        first, _, rest = value.pointer[1:].partition("/")
        if first == "contained":
            return True
        if self._type not in CONTAINERS:
            return False
        if first in self._elements or (self._type == "Bundle" and first == "entry"):
            return True
        if first == "meta":
            return rest.startswith(("security", "tag"))
        if self._type == "Composition":
            bare = value.param.endswith(":text") or not value.value
            return first == "confidentiality" or (bare and self._parts.is_section(value.pointer))
        return False
