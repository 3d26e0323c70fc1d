"""The shape of a search: all that its statement depends on, and none of the values that fill it.

Two searches of one shape differ in values alone, and in nothing that a statement is made differently for.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hub.fhir.search_parameters import fold
from hub.fhir.search_query import (
    Chain,
    CompositeValue,
    Condition,
    DateValue,
    Has,
    InSet,
    NumberValue,
    QuantityValue,
    Query,
    ReferenceValue,
    StringValue,
    Term,
    TokenValue,
    UriValue,
)
from hub.store.search.page import PageKey
from hub.store.search.texts import above, past, storable
from hub.store.sight import SightSpec

VALUES: Final[Mapping[type, tuple[str, ...]]] = {
    TokenValue: ("system", "code"),
    StringValue: ("text",),
    ReferenceValue: ("reference",),
    DateValue: ("start", "end"),
    NumberValue: ("low", "high"),
    QuantityValue: ("low", "high", "system", "code"),
    UriValue: ("uri",),
}
"""What of each kind of value may differ between two searches of one shape."""


class NoShape(Exception):
    """The statement of this search serves no other."""


@dataclass(frozen=True, slots=True)
class Asked:
    """All that the values of a statement come from."""

    query: Query
    spec: SightSpec
    key: PageKey | None = None
    back: bool = False
    around: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    other: tuple[Hashable, ...] = field(default=())
    """What else the statement depends on."""

    def texts(self) -> frozenset[str]:
        """Every text among the values."""
        found = {self.query.compartment, self.spec.organisation, *self.spec.organisations, *(self.spec.clients or ())}
        found |= {*self.around, *self.known, *(text for one in self.query.conditions for text in _texts(one))}
        if self.key is not None:
            found |= {self.key.reference, *(value for value in self.key.values if isinstance(value, str))}
        return frozenset(found - {""})


def shape(asked: Asked) -> Hashable:
    """The shape; NoShape where there is none."""
    query, spec, key = asked.query, asked.spec, asked.key
    sight = (spec.basis, len(spec.organisations), bool(spec.organisation), spec.clients and len(spec.clients))
    after = key and (tuple(type(value) for value in key.values), key.reference.partition("/")[0])
    conditions = tuple(_condition(one) for one in query.conditions)
    wanted = (query.types, query.sort, query.count, bool(query.compartment), conditions)
    return sight, spec.clients is None, after, asked.back, wanted, bool(asked.around), bool(asked.known), asked.other


def _condition(condition: Condition) -> Hashable:
    match condition:
        case Term(modifier="missing"):
            return condition
        case Term():
            each = tuple(_value(value) for value in condition.values)
            said = (condition.type, condition.param, condition.kind, condition.modifier, condition.components)
            return "term", said, each, _alike(_texts(condition))
        case Chain():
            return "chain", condition.type, condition.param, condition.targets, tuple(map(_condition, condition.inner))
        case Has():
            return "has", condition.type, condition.source, condition.param, _condition(condition.inner)
        case InSet():
            return "set", all(storable(one) for one in condition.references), bool(condition.references)


def _value(value: Any) -> Hashable:
    if isinstance(value, CompositeValue):
        return tuple(_value(part) for part in value.parts)
    names = VALUES.get(type(value))
    if names is None:
        raise NoShape
    other = (getattr(value, "prefix", ""), getattr(value, "versioned", False))
    return type(value), other, tuple(_features(getattr(value, name)) for name in names)


def _features(value: Any) -> Hashable:
    """What a statement may be made differently for."""
    if not isinstance(value, str):
        return value is None
    marks = tuple(mark in value for mark in (":", "|", "://"))
    ends = (value.startswith("Patient/"), value.endswith("/"), len(above(value)))
    return value == "", fold(value) == "", past(value) == "", past(fold(value)) == "", storable(value), marks, ends


def _texts(value: Any) -> list[str]:
    """Every text among the values of a condition, in order."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for each in value for text in _texts(each)]
    match value:
        case Term():
            return _texts(value.values)
        case Chain():
            return _texts(value.inner)
        case Has():
            return _texts(value.inner)
        case InSet():
            return list(value.references)
        case CompositeValue():
            return _texts(value.parts)
    return [text for name in VALUES.get(type(value), ()) for text in _texts(getattr(value, name))]


def _alike(texts: Sequence[str]) -> tuple[int, ...]:
    """Which of the texts are the same."""
    first: dict[str, int] = {}
    return tuple(first.setdefault(text, no) for no, text in enumerate(texts))
