"""The parts of a container, each judged on its own (docs/consent.md, inside a record).

CarePlan, CareTeam, Composition, List and Bundle (and a Patient with contacts) are visible as soon as a part
is; an activity, a participant, a section, an entry carries the labels of the record it refers to, or of its
own content. What nobody can look up is `unclassified`. The client, and the directory (who works where), are
not parts: they follow what refers to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hub.consent.codes import DIRECTORY_TYPES
from hub.consent.label_codes import Said, contained_in, plain_words
from hub.consent.label_rules import LabelRules
from hub.consent.labels import Resolve, combined, label, label_part, label_words
from hub.consent.model import Labels, Part
from hub.fhir.codes import UNCLASSIFIED
from hub.fhir.references import parse_reference, type_of_reference, unversioned
from hub.fhir.value import Resource

CONTAINERS: Final = frozenset(("Bundle", "CarePlan", "CareTeam", "Composition", "List"))
PLAN_REFERENCES: Final = ("goal", "addresses", "supportingInfo", "careTeam")
SUBJECTS: Final = ("subject", "patient", "beneficiary", "for", "individual")
"""Elements by which a resource of a Bundle names the client it is about."""


def parts_of(resource: Resource, labels_of: Resolve, rules: LabelRules) -> tuple[Part, ...]:
    """Everything in the container that is judged on its own; nothing for a record that is judged whole."""
    kind = resource.get("resourceType")
    if kind not in CONTAINERS and kind != "Patient":
        return ()
    return tuple(_parts(resource, "", labels_of, rules, _clients(resource)))


def is_support(resource: Mapping[str, Any]) -> bool:
    """Whether an entry only says who works where or which device measured: it follows what refers to it."""
    kind = resource.get("resourceType")
    return kind in DIRECTORY_TYPES or (kind == "Device" and "patient" not in resource)


def bundle_index(bundle: Mapping[str, Any]) -> dict[str, int]:
    """Entry positions by every reference that can name them: fullUrl, and `Type/id`."""
    index: dict[str, int] = {}
    for position, entry in enumerate(_objects(bundle.get("entry"))):
        resource = entry.get("resource")
        if isinstance(resource, dict) and isinstance(resource.get("id"), str):
            index.setdefault(f"{resource.get('resourceType')}/{resource['id']}", position)
        if isinstance(url := entry.get("fullUrl"), str):
            index[url] = position
            if found := re.search(r"([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})$", url):
                index.setdefault(found[1], position)
    return index


def _parts(
    resource: Resource, at: str, labels_of: Resolve, rules: LabelRules, clients: frozenset[str]
) -> Iterator[Part]:
    reader = _References(resource, labels_of, rules, clients)
    match resource.get("resourceType"):
        case "CarePlan":
            yield from _plan(resource, at, reader)
        case "CareTeam":
            yield from _participants(resource, at, reader)
        case "Patient":
            contacts = range(len(_objects(resource.get("contact"))))
            yield from (Part(f"{at}/contact/{position}", _third_party(rules)) for position in contacts)
        case "Composition":
            yield from _sections(resource, at, reader)
        case "List":
            for position, entry in enumerate(_objects(resource.get("entry"))):
                yield from reader.part(entry.get("item"), f"{at}/entry/{position}")
        case "Bundle":
            yield from _entries(resource, at, labels_of, rules, clients)


class _References:
    """Judges what the references of one container name: contained, known by `labels_of`, or unclassified."""

    def __init__(self, resource: Resource, labels_of: Resolve, rules: LabelRules, clients: frozenset[str]) -> None:
        self.contained = contained_in(resource)
        self.rules = rules
        self.clients = clients
        self._labels_of = labels_of

    def labels(self, reference: str) -> Labels | None:
        if inner := self.contained.get(reference):
            return label(inner, self.rules, self._labels_of)
        return self._labels_of(unversioned(reference))

    def part(self, reference: object, pointer: str) -> Iterator[Part]:
        """The part that this reference makes, unless it names the client or the directory."""
        target = _target(reference)
        if target is None or not (target in self.clients or type_of_reference(target) in DIRECTORY_TYPES):
            known = self.labels(target) if target else None
            yield Part(pointer, known or _unclassified(self.rules), target)


def _plan(plan: Resource, at: str, reader: _References) -> Iterator[Part]:
    for position, activity in enumerate(_objects(plan.get("activity"))):
        labels = label_part(activity, "CarePlan.activity", reader.rules, reader.labels)
        yield Part(f"{at}/activity/{position}", labels, _target(activity.get("reference")))
    for element in PLAN_REFERENCES:
        for position, reference in enumerate(_objects(plan.get(element))):
            yield from reader.part(reference, f"{at}/{element}/{position}")


def _participants(team: Resource, at: str, reader: _References) -> Iterator[Part]:
    """Everybody is shown by role; who a relative or helper is, is a part of its own."""
    for position, participant in enumerate(_objects(team.get("participant"))):
        pointer = f"{at}/participant/{position}"
        yield Part(pointer, label_part(participant, "CareTeam.participant", reader.rules, reader.labels))
        member = _target(participant.get("member"))
        inner = reader.contained.get(member or "")
        kind = inner.get("resourceType") if inner else type_of_reference(member or "")
        if member in reader.clients or kind not in ("Patient", "RelatedPerson"):
            continue
        known = reader.labels(member or "") or Labels(rule_set=reader.rules.version)
        yield Part(f"{pointer}/member", combined(known, _third_party(reader.rules)), member)


def _sections(holder: Mapping[str, Any], at: str, reader: _References) -> Iterator[Part]:
    for position, section in enumerate(_objects(holder.get("section"))):
        pointer = f"{at}/section/{position}"
        own = label_part(section, "Composition.section", reader.rules, reader.labels)
        if not section.get("entry") and not section.get("section"):
            own = combined(own, label_words(Said((), _words_of(section)), reader.rules))
        yield Part(pointer, own)
        for index, entry in enumerate(_objects(section.get("entry"))):
            yield from reader.part(entry, f"{pointer}/entry/{index}")
        yield from _sections(section, pointer, reader)


def _entries(
    bundle: Resource, at: str, labels_of: Resolve, rules: LabelRules, clients: frozenset[str]
) -> Iterator[Part]:
    entries = [entry.get("resource") for entry in _objects(bundle.get("entry"))]
    index = bundle_index(bundle)
    judged = _Entries(entries, index, labels_of, rules)
    named = {position for name, position in index.items() if name in clients}
    for position, resource in enumerate(entries):
        pointer = f"{at}/entry/{position}"
        if not isinstance(resource, dict):
            continue
        kind = resource.get("resourceType")
        if kind == "Patient" and position not in named:
            yield Part(pointer, _third_party(rules))
        elif kind == "Binary":
            yield Part(pointer, combined(*(judged.at(n) for n, entry in enumerate(entries) if entry)))
        elif not is_support(resource):
            inner = tuple(_parts(resource, f"{pointer}/resource", judged.of, rules, clients))
            yield from inner
            if not inner and kind not in ("Composition", "Patient"):
                yield Part(pointer, judged.at(position))


class _Entries:
    """Labels inside a Bundle: its entries first, then what the hub knows."""

    def __init__(self, entries: Sequence[Any], index: Mapping[str, int], labels_of: Resolve, rules: LabelRules) -> None:
        self._entries = entries
        self._index = index
        self._labels_of = labels_of
        self._rules = rules
        self._known: dict[int, Labels | None] = {}

    def of(self, reference: str) -> Labels | None:
        """By a reference: fullUrl or `Type/id`."""
        position = self._index.get(unversioned(reference))
        if position is None:
            return self._labels_of(reference) if parse_reference(reference) else None
        if position not in self._known:
            self._known[position] = None  # a circle of references lends nothing to itself
            resource = self._entries[position]
            known = label(resource, self._rules, self.of) if isinstance(resource, dict) else None
            self._known[position] = known
        return self._known[position]

    def at(self, position: int) -> Labels:
        """By the entry's place."""
        known = self._known.get(position)
        if known is None and isinstance(resource := self._entries[position], dict):
            known = label(resource, self._rules, self.of)
        return known or _unclassified(self._rules)


def _clients(resource: Resource) -> frozenset[str]:
    """The references by which a container names its client."""
    if resource.get("resourceType") != "Bundle":
        return frozenset(filter(None, (_target(resource.get(element)) for element in SUBJECTS)))
    entries = [entry.get("resource") for entry in _objects(resource.get("entry"))]
    resources = [entry for entry in entries if isinstance(entry, dict)]
    index = bundle_index(resource)
    head = next((r for r in resources if r.get("resourceType") == "Composition" and r.get("subject")), None)
    named = (_target(r.get(element)) for r in ([head] if head else resources) for element in SUBJECTS)
    positions = {index[unversioned(target)] for target in named if target and unversioned(target) in index}
    patients = {
        n for n, entry in enumerate(entries) if isinstance(entry, dict) and entry.get("resourceType") == "Patient"
    }
    if len(patients) == 1:
        positions |= patients
    return frozenset(name for name, position in index.items() if position in positions & patients)


def _third_party(rules: LabelRules) -> Labels:
    return Labels(areas=frozenset(("family",)), rule_set=rules.version)


def _unclassified(rules: LabelRules) -> Labels:
    return Labels(areas=frozenset((UNCLASSIFIED,)), rule_set=rules.version)


def _target(reference: object) -> str | None:
    value = reference.get("reference") if isinstance(reference, Mapping) else None
    return value if isinstance(value, str) and value else None


def _words_of(section: Mapping[str, Any]) -> str:
    text = section.get("text")
    div = text.get("div") if isinstance(text, Mapping) else None
    return plain_words(re.sub(r"<[^>]*>", " ", div)) if isinstance(div, str) else ""


def _objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list, positions kept: what is no object becomes an empty one."""
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []
