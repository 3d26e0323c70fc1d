"""Objects and resources under construction: written where they say something, left out where they do not."""

from __future__ import annotations

from typing import Any

from hub.mapping.model import Node
from hub.mapping.running import Place, Run, Step
from hub.mapping.steps import Condition, Nodes
from hub.mapping.targets import Target


def write_object(run: Run, node: Node, target: Place, to: Target, steps: list[Step], needs: str | None) -> bool:
    """One object written at `to`, unless it stays empty or lacks what it needs."""
    inner = Place({}, "", target)
    mark = len(run.trace)
    for step in steps:
        step(run, node, inner)
    if needs is not None and needs not in inner.value:
        del run.trace[mark:]
        return False
    if not inner.value:
        return False
    inner.element = to.write(target.value, inner.value)
    return True


def full_url_of(run: Run, node: Node, type_name: str, key: str, shared: bool) -> str:
    """By key; what is shared but has no key is known by its words; empty for what says nothing."""
    if shared and not key:
        words = node.full_text()
        return run.full_url(type_name, words, shared=False) if words else ""
    return run.full_url(type_name, key, shared=shared)


def make_resource(run: Run, node: Node, type_name: str, full_url: str, known_as: str, steps: list[Step]) -> bool:
    """One resource made and put, unless it stays empty; while it is made, its name already means it."""
    resource: dict[str, Any] = {"resourceType": type_name, "id": full_url[9:]}
    before = run.named.get(known_as)
    run.named[known_as] = full_url
    place = Place(resource, f"{type_name}/{full_url[9:]}")
    for step in steps:
        step(run, node, place)
    if len(resource) > 2:
        run.put(full_url, resource)
        return True
    if before is None:
        del run.named[known_as]
    else:
        run.named[known_as] = before
    return False


def contained_maker(type_name: str, nodes: Nodes, holds: Condition | None, steps: list[Step], to: Target) -> Step:
    """A resource inside the one being made, for what has no identity of its own (a medicine)."""

    def contain(run: Run, node: Node, target: Place) -> None:
        for one in nodes(node):
            if holds is not None and not holds(one):
                continue
            outer = target
            while outer.parent is not None:
                outer = outer.parent
            number = len(outer.value.get("contained", []))
            identity = f"{type_name.lower()}-{number + 1}"
            resource: dict[str, Any] = {"resourceType": type_name, "id": identity}
            inside = Place(resource, f"contained[{number}]", outer)
            for step in steps:
                step(run, one, inside)
            if len(resource) > 2:
                outer.value.setdefault("contained", []).append(resource)
                to.write(target.value, {"reference": f"#{identity}"})

    return contain
