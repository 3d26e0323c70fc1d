"""JSON pointers into a resource (RFC 6901): get, remove, set. Pure: a new resource comes back.

Removing takes emptied objects and arrays along, because FHIR knows no empty ones
(https://hl7.org/fhir/R4/json.html), and keeps a primitive and its `_sibling` array in step.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hub.fhir.value import Resource


def parts(pointer: str) -> tuple[str, ...]:
    """The steps of a pointer: `/entry/0/resource` is `("entry", "0", "resource")`."""
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError("a JSON pointer starts with a slash")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))


def join(steps: Iterable[str | int]) -> str:
    """The pointer with these steps."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def get(value: Any, pointer: str, default: Any = None) -> Any:
    """What stands at the pointer, or the default."""
    for step in parts(pointer):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return default
    return value


def remove(resource: Resource, *pointers: str) -> Resource:
    """The resource without what stands at the pointers (read against the original), nothing left empty."""
    doomed: dict[str, Any] = {}
    for pointer in pointers:
        node = doomed
        for step in parts(pointer):
            node = node.setdefault(step, {})
        node[_ALL] = True
    pruned = _prune(resource, doomed)
    return pruned if isinstance(pruned, dict) else {}


def put(resource: Resource, pointer: str, value: Any) -> Resource:
    """The resource with the value at the pointer; objects on the way are made, `-` appends to an array."""
    steps = parts(pointer)
    if not steps:
        return dict(value)
    result = _put(resource, steps, value)
    return dict(result)


_ALL = "\x00"
_GONE = object()


def _prune(value: Any, doomed: dict[str, Any]) -> Any:
    if _ALL in doomed:
        return _GONE
    if not doomed:
        return value
    if isinstance(value, dict):
        kept = {}
        for key, item in value.items():
            below = dict(doomed.get(key, {}))
            twin = doomed.get(key[1:]) if key.startswith("_") else None
            if twin:
                below |= twin
            left = _prune(item, below)
            if left is not _GONE:
                kept[key] = left
        return kept or _GONE
    if isinstance(value, list):
        pruned = (_prune(item, doomed.get(str(index), {})) for index, item in enumerate(value))
        items = [item for item in pruned if item is not _GONE]
        return items if any(item is not None for item in items) else _GONE
    return value


def _put(value: Any, steps: tuple[str, ...], new: Any) -> Any:
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if isinstance(value, list):
        if step == "-" or int(step) == len(value):
            return [*value, _put({}, rest, new)]
        index = int(step)
        return [*value[:index], _put(value[index], rest, new), *value[index + 1 :]]
    if not isinstance(value, dict):
        raise ValueError("the pointer goes through a primitive")
    return {**value, step: _put(value.get(step, {}), rest, new)}
