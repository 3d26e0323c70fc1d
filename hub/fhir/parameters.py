"""The Parameters resource: what goes into an operation and what comes out (https://hl7.org/fhir/R4/parameters.html)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hub.errors import MalformedContent
from hub.fhir.value import Resource

_TRUE: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Inputs:
    """The input parameters of one operation, as a query string or a Parameters resource gave them."""

    values: Mapping[str, Sequence[Any]]

    def texts(self, name: str) -> list[str]:
        """Every value of a parameter, as text."""
        found = self.values.get(name, ())
        for value in found:
            if isinstance(value, dict):
                raise MalformedContent("must be a plain value", place=name)
        return [str(value).lower() if isinstance(value, bool) else str(value) for value in found]

    def text(self, name: str, default: str = "") -> str:
        """One value as text; MalformedContent where there are several."""
        found = self.texts(name)
        if len(found) > 1:
            raise MalformedContent("may be given once", place=name)
        return found[0] if found else default

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        told = self.text(name)
        if told and told not in _TRUE:
            raise MalformedContent("must be true or false", place=name)
        return _TRUE.get(told, default)

    def number(self, name: str, *, least: int = 0, most: int = 1_000_000) -> int | None:
        """A whole number within limits; None where it was not given."""
        told = self.text(name)
        if not told:
            return None
        if not (told.isascii() and told.isdecimal() and len(told) <= 9 and least <= int(told) <= most):
            raise MalformedContent(f"must be a whole number from {least} to {most}", place=name)
        return int(told)

    def whole(self, name: str) -> Resource | None:
        """One complex value: a resource, a Coding, a CodeableConcept."""
        found = self.values.get(name, ())
        if not found:
            return None
        if len(found) > 1 or not isinstance(found[0], dict):
            raise MalformedContent("must be one structured value", place=name)
        return found[0]

    def only(self, *names: str) -> None:
        """MalformedContent where there is a parameter of any other name."""
        for name in self.values:
            if name not in names:
                raise MalformedContent("this operation has no such parameter", place=name)


def of_query(pairs: Iterable[tuple[str, str]]) -> Inputs:
    """The inputs in a query string; those that every request may have (`_format`) are none of the operation's."""
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        if name not in ("_format", "_pretty"):
            values.setdefault(name, []).append(value)
    return Inputs(values)


def of_resource(resource: Resource) -> Inputs:
    """The inputs in a Parameters resource."""
    if resource.get("resourceType") != "Parameters":
        raise MalformedContent("must be a Parameters resource", place="/resourceType")
    values: dict[str, list[Any]] = {}
    listed = resource.get("parameter", [])
    for index, one in enumerate(listed if isinstance(listed, list) else [None]):
        place = f"/parameter/{index}"
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise MalformedContent("must be a parameter with a name", place=place)
        found = [value for key, value in one.items() if key == "resource" or key.startswith("value")]
        if len(found) != 1:
            raise MalformedContent("must have one value or one resource", place=place)
        values.setdefault(one["name"], []).append(found[0])
    return Inputs(values)


def merged(*several: Inputs) -> Inputs:
    """Inputs of a query string and of a body together."""
    values: dict[str, list[Any]] = {}
    for inputs in several:
        for name, found in inputs.values.items():
            values.setdefault(name, []).extend(found)
    return Inputs(values)


def parameters(*pairs: tuple[str, str, Any]) -> Resource:
    """A Parameters resource of (name, value type, value), without the empty ones; the value of a `part` is a list."""
    return {"resourceType": "Parameters", "parameter": [part(*pair) for pair in pairs if pair[2] not in (None, "")]}


def part(name: str, kind: str, value: Any) -> Resource:
    """One parameter."""
    return {"name": name, "part" if kind == "part" else f"value{kind}": value}
