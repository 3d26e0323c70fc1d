"""The one tree that every reader builds: nodes numbered in document order, with places in the format's
own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hub.fhir.value import Resource
from hub.mapping.model import Node, Note


@dataclass(slots=True)
class Tree:
    """A parsed source (implements `hub.mapping.model.Source`)."""

    format: str
    name: str
    root: Node
    key: str
    where: Callable[[Node], str]
    notes: Sequence[Note] = ()
    anchors: Mapping[str, Node] = field(default_factory=dict)
    document: Resource | None = None
    encoding: str = "utf-8"
    count: int = 0
    _places: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, node in enumerate(self.root.walk()):
            node.index = index
            self.count = index + 1

    def place(self, node: Node) -> str:
        """Where a node stands."""
        found = self._places.get(node.index)
        if found is None:
            found = self._places[node.index] = self.where(node)
        return found


def stepwise() -> Callable[[Node], str]:
    """A `where` for nested formats: the path from the root, counting only among equals, and the line."""
    paths: dict[int, str] = {}

    def path(node: Node) -> str:
        found = paths.get(node.index)
        if found is not None:
            return found
        name = node.tag.rpartition("}")[2]
        if node.parent is None:
            found = f"/{name}"
        else:
            above = path(node.parent)
            alike = [child for child in node.parent.children if child.tag == node.tag]
            if len(alike) == 1:
                found = f"{above}/{name}"
            else:
                for number, child in enumerate(alike, 1):
                    paths[child.index] = f"{above}/{name}[{number}]"
                found = paths[node.index]
        paths[node.index] = found
        return found

    return lambda node: f"{path(node)} line {node.line}" if node.line else path(node)
