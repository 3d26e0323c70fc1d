"""Elements of a resource as FHIRPath sees them: a primitive is one node with its value and its extensions.

In JSON a primitive stands under two keys (https://hl7.org/fhir/R4/json.html#primitive); a node keeps both in
step. Nodes are found in a copy of the resource and change it in place; the caller's resource is another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from hub.errors import TooCostly
from hub.fhir.patch.path import Compare, Exists, Name, OfType, Pick, Step, Where, WithUrl
from hub.fhir.shapes import RESOURCE_TYPES, Element, Shape, shape
from hub.fhir.value import Resource

MAX_VISITS: Final = 500_000
"""Elements that one patch may look at."""


class NoSuchElementError(ValueError):
    """A path names an element that the type does not have."""


@dataclass(slots=True)
class Node:
    """One element: where it stands, and what."""

    up: Node | None
    home: dict[str, Any]
    """The object whose member it is."""
    element: Element | None
    """None for the resource itself."""
    index: int | None
    value: Any
    side: dict[str, Any] | None = None
    """The id and extensions of a primitive."""

    @property
    def shape(self) -> Shape | None:
        """What its children may be; None where it can have none."""
        kind = self.element.type if self.element else "Resource"
        if kind == "Resource":
            named = self.value.get("resourceType") if isinstance(self.value, dict) else None
            return shape(named) if isinstance(named, str) and named in RESOURCE_TYPES else None
        return None if kind == "xhtml" or self.element is None else _kind(self.element)

    @property
    def members(self) -> dict[str, Any] | None:
        """The object that holds its children."""
        if self.element is not None and self.element.check is not None:
            return self.side
        return self.value if isinstance(self.value, dict) else None

    @property
    def steps(self) -> tuple[str, ...]:
        """The keys from the resource to here, without indexes."""
        above = self.up.steps if self.up else ()
        return (*above, self.element.key) if self.element else ()


def root(resource: Resource) -> Node:
    """The resource as a node."""
    return Node(None, {}, None, None, resource)


def elements_named(kind: Shape, name: str) -> list[Element]:
    """The element of this name, or the members of the choice of which it is the stem."""
    if (element := kind.elements.get(name)) is not None:
        return [element]
    for stem, keys in kind.choices:
        if stem == f"{name}[x]":
            return [kind.elements[key] for key in sorted(keys)]
    raise NoSuchElementError


def check(kinds: list[Shape], steps: tuple[Step, ...]) -> None:
    """NoSuchElementError where a path cannot meet anything in resources of this kind, whatever they hold."""
    for step in steps:
        if isinstance(step, Where):
            for condition in step.conditions:
                check(kinds, condition.path)
        elif isinstance(step, OfType):
            kinds = [kind for kind in kinds if kind.name == step.type] or kinds
        elif isinstance(step, WithUrl):
            kinds = [_kind(element) for element in _named_in(kinds, "extension")]
        elif isinstance(step, Name):
            elements = _named_in(kinds, step.name)
            if any(element.type == "Resource" for element in elements):
                return
            kinds = [_kind(element) for element in elements if element.type != "xhtml"]


def _named_in(kinds: list[Shape], name: str) -> list[Element]:
    found: list[Element] = []
    for kind in kinds:
        with suppress(NoSuchElementError):
            found += elements_named(kind, name)
    if not found:
        raise NoSuchElementError
    return found


def _kind(element: Element) -> Shape:
    return shape("Element" if element.check else element.type)


def at(home: Node, element: Element) -> Iterator[Node]:
    """The nodes of one element: none, one, or those of a list."""
    members = home.members
    if members is None:
        return
    key = element.key
    value, side = members.get(key), members.get(f"_{key}")
    if not element.many:
        if value is not None or side is not None:
            yield Node(home, members, element, None, value, side if isinstance(side, dict) else None)
        return
    values = value if isinstance(value, list) else []
    sides = side if isinstance(side, list) else []
    for index in range(max(len(values), len(sides))):
        beside = sides[index] if index < len(sides) else None
        yield Node(home, members, element, index, values[index] if index < len(values) else None, beside)


class Finder:
    """Evaluates paths, and counts what that costs."""

    def __init__(self) -> None:
        self._left = MAX_VISITS

    def find(self, start: Node, steps: tuple[Step, ...]) -> list[Node]:
        """What stands at a path, in document order."""
        found = [start]
        for step in steps:
            found = self._step(found, step)
        return found

    def _step(self, nodes: list[Node], step: Step) -> list[Node]:
        match step:
            case Name():
                return [child for node in nodes for child in self._children(node, step.name)]
            case Pick():
                inside = nodes and step.index < len(nodes)
                return [nodes[step.index]] if inside else []
            case Where():
                return [node for node in nodes if all(self._holds(node, one) for one in step.conditions)]
            case OfType():
                return [node for node in nodes if _type(node) == step.type]
            case WithUrl():
                extensions = (child for node in nodes for child in self._children(node, "extension"))
                return [e for e in extensions if isinstance(e.value, dict) and e.value.get("url") == step.url]

    def _children(self, node: Node, name: str) -> list[Node]:
        kind = node.shape
        if kind is None:
            raise NoSuchElementError
        found = [child for element in elements_named(kind, name) for child in at(node, element)]
        self._left -= 1 + len(found)
        if self._left < 0:
            raise TooCostly(f"the paths look at more than {MAX_VISITS} elements", place="patch")
        return found

    def _holds(self, node: Node, condition: Compare | Exists) -> bool:
        found = self.find(node, condition.path)
        if isinstance(condition, Exists):
            return bool(found)
        if not found:
            return False
        same = len(found) == 1 and _same(found[0].value, condition.literal)
        return same == condition.equal


def _same(value: Any, literal: str | Decimal | bool) -> bool:
    if isinstance(literal, bool) or isinstance(value, bool):
        return value is literal
    if isinstance(literal, Decimal):
        return isinstance(value, int | Decimal) and value == literal
    return bool(value == literal)


def _type(node: Node) -> str:
    if node.element is None or node.element.type == "Resource":
        return str(node.value.get("resourceType")) if isinstance(node.value, dict) else ""
    return node.element.type
