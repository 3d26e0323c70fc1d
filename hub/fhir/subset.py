"""Parts of a resource: `_summary` and `_elements` (https://hl7.org/fhir/R4/search.html#summary, #elements).

A part keeps what is mandatory and what changes the meaning of the rest, is tagged SUBSETTED, and is valid R4:
where an invariant needs more (`org-1`), more is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, Final

from hub.fhir.definitions import load
from hub.fhir.shapes import Shape, shape
from hub.fhir.validate import errors
from hub.fhir.value import Resource

SUBSETTED: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
_ALWAYS: Final = frozenset(("resourceType", "id", "meta"))
_WHOLE: Final = frozenset(("Extension", "Resource", "xhtml"))
"""What is kept as it is or not at all."""
_TABLE: Final[dict[str, tuple[list[str], list[str]]]] = load("summary")


def summarised(resource: Resource, mode: str) -> Resource:
    """The resource as `_summary` wants it; whole where it wants all of it (`false`) or none (`count`)."""
    known = shape(resource["resourceType"])
    if mode == "data":
        return _tagged({key: value for key, value in resource.items() if key not in ("text", "_text")})
    if mode == "text":
        told = _mandatory(known) | {"text"}
        return _tagged(_first_valid(resource, _top(resource, told), _top(resource, told | _summary(known))))
    if mode == "true":
        kept = _mandatory(known) | _summary(known)
        return _tagged(_first_valid(resource, _inside(resource, known), _top(resource, kept)))
    return resource


def with_elements(resource: Resource, names: Collection[str]) -> Resource:
    """The resource with the named elements of its own (`value` is every `value[x]`) and what must be there."""
    known = shape(resource["resourceType"])
    kept = _mandatory(known) | _modifiers(known) | _expanded(known, names)
    return _tagged(_first_valid(resource, _top(resource, kept), _top(resource, kept | _summary(known))))


def _first_valid(resource: Resource, *parts: Resource) -> Resource:
    """The first part that is R4, or the resource."""
    return next((part for part in parts if not errors(part)), resource)


def _top(resource: Resource, kept: Collection[str]) -> Resource:
    """The resource with these of its own elements, whole, and what they refer to of what it contains."""
    found = {key: value for key, value in resource.items() if key.removeprefix("_") in kept or key in _ALWAYS}
    return _with_contained(found, resource)


def _inside(resource: Resource, known: Shape) -> Resource:
    """The resource with what belongs to a summary, at every depth."""
    found = {key: resource[key] for key in _ALWAYS if key in resource} | _pruned(resource, known)
    return _with_contained({key: found[key] for key in resource if key in found}, resource)


def _pruned(value: dict[str, Any], known: Shape) -> dict[str, Any]:
    """An object with the elements of it that belong to a summary; all of them where that leaves nothing."""
    kept = _mandatory(known) | _summary(known)
    found: dict[str, Any] = {}
    for key, item in value.items():
        if key.removeprefix("_") not in kept:
            continue
        element = known.elements.get(key)
        if element is None or element.check is not None or element.type in _WHOLE:
            found[key] = item
        elif isinstance(item, list):
            found[key] = [_pruned(one, element.shape) if isinstance(one, dict) else one for one in item]
        else:
            found[key] = _pruned(item, element.shape) if isinstance(item, dict) else item
    return found or value


def _with_contained(part: Resource, resource: Resource) -> Resource:
    """The part with what of the contained resources it refers to, directly or through each other."""
    inside = resource.get("contained")
    if not isinstance(inside, list) or not inside:
        return part
    named = {f"#{one.get('id')}": one for one in inside if isinstance(one, dict)}
    reached: set[str] = set()
    waiting: list[Any] = [{key: value for key, value in part.items() if key != "contained"}]
    while waiting:
        for text in _strings(waiting.pop()):
            if text in named and text not in reached:
                reached.add(text)
                waiting.append(named[text])
    kept = [one for name, one in named.items() if name in reached]
    order = [key for key in resource if key in part or (key == "contained" and kept)]
    return {key: kept if key == "contained" else part[key] for key in order}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _tagged(part: Resource) -> Resource:
    """The part, which says that it is one."""
    meta = part.get("meta") or {}
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != SUBSETTED["code"]]
    front: dict[str, Any] = {key: part[key] for key in ("resourceType", "id") if key in part}
    return {**front, "meta": {**meta, "tag": [*tags, SUBSETTED]}, **{k: v for k, v in part.items() if k not in _ALWAYS}}


@cache
def _keys(name: str, position: int) -> frozenset[str]:
    return _expanded(shape(name), _TABLE.get(name, ([], []))[position])


def _summary(known: Shape) -> frozenset[str]:
    return _keys(known.name, 0) | _keys(known.name, 1)


def _modifiers(known: Shape) -> frozenset[str]:
    return _keys(known.name, 1)


def _mandatory(known: Shape) -> frozenset[str]:
    return frozenset(key for key, _ in known.required) | {key for _, keys in known.one_of for key in keys}


def _expanded(known: Shape, names: Collection[str]) -> frozenset[str]:
    """JSON keys of elements: a choice is all of its keys."""
    stems = {name.removesuffix("[x]") for name in names}
    of_choices = {key for stem, keys in known.choices if stem.removesuffix("[x]") in stems for key in keys}
    return frozenset(stems & known.elements.keys()) | of_choices
