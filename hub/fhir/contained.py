"""What stands inside a resource: contained resources, and the entries of a Bundle, as references see them.

https://hl7.org/fhir/R4/references.html#contained (dom-2 to dom-5) and https://hl7.org/fhir/R4/bundle.html.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any


def contained_types(value: dict[str, Any]) -> dict[str, str]:
    """id -> type of the contained resources."""
    found = value.get("contained")
    return {
        item["id"]: str(item.get("resourceType"))
        for item in (found if isinstance(found, list) else ())
        if isinstance(item, dict) and isinstance(item.get("id"), str)
    }


def entry_types(bundle: dict[str, Any]) -> dict[str, str]:
    """fullUrl -> type of the entries."""
    found: dict[str, str] = {}
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and isinstance(entry.get("fullUrl"), str):
            found[entry["fullUrl"]] = str(resource.get("resourceType"))
    return found


def contained_faults(value: dict[str, Any], referred: Collection[str]) -> Iterator[tuple[int, str | None, str, str]]:
    """dom-2 to dom-5 as (index, element, rule, text): contained resources are flat, used, without own life.

    `referred` are the local ids that references of the resource name.
    """
    items = value["contained"]
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if not isinstance(item, dict):
            continue
        own, meta = item.get("id"), item.get("meta")
        if not isinstance(own, str):
            yield index, "id", "dom-3", "a contained resource needs an id"
        elif own not in referred and not _mentions(value, f"#{own}") and not _mentions(item, "#"):
            yield index, None, "dom-3", "a contained resource must be referred to"
        if "contained" in item:
            yield index, "contained", "dom-2", "a contained resource must not contain another"
        if isinstance(meta, dict) and meta.keys() & {"versionId", "lastUpdated"}:
            yield index, "meta", "dom-4", "a contained resource has no version of its own"
        if isinstance(meta, dict) and "security" in meta:
            yield index, "meta", "dom-5", "a contained resource has no security label of its own"


def _mentions(value: Any, text: str) -> bool:
    if isinstance(value, dict):
        return any(_mentions(item, text) for item in value.values())
    if isinstance(value, list):
        return any(_mentions(item, text) for item in value)
    return bool(value == text)
