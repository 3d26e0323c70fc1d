"""JSON Merge Patch (RFC 7386): the object says what it should become, null takes away, lists are replaced.

One addition for FHIR, which knows no empty objects: an object from which the last member was taken goes too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub.fhir.value import Resource


@dataclass(frozen=True, slots=True)
class MergePatch:
    """The members to set, and those to take away (null)."""

    changes: dict[str, Any]


def read(changes: dict[str, Any]) -> MergePatch:
    """The merge patch that a JSON object is."""
    return MergePatch(changes)


def apply(resource: Resource, patch: MergePatch) -> Resource:
    """The resource with the changes, a new one."""
    return _merged(resource, patch.changes)


def _merged(target: Any, changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(target) if isinstance(target, dict) else {}
    for key, change in changes.items():
        if change is None:
            result.pop(key, None)
        elif isinstance(change, dict):
            merged = _merged(result.get(key), change)
            if merged or not change:
                result[key] = merged
            else:
                result.pop(key, None)
        else:
            result[key] = change
    return result
