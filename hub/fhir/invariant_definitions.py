"""The invariants of the definitional types that the hub keeps or publishes: questionnaires, terminologies, maps,
search parameters, operations and its own statement of capabilities.

https://hl7.org/fhir/R4/conformance-rules.html#constraints; the table goes into `hub.fhir.invariants`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from hub.fhir.invariant_rules import Object, Rule, any_of, choice, items, needs, not_both

_COMPUTABLE: Final = re.compile(r"[A-Z][A-Za-z0-9_]{0,254}")
_OPTIONED: Final = frozenset(
    ("choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity")
)
_LONG: Final = frozenset(("boolean", "decimal", "integer", "string", "text", "url", "open-choice"))


def named(o: Object) -> bool:
    name = o.get("name")
    return name is None or (isinstance(name, str) and _COMPUTABLE.fullmatch(name) is not None)


def only(type: tuple[str, ...], *absent: str) -> Rule:
    """Items of these types have none of the elements."""
    return lambda o: o.get("type") not in type or not any(key in o for key in absent)


def where(key: str, value: str, needed: str) -> Rule:
    """Where an element has a value, another is there."""
    return lambda o: o.get(key) != value or needed in o


def distinct(values: Iterator[Any]) -> bool:
    found = [repr(value) for value in values]
    return len(set(found)) == len(found)


def below(o: Object, key: str) -> Iterator[Object]:
    """The objects under a key that nests, all levels."""
    for item in items(o, key):
        yield item
        yield from below(item, key)


def question_or_group(o: Object) -> bool:
    return (o.get("type") != "group" or "item" in o) and (o.get("type") != "display" or "item" not in o)


DEFINITION_INVARIANTS: Final[dict[str, dict[str, Rule]]] = {
    "CapabilityStatement": {
        "cpb-0": named,
        "cpb-1": any_of("rest", "messaging", "document"),
        "cpb-2": any_of("description", "software", "implementation"),
        "cpb-3": lambda o: o.get("kind") == "instance" or not any("endpoint" in m for m in items(o, "messaging")),
        "cpb-7": lambda o: distinct((d.get("profile"), d.get("mode")) for d in items(o, "document")),
        "cpb-14": where("kind", "instance", "implementation"),
        "cpb-15": lambda o: o.get("kind") != "capability" or ("implementation" not in o and "software" in o),
        "cpb-16": lambda o: o.get("kind") != "requirements" or not o.keys() & {"implementation", "software"},
    },
    "CapabilityStatement.rest": {"cpb-9": lambda o: distinct(r.get("type") for r in items(o, "resource"))},
    "CapabilityStatement.rest.resource": {"cpb-12": lambda o: distinct(p.get("name") for p in items(o, "searchParam"))},
    "CodeSystem": {"csd-0": named, "csd-1": lambda o: distinct(c.get("code") for c in below(o, "concept"))},
    "ConceptMap": {"cmd-0": named},
    "ConceptMap.group.element.target": {
        "cmd-1": lambda o: "comment" in o or o.get("equivalence") not in ("narrower", "inexact"),
    },
    "ConceptMap.group.unmapped": {"cmd-2": where("mode", "fixed", "code"), "cmd-3": where("mode", "other-map", "url")},
    "NamingSystem": {
        "nsd-0": named,
        "nsd-1": lambda o: o.get("kind") != "root" or all(u.get("type") != "uuid" for u in items(o, "uniqueId")),
        "nsd-2": lambda o: distinct(u.get("type") for u in items(o, "uniqueId") if u.get("preferred") is True),
    },
    "OperationDefinition": {"opd-0": named},
    "OperationDefinition.parameter": {
        "opd-1": any_of("type", "part"),
        "opd-2": lambda o: "searchType" not in o or o.get("type") == "string",
        "opd-3": lambda o: "targetProfile" not in o or o.get("type") in ("Reference", "canonical"),
    },
    "Questionnaire": {"que-0": named, "que-2": lambda o: distinct(i.get("linkId") for i in below(o, "item"))},
    "Questionnaire.item": {
        "que-1": question_or_group,
        "que-3": only(("display",), "code"),
        "que-4": not_both("answerOption", "answerValueSet"),
        "que-5": lambda o: o.get("type") in _OPTIONED or not o.keys() & {"answerOption", "answerValueSet"},
        "que-6": only(("display",), "required", "repeats"),
        "que-8": only(("group", "display"), "initial"),
        "que-9": only(("display",), "readOnly"),
        "que-10": lambda o: "maxLength" not in o or o.get("type") in _LONG,
        "que-11": not_both("answerOption", "initial"),
        "que-12": lambda o: "enableBehavior" in o or sum(1 for _ in items(o, "enableWhen")) <= 2,
        "que-13": lambda o: o.get("repeats") is True or sum(1 for _ in items(o, "initial")) <= 1,
    },
    "Questionnaire.item.enableWhen": {
        "que-7": lambda o: o.get("operator") != "exists" or "answerBoolean" in o or not choice(o, "answer"),
    },
    "SearchParameter": {
        "spd-0": named,
        "spd-1": needs("xpath", "xpathUsage"),
        "spd-2": lambda o: "chain" not in o or o.get("type") == "reference",
    },
    "ValueSet": {"vsd-0": named},
    "ValueSet.compose.include": {
        "vsd-1": any_of("valueSet", "system"),
        "vsd-2": lambda o: "system" in o or not o.keys() & {"concept", "filter"},
        "vsd-3": not_both("concept", "filter"),
    },
    "ValueSet.expansion.contains": {
        "vsd-6": any_of("code", "display"),
        "vsd-9": lambda o: "code" in o or o.get("abstract") is True,
        "vsd-10": needs("code", "system"),
    },
}
"""Shape -> key -> rule."""
