"""Is this FHIR R4? Structure, types, bindings, references, narrative and invariants, all faults at once.

A table validator over the official definitions (https://hl7.org/fhir/R4/validation.html; docs/adr): it
looks at every element once and builds a place only where something is wrong. A fault names the JSON
pointer and the rule and never repeats content. Extensions are open; profiles are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from hub.errors import InvalidResource
from hub.fhir.contained import contained_faults, contained_types, entry_types
from hub.fhir.narrative_rules import narrative_faults
from hub.fhir.pointer import join
from hub.fhir.reference_syntax import syntax_fault
from hub.fhir.references import parse_reference, type_of_reference
from hub.fhir.shapes import RESOURCE_TYPES, Element, Invariant, Shape, shape
from hub.fhir.value import Resource

Severity = Literal["error", "warning"]
_Path = tuple[Any, ...]
"""A linked list: `(parent, step)`, `()` at the root; it becomes a pointer only in a fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where (JSON pointer), which rule, how bad, in words."""

    path: str
    rule: str
    severity: Severity
    text: str

    def __str__(self) -> str:
        return f"{self.path or '/'}: {self.text} ({self.rule})"


@dataclass(slots=True)
class _Walk:
    """What is known while walking: the faults so far, and what references can be judged by."""

    faults: list[Fault] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)
    """fullUrl -> type, within the Bundles around."""
    contained: dict[str, str] | None = None
    """id -> type of what the resource around contains."""
    local: set[str] = field(default_factory=set)
    """The contained ids that were referred to."""

    def say(self, path: _Path, rule: str, text: str, severity: Severity = "error") -> None:
        self.faults.append(Fault(_pointer(path), rule, severity, text))


def validate(resource: Resource) -> tuple[Fault, ...]:
    """All faults of a resource of any R4 type, Bundles included, in document order within each object."""
    walk = _Walk()
    try:
        _resource(resource, (), walk)
    except RecursionError:
        walk.say((), "structure", "is nested too deeply")
    return tuple(walk.faults)


def errors(resource: Resource) -> tuple[Fault, ...]:
    """The faults for which a resource is refused."""
    return tuple(fault for fault in validate(resource) if fault.severity == "error")


def assert_valid(resource: Resource) -> None:
    """Raise `InvalidResource` with every error, unless there is none."""
    if found := errors(resource):
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise InvalidResource(f"{found[0]}{more}", faults=found)


def _pointer(path: _Path) -> str:
    steps: list[str | int] = []
    while path:
        path, step = path
        steps.append(step)
    return join(reversed(steps))


def _resource(value: Any, path: _Path, walk: _Walk) -> None:
    """A resource of its own: at the root or in an entry. It has its own contained resources."""
    kind = _type(value, path, walk)
    if kind is None:
        return
    outer = walk.contained, walk.local
    walk.contained, walk.local = contained_types(value), set()
    if kind == "Bundle":
        walk.targets |= entry_types(value)
    _object(value, shape(kind), path, walk)
    if "contained" in value:
        for index, key, rule, text in contained_faults(value, walk.local):
            place = ((path, "contained"), index)
            walk.say((place, key) if key else place, rule, text)
    walk.contained, walk.local = outer


def _contained(value: Any, path: _Path, walk: _Walk) -> None:
    kind = _type(value, path, walk)
    if kind is not None:
        _object(value, shape(kind), path, walk)


def _type(value: Any, path: _Path, walk: _Walk) -> str | None:
    if type(value) is not dict:
        walk.say(path, "structure", "must be a resource")
        return None
    kind = value.get("resourceType")
    if type(kind) is not str or kind not in RESOURCE_TYPES:
        walk.say((path, "resourceType"), "structure", "is not a resource type of R4" if kind else "is missing")
        return None
    return kind


def _object(value: Any, kind: Shape, path: _Path, walk: _Walk) -> None:
    if type(value) is not dict:
        walk.say(path, "structure", "must be an object")
        return
    if not value:
        walk.say(path, "ele-1", "must not be empty")
        return
    elements = kind.elements
    for key, item in value.items():
        element = elements.get(key)
        if element is None:
            if key != "resourceType" or not kind.is_resource:
                _other_key(key, value, kind, path, walk)
        elif element.many:
            _list(item, element, value, (path, key), walk)
        elif element.check is None:
            _complex(item, element, (path, key), walk)
        elif (wrong := element.wrong(item)) is not None:
            walk.say((path, key), *wrong)
    _rules(value, kind, path, walk)


def _rules(value: dict[str, Any], kind: Shape, path: _Path, walk: _Walk) -> None:
    """What concerns the object as a whole: required elements, choices, invariants."""
    for key, twin in kind.required:
        if key not in value and twin not in value:
            walk.say((path, key), "cardinality", "is required")
    if kind.choices:
        _choices(value, kind, path, walk)
    for rule in kind.rules:
        if not _holds(rule, value):
            walk.say(path, rule.key, rule.text, "warning" if rule.severity == "warning" else "error")


def _holds(rule: Invariant, value: dict[str, Any]) -> bool:
    """Whether a rule holds; of values of the wrong type none does."""
    try:
        return rule.holds(value)
    except (TypeError, AttributeError, ValueError):
        return False


def _choices(value: dict[str, Any], kind: Shape, path: _Path, walk: _Walk) -> None:
    for stem, keys in kind.choices:
        if len(keys & value.keys()) > 1:
            walk.say((path, stem), "cardinality", "may have only one type")
    for stem, names in kind.one_of:
        if not any(name in value or f"_{name}" in value for name in names):
            walk.say((path, stem), "cardinality", "is required")


def _list(items: Any, element: Element, value: dict[str, Any], path: _Path, walk: _Walk) -> None:
    if type(items) is not list:
        walk.say(path, "structure", "must be a list")
    elif not items:
        walk.say(path, "ele-1", "must not be an empty list")
    elif element.check is None:
        for index, item in enumerate(items):
            _complex(item, element, (path, index), walk)
    else:
        _primitives(items, element, value.get(f"_{element.key}"), path, walk)


def _primitives(items: list[Any], element: Element, twins: Any, path: _Path, walk: _Walk) -> None:
    for index, item in enumerate(items):
        if item is None:
            if type(twins) is not list or len(twins) <= index or twins[index] is None:
                walk.say((path, index), "structure", "must not be null without an extension beside it")
        elif (wrong := element.wrong(item)) is not None:
            walk.say((path, index), *wrong)


def _complex(item: Any, element: Element, path: _Path, walk: _Walk) -> None:
    kind = element.type
    if kind == "Reference":
        _reference(item, element, path, walk)
    elif kind == "Resource":
        in_contained = path[0] and path[0][1] == "contained"
        (_contained if in_contained else _resource)(item, path, walk)
    elif kind == "xhtml":
        _narrative(item, path, walk)
    else:
        _object(item, element.shape, path, walk)
        if element.codings is not None:
            _binding(item, element.codings, kind, path, walk)


def _other_key(key: str, value: dict[str, Any], kind: Shape, path: _Path, walk: _Walk) -> None:
    """A key the shape does not name: the extension side of a primitive, or unknown."""
    element = kind.elements.get(key[1:]) if key.startswith("_") else None
    if element is None or element.check is None or element.key in kind.attributes:
        walk.say((path, key), "structure", "is not an element of this type")
        return
    item = value[key]
    side = shape("Element")
    if not element.many:
        _object(item, side, (path, key), walk)
        return
    beside = value.get(key[1:])
    if type(item) is not list or (type(beside) is list and len(beside) != len(item)):
        walk.say((path, key), "structure", "must be a list as long as the one it extends")
        return
    for index, one in enumerate(item):
        if one is not None:
            _object(one, side, ((path, key), index), walk)
        elif type(beside) is not list or beside[index] is None:
            walk.say(((path, key), index), "structure", "must not be null on both sides")


def _binding(item: Any, allowed: frozenset[tuple[str, str]], kind: str, path: _Path, walk: _Walk) -> None:
    if type(item) is not dict:
        return
    codings = item.get("coding") if kind == "CodeableConcept" else [item]
    found = [coding for coding in codings if type(coding) is dict] if type(codings) is list else []
    named = {(str(coding.get("system")), str(coding.get("code"))) for coding in found}
    if named.isdisjoint(allowed) and (found or "extension" not in item):
        walk.say(path, "binding", "has no code of the required value set")


def _reference(item: Any, element: Element, path: _Path, walk: _Walk) -> None:
    _object(item, element.shape, path, walk)
    if type(item) is not dict:
        return
    targets = element.targets
    text = item.get("reference")
    named = item.get("type")
    kind: str | None = named if isinstance(named, str) and named in RESOURCE_TYPES else None
    if type(text) is str:
        kind = _target_type(text, path, walk) or kind
    if targets is not None and kind is not None and kind not in targets:
        walk.say(path, "target", f"may not refer to a {kind}")


def _target_type(text: str, path: _Path, walk: _Walk) -> str | None:
    """The type a literal reference points at, where that is evident."""
    if text.startswith("#"):
        walk.local.add(text[1:])
        if text == "#" or walk.contained is None:
            return None
        kind = walk.contained.get(text[1:])
        if kind is None:
            walk.say((path, "reference"), "ref-1", "names no contained resource")
        return kind
    if text in walk.targets:
        return walk.targets[text]
    if text.startswith("urn:"):
        return None
    literal = parse_reference(text)
    if literal is None:
        if (fault := syntax_fault(text)) is not None:
            walk.say((path, "reference"), "type-Reference", *fault)
        shown = type_of_reference(text)
        return shown if shown in RESOURCE_TYPES else None
    if literal.type not in RESOURCE_TYPES:
        walk.say((path, "reference"), "target", "names no resource type of R4")
        return None
    return literal.type


def _narrative(item: Any, path: _Path, walk: _Walk) -> None:
    if type(item) is not str:
        walk.say(path, "type-xhtml", "must be a string")
        return
    for rule, text in narrative_faults(item):
        walk.say(path, rule, text)
