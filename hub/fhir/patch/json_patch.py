"""JSON Patch (RFC 6902) by the library of that name, one operation at a time so that each can be named.

The resource as a whole is no target, nor is what only the server writes. A copy counts towards the size of the
result, so that doubling cannot grow. What `remove` and `move` leave empty goes at the end, because FHIR knows
no empty lists and objects; between operations it stays, for the next one may fill it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import jsonpatch
from jsonpointer import JsonPointerException

from hub.errors import InvalidResource, MalformedContent, TooCostly
from hub.fhir import pointer, text
from hub.fhir.patch.guard import MAX_COPIED, MAX_RESULT, copied, is_protected, refuse_too_many
from hub.fhir.value import Resource

_NEEDS: Final = {
    "add": "value", "remove": "path", "replace": "value", "move": "from", "copy": "from", "test": "value",
}  # fmt: skip
_ESCAPE: Final = re.compile(r"~(?![01])")
_STEP: Final = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}|[0-9]{1,9}|-")
_GONE: Final = object()


@dataclass(frozen=True, slots=True)
class JsonPatch:
    """The operations, each with the members that it needs."""

    operations: tuple[dict[str, Any], ...]


def read(operations: list[Any]) -> JsonPatch:
    """The JSON Patch that a JSON array is."""
    refuse_too_many(operations)
    for number, operation in enumerate(operations, 1):
        if (fault := _fault(operation)) is not None:
            raise MalformedContent(fault, place=f"operation {number}")
    return JsonPatch(tuple(operations))


def apply(resource: Resource, patch: JsonPatch) -> Resource:
    """The resource after all operations, a new one."""
    document: Resource = copied(resource)
    size, doubled = len(text.write(resource)), 0
    left: list[Any] = []
    for number, operation in enumerate(patch.operations, 1):
        kind = operation["op"]
        for member in ("path", "from") if kind in ("move", "copy") else ("path",):
            _refuse_place(operation[member], number, kind)
        if kind in ("remove", "move"):
            left.append(pointer.get(document, _parent(operation["path" if kind == "remove" else "from"])))
        growth = _growth(document, operation)
        size += growth
        doubled += growth if kind == "copy" else 0
        if size > MAX_RESULT or doubled > MAX_COPIED:
            raise TooCostly("the patch would make too large a resource", place=f"operation {number}")
        _do(document, operation, number)
    if any(container in ({}, []) for container in left):
        _drop_empty(document, {id(container) for container in left})
    return document


def _fault(operation: Any) -> str | None:
    """What an operation lacks."""
    if not isinstance(operation, dict):
        return "must be an object"
    kind = operation.get("op")
    if not isinstance(kind, str) or kind not in _NEEDS:
        return f"`op` must be one of {', '.join(_NEEDS)}"
    for member in ("path", _NEEDS[kind]):
        if member not in operation:
            return f"`{kind}` needs `{member}`"
        place = operation[member]
        if member != "value" and (not isinstance(place, str) or place[:1] not in ("", "/") or _ESCAPE.search(place)):
            return f"`{member}` must be a JSON pointer"
    return None


def _refuse_place(place: str, number: int, kind: str) -> None:
    steps = pointer.parts(place)
    if not steps:
        raise InvalidResource("a patch does not touch the resource as a whole", place=_place(number, kind, place))
    if is_protected(steps):
        raise InvalidResource("a patch does not touch this", place=_place(number, kind, place))


def _do(document: Resource, operation: dict[str, Any], number: int) -> None:
    where = _place(number, operation["op"], operation["path"])
    try:
        jsonpatch.JsonPatch([operation]).apply(document, in_place=True)
    except jsonpatch.JsonPatchTestFailed:
        raise InvalidResource("the test does not hold", place=where) from None
    except (jsonpatch.JsonPatchException, JsonPointerException):
        raise InvalidResource("does not fit the resource: nothing stands there", place=where) from None
    except (TypeError, ValueError, LookupError, AttributeError):
        raise InvalidResource("does not fit the resource", place=where) from None


def _growth(document: Resource, operation: dict[str, Any]) -> int:
    """How much larger an operation can make the resource."""
    kind = operation["op"]
    if kind == "copy":
        return len(text.write({"": pointer.get(document, operation["from"])}))
    return len(text.write({"": operation["value"]})) if kind in ("add", "replace") else 0


def _parent(place: str) -> str:
    return place.rpartition("/")[0]


def _drop_empty(value: Any, left: set[int]) -> Any:
    """The value without the containers that were left empty, and those that are empty without them."""
    if not isinstance(value, dict | list):
        return value
    if not value:
        return _GONE if id(value) in left else value
    before = len(value)
    if isinstance(value, dict):
        for key, item in list(value.items()):
            if _drop_empty(item, left) is _GONE:
                del value[key]
    else:
        value[:] = [item for item in value if _drop_empty(item, left) is not _GONE]
    return _GONE if len(value) < before and not value else value


def _place(number: int, kind: str, place: str) -> str:
    """An operation and where it points; a step that looks like no name of FHIR stands as `?`."""
    shown = "".join(f"/{step if _STEP.fullmatch(step) else '?'}" for step in pointer.parts(place))
    return f"operation {number} ({kind} {shown or 'the whole'})"
