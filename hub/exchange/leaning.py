"""Which search values of a record go along when something that it points at is taken out.

To take a reference out can break what stands around it (a participant without the person, a provision without its
actor); then that goes too, with every value in it (`hub.consent.redact_references`). This is found by doing it: only
for values that stand in one element with a reference that is not their own, so for most records never.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.consent.redact_references import View, prune
from hub.fhir.references import is_reference, parse_reference, unversioned
from hub.fhir.search_parameters import IndexValue
from hub.fhir.value import Resource

MOST = 24
"""References of one record that are taken out one by one; where there are more, a value goes with any of them."""

Again = Callable[[Mapping[str, Any]], Sequence[IndexValue]]
"""The values of what is left."""


@dataclass(frozen=True, slots=True)
class Leaning:
    """What a record points at, and by its number, on which of that a value depends beside what it is of."""

    targets: frozenset[str]
    on: Mapping[int, frozenset[str]]


def leaning(resource: Resource, values: Sequence[IndexValue], *, local: Collection[str], again: Again) -> Leaning:
    """Find it for every value of a record. `local` is what nobody takes out: the record itself and its clients."""
    around = _around(resource, frozenset(local))
    every = frozenset[str]().union(*around.values())
    doubtful = {
        number: others
        for number, value in enumerate(values)
        if around and (others := around.get(_item(value.pointer), frozenset()) - {value.target})
    }
    targets = frozenset[str]().union(*doubtful.values())
    if len(targets) > MOST:
        return Leaning(every, doubtful)
    lost = {target: _lost(resource, values, {target}, local, again) for target in targets}
    found = {number: frozenset(t for t in others if number in lost[t]) for number, others in doubtful.items()}
    unclear = {number: others for number, others in doubtful.items() if not found[number]}
    for own in {values[number].target for number in unclear}:
        together = _lost(resource, values, targets - {own}, local, again)
        found |= {n: others for n, others in unclear.items() if values[n].target == own and n in together}
    return Leaning(every, {number: others for number, others in found.items() if others})


def _lost(
    resource: Resource, values: Sequence[IndexValue], gone: Collection[str], local: Collection[str], again: Again
) -> set[int]:
    """The numbers of the values that are not there without these references."""
    view = View(sees=lambda reference: reference not in gone, local=frozenset(local))
    view.learn(resource)
    left = Counter(_said(value) for value in again(prune(resource, view)))
    before = Counter(_said(value) for value in values)
    return {number for number, value in enumerate(values) if left[_said(value)] < before[_said(value)]}


def _said(value: IndexValue) -> tuple[object, ...]:
    """A value without its place, which shifts when something goes."""
    return value._replace(pointer="", tie=0)


def _around(resource: Resource, local: frozenset[str]) -> dict[str, frozenset[str]]:
    """The references in each element of the record (each item, where it repeats), attachments included.

    Something that names a thing only in words, or by its number, goes with a reference of the same words or number.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    named: defaultdict[object, set[str]] = defaultdict(set)
    unlinked: list[tuple[str, object]] = []
    for item, value in _objects(resource):
        words = [value.get("display"), _number(value.get("identifier"))]
        target = _target(value)
        if target and target not in local and not target.startswith("#"):
            found[item].add(target)
            for said in words:
                named[said].add(target)
        elif not target:
            unlinked += [(item, said) for said in words if said is not None]
    for item, said in unlinked:
        if said in named:
            found[item] |= named[said]
    return {item: frozenset(targets) for item, targets in found.items()}


def _target(value: dict[str, Any]) -> str:
    """What an object points at: a Reference, or an attachment kept as a record of its own."""
    if is_reference(value):
        return unversioned(str(value["reference"]))
    url = value.get("url")
    return unversioned(url) if isinstance(url, str) and parse_reference(url) else ""


def _number(identifier: object) -> object:
    if not isinstance(identifier, Mapping):
        return None
    return identifier.get("system"), identifier.get("value")


def _objects(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object inside, with the element (or the item of it) that it is in."""
    if isinstance(value, dict):
        if at:
            yield _name(at), value
        for key, item in value.items():
            if isinstance(item, dict | list):
                yield from _objects(item, at if len(at) == 2 else (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                yield from _objects(item, at if len(at) == 2 else (*at, index))


def _name(at: tuple[str | int, ...]) -> str:
    """`participant/0`; of an element that does not repeat, its name alone."""
    return f"{at[0]}/{at[1]}" if len(at) > 1 and isinstance(at[1], int) else str(at[0])


def _item(pointer: str) -> str:
    first, _, rest = pointer[1:].partition("/")
    index = rest.partition("/")[0]
    return f"{first}/{index}" if index.isdigit() else first
