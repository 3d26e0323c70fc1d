"""New names for what a transaction creates, wherever its resources name each other.

References, elements of type uri, url, oid and uuid, and links and images of the narrative are renamed; canonicals and
identifiers are not (https://hl7.org/fhir/R4/http.html#trules).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from hub.fhir.references import is_reference
from hub.fhir.shapes import RESOURCE_TYPES, Shape, shape
from hub.fhir.value import Resource

Rename = Callable[[str], str | None]
"""The new name of what a text names; None where it stays as it is."""

_NAMING: Final = frozenset({"uri", "url", "oid", "uuid"})
_LINK: Final = re.compile(r"""(?P<before>\s(?:href|src)\s*=\s*)(?P<quote>["'])(?P<name>[^"'<>]*)(?P=quote)""")


def renamed(resource: Resource, rename: Rename) -> Resource:
    """The resource with everything that it names renamed; it is valid R4, or stays as it is where it is not."""
    return dict(_object(resource, _shape_of(resource), rename))


def references_in(resource: Resource) -> Iterator[str]:
    """The text of every literal reference, contained resources and entries included, in document order."""
    waiting: list[Any] = [resource]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if is_reference(value):
                yield value["reference"]
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _shape_of(value: dict[str, Any]) -> Shape | None:
    kind = value.get("resourceType")
    return shape(kind) if isinstance(kind, str) and kind in RESOURCE_TYPES else None


def _object(value: dict[str, Any], known: Shape | None, rename: Rename) -> dict[str, Any]:
    result = {key: _member(key, item, known, rename) for key, item in value.items()}
    if known is not None and known.name == "Reference" and isinstance(result.get("reference"), str):
        result["reference"] = rename(result["reference"]) or result["reference"]
    return result


def _member(key: str, value: Any, known: Shape | None, rename: Rename) -> Any:
    element = known.elements.get(key) if known else None
    if element is None:
        return value
    if isinstance(value, list):
        return [_item(item, element.type, rename) for item in value]
    return _item(value, element.type, rename)


def _item(value: Any, type: str, rename: Rename) -> Any:
    if isinstance(value, dict):
        return _object(value, _shape_of(value) if type == "Resource" else _shape_named(type), rename)
    if isinstance(value, str) and type in _NAMING:
        return rename(value) or value
    if isinstance(value, str) and type == "xhtml":
        return _LINK.sub(lambda found: _link(found, rename), value)
    return value


def _shape_named(type: str) -> Shape | None:
    try:
        return shape(type)
    except KeyError:
        return None


def _link(found: re.Match[str], rename: Rename) -> str:
    new = rename(found["name"])
    return found[0] if new is None else f"{found['before']}{found['quote']}{new}{found['quote']}"
