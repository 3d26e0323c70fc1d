"""The conformance resources that the hub publishes, made from its tables: what its words, maps and operations are.

https://hl7.org/fhir/R4/conformance-module.html. They are the same for everybody and say nothing about anybody.
Concepts that are kinds of others name their parents as properties, so a code with two parents is told as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hub.fhir.codes import HUB
from hub.fhir.definitions import load
from hub.fhir.terminology import Terminology
from hub.fhir.terminology_model import CodeSystem, Concept, ConceptMap, MapRow, ValueSet, last_segment
from hub.fhir.value import Resource

PUBLISHED: Final = "2026-11-21"
"""When these were published; they change with the hub's release, and have no versions of their own."""

PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "CodeSystem": ("_id", "name", "status", "system", "title", "url", "version"),
    "ConceptMap": ("_id", "name", "status", "title", "url", "version"),
    "OperationDefinition": ("_id", "code", "name", "status", "title", "url", "version"),
    "SearchParameter": ("_id", "base", "code", "name", "status", "type", "url", "version"),
    "StructureDefinition": ("_id", "name", "status", "title", "type", "url", "version"),
    "ValueSet": ("_id", "name", "status", "title", "url", "version"),
}
"""Type -> the search parameters of its door."""

_STRINGS: Final = frozenset(("name", "title"))
_PARENT: Final = {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"}
_FRAGMENT: Final = "What the hub carries of a code system that others publish."


@dataclass(frozen=True, slots=True)
class Library:
    """Everything published, by type and id."""

    resources: Mapping[str, Mapping[str, Resource]]

    def read(self, type: str, id: str) -> Resource | None:
        """One published resource."""
        return self.resources.get(type, {}).get(id)

    def search(self, type: str, criteria: Iterable[tuple[str, Sequence[str]]]) -> list[Resource]:
        """Those for which every criterion holds: a parameter of `PARAMETERS`, and its values, one of which must."""
        wanted = list(criteria)
        return [one for one in self.resources.get(type, {}).values() if all(_meets(one, name, v) for name, v in wanted)]


def library(terms: Terminology) -> Library:
    """The library of a hub with this terminology."""
    made: dict[str, dict[str, Resource]] = {type: {} for type in PARAMETERS}
    for resource in _all(terms):
        made[resource["resourceType"]][resource["id"]] = resource
    return Library(made)


def code_system(system: CodeSystem) -> Resource:
    """A CodeSystem resource."""
    head = _head("CodeSystem", system.url, system.id, system.title, own=system.own)
    content = "complete" if system.complete else "fragment"
    nested = any(c.parents for c in system.concepts.values())
    return {
        **head,
        "description": system.description or (_FRAGMENT if not system.complete else f"HL7's {system.title}."),
        "caseSensitive": True,
        "content": content,
        "count": len(system.concepts),
        **({"property": [_PARENT]} if nested else {}),
        "concept": [_concept(c) for c in system.concepts.values()],
    }


def value_set(content: ValueSet, terms: Terminology) -> Resource:
    """A ValueSet resource: what it is composed of, not expanded."""
    include: list[Resource] = []
    for system, codes in content.codes.items():
        known = terms.systems.get(system)
        if content.own and known is not None and known.own and len(known.concepts) == len(codes):
            include.append({"system": system})
            continue
        named = [{"code": c, **_display(terms.concept(system, c))} for c in codes]
        include.append({"system": system, "concept": named} if named else {"system": system})
    return {
        **_head("ValueSet", content.url, content.id, content.title, own=content.own),
        "compose": {"include": include},
    }


def concept_map(table: ConceptMap) -> Resource:
    """A ConceptMap resource: one group for each target system."""
    groups: dict[str, dict[str, list[MapRow]]] = {}
    for row in table.rows:
        groups.setdefault(row.system, {}).setdefault(row.code, []).append(row)
    made: list[Resource] = []
    for system, rows in groups.items():
        group: Resource = {"target": system} if system else {}
        group["element"] = [{"code": code, "target": [_target(r) for r in to]} for code, to in rows.items()]
        if table.otherwise and table.otherwise.system == system and table.otherwise.to:
            group["unmapped"] = {"mode": "fixed", "code": table.otherwise.to}
        made.append(group)
    head = _head("ConceptMap", table.url, table.id, table.title, own=True, version=table.version)
    return {**head, **({"group": made} if made else {})}


def _all(terms: Terminology) -> Iterator[Resource]:
    yield from (code_system(one) for one in terms.systems.values())
    yield from (value_set(one, terms) for one in terms.value_sets.values())
    yield from (concept_map(one) for one in terms.maps.values())
    yield from (_search_parameter(*row) for row in load("parameters"))
    yield _SOCIAL_SUMMARY
    yield _MAPPING_TRACE


def _head(type: str, url: str, id: str, title: str, *, own: bool, version: str = "") -> Resource:
    publisher = {"publisher": "casehub"} if own else {"publisher": "HL7"}
    name = "".join(word.capitalize() for word in id.replace(".", "-").split("-"))
    return {
        "resourceType": type,
        "id": id,
        "url": url,
        **({"version": version} if version else {"version": "4.0.1"} if not own else {}),
        "name": name if name[:1].isalpha() else f"N{name}",
        "title": title,
        "status": "active",
        "date": PUBLISHED,
        **publisher,
    }


def _concept(concept: Concept) -> Resource:
    made: Resource = {"code": concept.code, **_display(concept)}
    if concept.definition:
        made["definition"] = concept.definition
    others = {language: word for language, word in concept.words.items() if language != "en"}
    if others:
        made["designation"] = [{"language": language, "value": word} for language, word in others.items()]
    if concept.parents:
        made["property"] = [{"code": "parent", "valueCode": parent} for parent in concept.parents]
    return made


def _display(concept: Concept) -> Resource:
    return {"display": concept.display} if concept.display else {}


def _target(row: MapRow) -> Resource:
    return {"code": row.to, **({"display": row.display} if row.display else {}), "equivalence": "relatedto"}


def _search_parameter(
    url: str, code: str, type: str, bases: list[str], expression: str, targets: list[str]
) -> Resource:
    head = _head("SearchParameter", url, last_segment(url), code, own=False)
    head.pop("title")
    return {
        **head,
        "description": f"{code} of {', '.join(bases)}",
        "code": code,
        "base": bases,
        "type": type,
        **({"expression": expression, "xpathUsage": "normal"} if expression else {}),
        **({"target": targets} if targets else {}),
    }


def _meets(resource: Resource, name: str, values: Sequence[str]) -> bool:
    told = resource.get("url" if name == "system" else name.removeprefix("_"))
    found = told if isinstance(told, list) else [told]
    if name in _STRINGS:
        return any(str(f).casefold().startswith(v.casefold()) for f in found for v in values)
    return any(str(f) == v.rsplit("|", 1)[-1] or str(f) == v for f in found for v in values)


def _out(name: str, type: str, said: str) -> Resource:
    return {"name": name, "use": "out", "min": 1, "max": "1", "type": type, "documentation": said}


_SOCIAL_SUMMARY: Final[Resource] = {
    **_head(
        "OperationDefinition",
        f"{HUB}/OperationDefinition/social-summary",
        "social-summary",
        "Social-service summary",
        own=True,
    ),
    "kind": "operation",
    "affectsState": False,
    "description": "The summary of a client's social situation and services, as the asker may see it: fifteen "
    "sections; one of an area that the asker has no permit for says `withheld`, whether or not there is anything.",
    "code": "social-summary",
    "resource": ["Patient"],
    "system": False,
    "type": False,
    "instance": True,
    "parameter": [_out("return", "Bundle", "A document whose Composition is the social-service summary.")],
}


def _element(id: str, path: str, **more: Any) -> Resource:
    return {"id": id, "path": path, **more}


_MAPPING_TRACE: Final[Resource] = {
    **_head(
        "StructureDefinition",
        f"{HUB}/StructureDefinition/mapping-trace",
        "mapping-trace",
        "Which rule made an element, and from where",
        own=True,
    ),
    "fhirVersion": "4.0.1",
    "kind": "complex-type",
    "abstract": False,
    "context": [{"type": "element", "expression": "Provenance.target"}],
    "type": "Extension",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
    "derivation": "constraint",
    "differential": {
        "element": [
            _element("Extension", "Extension", short="One element of the target and the rule that made it", max="*"),
            _element("Extension.extension", "Extension.extension", min=1),
            _element("Extension.url", "Extension.url", fixedUri=f"{HUB}/StructureDefinition/mapping-trace"),
            _element("Extension.value[x]", "Extension.value[x]", max="0"),
        ]
    },
}
