"""Make a mapped Bundle valid R4 without losing anything unsaid: what breaks it is taken out, and
reported.

An invalid optional element is removed; where that leaves its parent invalid, the parent goes too; a
resource that cannot be saved goes to the residue whole, and what refers to it names it no more.
Narrative that FHIR does not allow is kept as its bare words. Faults come from `hub.fhir.validate`;
warnings are left alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

from hub.errors import UnmappableContent
from hub.fhir import pointer, text
from hub.fhir.validate import Fault, errors
from hub.fhir.value import Resource
from hub.mapping.model import MappingWarning, Residue

_ROUNDS = 40
_ENTRY = re.compile(r"/entry/(\d+)/resource(/.*)?$")
_NARRATIVE = re.compile(r"(.*/text)(/.*)?$")

NOT_CARRIED = "not carried over"
"""What a reference says whose target went to the residue."""

Where = Callable[[str, str], str]
"""(fullUrl, pointer inside the resource) -> the place in the source."""


def salvage(bundle: Resource, where: Where) -> tuple[Resource, list[Residue], list[MappingWarning]]:
    """The bundle without what breaks R4, what was taken out, and why."""
    residue: list[Residue] = []
    warnings: list[MappingWarning] = []
    tried: dict[tuple[str, str], int] = {}
    for _ in range(_ROUNDS):
        faults = [fault for fault in errors(bundle) if _ENTRY.match(fault.path)]
        if not faults:
            break
        by_entry: dict[int, list[Fault]] = {}
        for fault in faults:
            found = _ENTRY.match(fault.path)
            by_entry.setdefault(int(found[1]) if found else 0, []).append(fault)
        entries = list(bundle["entry"])
        dropped: set[str] = set()
        for number, these in by_entry.items():
            entry = entries[number]
            resource = entry["resource"]
            for fault in sorted(these, key=lambda one: -len(one.path)):
                inside = fault.path.removeprefix(f"/entry/{number}/resource")
                place = where(entry["fullUrl"], inside)
                warnings.append(MappingWarning(place, fault.rule, fault.text))
                resource = _without(resource, inside, fault, tried, entry["fullUrl"], place, residue)
                if resource is None:
                    residue.append(Residue(place, _said(entry["resource"]), f"not valid FHIR R4: {fault.text}"))
                    dropped.add(entry["fullUrl"])
                    break
            entries[number] = {**entry, "resource": resource}
        bundle = {**bundle, "entry": [one for one in entries if one["resource"] is not None]}
        if dropped:
            bundle = without_references(bundle, dropped)
    first = bundle["entry"][0]["resource"]["resourceType"] if bundle["entry"] else ""
    if bundle["type"] == "document" and first != "Composition":
        bundle = {**bundle, "type": "collection"}
    if not any(one["resource"]["resourceType"] == "Patient" for one in bundle["entry"]):
        lost = next((one.place for one in residue if '"Patient"' in one.text[:80]), None)
        raise UnmappableContent("the patient is not valid FHIR R4", place=lost)
    return bundle, residue, warnings


def without_references(bundle: Resource, gone: set[str]) -> Resource:
    """The bundle in which nothing refers to these fullUrls any more (a display stays)."""
    return {
        **bundle,
        "entry": [{**one, "resource": unlinked(one["resource"], gone)} for one in bundle["entry"]],
    }


def _without(
    resource: Resource,
    inside: str,
    fault: Fault,
    tried: dict[tuple[str, str], int],
    full_url: str,
    place: str,
    residue: list[Residue],
) -> Resource | None:
    narrative = _NARRATIVE.match(inside)
    said = pointer.get(resource, narrative[1]) if narrative else None
    if narrative and isinstance(said, dict) and "div" in said and not tried.get((full_url, narrative[1])):
        tried[full_url, narrative[1]] = 1
        return pointer.put(resource, narrative[1], words_only(said))
    parts = inside.split("/")
    seen = tried[full_url, inside] = tried.get((full_url, inside), 0) + 1
    while seen > 1 and len(parts) > 1:
        parts.pop()
        seen -= 1
    at = "/".join(parts)
    while at and pointer.get(resource, at) is None:
        at = at.rpartition("/")[0]
    if not at:
        return None
    residue.append(Residue(place, _said(pointer.get(resource, at)), f"not valid FHIR R4: {fault.text}"))
    return pointer.remove(resource, at)


def words_only(narrative: dict[str, Any]) -> dict[str, Any]:
    """A narrative of which only the words are kept."""
    words = " ".join(
        html.unescape(
            re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<(script|style).*?</\1>", " ", str(narrative.get("div", ""))))
        ).split()
    )
    escaped = html.escape(words, quote=False) or "-"
    return {
        "status": "additional",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escaped}</p></div>',
    }


def unlinked(value: Any, gone: set[str]) -> Any:
    """The value without literal references to these; a display stands where the reference stood."""
    if isinstance(value, list):
        return [unlinked(one, gone) for one in value]
    if isinstance(value, dict):
        said = value.get("reference")
        if isinstance(said, str) and said in gone:
            kept = {key: inner for key, inner in value.items() if key in ("display", "identifier")}
            return kept or {"display": NOT_CARRIED}
        return {key: unlinked(inner, gone) for key, inner in value.items()}
    return value


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    return text.write(value).decode() if isinstance(value, dict) else text.write({"": value}).decode()[4:-1]
