"""All search parameters of a type as one tree over JSON keys, so that a resource is walked once.

Each node says what is read where it stands: readers with the names of the parameters that share them, the
composites whose element it is, and the nodes beyond a test (`where(system='phone')`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from hub.fhir.references import type_of_reference
from hub.fhir.search_definitions import ON_RECORD, Parameter, parameters_with
from hub.fhir.search_expressions import Path, Step, Test
from hub.fhir.search_values import READERS, Reader
from hub.fhir.shapes import ABSTRACT


@dataclass(slots=True)
class Composite:
    """A composite at its element: for each component its tree, from the element or from the resource.

    Composites of the same parts (`code-value-quantity`, `combo-code-value-quantity`) are one, by several names.
    """

    parts: tuple[tuple[str, tuple[Path, ...]], ...]
    components: tuple[tuple[Node, bool], ...]
    needs: frozenset[str]
    """Keys of which the element has one, or nothing comes of it."""


@dataclass(slots=True)
class Node:
    """What there is to do with an element."""

    branches: dict[str, Node] = field(default_factory=dict)
    readers: dict[Reader, list[str]] = field(default_factory=dict)
    """Reader -> the names of the index rows it makes."""
    tested: list[tuple[tuple[Test, ...], Node]] = field(default_factory=list)
    composites: list[Composite] = field(default_factory=list)
    questions: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """(name, keys): is one of the keys there and not false? Only at the root."""


@lru_cache(maxsize=1024)
def plan(type: str, extra: tuple[Parameter, ...] = ()) -> Node:
    """The tree of a type with the parameters that a deployment adds."""
    root = Node()
    for parameter in parameters_with(type, extra).values():
        paths = [path for path in parameter.paths if path.base == type or path.base in ABSTRACT]
        if parameter.code in ON_RECORD:
            continue
        if parameter.is_question:
            root.questions.append((parameter.code, tuple(path.steps[0].key for path in paths)))
        elif parameter.components:
            for path in dict.fromkeys(paths):
                _compose(_at(root, path.steps), parameter, path)
        else:
            for path in paths:
                for steps in _towards(path, parameter.targets):
                    _read(_at(root, steps), parameter.code, _kind(parameter), path.type)
    return root


def passes(tests: tuple[Test, ...], value: Any, position: int) -> bool:
    """Whether an element (at its position among its like) is what the tests want."""
    for test in tests:
        if test.how == "at":
            if position != int(test.name):
                return False
        elif test.how == "resolves":
            if _type_named(value) != test.name:
                return False
        elif not _holds(value, test.name.split("."), test.value):
            return False
    return True


def _compose(node: Node, parameter: Parameter, path: Path) -> None:
    """Add a composite to the node of its element."""
    parts = tuple(
        (component.kind, tuple(inner for inner in component.paths if _begins(inner, path)))
        for component in parameter.components
    )
    made = next((known for known in node.composites if known.parts == parts), None)
    if made is None:
        trees = [(Node(), any(inner.from_resource for inner in paths)) for _, paths in parts]
        needs = [_first_keys(paths) for (_, paths), (_, outside) in zip(parts, trees, strict=True) if not outside]
        node.composites.append(made := Composite(parts, tuple(trees), min(reversed(needs), key=len)))
    for position, ((kind, paths), (tree, _)) in enumerate(zip(parts, made.components, strict=True)):
        for inner in paths:
            _read(_at(tree, inner.steps), f"{parameter.code}${position}", kind, inner.type)


def _first_keys(paths: tuple[Path, ...]) -> frozenset[str]:
    return frozenset(path.steps[0].key for path in paths)


def _begins(inner: Path, path: Path) -> bool:
    """Whether a component's path goes on from the element that the composite's path ends at, or from the resource."""
    return inner.base == path.base and (inner.from_resource or inner.start == path.type)


def _at(root: Node, steps: tuple[Step, ...]) -> Node:
    """The node at the end of the steps, made where it is not there yet."""
    node = root
    for step in steps:
        node = node.branches.setdefault(step.key, Node())
        if step.tests:
            known = next((beyond for tests, beyond in node.tested if tests == step.tests), None)
            if known is None:
                node.tested.append((step.tests, known := Node()))
            node = known
    return node


def _towards(path: Path, targets: frozenset[str]) -> list[tuple[Step, ...]]:
    """The steps of a path; where it ends at any resource, once for each type that it may be."""
    if path.type != "Resource" or not path.steps:
        return [path.steps]
    last = path.steps[-1]
    return [
        (*path.steps[:-1], Step(last.key, last.type, (*last.tests, Test("resolves", target))))
        for target in sorted(targets)
    ]


def _read(node: Node, name: str, kind: str, type: str) -> None:
    names = node.readers.setdefault(READERS[kind, type], [])
    if name not in names:
        names.append(name)


def _kind(parameter: Parameter) -> str:
    return "special" if parameter.kind == "near" else parameter.kind


def _type_named(value: Any) -> str | None:
    """The type that a Reference names, or that a resource has."""
    if not isinstance(value, dict):
        return None
    text = value.get("reference")
    found = type_of_reference(text) if isinstance(text, str) else None
    return found or value.get("type") or value.get("resourceType")


def _holds(value: Any, keys: list[str], wanted: str) -> bool:
    """Whether what stands under the keys is the wanted text, of any element of a list."""
    if isinstance(value, list):
        return any(_holds(item, keys, wanted) for item in value)
    if keys:
        return isinstance(value, dict) and _holds(value.get(keys[0]), keys[1:], wanted)
    return bool((str(value).lower() if isinstance(value, bool) else value) == wanted)
