"""The official definitions, compiled: one `Shape` for each type and backbone element, made when first needed.

Source: `hub/fhir/definitions` (https://hl7.org/fhir/R4/elementdefinition.html); rules: `hub.fhir.invariants`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from hub.fhir.definitions import load
from hub.fhir.invariants import INVARIANTS
from hub.fhir.primitives import BLANK, CHECKS, Check

_STRUCTURE: Final[dict[str, dict[str, Any]]] = load("structure")
_CODES: Final[dict[str, dict[str, list[str]]]] = load("codes")

ABSTRACT: Final = frozenset(("Resource", "DomainResource"))
RESOURCE_TYPES: Final = frozenset(
    name for name, shape in _STRUCTURE.items() if shape["kind"] == "resource" and name not in ABSTRACT
)
"""Every resource type of R4 that can be instantiated."""

NOT_R4: Final = frozenset(("SubscriptionStatus",))
"""Types of R4B, known only because bundles of topic-based subscriptions carry them."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """One compiled constraint of a shape."""

    key: str
    severity: str
    text: str
    holds: Callable[[dict[str, Any]], bool]


@dataclass(slots=True)
class Element:
    """What may stand under one JSON key of an object."""

    key: str
    many: bool
    type: str
    """A primitive, a shape's name, `Resource` for any resource, `xhtml` for a narrative's div."""
    check: Check | None = None
    """For primitives."""
    codes: frozenset[str] | None = None
    codings: frozenset[tuple[str, str]] | None = None
    targets: frozenset[str] | None = None
    _shape: Shape | None = None

    def wrong(self, value: Any) -> tuple[str, str, Literal["error", "warning"]] | None:
        """What is wrong with a primitive value: rule, text and how bad."""
        if self.check is not None and (text := self.check(value)) is not None:
            return f"type-{self.type}", text, "warning" if text is BLANK else "error"
        if self.codes is not None and value not in self.codes:
            return "binding", "is not a code of the required value set", "error"
        return None

    @property
    def shape(self) -> Shape:
        """The shape of a complex value, compiled when first met."""
        if self._shape is None:
            self._shape = shape(self.type)
        return self._shape


@dataclass(frozen=True, slots=True)
class Shape:
    """What an object of one type may hold."""

    name: str
    elements: dict[str, Element]
    required: tuple[tuple[str, str], ...]
    """Keys of required elements, each with the key of its extension side."""
    one_of: tuple[tuple[str, tuple[str, ...]], ...]
    """Required choices: the stem and its keys."""
    choices: tuple[tuple[str, frozenset[str]], ...]
    """All choices: of these keys at most one may stand."""
    rules: tuple[Invariant, ...]
    is_resource: bool
    attributes: tuple[str, ...]
    """Elements that are attributes in XML: a plain text without id and extensions of its own."""


@cache
def shape(name: str) -> Shape:
    """The shape of a type or backbone element."""
    definition = _STRUCTURE[name]
    elements: dict[str, Element] = {}
    required: list[tuple[str, str]] = []
    one_of: list[tuple[str, tuple[str, ...]]] = []
    choices: list[tuple[str, frozenset[str]]] = []
    for key, least, many, types, value_set in definition["elements"]:
        if not key.endswith("[x]"):
            elements[key] = _element(key, many, types[0], value_set)
            if least:
                required.append((key, f"_{key}"))
            continue
        stem = key[:-3]
        made = [_element(stem + _head(t.split("(")[0]), many, t, value_set) for t in types]
        elements |= {element.key: element for element in made}
        keys = tuple(element.key for element in made)
        choices.append((key, frozenset(keys)))
        if least:
            one_of.append((key, keys))
    return Shape(
        name=name,
        elements=elements,
        required=tuple(required),
        one_of=tuple(one_of),
        choices=tuple(choices),
        rules=_rules(name, definition),
        is_resource=definition["kind"] == "resource",
        attributes=() if definition["kind"] == "resource" else ("id", "url") if name == "Extension" else ("id",),
    )


def _element(key: str, many: bool, declared: str, value_set: str | None) -> Element:
    name, _, targets = declared.rstrip(")").partition("(")
    if name in CHECKS:
        return Element(key, many, name, CHECKS[name], codes=_codes(value_set))
    allowed = frozenset(targets.split("|")) if targets else None
    if allowed and "Resource" in allowed:
        allowed = None
    return Element(key, many, name, codings=_codings(value_set), targets=allowed)


@cache
def _codes(value_set: str | None) -> frozenset[str] | None:
    if value_set not in _CODES:
        return None
    return frozenset(code for codes in _CODES[value_set].values() for code in codes)


@cache
def _codings(value_set: str | None) -> frozenset[tuple[str, str]] | None:
    if value_set not in _CODES:
        return None
    return frozenset((system, code) for system, codes in _CODES[value_set].items() for code in codes)


def _rules(name: str, definition: dict[str, Any]) -> tuple[Invariant, ...]:
    written = INVARIANTS.get(name, {})
    rules = [Invariant(key, how, text, written[key]) for key, how, text in definition["constraints"] if key in written]
    official = {rule.key for rule in rules}
    rules += [
        Invariant(key, "error", (holds.__doc__ or key).strip().splitlines()[0], holds)
        for key, holds in written.items()
        if key not in official
    ]
    return tuple(rules)


def _head(name: str) -> str:
    return name[0].upper() + name[1:]
