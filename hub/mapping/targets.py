"""Target paths of mapping files: where in a FHIR resource a rule writes, checked against R4 when it is
compiled.

`code.coding.code`, `name.given`, `dosage[].timing.code`: JSON names as in FHIR JSON. A list in the
middle of a path means its last item (made where there is none), `[]` a new one; a list at the end is
appended to. A path that R4 does not know is a MappingDefect, before any document is read
(https://hl7.org/fhir/R4/json.html).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hub.errors import MappingDefect
from hub.fhir.shapes import Element, shape

Write = Callable[[dict[str, Any], Any], str]
"""(object, value) -> the path it was written to."""


@dataclass(frozen=True, slots=True)
class Target:
    """A compiled target path: the element it ends in, and how to write there."""

    path: str
    type: str
    """The FHIR type of one value (`code`, `CodeableConcept`, `Dosage`, `Composition.section`)."""
    many: bool
    primitive: bool
    write: Write


def compile_target(owner: str, path: str, place: str) -> Target:
    """Compile `path` under the type `owner`; raises MappingDefect naming `place`."""
    steps: list[tuple[str, bool, bool]] = []
    element: Element | None = None
    under = owner
    for part in path.split("."):
        name, fresh = part.removesuffix("[]"), part.endswith("[]")
        element = _element(under, name, path, place)
        steps.append((name, element.many, fresh))
        under = element.type
    if element is None:
        raise MappingDefect("an empty target path", place=place)
    return Target(path, element.type, element.many, element.check is not None, _writer(steps))


def check_constant(type_name: str, value: Any, place: str) -> None:
    """Check a constant of a mapping file against the type it is written to."""
    if isinstance(value, dict):
        for key, inner in value.items():
            element = _element(type_name, key, key, place)
            if element.many != isinstance(inner, list):
                raise MappingDefect(f"`{key}` of {type_name} is {'' if element.many else 'not '}a list", place=place)
            for one in inner if isinstance(inner, list) else [inner]:
                check_constant(element.type, one, place)


def _element(owner: str, name: str, path: str, place: str) -> Element:
    if owner == "Resource":
        raise MappingDefect(f"`{path}` goes into a resource of no named type", place=place)
    try:
        return shape(owner).elements[name]
    except KeyError:
        raise MappingDefect(f"`{path}`: {owner} has no element `{name}` in FHIR R4", place=place) from None


def _writer(steps: list[tuple[str, bool, bool]]) -> Write:
    *before, (last, many, _) = steps
    if not before and not many:

        def write_one(target: dict[str, Any], value: Any) -> str:
            target[last] = value
            return last

        return write_one

    def write(target: dict[str, Any], value: Any) -> str:
        said = ""
        for name, is_list, fresh in before:
            if is_list:
                items = target.setdefault(name, [])
                if fresh or not items:
                    items.append({})
                target = items[-1]
                said += f"{name}[{len(items) - 1}]."
            else:
                target = target.setdefault(name, {})
                said += f"{name}."
        if many:
            items = target.setdefault(last, [])
            items.append(value)
            return f"{said}{last}[{len(items) - 1}]"
        target[last] = value
        return said + last

    return write
