"""What no patch may do: say whose or which version a resource is, grow without measure, leave emptiness behind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from hub.errors import InvalidResource, TooCostly
from hub.fhir.value import Resource

MAX_OPERATIONS: Final = 200
MAX_RESULT: Final = 10 * 1024 * 1024
"""Bytes of JSON that a patched resource may have."""
MAX_COPIED: Final = 1024 * 1024
"""Bytes of JSON that the copies of one patch may make."""

_OWN: Final = frozenset((("resourceType",), ("id",), ("meta", "versionId"), ("meta", "lastUpdated")))


def is_protected(steps: Sequence[str | int]) -> bool:
    """Whether a place, as keys from the root, is one that only the server writes, or stands in one."""
    return tuple(steps[:1]) in _OWN or tuple(steps[:2]) in _OWN


def refuse_new_identity(before: Resource, after: Resource) -> None:
    """The patched resource is still itself; that it names another version is refused, that it names none is not."""
    for key in ("resourceType", "id"):
        if after.get(key) != before.get(key):
            raise InvalidResource("a patch does not change this", place=f"/{key}")
    old, new = before.get("meta"), after.get("meta")
    for key in ("versionId", "lastUpdated"):
        if isinstance(new, dict) and key in new and (not isinstance(old, dict) or old.get(key) != new[key]):
            raise InvalidResource("a patch does not change this", place=f"/meta/{key}")


def refuse_too_many(operations: Collection[Any]) -> None:
    """A patch has a number of operations that a person could have meant."""
    if len(operations) > MAX_OPERATIONS:
        raise TooCostly(f"more than {MAX_OPERATIONS} operations", place="patch")


def copied(value: Any) -> Any:
    """The value with objects and lists of its own."""
    kind = type(value)
    if kind is dict:
        return {key: copied(item) for key, item in value.items()}
    if kind is list:
        return [copied(item) for item in value]
    return value
