"""Search parameters, compiled from the official expressions (https://hl7.org/fhir/R4/searchparameter-registry.html).

The expressions use a small part of FHIRPath: paths, `as`, `ofType`, `where(x='y')`, `where(resolve() is
T)`. Each is compiled once into steps over JSON keys; `extract` then gives the index values of a resource.
Tokens, references, dates, strings and URIs of the stored types are indexed; what is not is said in
`NOT_INDEXED`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cache
from typing import Any, Final

from hub.fhir.clinical_time import interval_of
from hub.fhir.definitions import load
from hub.fhir.references import type_of_reference, unversioned
from hub.fhir.search_values import string_values, token_values
from hub.fhir.shapes import RESOURCE_TYPES, shape
from hub.fhir.value import Resource

KINDS: Final = {
    "token": "token",
    "reference": "reference",
    "date": "date",
    "string": "string",
    "uri": "token",
}
"""Kind of search parameter -> kind of index value."""

_OFFICIAL: Final[list[tuple[str, str, list[str], str, list[str]]]] = load("search")

NOT_INDEXED: Final = frozenset(("composite", "number", "quantity", "special"))
"""Kinds of parameter that have no index: asking for one is refused, never silently ignored."""

NOT_COMPILED: Final = frozenset(("_content", "_query", "_text", "composition", "message"))
"""Parameters without index: they have no expression, or one outside the subset
(`Bundle.entry[0].resource`)."""


@dataclass(frozen=True, slots=True)
class IndexValue:
    """One search value of a resource; dates have `start` and `end` (ISO 8601 UTC), others `value`."""

    param: str
    kind: str
    system: str = ""
    value: str = ""
    start: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a compiled path: JSON keys to follow, then a filter on what is found."""

    keys: tuple[str, ...]
    where: tuple[str, str] | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter of one type: its name, its kind, the types a reference may name, its paths."""

    code: str
    kind: str
    targets: frozenset[str]
    paths: tuple[tuple[Step, ...], ...]
    is_question: bool = False
    """Whether it asks if the element is there and not false (`Patient.deceased`)."""


class _OutsideSubsetError(ValueError):
    """The expression uses more of FHIRPath than is compiled here."""


@cache
def parameters(type: str) -> dict[str, Parameter]:
    """The indexed search parameters of a resource type, those of every resource included."""
    found: dict[str, Parameter] = {}
    for code, kind, bases, expression, targets in _OFFICIAL:
        if kind not in KINDS or not {type, "Resource", "DomainResource"} & set(bases):
            continue
        paths = []
        for alternative in _alternatives(expression):
            try:
                path = _compile(alternative, type)
            except _OutsideSubsetError:
                continue
            if path is not None:
                paths.append(path)
        if paths:
            earlier = found[code].paths if code in found else ()
            asks = _NOT_FALSE.fullmatch(expression) is not None
            found[code] = Parameter(code, KINDS[kind], frozenset(targets), (*earlier, *paths), asks)
    return found


def extract(resource: Resource, *, zone: tzinfo = UTC) -> tuple[IndexValue, ...]:
    """All index values of a resource, each once, in the order of the parameters."""
    found: dict[IndexValue, None] = {}
    for parameter in parameters(resource["resourceType"]).values():
        values = [value for path in parameter.paths for value in _follow(resource, path)]
        if parameter.is_question:
            values = [any(value is not False for value in values)]
        for value in values:
            found |= dict.fromkeys(_values(parameter, value, zone))
    return tuple(found)


def uncompiled(type: str) -> frozenset[str]:
    """The parameters of a type that should have an index by their kind, and have none."""
    bases = {type, "Resource", "DomainResource"}
    wanted = {code for code, kind, on, _, _ in _OFFICIAL if kind in KINDS and bases & set(on)}
    return frozenset(wanted - parameters(type).keys())


def fold(text: str) -> str:
    """Text as strings are compared: without case, accents and runs of blanks."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())


def _alternatives(expression: str) -> list[str]:
    return [part.strip() for part in expression.split(" | ") if part.strip()]


_AS_PREFIX: Final = re.compile(r"\((?P<path>[A-Za-z.]+) as (?P<type>[A-Za-z]+)\)(?P<rest>(?:\.[a-z][A-Za-z]*)*)")
_PART: Final = re.compile(
    r"\.?(?:(?:as|ofType)\((?P<type>[A-Za-z]+)\)"
    r"|where\((?P<key>[a-z][A-Za-z]*) ?= ?'(?P<value>[^']*)'\)"
    r"|where\(resolve\(\) is (?P<target>[A-Z][A-Za-z]+)\)"
    r"|(?P<name>[a-z][A-Za-z]*)(?![A-Za-z(\[]))"
)
_NOT_FALSE: Final = re.compile(r"([A-Za-z.]+)\.exists\(\) and \1 != false")


def _compile(text: str, type: str) -> tuple[Step, ...] | None:
    """The steps of one alternative, or None where it belongs to another type."""
    if match := _NOT_FALSE.fullmatch(text):
        text = match[1]
    if match := _AS_PREFIX.fullmatch(text):
        text = f"{match['path']}.as({match['type']}){match['rest']}"
    base, _, rest = text.partition(".") if text[:1].isupper() else (type, "", text)
    if base not in (type, "Resource", "DomainResource"):
        if base in RESOURCE_TYPES:
            return None
        raise _OutsideSubsetError(text)
    return tuple(_steps(rest, type))


def _steps(rest: str, type: str) -> Iterator[Step]:
    at, place, pending = 0, type, ""
    steps: list[Step] = []
    while at < len(rest):
        match = _PART.match(rest, at)
        if match is None:
            raise _OutsideSubsetError(rest)
        at = match.end()
        if match["name"]:
            keys, place = _element(place, match["name"])
            pending = match["name"]
            steps.append(Step(keys))
        elif match["type"] and steps:
            key = pending + match["type"][0].upper() + match["type"][1:]
            if key in steps[-1].keys:
                steps[-1] = Step((key,))
                place = match["type"]
        elif match["key"] and steps:
            steps[-1] = Step(steps[-1].keys, where=(match["key"], match["value"]))
        elif match["target"] and steps:
            steps[-1] = Step(steps[-1].keys, target=match["target"])
        else:
            raise _OutsideSubsetError(rest)
    return iter(steps)


def _element(place: str, name: str) -> tuple[tuple[str, ...], str]:
    """The JSON keys of an element (several for a choice), and the shape that stands there."""
    try:
        known = shape(place)
    except KeyError:
        raise _OutsideSubsetError(name) from None
    if name in known.elements:
        return (name,), known.elements[name].type
    for stem, keys in known.choices:
        if stem == f"{name}[x]":
            return tuple(sorted(keys)), ""
    raise _OutsideSubsetError(name)


def _follow(value: Any, path: tuple[Step, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _follow(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        step = path[0]
        for key in step.keys:
            if key in value:
                found = value[key]
                for item in found if isinstance(found, list) else (found,):
                    if _passes(item, step):
                        yield from _follow(item, path[1:])


def _passes(value: Any, step: Step) -> bool:
    if step.where is not None:
        return isinstance(value, dict) and value.get(step.where[0]) == step.where[1]
    if step.target is not None:
        text = value.get("reference") if isinstance(value, dict) else None
        return isinstance(text, str) and type_of_reference(text) == step.target
    return True


def _values(parameter: Parameter, value: Any, zone: tzinfo) -> Iterator[IndexValue]:
    code, kind = parameter.code, parameter.kind
    if kind == "token":
        for system, text in token_values(value):
            yield IndexValue(code, kind, system, text)
    elif kind == "string":
        for text in string_values(value):
            if folded := fold(text):
                yield IndexValue(code, kind, value=folded)
    elif kind == "date":
        if interval := interval_of(value, zone):
            start, end = (moment.isoformat(timespec="microseconds") for moment in interval)
            yield IndexValue(code, kind, start=start, end=end)
    else:
        yield from _reference_values(code, kind, value)


def _reference_values(code: str, kind: str, value: Any) -> Iterator[IndexValue]:
    """A canonical or URI, or a Reference: by its literal, and by its identifier under `code:identifier`."""
    if isinstance(value, str):
        yield IndexValue(code, kind, value=value)
    if not isinstance(value, dict):
        return
    text, identifier = value.get("reference"), value.get("identifier")
    if isinstance(text, str) and not text.startswith("#"):
        yield IndexValue(code, kind, value=unversioned(text))
    if isinstance(identifier, dict):
        for system, number in token_values(identifier):
            yield IndexValue(f"{code}:identifier", "token", system, number)
