"""FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html): add, insert, delete, replace, move.

`replace`, `insert`, `move` and `add` meet exactly one element or list; `delete` meets one or none. Since items are
chosen by what they say (`where`) and not only by position, patches of different items can be applied one after
the other in any order: a writer who lost a race applies the same patch to the newer version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub.errors import InvalidResource
from hub.fhir.patch import edits
from hub.fhir.patch.guard import copied, is_protected
from hub.fhir.patch.nodes import Finder, Node, NoSuchElementError, check, elements_named, root
from hub.fhir.patch.parameters import Operation, WrongValueError, given, read_operations
from hub.fhir.patch.path import Name
from hub.fhir.shapes import Element
from hub.fhir.value import Resource


@dataclass(frozen=True, slots=True)
class FhirPathPatch:
    """The operations, in order."""

    operations: tuple[Operation, ...]


class _RefusedError(ValueError):
    """An operation does not fit the resource."""


def read(parameters: Resource) -> FhirPathPatch:
    """The FHIRPath patch that a Parameters resource is."""
    return FhirPathPatch(read_operations(parameters))


def apply(resource: Resource, patch: FhirPathPatch) -> Resource:
    """The resource after all operations, a new one."""
    document: Resource = copied(resource)
    finder = Finder()
    for operation in patch.operations:
        try:
            _apply(document, operation, finder)
        except NoSuchElementError:
            raise InvalidResource("names no element of this type", place=operation.place) from None
        except WrongValueError as error:
            raise InvalidResource(f"the value {error}", place=operation.place) from None
        except _RefusedError as error:
            raise InvalidResource(str(error), place=operation.place) from None
    return document


def _apply(document: Resource, operation: Operation, finder: Finder) -> None:
    top = root(document)
    if operation.path.type not in ("", "Resource", "DomainResource", document.get("resourceType")):
        raise _RefusedError("starts from another type of resource")
    if top.shape is not None:
        check([top.shape], operation.path.steps)
    match operation.type:
        case "add":
            _add(finder.find(top, operation.path.steps), operation)
        case "replace":
            node = _single(finder.find(top, operation.path.steps))
            _refuse_own(node.steps)
            edits.replace(node, given(_value(operation), _alternatives(node)))
        case "delete":
            found = finder.find(top, operation.path.steps)
            if found:
                node = _single(found)
                _refuse_own(node.steps)
                edits.delete(node)
        case _:
            _in_list(top, operation, finder)


def _add(found: list[Node], operation: Operation) -> None:
    if len(found) != 1:
        raise _RefusedError("meets no element" if not found else "meets several elements")
    node = found[0]
    kind = node.shape
    if kind is None:
        raise NoSuchElementError
    elements = elements_named(kind, operation.name)
    members = {} if node.members is None else node.members
    _refuse_own((*node.steps, elements[0].key))
    if any(e.key in members or f"_{e.key}" in members for e in elements if not e.many):
        raise _RefusedError("there is one already: replace it")
    edits.put(members, given(_value(operation), elements))
    if node.element is not None and node.element.check is not None:
        edits.replace(node, edits.Given(node.element, node.value, members))


def _in_list(top: Node, operation: Operation, finder: Finder) -> None:
    """Insert and move: the path names a list of one element."""
    steps = operation.path.steps
    if not steps or not isinstance(steps[-1], Name):
        raise _RefusedError("names no list")
    node = _single(finder.find(top, steps[:-1]), whole=True)
    kind = node.shape
    element = elements_named(kind, steps[-1].name)[0] if kind else None
    members = node.members
    if element is None or not element.many or members is None:
        raise _RefusedError("names no list")
    size = edits.length(members, element)
    if operation.type == "insert":
        if operation.index > size:
            raise _RefusedError(f"the list has {size} items")
        edits.put(members, given(_value(operation), [element]), operation.index)
    elif operation.source >= size or operation.destination >= size:
        raise _RefusedError(f"the list has {size} items")
    else:
        edits.move(members, element, operation.source, operation.destination)


def _single(found: list[Node], *, whole: bool = False) -> Node:
    """The one node that was found; the resource as a whole only where that may be."""
    if len(found) != 1:
        raise _RefusedError("meets no element" if not found else "meets several elements")
    if found[0].element is None and not whole:
        raise _RefusedError("a patch does not touch the resource as a whole")
    return found[0]


def _refuse_own(steps: tuple[str, ...]) -> None:
    if is_protected(steps):
        raise _RefusedError("a patch does not touch this")


def _value(operation: Operation) -> dict[str, Any]:
    assert operation.value is not None
    return copied(operation.value)  # type: ignore[no-any-return]


def _alternatives(node: Node) -> list[Element]:
    """The element of a node, or all types of the choice it is one of."""
    assert node.element is not None
    kind = node.up.shape if node.up else None
    for _, keys in kind.choices if kind else ():
        if node.element.key in keys and kind:
            return [kind.elements[key] for key in sorted(keys)]
    return [node.element]
