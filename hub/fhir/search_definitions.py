"""Search parameters: the official ones of R4, and those that a deployment adds
(https://hl7.org/fhir/R4/searchparameter-registry.html, https://hl7.org/fhir/R4/searchparameter.html).

A parameter is compiled once, from its expression to paths over JSON keys; each path ends at a type that
`hub.fhir.search_values` can read for the parameter's kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from hub.errors import InvalidResource
from hub.fhir.definitions import load
from hub.fhir.search_expressions import (
    BASES,
    OutsideSubsetError,
    Path,
    alternatives,
    compile_component,
    compile_path,
    is_question,
)
from hub.fhir.search_values import READERS
from hub.fhir.shapes import ABSTRACT, RESOURCE_TYPES
from hub.fhir.value import Resource

ON_RECORD: Final = frozenset(("_id", "_lastUpdated"))
"""Parameters whose values are columns of the record, not index rows."""

NOT_COMPILED: Final = {
    "_content": "looks into the whole text, inside one compartment only: nothing of it is indexed",
    "_text": "looks into the narrative, inside one compartment only: nothing of it is indexed",
    "_query": "names a query of the server's own, and the hub has none",
}
"""Official parameters without index rows, and why; each of them has no expression."""

MAX_EXPRESSION: Final = 4000

_SWAPPED: Final = {
    "http://hl7.org/fhir/SearchParameter/DocumentReference-relatesto": ("token",),
    "http://hl7.org/fhir/SearchParameter/DocumentReference-relation": ("reference",),
}
"""R4 names each of the two where its `relationship` means the other; the expressions say which is which."""

_NEEDED: Final = ("code", "type", "base", "expression", "url")
_BOOLEANS: Final = "http://hl7.org/fhir/special-values"


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a composite: the parameter whose kind it has, and its paths from the composite's element."""

    kind: str
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A search parameter: its name, its kind, the types a reference may name, where its values stand."""

    code: str
    kind: str
    targets: frozenset[str]
    paths: tuple[Path, ...]
    url: str = ""
    components: tuple[Component, ...] = ()
    is_question: bool = False
    """Whether it asks if the element is there and not false (`Patient.deceased`)."""

    def applies_to(self, type: str) -> bool:
        """Whether resources of the type can have values of it."""
        return any(path.base == type or path.base in ABSTRACT for path in self.paths)

    @property
    def secret(self) -> bool:
        """Whether its values are identifiers, of which only the keyed hash is stored."""
        return any(path.type == "Identifier" for path in self.paths)

    @property
    def literal(self) -> bool:
        """Whether it follows References (or resources inside), and not only canonicals."""
        return any(path.type in ("Reference", "Resource") for path in self.paths)

    @property
    def systems(self) -> frozenset[str]:
        """The code systems that its codes and booleans belong to without saying so."""
        found = {_BOOLEANS} if any(path.type == "boolean" for path in self.paths) else set()
        for path in self.paths:
            if path.type == "code":
                found |= set(_systems().get(_place(path), ()))
        return frozenset(found)


class ParameterClaim(NamedTuple):
    """What a CapabilityStatement says of one parameter of a type; the definition is "" where R4 has none."""

    name: str
    kind: str
    definition: str


class _Definition(NamedTuple):
    code: str
    kind: str
    bases: Sequence[str]
    expression: str
    targets: Sequence[str]
    url: str
    components: Sequence[tuple[str, str]]


_OFFICIAL: Final = tuple(_Definition(*row) for row in load("search"))
_KINDS: Final = {definition.url: definition.kind for definition in _OFFICIAL}


@cache
def parameters(type: str) -> dict[str, Parameter]:
    """The search parameters of a resource type by name, those of every resource included."""
    found: dict[str, Parameter] = {}
    for definition in _OFFICIAL:
        if definition.code in NOT_COMPILED or not {type, *ABSTRACT} & set(definition.bases):
            continue
        made = _compile(definition, (type,), _KINDS)
        found[made.code] = _joined(found[made.code], made) if made.code in found else made
    return dict(sorted(found.items()))


def parameters_with(type: str, extra: Sequence[Parameter]) -> dict[str, Parameter]:
    """The official parameters of a type and those of `extra` that apply to it."""
    if not extra:
        return parameters(type)
    return parameters(type) | {added.code: added for added in extra if added.applies_to(type)}


def compile_parameter(resource: Resource, known: Iterable[Resource] = ()) -> Parameter:
    """A SearchParameter resource compiled. InvalidResource names the element that keeps it from working.

    The components of a composite are official parameters or `known` ones.
    """
    definition = _definition(resource)
    if unknown := [base for base in definition.bases if base not in BASES]:
        raise InvalidResource(f"{unknown[0][:64]} is no resource type", place="SearchParameter.base")
    kinds = _KINDS | {str(other.get("url")): str(other.get("type")) for other in known}
    for position, (url, _) in enumerate(definition.components):
        if kinds.get(url) in (None, "composite", "special"):
            raise InvalidResource(
                "is no parameter that a composite can be made of",
                place=f"SearchParameter.component[{position}].definition",
            )
    if not definition.components and definition.kind == "composite":
        raise InvalidResource("a composite has components", place="SearchParameter.component")
    made = _compile(definition, definition.bases, kinds)
    if without := [base for base in definition.bases if base not in {path.base for path in made.paths}]:
        raise InvalidResource(f"says nothing of {without[0]}", place="SearchParameter.expression")
    if any(made.code in parameters(base) for base in definition.bases if base in RESOURCE_TYPES) or (
        made.code in parameters("Patient") and ABSTRACT & set(definition.bases)
    ):
        raise InvalidResource("is the name of an official parameter", place="SearchParameter.code")
    return made


def uncompiled() -> frozenset[str]:
    """The official parameters that have no index rows."""
    official = {definition.code for definition in _OFFICIAL}
    compiled = {code for type in RESOURCE_TYPES for code in parameters(type)}
    return frozenset(official - compiled)


def claims(type: str) -> tuple[ParameterClaim, ...]:
    """What can be searched on a type, by name."""
    found = [
        ParameterClaim(p.code, "special" if p.kind == "near" else p.kind, p.url) for p in parameters(type).values()
    ]
    found += [ParameterClaim(d.code, d.kind, d.url) for d in _OFFICIAL if d.code in ("_text", "_content")]
    found += [ParameterClaim(name, "special", "") for name in ("_has", "_list")]
    return tuple(sorted(found))


def _compile(definition: _Definition, bases: Sequence[str], kinds: dict[str, str]) -> Parameter:
    """The parameter on these types; InvalidResource where an expression cannot be followed or read."""
    paths: dict[Path, None] = {}
    for alternative in alternatives(definition.expression):
        try:
            made = [path for base in bases for path in compile_path(alternative, base)]
        except OutsideSubsetError:
            raise InvalidResource(
                "uses FHIRPath that the hub does not compile, or elements that R4 does not have",
                place="SearchParameter.expression",
            ) from None
        asks = is_question(alternative)
        readable = [p for p in made if definition.kind == "composite" or asks or (definition.kind, p.type) in READERS]
        if made and not readable:
            raise InvalidResource(
                f"leads to {made[0].type}, which is not searched as {definition.kind}",
                place="SearchParameter.expression",
            )
        paths |= dict.fromkeys(readable)
    parts = tuple(
        _component(url, text, list(paths), kinds, position)
        for position, (url, text) in enumerate(definition.components)
    )
    return Parameter(
        definition.code,
        "near" if definition.kind == "special" else definition.kind,
        frozenset(definition.targets),
        tuple(paths),
        definition.url,
        parts,
        is_question(definition.expression),
    )


def _component(url: str, text: str, paths: list[Path], kinds: dict[str, str], position: int) -> Component:
    place = f"SearchParameter.component[{position}].expression"
    try:
        made = [found for path in paths for part in alternatives(text) for found in compile_component(part, path)]
    except OutsideSubsetError:
        raise InvalidResource("uses FHIRPath that the hub does not compile", place=place) from None
    for kind in (kinds[url], *_SWAPPED.get(url, ())):
        if readable := dict.fromkeys(path for path in made if (kind, path.type) in READERS):
            return Component(kind, tuple(readable))
    raise InvalidResource(f"leads to nothing that is searched as {kinds[url]}", place=place)


def _joined(one: Parameter, other: Parameter) -> Parameter:
    """Two definitions of one name on one type, as one parameter."""
    paths = tuple(dict.fromkeys((*one.paths, *other.paths)))
    return Parameter(one.code, one.kind, one.targets | other.targets, paths, one.url, one.components, one.is_question)


def _definition(resource: Resource) -> _Definition:
    for element in _NEEDED:
        if not resource.get(element):
            raise InvalidResource("is needed to search by it", place=f"SearchParameter.{element}")
    if len(resource["expression"]) > MAX_EXPRESSION:
        raise InvalidResource(f"is longer than {MAX_EXPRESSION} characters", place="SearchParameter.expression")
    if resource["type"] == "special":
        raise InvalidResource("what is special about it only its author knows", place="SearchParameter.type")
    parts = [(part.get("definition", ""), part.get("expression", "")) for part in resource.get("component", ())]
    code, type, bases, expression, url = (resource[element] for element in _NEEDED)
    return _Definition(code, type, bases, expression, resource.get("target", ()), url, parts)


def _place(path: Path) -> str:
    """The element a path ends at, as the definitions name it."""
    parent = path.steps[-2].type if len(path.steps) > 1 else path.base
    return f"{parent}.{path.steps[-1].key}"


@cache
def _systems() -> dict[str, list[str]]:
    found: dict[str, list[str]] = load("systems")
    return found
