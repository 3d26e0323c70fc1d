"""A Consent as rows that a database can decide by (consent rules §7).

Every provision becomes one rule: where it stands among the others, what it asks of the request (its side, shared by
all rules that ask the same), when it holds, and what it asks of a record, as masks and ranges. What masks cannot say
(codes of other systems, kinds of document, the time of the content, named records) makes a rule `hard`: whether it
holds is worked out for each record by the provision's own `conditions`.

INVARIANT: a rule holds of a request and a record exactly where its provision does (tests/exchange/test_predicate.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from hub.consent import codes
from hub.consent.conditions import Conditions
from hub.consent.named import Fields, NamedCodes, NamedLabels, PeriodText
from hub.consent.provisions import Asked, holds_for
from hub.consent.rules import ConsentRule, Provision
from hub.fhir.clinical_time import OPEN_END, OPEN_START
from hub.fhir.value import Reference

ABOVE_ALL: Final = codes.BEYOND_SCALE + 1
"""A rank that no record has."""

_EVER: Final = (OPEN_START, OPEN_END)


@dataclass(frozen=True)
class RequestSide:
    """What a provision asks of the request besides the moment; None where it does not ask."""

    permit: bool
    actors: frozenset[Reference] | None = None
    purposes: frozenset[str] | None = None
    actions: frozenset[str] | None = None

    @cached_property
    def digest(self) -> str:
        """The same for the same content."""
        return hashlib.sha256(json.dumps([self.permit, self.fields()]).encode()).hexdigest()

    def fields(self) -> dict[str, list[str] | None]:
        """What is named, by field, in order."""
        named = {"actors": self.actors, "purposes": self.purposes, "actions": self.actions}
        return {field: None if values is None else sorted(values) for field, values in named.items()}

    @classmethod
    def of(cls, permit: bool, fields: dict[str, Any]) -> RequestSide:
        """The side with these fields."""
        read = {field: None if values is None else frozenset(values) for field, values in fields.items()}
        return cls(permit, **read)

    def holds(self, asked: Asked) -> bool:
        """Whether it is so of a request: the interpreter's own answer."""
        return holds_for(Fields(actors=self.actors, purposes=self.purposes, actions=self.actions), self.permit, asked)


@dataclass(frozen=True, slots=True)
class RecordSide:
    """What a provision asks of a record, in the form that permits and denies share. All of it must be so.

    The confidentiality is `most` or lower; and it is `least` or higher, or a code of `some_sensitivity` is there. Every
    sensitivity code is one of `only_sensitivity`, every area one of `only_areas` (None: any). An area of `some_areas`
    is there, and the type is one of `types` (empty: any).
    """

    most: int = ABOVE_ALL
    least: int = -1
    some_sensitivity: frozenset[str] = frozenset()
    only_sensitivity: frozenset[str] | None = None
    some_areas: frozenset[str] = frozenset()
    only_areas: frozenset[str] | None = None
    types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One provision. `no` counts within its Consent; `above` are the provisions that must hold for it to be reached.

    `conditions`, where there are any, decide instead of `record`; `data` are the records that they name. `shows_client`
    is what the conditions say of no record in particular (`Match`): a permit that may hold shows who the client is.
    """

    no: int
    path: str
    permit: bool
    depth: int
    parent: int | None
    above: tuple[int, ...]
    has_children: bool
    side: RequestSide
    since: datetime
    until: datetime
    record: RecordSide
    shows_client: int
    conditions: Conditions | None = None
    data: frozenset[Reference] = frozenset()


@dataclass(frozen=True, slots=True)
class CompiledConsent:
    """What a Consent says, for whom: no rules where it says nothing."""

    reference: Reference
    clients: frozenset[Reference]
    rules: tuple[CompiledRule, ...]


def compile_consent(rule: ConsentRule, clients: Collection[Reference], zone: ZoneInfo) -> CompiledConsent:
    """The rules of a Consent. `clients`: whom it binds where it does not say so itself."""
    bound = frozenset((rule.patient,) if rule.patient is not None else clients)
    if not rule.active or not rule.privacy:
        return CompiledConsent(rule.reference, bound, ())
    within = rule.period.span(zone) if rule.period is not None else _EVER
    if rule.root is None or not rule.computable:
        return CompiledConsent(rule.reference, bound, (_against_all(within),) if rule.trusted else ())
    found = tuple(_rules(rule.root, within, zone))
    holding = {one.parent for one in found}
    return CompiledConsent(rule.reference, bound, tuple(replace(one, has_children=one.no in holding) for one in found))


def _against_all(within: tuple[datetime, datetime]) -> CompiledRule:
    """A Consent that cannot be computed counts as a deny of everything it might have covered."""
    return CompiledRule(0, "provision", False, 0, None, (), False, RequestSide(False), *within, RecordSide(), 2)


def _rules(root: Provision, within: tuple[datetime, datetime], zone: ZoneInfo) -> Iterator[CompiledRule]:
    """The provisions that can ever hold, each before those inside it; what lies below one that cannot is not reached.

    The root is above nothing: the first level is always reached.
    """
    waiting: list[tuple[Provision, int, int | None, tuple[int, ...]]] = [(root, 0, None, ())]
    numbers = 0
    while waiting:
        provision, depth, parent, above = waiting.pop()
        no, numbers = numbers, numbers + 1
        made = _rule(provision, within, zone, (no, depth, parent, above))
        if made is not None:
            yield made
        elif depth > 0:
            continue
        inside = (*above, no) if depth > 0 else ()
        below = None if made is None else no
        waiting += [(child, depth + 1, below, inside) for child in reversed(provision.children)]


def _rule(
    provision: Provision,
    within: tuple[datetime, datetime],
    zone: ZoneInfo,
    place: tuple[int, int, int | None, tuple[int, ...]],
) -> CompiledRule | None:
    fields, permit, conditions = provision.effective, provision.permit, provision.conditions
    since, until = _both(within, fields.period, zone)
    record = _record_side(fields, conditions, permit)
    if until < since or record is None:
        return None
    no, depth, parent, above = place
    hard = _is_hard(fields)
    return CompiledRule(
        no=no,
        path=provision.path,
        permit=permit,
        depth=depth,
        parent=parent,
        above=above,
        has_children=False,
        side=RequestSide(permit, fields.actors, fields.purposes, fields.actions),
        since=since,
        until=until,
        record=RecordSide() if hard else record,
        shows_client=int(conditions.may_hold(None)),
        conditions=conditions if hard else None,
        data=frozenset(data.reference for data in fields.data or ()),
    )


def _both(within: tuple[datetime, datetime], period: PeriodText | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    first, last = period.span(zone) if period is not None else _EVER
    return max(first, within[0]), min(last, within[1])


def _is_hard(fields: Fields) -> bool:
    """Whether labels, areas and type do not tell if the conditions hold."""
    others = fields.codes is not None and bool(fields.codes.others)
    documents = fields.classes is not None and bool(fields.classes.documents)
    return others or documents or fields.data_period is not None or fields.data is not None


def _record_side(fields: Fields, conditions: Conditions, permit: bool) -> RecordSide | None:
    """None where no record can be meant: a permit that names no area but `unclassified`."""
    if permit and fields.codes is not None and not (conditions.areas or conditions.others):
        return None
    types = fields.classes.types if fields.classes is not None else frozenset[str]()
    named = _labels(fields.labels, permit) if fields.labels is not None else {}
    return RecordSide(**named, **_areas(fields.codes, conditions.areas, permit), types=types)


def _areas(named: NamedCodes | None, areas: frozenset[str], permit: bool) -> dict[str, Any]:
    if named is None:
        return {}
    return {"some_areas": areas, "only_areas": areas} if permit else {"some_areas": areas}


def _labels(named: NamedLabels, permit: bool) -> dict[str, Any]:
    if not permit:
        lowest = min(named.confidentiality, default=ABOVE_ALL)
        return {"least": lowest, "some_sensitivity": codes.with_narrower(named.sensitivity)}
    if not named.confidentiality:
        sensitivity = named.sensitivity
        return {"least": ABOVE_ALL, "some_sensitivity": sensitivity, "only_sensitivity": sensitivity}
    highest = max(named.confidentiality)
    return {"most": highest, "only_sensitivity": named.sensitivity} if named.sensitivity else {"most": highest}
