"""Show of a record what a decision permits, and nothing that tells of the rest (docs/consent.md).

INVARIANT: nothing appears that cannot be derived from what is visible; the input is never changed.
INVARIANT: redacting what was redacted, under the decision on that, changes nothing.
INVARIANT: in what remains no reference points at what was removed.
A record that loses nothing keeps every byte it says; one that loses something loses its narrative too, and
gets one made from what is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from hub.consent.model import Decision, Effect, Labels, Part, Record
from hub.consent.parts import CONTAINERS, bundle_index, is_support
from hub.consent.redact_references import View, pointed_at, prune, references_in, required
from hub.consent.redact_sections import (
    thinned_section,
    with_labels_for,
    with_section_texts,
    withheld_section,
    without_prose,
)
from hub.errors import NotPermitted
from hub.fhir.narrative import narrative
from hub.fhir.narrative_values import Resolve
from hub.fhir.narrative_words import primary_language
from hub.fhir.references import unversioned
from hub.fhir.shapes import shape
from hub.fhir.value import Resource

_ALWAYS: Final = frozenset(
    ("resourceType", "id", "meta", "language", "text", "contained", "implicitRules", "modifierExtension")
)
_MODIFIERS: Final = frozenset(
    (
        "active", "clinicalStatus", "deceasedBoolean", "deceasedDateTime", "doNotPerform", "isSubpotent",
        "status", "verificationStatus",
    )
)  # fmt: skip
"""Elements that turn the meaning of the others (https://hl7.org/fhir/R4/conformance-rules.html#isModifier)."""


def redact(
    record: Record,
    decision: Decision,
    *,
    visible: Callable[[str], bool],
    withheld_areas: frozenset[str] = frozenset(),
    language: str = "cs",
) -> Resource:
    """What the recipient of this decision sees of the record.

    `visible` says of a reference (`Type/id`, or as written where it is foreign) whether the recipient may
    know of what it names; the directory is visible. `withheld_areas` are the areas that no permit covers:
    their sections say so even when empty. `language` is used where the record names none.
    """
    if decision.effect is Effect.DENY:
        raise NotPermitted("a denied record has no redacted form", place=decision.record)
    resource = record.resource
    language = primary_language(resource.get("language")) or language
    areas = defaultdict(frozenset[str], {part.pointer: part.labels.areas for part in record.parts})
    view = View(
        sees=visible,
        partial=decision.effect is Effect.PARTIAL,
        hidden=frozenset(decision.hidden_parts) | frozenset(_withheld(record, withheld_areas)),
        local=record.clients | {record.reference, "#"},
        withheld_section=lambda at, section: withheld_section(section, areas[at], language=language),
        thinned_section=lambda section: thinned_section(section, language=language),
    )
    view.gone |= {name for name in _named(record.parts, view) if not name.startswith("#")} - view.local
    if resource.get("resourceType") == "Bundle":
        shown = _bundle(resource, view, record.parts, language)
    elif _loses_nothing(resource, view):
        shown = resource
    else:
        view.learn(resource)
        shown = _one(resource, "", view, record.parts, language, _nothing)
    if decision.elements is None:
        return shown
    return _minimum(shown, decision.elements, language)


def _loses_nothing(resource: Resource, view: View) -> bool:
    """Whether nothing is hidden and everything that the resource points at is seen: then it stays as it is."""
    if view.hidden or view.gone or (view.partial and resource.get("resourceType") in CONTAINERS):
        return False
    return not any(view.hides_target(target) for target in pointed_at(resource))


def _one(
    resource: Resource, pointer: str, view: View, parts: Sequence[Part], language: str, resolve: Resolve
) -> Resource:
    """One resource at its place in the record: pruned, and told anew where it lost something."""
    mine = (
        [part for part in parts if part.pointer in view.hidden and _below(part.pointer, pointer)] if view.hidden else ()
    )
    inside = {name for name in _named(mine, view) if name.startswith("#")}
    pruned = prune(resource, replace(view, gone=view.gone | inside), pointer=pointer)
    touched = any(_below(hidden, pointer) for hidden in view.hidden)
    touched |= view.partial and resource.get("resourceType") in CONTAINERS
    if pruned == resource and not touched:
        return resource
    return _retold(_in_parts(pruned, pointer, view, parts, language, resolve), language, resolve)


def _in_parts(
    pruned: Resource, pointer: str, view: View, parts: Sequence[Part], language: str, resolve: Resolve
) -> Resource:
    """What a container no longer says of the parts that went: prose, labels, section texts."""
    if pruned.get("resourceType") not in CONTAINERS:
        return pruned
    shown = with_labels_for(without_prose(pruned, language=language), _labels_left(pointer, view, parts))
    if shown.get("resourceType") == "Composition":
        shown = with_section_texts(shown, language=language, resolve=resolve)
    return shown


def _retold(resource: Resource, language: str, resolve: Resolve) -> Resource:
    """The resource with only what it still refers to contained, and its narrative made anew if it had one."""
    contained = _reached(resource)
    kept = {key: value for key, value in resource.items() if key != "contained" or contained}
    if contained:
        kept["contained"] = contained
    if "text" not in resource:
        return kept
    bare = {key: value for key, value in kept.items() if key != "text"}
    told = narrative(bare, language=language, resolve=resolve)
    return {key: told if key == "text" else value for key, value in kept.items()}


def _reached(resource: Resource) -> list[Resource]:
    """What of the contained resources the rest still refers to, directly or through each other."""
    contained = [c for c in resource.get("contained") or [] if isinstance(c, dict)]
    by_name = {f"#{c.get('id')}": c for c in contained}
    reached: set[str] = set()
    waiting: list[Any] = [{key: value for key, value in resource.items() if key not in ("contained", "text")}]
    while waiting:
        for text in _strings(waiting.pop()):
            if text in by_name and text not in reached:
                reached.add(text)
                waiting.append(by_name[text])
    return [c for name, c in by_name.items() if name in reached]


def _bundle(bundle: Resource, view: View, parts: Sequence[Part], language: str) -> Resource:
    """A Bundle: its entries judged, those that only supported hidden ones left out, the Composition last."""
    entries = [entry if isinstance(entry, dict) else {} for entry in bundle.get("entry") or []]
    index = bundle_index(bundle)
    out = {n for n in range(len(entries)) if _is_out(n, entries[n], view, parts)}
    view.gone |= {name for name, n in index.items() if n in out}
    view.local |= frozenset(index)
    for n in out:
        _learn_identifiers(entries[n].get("resource"), view)
    view.learn(bundle)
    seen: dict[int, Resource] = {}

    def resolve(reference: str) -> Resource | None:
        return seen.get(index.get(unversioned(reference), -1))

    for n in sorted(set(range(len(entries))) - out, key=lambda n: _kind(entries[n]) == "Composition"):
        if isinstance(resource := entries[n].get("resource"), dict):
            seen[n] = _one(resource, f"/entry/{n}/resource", view, parts, language, resolve)
    if not (out or view.partial) and all(seen[n] == entries[n].get("resource") for n in seen):
        shown = prune(bundle, view)
        return bundle if shown == bundle else without_prose(shown, language=language)
    kept = sorted(_needed(entries, seen, index, out))
    shown = {key: value for key, value in bundle.items() if key != "entry"}
    shown = prune(shown, view)
    if kept:
        shown["entry"] = [_entry(entries[n], seen.get(n), view) for n in kept]
    labelled = with_labels_for(without_prose(shown, language=language), _labels_left("", view, parts))
    return {key: labelled[key] for key in (*bundle, "meta") if key in labelled}


def _is_out(position: int, entry: Mapping[str, Any], view: View, parts: Sequence[Part]) -> bool:
    """Whether an entry is hidden: by itself, or because every part of the container it holds is."""
    pointer = f"/entry/{position}"
    if pointer in view.hidden or f"{pointer}/resource" in view.hidden:
        return True
    if _kind(entry) not in CONTAINERS - {"Composition"}:
        return False
    inner = [part.pointer for part in parts if _below(part.pointer, f"{pointer}/resource")]
    return bool(inner) and all(_is_hidden(part, view) for part in inner)


def _needed(
    entries: Sequence[Mapping[str, Any]],
    seen: Mapping[int, Resource],
    index: Mapping[str, int],
    out: set[int],
) -> set[int]:
    """The entries that stay: what was judged, and what supports it (who, where, by which device)."""
    kept = {n for n in range(len(entries)) if n not in out and not is_support(entries[n].get("resource") or {})}
    waiting = list(kept)
    while waiting:
        for reference in references_in(seen.get(waiting.pop(), {})):
            n = index.get(unversioned(str(reference.get("reference"))), -1)
            if n in seen and n not in kept:
                kept.add(n)
                waiting.append(n)
    return kept


def _entry(entry: Mapping[str, Any], resource: Resource | None, view: View) -> dict[str, Any]:
    around = prune({"resourceType": "Bundle", "entry": [{**entry, "resource": {}}]}, view).get("entry", [{}])[0]
    return {key: resource if key == "resource" else around.get(key, value) for key, value in entry.items()}


def _withheld(record: Record, areas: frozenset[str]) -> Iterator[str]:
    """Sections of areas without a permit, and a client's contacts where family is one of them."""
    for part in record.parts:
        if part.pointer.split("/")[-2] == "section" and part.labels.areas & areas:
            yield part.pointer
    if record.resource.get("resourceType") == "Patient" and "family" in areas:
        yield "/contact"


def _minimum(resource: Resource, elements: frozenset[str], language: str) -> Resource:
    """Only the elements that a duty allows, with what FHIR requires and what turns their meaning."""
    known = shape(str(resource.get("resourceType")))
    stems = {element.removesuffix("[x]") for element in elements}
    allowed = stems | _ALWAYS | (_MODIFIERS & known.elements.keys())
    allowed |= {key for keys in required(known) for key in keys}
    allowed |= {key for stem, keys in known.choices if stem.removesuffix("[x]") in stems for key in keys}
    kept = {key: value for key, value in resource.items() if key.removeprefix("_") in allowed}
    return resource if kept == resource else _retold(kept, language, _nothing)


def _learn_identifiers(resource: object, view: View) -> None:
    identifiers = resource.get("identifier") if isinstance(resource, Mapping) else None
    for identifier in identifiers if isinstance(identifiers, list) else [identifiers]:
        if isinstance(identifier, Mapping):
            view.forget_name({"identifier": identifier})


def _named(parts: Iterable[Part], view: View) -> Iterator[str]:
    """The references by which hidden parts are known."""
    return (part.refers_to for part in parts if part.refers_to and part.pointer in view.hidden)


def _labels_left(pointer: str, view: View, parts: Sequence[Part]) -> Iterator[Labels]:
    mine = (part for part in parts if not pointer or _below(part.pointer, pointer))
    return (part.labels for part in mine if not _is_hidden(part.pointer, view))


def _is_hidden(pointer: str, view: View) -> bool:
    return any(pointer == hidden or _below(pointer, hidden) for hidden in view.hidden)


def _below(pointer: str, above: str) -> bool:
    return pointer.startswith(f"{above}/")


def _kind(entry: Mapping[str, Any]) -> str:
    resource = entry.get("resource")
    return str(resource.get("resourceType")) if isinstance(resource, Mapping) else ""


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _nothing(_reference: str) -> Resource | None:
    return None
