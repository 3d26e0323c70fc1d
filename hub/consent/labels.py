"""Say what a record is about: confidentiality, sensitivity and areas of life (docs/consent.md, labels).

INVARIANT: what the sender wrote into `meta` can raise a label, never lower it: a sender's area stands
beside the areas that the content has, and confidentiality is the higher of the two.
INVARIANT: content that no rule knows is `unclassified`, which no permit can name.
The rules are data (`mappings/labels/`); every label given is explained in `because`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hub.consent.codes import CONFIDENTIALITY as SCALE
from hub.consent.codes import SENSITIVITY, rank
from hub.consent.label_codes import Said, codings_of, contained_in, said_in
from hub.consent.label_rules import LabelRule, LabelRules, load_rules
from hub.consent.model import LabelReason, Labels
from hub.fhir.codes import (
    ACT_CODE,
    ACT_REASON,
    AREAS,
    CONFIDENTIALITY,
    OBSERVATION_VALUE,
    UNCLASSIFIED,
    is_care_area,
)
from hub.fhir.value import Resource

__all__ = [
    "LabelRules",
    "Resolve",
    "combined",
    "label",
    "label_part",
    "label_words",
    "load_rules",
    "more_confidential",
]

Resolve = Callable[[str], Labels | None]
"""The labels of the record that a reference names; None where nobody knows them."""

PART_ELEMENTS: Final[Mapping[str, frozenset[str]]] = {
    "Bundle": frozenset(("entry",)),
    "CarePlan": frozenset(("activity", "addresses", "careTeam", "contained", "goal", "supportingInfo")),
    "CareTeam": frozenset(("contained", "participant")),
    "Composition": frozenset(("contained", "section")),
    "Composition.section": frozenset(("entry", "section", "text")),
    "List": frozenset(("contained", "entry")),
}
"""Elements of containers that are judged on their own, so that they do not label the container."""

_NOT_SENSITIVITY: Final = frozenset((ACT_REASON, OBSERVATION_VALUE, CONFIDENTIALITY))


@dataclass(slots=True)
class _Finding:
    """The labels found so far, each with its reason."""

    confidentiality: str = "N"
    sensitivity: set[str] = field(default_factory=set)
    areas: set[str] = field(default_factory=set)
    because: dict[tuple[str, str], LabelReason] = field(default_factory=dict)

    def give(self, rule: LabelRule, why: str) -> None:
        self.add(rule.id, why, rule.areas, rule.sensitivity, rule.confidentiality)

    def add(
        self,
        rule: str,
        why: str,
        areas: frozenset[str] = frozenset(),
        sensitivity: frozenset[str] = frozenset(),
        confidentiality: str | None = None,
    ) -> None:
        self.areas |= areas
        self.sensitivity |= sensitivity
        gave = [*sorted(areas), *sorted(sensitivity)]
        if confidentiality and more_confidential(confidentiality, self.confidentiality) != self.confidentiality:
            self.confidentiality = confidentiality
            gave.append(confidentiality)
        for what in gave:
            self.because.setdefault((rule, what), LabelReason(rule, what, why))


def label(resource: Resource, rules: LabelRules, resolve: Resolve) -> Labels:
    """The labels of one resource; containers without those of their parts."""
    return label_part(resource, str(resource.get("resourceType", "")), rules, resolve)


def label_part(element: Mapping[str, Any], kind: str, rules: LabelRules, resolve: Resolve) -> Labels:
    """The labels of a resource, or of a part judged on its own (`kind` is then `CarePlan.activity`...)."""
    found = _Finding()
    said = said_in(element, without=PART_ELEMENTS.get(kind, ()))
    _by_content(found, said, kind, rules)
    _by_type(found, element, kind, rules, resolve)
    if kind == "Bundle" and (first := _first_entry(element)):
        _take(found, "bundle-is-its-composition", "/entry/0", label(first, rules, resolve))
    _where_none(found, rules.defaults, kind)
    _by_sender(found, element)
    _where_none(found, rules.when_nothing_known, kind)
    if not found.areas:
        found.add("nothing-known", kind or "no type", frozenset((UNCLASSIFIED,)))
    if found.sensitivity:
        for rule in rules.when_sensitive:
            if rule.for_type(kind):
                found.give(rule, ", ".join(sorted(found.sensitivity)))
    return Labels(
        found.confidentiality,
        frozenset(found.sensitivity),
        frozenset(found.areas),
        rules.version,
        tuple(found.because.values()),
    )


def label_words(said: Said, rules: LabelRules) -> Labels:
    """The sensitivity that words alone tell: of a section that is nothing but text."""
    found = _Finding()
    _by_content(found, said, "", rules)
    return Labels(
        "R" if found.sensitivity else "N",
        frozenset(found.sensitivity),
        frozenset(),
        rules.version,
        tuple(found.because.values()),
    )


def combined(*labels: Labels) -> Labels:
    """The labels of prose that speaks of all of these: the union, and the highest confidentiality."""
    confidentiality = "U" if labels else "N"
    for each in labels:
        confidentiality = more_confidential(confidentiality, each.confidentiality)
    return Labels(
        confidentiality,
        frozenset().union(*(each.sensitivity for each in labels)),
        frozenset().union(*(each.areas for each in labels)),
        next((each.rule_set for each in labels if each.rule_set), ""),
        tuple(dict.fromkeys(reason for each in labels for reason in each.because)),
    )


def more_confidential(one: str, other: str) -> str:
    """The higher of two codes on the scale U<L<M<N<R<V; a code unknown to it counts as very restricted."""
    return max(one, other, key=rank)


def references_at(element: Mapping[str, Any], path: str) -> Iterator[Mapping[str, Any]]:
    """The Reference objects at a dotted path (`detail.reasonReference`), lists walked through."""
    values: list[Any] = [element]
    for step in path.split("."):
        stepped = (value.get(step) for value in values if isinstance(value, Mapping))
        values = [item for value in stepped for item in (value if isinstance(value, list) else [value])]
    yield from (value for value in values if isinstance(value, Mapping))


def _by_content(found: _Finding, said: Said, kind: str, rules: LabelRules) -> None:
    for element, system, code in said.codings:
        why = f"{element}: {system or 'no system'}|{code}"
        if is_care_area(system):
            found.add("care-area-coding", why, _area(code))
            continue
        if system == ACT_CODE and code in SENSITIVITY:
            found.add("sensitivity-coding", why, sensitivity=frozenset((code,)))
        for key in rules.systems.keys(system, code):
            for rule in rules.by_code.get(key, ()):
                named = rule.sensitivity or system
                if named and rule.for_type(kind) and (not rule.elements or element in rule.elements):
                    found.give(rule, why)
    if said.words:
        for rule in rules.by_words:
            if rule.words and rule.for_type(kind) and (match := rule.words.search(said.words)):
                found.give(rule, f"words: {match[0]}")


def _by_type(found: _Finding, element: Mapping[str, Any], kind: str, rules: LabelRules, resolve: Resolve) -> None:
    local: dict[str, Resource] | None = None
    for rule in rules.by_type.get(kind, ()):
        found.give(rule, kind)
        for path in rule.follows:
            for reference in references_at(element, path):
                target = reference.get("reference")
                if not isinstance(target, str):
                    continue
                if target.startswith("#") and "resourceType" in element:
                    local = contained_in(dict(element)) if local is None else local
                    inner = local.get(target)
                    lent = label(inner, rules, _unknown) if inner else None
                else:
                    lent = resolve(target)
                if lent:
                    _take(found, rule.id, path, lent, rule.takes)


def _where_none(found: _Finding, rules: Iterable[LabelRule], kind: str) -> None:
    """Rules that speak only where nothing gave an area so far."""
    for rule in () if found.areas else rules:
        if kind in rule.types:
            found.give(rule, kind)


def _by_sender(found: _Finding, element: Mapping[str, Any]) -> None:
    meta = element.get("meta")
    for name in ("security", "tag") if isinstance(meta, Mapping) else ():
        for system, code in codings_of(meta.get(name) if isinstance(meta, Mapping) else None):
            why = f"meta.{name}: {system or 'no system'}|{code}"
            if is_care_area(system):
                found.add("sender", why, _area(code))
            elif name == "security" and system == CONFIDENTIALITY:
                found.add("sender", why, confidentiality=code if code in SCALE else "V")
            elif name == "security" and system not in _NOT_SENSITIVITY:
                found.add("sender", why, sensitivity=frozenset((code,)))
    stated = element.get("confidentiality")
    if element.get("resourceType") == "Composition" and isinstance(stated, str) and stated in SCALE:
        found.add("sender", f"confidentiality: {stated}", confidentiality=stated)


_EVERYTHING: Final = frozenset(("areas", "sensitivity", "confidentiality"))


def _take(found: _Finding, rule: str, path: str, lent: Labels, takes: frozenset[str] = _EVERYTHING) -> None:
    found.add(
        rule,
        f"what {path} refers to",
        lent.areas if "areas" in takes else frozenset(),
        lent.sensitivity if "sensitivity" in takes else frozenset(),
        lent.confidentiality if "confidentiality" in takes else None,
    )


def _first_entry(bundle: Mapping[str, Any]) -> Resource | None:
    entries = bundle.get("entry")
    first = entries[0] if isinstance(entries, list) and entries else None
    resource = first.get("resource") if isinstance(first, Mapping) else None
    return resource if isinstance(resource, dict) and resource.get("resourceType") == "Composition" else None


def _area(code: str) -> frozenset[str]:
    return frozenset((code if code in AREAS else UNCLASSIFIED,))


def _unknown(_reference: str) -> Labels | None:
    return None
