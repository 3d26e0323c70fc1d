"""Take things out of a resource so that it stays FHIR and nothing points at what went (docs/consent.md, §5).

One walk along the official shapes (`hub.fhir.shapes`): what is hidden goes, every reference to something
that the recipient may not see goes with its display and identifier, and a part whose loss breaks
cardinality or an invariant takes its nearest optional ancestor along. Where the resource itself would
break, the reference says `masked` (https://hl7.org/fhir/R4/codesystem-data-absent-reason.html), which tells
only that one is required.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hub.fhir.codes import DATA_ABSENT_EXTENSION
from hub.fhir.references import is_reference, parse_reference, unversioned
from hub.fhir.shapes import RESOURCE_TYPES, Shape, shape
from hub.fhir.value import Resource

GONE: Final = object()
"""What stands for something taken out."""

MASKED: Final[dict[str, Any]] = {"extension": [{"url": DATA_ABSENT_EXTENSION, "valueCode": "masked"}]}

_ANCHORS: Final[Mapping[str, frozenset[str]]] = {
    "AuditEvent.entity": frozenset(("what",)),
    "CarePlan.activity": frozenset(("reference",)),
    "ClinicalImpression.finding": frozenset(("itemReference",)),
    "Consent.provision": frozenset(("actor", "data")),
}
"""Elements that the rest of their object speaks about; a Consent's provision without its actor says more."""

_ALONG: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {"CareTeam.participant": {"member": ("onBehalfOf",)}}
"""What goes together with an element, though its object stays (a participant is still shown by role)."""


@dataclass(slots=True)
class View:
    """What one recipient may not see: pointers, references, and the names they go by."""

    sees: Callable[[str], bool]
    partial: bool = False
    """Whether prose over all parts goes, even where no single part does."""
    hidden: frozenset[str] = frozenset()
    gone: set[str] = field(default_factory=set)
    local: frozenset[str] = frozenset()
    """References to things inside the record (entries, the client): seen unless gone."""
    identifiers: set[tuple[str | None, str]] = field(default_factory=set)
    displays: set[str] = field(default_factory=set)
    withheld_section: Callable[[str, Mapping[str, Any]], dict[str, Any] | None] = lambda _at, _section: None
    """What stands for a hidden section of a Composition (its pointer, what it was), if anything."""
    thinned_section: Callable[[dict[str, Any]], dict[str, Any]] = lambda section: section
    """What a section says that lost something."""

    def hides(self, reference: Mapping[str, Any]) -> bool:
        """Whether the recipient may not know what this Reference names."""
        target = reference.get("reference")
        if isinstance(target, str) and target:
            return self.hides_target(target)
        if isinstance(identifier := reference.get("identifier"), Mapping):
            return _key(identifier) in self.identifiers
        return reference.get("display") in self.displays

    def hides_target(self, target: str) -> bool:
        """Whether a literal reference names something hidden."""
        plain = unversioned(target)
        if plain in self.gone:
            return True
        return not (plain.startswith("#") or plain in self.local) and not self.sees(plain)

    def learn(self, resource: Resource) -> None:
        """Remember under which identifiers and displays the hidden things are named elsewhere."""
        for reference in references_in(resource):
            if isinstance(reference.get("reference"), str) and self.hides(reference):
                self.forget_name(reference)

    def forget_name(self, reference: Mapping[str, Any]) -> None:
        """Add the names of one hidden reference."""
        if isinstance(identifier := reference.get("identifier"), Mapping):
            self.identifiers.add(_key(identifier))
        if isinstance(display := reference.get("display"), str):
            self.displays.add(display)


def prune(resource: Resource, view: View, *, pointer: str = "") -> Resource:
    """The resource without what the view hides; the input is left as it is."""
    pruned = _resource(resource, pointer, view)
    return pruned if isinstance(pruned, dict) else {}


def references_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object that is, or looks like, a Reference."""
    if isinstance(value, dict):
        if is_reference(value):
            yield value
        for item in value.values():
            if isinstance(item, dict | list):
                yield from references_in(item)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                yield from references_in(item)


def pointed_at(resource: Resource) -> set[str]:
    """Everything that references, and addresses of what is kept here, say."""
    found: set[str] = set()
    waiting: list[Any] = [resource]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(target := value.get("reference"), str):
                found.add(target)
            if isinstance(url := value.get("url"), str) and parse_reference(url):
                found.add(url)
            value = value.values()
        waiting += [item for item in value if isinstance(item, dict | list)]
    return found


def _key(identifier: Mapping[str, Any]) -> tuple[str | None, str]:
    return identifier.get("system"), str(identifier.get("value"))


def _resource(resource: Resource, pointer: str, view: View) -> Any:
    kind = resource.get("resourceType")
    if kind not in RESOURCE_TYPES:
        return resource
    known = shape(str(kind))
    kept = _children(resource, known, pointer, view)
    for keys in required(known):
        if any(key in resource for key in keys) and not any(key in kept for key in keys):
            key = next(key for key in keys if key in resource)
            kept[key] = _masked(resource[key], view)
    return kept


def _children(value: Mapping[str, Any], known: Shape, pointer: str, view: View) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, item in value.items():
        element = known.elements.get(key)
        left = _value(item, element.type if element else "", f"{pointer}/{key}", view)
        if left is not GONE:
            kept[key] = left
    return kept


def _value(value: Any, kind: str, pointer: str, view: View) -> Any:
    if pointer in view.hidden:
        return (view.withheld_section(pointer, value) or GONE) if kind == "Composition.section" else GONE
    if isinstance(value, list):
        items = [_value(item, kind, f"{pointer}/{n}", view) for n, item in enumerate(value)]
        left = [item for item in items if item is not GONE]
        return left if left or not value else GONE
    if isinstance(value, str):
        return GONE if value in view.gone else value
    if not isinstance(value, dict):
        return value
    if "resourceType" in value:
        return _resource(value, pointer, view)
    if kind == "Reference" or (not kind and is_reference(value)):
        if view.hides(value):
            return GONE
    elif kind == "Attachment" and parse_reference(value.get("url")) and view.hides_target(value["url"]):
        return GONE
    return _object(value, _shape(kind), pointer, view)


def _object(value: dict[str, Any], known: Shape | None, pointer: str, view: View) -> Any:
    if known is None:
        kept = {k: v for k, i in value.items() if (v := _value(i, "", f"{pointer}/{k}", view)) is not GONE}
        return kept if kept or not value else GONE
    kept = _children(value, known, pointer, view)
    lost = value.keys() - kept.keys()
    for key in lost:
        for other in _ALONG.get(known.name, {}).get(key, ()):
            kept.pop(other, None)
    if kept == value:
        return value
    if known.name == "Composition.section":
        return view.thinned_section(kept)
    return GONE if _is_broken(value, kept, known, frozenset(lost)) else kept


def _is_broken(value: Mapping[str, Any], kept: dict[str, Any], known: Shape, lost: frozenset[str]) -> bool:
    """Whether what is left of an object says nothing, or is no longer what its type requires."""
    anchors = _ANCHORS.get(known.name, frozenset())
    if not kept.keys() - {"id"} or any(kept.get(key) != value.get(key) for key in anchors):
        return True
    if known.name == "Extension" and not (kept.keys() - {"id", "url"}):
        return True
    if any(lost.intersection(keys) and not any(key in kept for key in keys) for keys in required(known)):
        return True
    rules = (rule for rule in known.rules if rule.severity == "error")
    return any(rule.holds(dict(value)) and not rule.holds(kept) for rule in rules)


def _masked(value: Any, view: View) -> Any:
    """A required element whose every reference is hidden: the element stays, the references are masked."""
    if isinstance(value, list):
        items: list[Any] = []
        for item in value:
            if (masked := _masked(item, view)) not in items:
                items.append(masked)
        return items
    if not isinstance(value, dict):
        return value
    if is_reference(value) or view.hides(value):
        return MASKED if view.hides(value) else value
    return {key: _masked(item, view) for key, item in value.items()}


def required(known: Shape) -> tuple[tuple[str, ...], ...]:
    """The keys of each required element; several where it is a choice."""
    return (*known.required, *(keys for _, keys in known.one_of))


def _shape(kind: str) -> Shape | None:
    try:
        return shape(kind) if kind else None
    except KeyError:
        return None
