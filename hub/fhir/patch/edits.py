"""What can be done to a node: put a value into its list or its place, take it away. JSON's two keys of a
primitive stay in step, and nothing empty is left behind.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hub.fhir.patch.nodes import Node
from hub.fhir.shapes import Element


class Given(NamedTuple):
    """A value for an element, with the id and extensions of a primitive."""

    element: Element
    value: Any
    side: dict[str, Any] | None = None


def put(members: dict[str, Any], given: Given, index: int | None = None) -> None:
    """Set an element of an object; of a list, insert at the index, by default at the end."""
    key = given.element.key
    if not given.element.many:
        _set(members, key, given.value, given.side)
        return
    values, sides = _lists(members, key)
    at = len(values) if index is None else index
    values.insert(at, given.value)
    sides.insert(at, given.side)
    _store(members, key, values, sides)


def replace(node: Node, given: Given) -> None:
    """Put a value in the place of a node; a choice may change its type."""
    assert node.element is not None
    key = node.element.key
    if node.index is None:
        if given.element.key != key:
            _set(node.home, key, None, None)
        _set(node.home, given.element.key, given.value, given.side)
        return
    values, sides = _lists(node.home, key)
    values[node.index], sides[node.index] = given.value, given.side
    _store(node.home, key, values, sides)


def delete(node: Node) -> None:
    """Take a node away, and what holds it if that is then empty."""
    assert node.element is not None
    assert node.up is not None
    key = node.element.key
    if node.index is None:
        _set(node.home, key, None, None)
    else:
        values, sides = _lists(node.home, key)
        del values[node.index], sides[node.index]
        _store(node.home, key, values, sides)
    if not node.home and node.up.element is not None:
        if node.up.element.check is not None and node.up.value is not None:
            replace(node.up, Given(node.up.element, node.up.value))
        else:
            delete(node.up)


def move(members: dict[str, Any], element: Element, source: int, destination: int) -> None:
    """Move one item of a list; the destination counts without it."""
    values, sides = _lists(members, element.key)
    values.insert(destination, values.pop(source))
    sides.insert(destination, sides.pop(source))
    _store(members, element.key, values, sides)


def length(members: dict[str, Any], element: Element) -> int:
    """How many items a list has."""
    return len(_lists(members, element.key)[0])


def _lists(members: dict[str, Any], key: str) -> tuple[list[Any], list[Any]]:
    """The values and the sides of a list, equally long."""
    value, side = members.get(key), members.get(f"_{key}")
    values = list(value) if isinstance(value, list) else []
    sides = list(side) if isinstance(side, list) else []
    size = max(len(values), len(sides))
    return values + [None] * (size - len(values)), sides + [None] * (size - len(sides))


def _store(members: dict[str, Any], key: str, values: list[Any], sides: list[Any]) -> None:
    _set(members, key, values if any(value is not None for value in values) else None, None)
    if any(sides):
        members[f"_{key}"] = sides


def _set(members: dict[str, Any], key: str, value: Any, side: dict[str, Any] | None) -> None:
    for name, content in ((key, value), (f"_{key}", side)):
        if content is not None:
            members[name] = content
        else:
            members.pop(name, None)
