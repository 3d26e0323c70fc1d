"""Carry a FHIR Bundle over as it is: the mapping of what is R4 already (IPS documents, searchsets,
collections).

Resources pass through unchanged, numbers with their text; only what breaks R4 is taken out and reported
(`hub.mapping.salvage`). Every entry gets a fullUrl, references that mean an entry name its fullUrl, and
a relative reference that means none of them becomes a logical one, so that it can never point at another
client's record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid5

from hub.errors import MappingDefect, UnmappableContent
from hub.fhir import text
from hub.fhir.codes import SOURCE_KEY
from hub.fhir.shapes import RESOURCE_TYPES
from hub.fhir.value import Resource
from hub.mapping.model import Mapped, MappingWarning, Residue, Source, Trace
from hub.mapping.running import NAMESPACE
from hub.mapping.salvage import salvage, unlinked

_TAKEN = frozenset({"document", "searchset", "collection", "transaction", "batch", "history", "message"})
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Carry:
    """The rules of a file with `carry`: which types pass, which go to the residue and why."""

    passes: str
    """Id of the rule by which resources pass."""
    aside: dict[str, tuple[str, str]]
    """Type -> (rule id, reason) of what is put aside."""


def compile_carry(rules: Any, name: str) -> Carry:
    """Compile `carry:`; raises MappingDefect naming file and rule."""
    passes = ""
    aside: dict[str, tuple[str, str]] = {}
    for rule in rules if isinstance(rules, list) else []:
        place = f"{name} rule {rule.get('id', '?') if isinstance(rule, dict) else '?'}"
        if (
            not isinstance(rule, dict)
            or set(rule) - {"id", "types", "to", "why"}
            or not {"id", "types", "to"} <= set(rule)
        ):
            raise MappingDefect("a carry rule has id, types, to and why", place=place)
        if rule["to"] == "entry" and rule["types"] == "*":
            passes = str(rule["id"])
        elif rule["to"] == "residue" and isinstance(rule["types"], list) and rule.get("why"):
            for one in rule["types"]:
                if one not in RESOURCE_TYPES:
                    raise MappingDefect(f"`{one}` is not a resource type of FHIR R4", place=place)
                aside[one] = (str(rule["id"]), str(rule["why"]))
        else:
            raise MappingDefect("`to` is entry (types *) or residue (types, why)", place=place)
    if not passes:
        raise MappingDefect("`carry` needs a rule for types *", place=name)
    return Carry(passes, aside)


@dataclass(slots=True)
class _Piece:
    """One entry on its way through."""

    place: str
    full_url: str
    resource: Resource
    alias: str = ""
    """The fullUrl it came with, where that could not be kept."""


def carry(rules: Carry, label: str, source: Source) -> Mapped:
    """The bundle as one client's record, with trace and residue."""
    document = source.document
    if document is None or document.get("resourceType") != "Bundle":
        raise UnmappableContent("not a Bundle", place=f"{source.name} /resourceType")
    if str(document.get("type")) not in _TAKEN:
        raise UnmappableContent("not a kind of Bundle that holds a record", place=f"{source.name} /type")
    residue: list[Residue] = [Residue(n.place, n.kept, n.text) for n in source.notes if n.kept]
    warnings = [MappingWarning(note.place, "reader", note.text) for note in source.notes]
    gone: set[str] = set()
    pieces = _pieces(rules, document, source, residue, warnings, gone)
    client = _client(pieces, source)
    for piece in [one for one in pieces if one.resource["resourceType"] == "Patient" and one is not client]:
        why = "another person's record: one client in one record"
        residue.append(Residue(piece.place, _written(piece.resource), why))
        gone |= {piece.full_url, f"Patient/{piece.resource.get('id')}"}
        pieces.remove(piece)
    reaches = _reaches(pieces)
    for piece in pieces:
        whole = unlinked(piece.resource, gone) if gone else piece.resource
        piece.resource = _resolved(whole, reaches, piece.place, warnings)
    bundle = _bundle(document, pieces, source, residue, warnings)
    places = {piece.full_url: piece.place for piece in pieces}
    bundle, taken_out, complaints = salvage(bundle, lambda url, inside: f"{places.get(url, source.name)}{inside}")
    return Mapped(
        bundle=bundle,
        mapping=label,
        trace=tuple(_traces(rules, label, bundle, places)),
        residue=tuple(residue + taken_out),
        warnings=tuple(warnings + complaints),
    )


def _pieces(
    rules: Carry,
    document: Resource,
    source: Source,
    residue: list[Residue],
    warnings: list[MappingWarning],
    gone: set[str],
) -> list[_Piece]:
    pieces: list[_Piece] = []
    seen: set[str] = set()
    entries = document.get("entry")
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        place = f"/entry/{number}/resource"
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            warnings.append(MappingWarning(f"/entry/{number}", rules.passes, "an entry without a resource"))
            continue
        type_name = resource.get("resourceType")
        if not isinstance(type_name, str) or type_name not in RESOURCE_TYPES:
            residue.append(Residue(place, _written(resource), "not a resource type of FHIR R4"))
            continue
        if type_name in rules.aside:
            residue.append(Residue(place, _written(resource), rules.aside[type_name][1]))
            gone |= {str(entry.get("fullUrl")), f"{type_name}/{resource.get('id')}"}
            continue
        full_url, alias = entry.get("fullUrl"), ""
        if not isinstance(full_url, str) or full_url in seen or "/_history/" in full_url or ":" not in full_url:
            known = resource.get("id") if isinstance(resource.get("id"), str) else f"#{number}"
            made = f"urn:uuid:{uuid5(NAMESPACE, f'{source.key}|{type_name}|{known}')}"
            if made in seen:
                made = f"urn:uuid:{uuid5(NAMESPACE, f'{source.key}|{type_name}|{known}|{number}')}"
            if full_url is not None:
                warnings.append(MappingWarning(f"/entry/{number}/fullUrl", rules.passes, "not usable; a new one given"))
                alias = full_url if isinstance(full_url, str) and full_url not in seen else ""
            full_url = made
        seen.add(full_url)
        pieces.append(_Piece(place, full_url, resource, alias))
    return pieces


def _client(pieces: list[_Piece], source: Source) -> _Piece:
    """The Patient the bundle is about: the only one, or the one its Composition names."""
    patients = [one for one in pieces if one.resource["resourceType"] == "Patient"]
    if not patients:
        raise UnmappableContent("no Patient in it", place=f"{source.name} /entry")
    if len(patients) == 1:
        return patients[0]
    reaches = _reaches(pieces)
    for piece in pieces:
        subject = piece.resource.get("subject") if piece.resource["resourceType"] == "Composition" else None
        reference = subject.get("reference") if isinstance(subject, dict) else None
        for patient in patients:
            if isinstance(reference, str) and reaches.get(reference) == patient.full_url:
                return patient
    raise UnmappableContent(
        f"{len(patients)} Patients and no Composition that names one", place=f"{source.name} /entry"
    )


def _reaches(pieces: list[_Piece]) -> dict[str, str]:
    """What a reference may say -> the fullUrl it means."""
    reaches: dict[str, str] = {}
    for piece in pieces:
        known = piece.resource.get("id")
        tail = piece.full_url.rsplit("/", 2)[-2:]
        for said in (
            f"{piece.resource['resourceType']}/{known}" if isinstance(known, str) else "",
            f"urn:uuid:{known}" if isinstance(known, str) else "",
            piece.alias,
            "/".join(tail) if len(tail) == 2 and tail[0] in RESOURCE_TYPES else "",
        ):
            if said:
                reaches.setdefault(said, piece.full_url)
    reaches |= {piece.full_url: piece.full_url for piece in pieces}
    return reaches


def _resolved(value: Any, reaches: dict[str, str], place: str, warnings: list[MappingWarning]) -> Any:
    if isinstance(value, list):
        return [_resolved(one, reaches, f"{place}/{i}", warnings) for i, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    made = {key: _resolved(inner, reaches, f"{place}/{key}", warnings) for key, inner in value.items()}
    said = made.get("reference")
    if isinstance(said, str) and not said.startswith("#"):
        plain = said.partition("/_history/")[0]
        if (found := reaches.get(said) or reaches.get(plain)) is not None:
            made["reference"] = found
        elif ":" not in said:
            del made["reference"]
            made.setdefault("identifier", {"system": SOURCE_KEY, "value": said})
            warnings.append(MappingWarning(f"{place}/reference", "reference", "names nothing in this Bundle"))
    return made


def _bundle(
    document: Resource,
    pieces: list[_Piece],
    source: Source,
    residue: list[Residue],
    warnings: list[MappingWarning],
) -> Resource:
    compositions = [one for one in pieces if one.resource["resourceType"] == "Composition"]
    ordered = compositions[:1] + [one for one in pieces if one not in compositions[:1]]
    bundle: dict[str, Any] = {"resourceType": "Bundle"}
    if isinstance(document.get("meta"), dict) and isinstance(document["meta"].get("security"), list):
        bundle["meta"] = {"security": document["meta"]["security"]}
    named = document.get("identifier")
    identifier = {key: named.get(key) for key in ("system", "value")} if isinstance(named, dict) else {}
    proper = [isinstance(one, str) and re.fullmatch(r"\S+", one) for one in identifier.values()]
    if not proper or not all(proper):
        identifier = {"system": SOURCE_KEY, "value": source.key}
    moment = document.get("timestamp")
    if not (isinstance(moment, str) and _INSTANT.fullmatch(moment)):
        moment = None
    if compositions and moment is None:
        day = compositions[0].resource.get("date")
        whole = f"{day}T00:00:00Z" if _is_day(day) else str(day)
        moment = whole if _INSTANT.fullmatch(whole) else None
        warnings.append(MappingWarning("/timestamp", "timestamp", "missing; the date of the Composition is taken"))
    bundle["identifier"] = identifier
    bundle["type"] = "document" if compositions and moment else "collection"
    if moment:
        bundle["timestamp"] = moment
    if "signature" in document:
        residue.append(
            Residue("/signature", _written({"signature": document["signature"]}), "of the bytes as received")
        )
    bundle["entry"] = [{"fullUrl": one.full_url, "resource": one.resource} for one in ordered]
    return bundle


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 10


def _traces(rules: Carry, label: str, bundle: Resource, places: dict[str, str]) -> list[Trace]:
    traces = []
    for entry in bundle["entry"]:
        resource, place = entry["resource"], places[entry["fullUrl"]]
        target = f"{resource['resourceType']}/{resource.get('id', entry['fullUrl'])}"
        for key in resource:
            if key != "resourceType":
                traces.append(Trace(f"{target}.{key}", rules.passes, label, f"{place}/{key}"))
    return traces


def _written(value: Any) -> str:
    return text.write(value).decode()
