"""FHIRPath Patch operations as their Parameters say them (https://hl7.org/fhir/R4/fhirpatch.html).

A value comes as `value[x]`, as parts named like the elements of a type without name of its own (a contact, an
activity), or as a resource. Its type must be that of the element it is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from hub.errors import MalformedContent
from hub.fhir.patch.edits import Given, put
from hub.fhir.patch.guard import refuse_too_many
from hub.fhir.patch.nodes import NoSuchElementError, elements_named
from hub.fhir.patch.path import Path, PathError, compile_path
from hub.fhir.shapes import Element, Shape
from hub.fhir.value import Resource

_MEMBERS: Final = {
    "add": ("path", "name", "value"),
    "insert": ("path", "value", "index"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
_NUMBERS: Final = frozenset(("integer", "positiveInt", "unsignedInt", "decimal"))


class WrongValueError(ValueError):
    """A value is not of the type of the element it is for."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, its path compiled."""

    number: int
    type: str
    path: Path
    name: str = ""
    value: dict[str, Any] | None = None
    """The part that carries the value."""
    index: int = 0
    source: int = 0
    destination: int = 0

    @property
    def place(self) -> str:
        """As messages name it."""
        return f"operation {self.number} ({self.type} {self.path.shown})"


def read_operations(parameters: Resource) -> tuple[Operation, ...]:
    """The operations in Parameters; `MalformedContent` where they are none."""
    if parameters.get("resourceType") != "Parameters":
        raise MalformedContent("a FHIRPath patch is a Parameters resource", place="/resourceType")
    found = parameters.get("parameter", [])
    if not isinstance(found, list):
        raise MalformedContent("must be a list", place="/parameter")
    refuse_too_many(found)
    return tuple(_operation(one, number) for number, one in enumerate(found, 1))


def given(part: dict[str, Any], elements: list[Element]) -> Given:
    """The value that a part carries, for one of these elements (several: the types of a choice)."""
    keys = [key for key in part if key.startswith("value")]
    sides = [key for key in part if key.startswith("_value")]
    if "resource" in part:
        return _fit(elements, "Resource", part["resource"], None)
    if "part" in part and not keys and not sides:
        return _anonymous(part["part"], elements)
    stems = {*keys, *(key[1:] for key in sides)}
    if len(stems) != 1:
        raise WrongValueError("has no single value")
    key = stems.pop()
    return _fit(elements, key.removeprefix("value"), part.get(key), part.get(f"_{key}"))


def _operation(parameter: Any, number: int) -> Operation:
    place = f"operation {number}"
    if not isinstance(parameter, dict) or parameter.get("name") != "operation":
        raise MalformedContent("must be a parameter named `operation`", place=place)
    parts = _parts(parameter.get("part"), place)
    kind = _primitive(parts.get("type"))
    if not isinstance(kind, str) or kind not in _MEMBERS:
        raise MalformedContent(f"`type` must be one of {', '.join(_MEMBERS)}", place=place)
    for name in _MEMBERS[kind]:
        if name not in parts:
            raise MalformedContent(f"`{kind}` needs `{name}`", place=place)
    if more := sorted(parts.keys() - {"type", *_MEMBERS[kind]}):
        raise MalformedContent(f"`{kind}` has no `{more[0]}`" if more[0].isalpha() else "an unknown part", place=place)
    path, name = _primitive(parts["path"]), _primitive(parts.get("name"))
    if not isinstance(path, str) or not isinstance(name, str | None):
        raise MalformedContent("`path` and `name` must be strings", place=place)
    try:
        compiled = compile_path(path)
    except PathError as error:
        raise MalformedContent(f"`path`: {error}", place=place) from None
    numbers = {key: _whole(parts[key], key, place) for key in ("index", "source", "destination") if key in parts}
    return Operation(number, kind, compiled, name or "", parts.get("value"), **numbers)


def _parts(parts: Any, place: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for part in parts if isinstance(parts, list) else ():
        name = part.get("name") if isinstance(part, dict) else None
        if not isinstance(name, str) or name in found:
            raise MalformedContent("each part has a name of its own", place=place)
        found[name] = part
    return found


def _primitive(part: dict[str, Any] | None) -> Any:
    values = [value for key, value in (part or {}).items() if key.startswith("value")]
    return values[0] if len(values) == 1 else None


def _whole(part: dict[str, Any], name: str, place: str) -> int:
    value = _primitive(part)
    if type(value) is not int or not 0 <= value < 2**31:
        raise MalformedContent(f"`{name}` must be a whole number from 0", place=place)
    return value


def _fit(elements: list[Element], type: str, value: Any, side: Any) -> Given:
    """The value with the one element whose type it has."""
    if len(elements) > 1:
        fitting = [element for element in elements if element.key.endswith(type) and _head(element.type) == type]
    else:
        fitting = [element for element in elements if _is_of(element, type, value)]
    if len(fitting) != 1 or not isinstance(side, dict | None) or (side and fitting[0].check is None):
        raise WrongValueError("is of another type than the element")
    return Given(fitting[0], value, side or None)


def _is_of(element: Element, type: str, value: Any) -> bool:
    """Whether a value of `value[x]` may stand in an element; primitives written alike are taken for each other."""
    if element.type == "xhtml":
        return isinstance(value, str)
    if element.check is None:
        return _head(element.type) == type and isinstance(value, dict)
    if value is None:
        return True
    if element.type == "boolean":
        return isinstance(value, bool)
    return isinstance(value, bool) is False and isinstance(value, str) == (element.type not in _NUMBERS)


def _anonymous(parts: Any, elements: list[Element]) -> Given:
    """An object made of parts that are named like its elements."""
    if len(elements) != 1 or elements[0].check is not None or elements[0].type in ("Resource", "xhtml"):
        raise WrongValueError("is of another type than the element")
    return Given(elements[0], _object(parts, elements[0].shape))


def _object(parts: Any, kind: Shape) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for part in parts if isinstance(parts, list) else ():
        name = part.get("name") if isinstance(part, dict) else None
        if not isinstance(name, str):
            raise WrongValueError("has a part without a name")
        try:
            elements = elements_named(kind, name)
        except NoSuchElementError:
            raise WrongValueError("has a part that is no element of its type") from None
        if any(e.key in made or f"_{e.key}" in made for e in elements if not e.many):
            raise WrongValueError("has a part twice")
        put(made, given(part, elements))
    if not made:
        raise WrongValueError("is empty")
    return made


def _head(name: str) -> str:
    return name[:1].upper() + name[1:]
