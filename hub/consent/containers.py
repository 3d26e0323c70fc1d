"""The parts of a container as a tree: a section holds its entries, a document its resources (consent rules
§5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hub.consent.model import Part


@dataclass(slots=True)
class PartNode:
    """One part and the parts inside it."""

    part: Part
    inside: list[PartNode] = field(default_factory=list)

    def parts(self) -> Iterator[Part]:
        """All parts inside this one, at any depth."""
        for node in self.inside:
            yield node.part
            yield from node.parts()

    @property
    def pointers(self) -> tuple[str, ...]:
        """Where the parts directly inside this one stand."""
        return tuple(node.part.pointer for node in self.inside)


def part_tree(parts: Sequence[Part]) -> tuple[PartNode, ...]:
    """The parts, each inside the nearest part whose pointer leads to it, in the order given."""
    nodes = {part.pointer: PartNode(part) for part in parts}
    roots: list[PartNode] = []
    for pointer, node in nodes.items():
        above = pointer.rpartition("/")[0]
        while above and above not in nodes:
            above = above.rpartition("/")[0]
        (nodes[above].inside if above else roots).append(node)
    return tuple(roots)
