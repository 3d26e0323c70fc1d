"""The steps that compiled paths are made of: small closures over the one tree of
`hub.mapping.model.Node`.

They only look: no step changes a node, and none can run forever (a tree has an end). See
`hub.mapping.paths`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hub.mapping.model import Node

Nodes = Callable[[Node], list[Node]]
Value = tuple[str, Node]
"""A text and the node it was read from."""
Values = Callable[[Node], list[Value]]
Condition = Callable[[Node], bool]

NUMBER = re.compile(r"\s*[+-]?\d[\d\s\u00a0\u202f]*([.,]\d+)?\s*")
"""A number as people write it in tables: `1 234,50`."""


def is_one_of(values: Values, options: frozenset[str]) -> Condition:
    def holds(node: Node) -> bool:
        return any(value in options for value, _ in values(node))

    return holds


def itself(node: Node) -> list[Node]:
    return [node]


def to_root(node: Node) -> list[Node]:
    while node.parent is not None:
        node = node.parent
    return [node]


def parent(node: Node) -> list[Node]:
    return [node.parent] if node.parent is not None else []


def children(node: Node) -> list[Node]:
    return node.children


def self_named(tag: str) -> Nodes:
    return lambda node: [node] if node.tag == tag else []


def ancestor(tag: str) -> Nodes:
    def step(node: Node) -> list[Node]:
        above = node.parent
        while above is not None and above.tag != tag:
            above = above.parent
        return [above] if above is not None else []

    return step


def child(tag: str, leading: bool = False) -> Nodes:
    """Children by name; `leading`: the first part of what has no parts is the whole of it (HL7 v2)."""
    if leading and tag == "f1":

        def first(node: Node) -> list[Node]:
            if not node.children:
                return [node] if node.text else []
            return [one for one in node.children if one.tag == "f1"]

        return first
    return lambda node: [child for child in node.children if child.tag == tag]


def descendants(tag: str | None) -> Nodes:
    return lambda node: [below for below in node.walk() if below is not node and tag in (None, below.tag)]


def nth(step: Nodes, number: int) -> Nodes:
    return lambda node: step(node)[number - 1 : number]


def filtered(step: Nodes, condition: Condition) -> Nodes:
    return lambda node: [one for one in step(node) if condition(one)]


def first_part(node: Node) -> Value:
    """The text of a field, or of its first component, or of that one's first subcomponent."""
    while node.children and not node.text:
        if node.children[0].tag != "f1":
            return "", node
        node = node.children[0]
    return node.text, node


def chain(steps: list[Nodes]) -> Nodes:
    if not steps:
        return itself
    if len(steps) == 1:
        return steps[0]
    first, rest = steps[0], steps[1:]

    def walk(node: Node) -> list[Node]:
        found = first(node)
        for step in rest:
            if not found:
                return found
            found = step(found[0]) if len(found) == 1 else [below for one in found for below in step(one)]
        return found

    return walk


def reader(reach: Nodes, attribute: str, leading: bool) -> Values:
    """Values at what `reach` finds: an attribute, or the text (`leading`: of its first part)."""
    if not attribute:
        if leading:
            return lambda node: [found for one in reach(node) if (found := first_part(one))[0]]
        return lambda node: [(text, one) for one in reach(node) if (text := one.text.strip())]
    if reach is itself:

        def own(node: Node) -> list[Value]:
            value = node.attributes.get(attribute)
            return [(value, node)] if value else []

        return own
    return lambda node: [(value, one) for one in reach(node) if (value := one.attributes.get(attribute))]
