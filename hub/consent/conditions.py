"""What a provision asks of a record, compiled once (consent rules §2.5 to §2.7).

A permit and a deny read the same field differently: a permit must be sure, a deny need only be touched. Each
field that is given becomes one check; all of them must hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum

from hub.consent import codes
from hub.consent.facts import Facts
from hub.consent.named import Fields, NamedClasses, NamedCodes, NamedData, NamedLabels, PeriodText
from hub.consent.periods import overlaps, within
from hub.fhir.codes import UNCLASSIFIED

Check = Callable[[Facts], bool]


class Match(IntEnum):
    """Whether conditions on a record can be told without the record."""

    NO = 0
    DEPENDS = 1
    YES = 2


class Conditions:
    """The record side of one provision."""

    __slots__ = ("areas", "asks_more", "hold", "names_codes", "others")

    hold: Check
    """Whether all that is asked of the record is so."""

    def __init__(self, fields: Fields, *, permit: bool) -> None:
        checks: list[Check] = []
        self.names_codes = fields.codes is not None
        self.areas: frozenset[str] = frozenset()
        self.others = False
        if fields.codes is not None:
            self.areas = fields.codes.areas - ({UNCLASSIFIED} if permit else set())
            self.others = bool(fields.codes.others)
            checks.append(_codes(fields.codes, self.areas, permit))
        if fields.labels is not None:
            checks.append(_permitted_labels(fields.labels) if permit else _denied_labels(fields.labels))
        if fields.classes is not None:
            checks.append(_classes(fields.classes))
        if fields.data_period is not None:
            checks.append(_time(fields.data_period, permit))
        if fields.data is not None:
            checks.append(_data(fields.data, permit))
        self.hold = _all_of(checks)
        self.asks_more = len(checks) > self.names_codes

    def may_hold(self, area: str | None) -> Match:
        """Whether they hold for records of an area (or of some area), as far as can be told without one."""
        if not self.names_codes:
            return Match.DEPENDS if self.asks_more else Match.YES
        if area is None:
            return Match.DEPENDS if self.areas or self.others else Match.NO
        if area in self.areas:
            return Match.DEPENDS if self.asks_more else Match.YES
        return Match.DEPENDS if self.others else Match.NO


def _all_of(checks: Sequence[Check]) -> Check:
    if not checks:
        return lambda _: True
    first, *others = checks
    if not others:
        return first
    rest = _all_of(others)
    return lambda facts: first(facts) and rest(facts)


def _codes(named: NamedCodes, areas: frozenset[str], permit: bool) -> Check:
    """A permit must name all areas of the record, a deny one of them; a code of another system holds on a
    match.
    """
    others = named.others

    def permitted(facts: Facts) -> bool:
        if facts.areas and facts.areas <= areas:
            return True
        return bool(others) and not others.isdisjoint(facts.content.own_codes)

    def denied(facts: Facts) -> bool:
        if not areas.isdisjoint(facts.areas):
            return True
        return bool(others) and not others.isdisjoint(facts.every_code)

    return permitted if permit else denied


def _permitted_labels(named: NamedLabels) -> Check:
    """At most the highest confidentiality named; every sensitivity code named by this one provision."""
    sensitivity = named.sensitivity
    if not named.confidentiality:
        return lambda facts: bool(facts.sensitivity) and facts.sensitivity <= sensitivity
    highest = max(named.confidentiality)
    if not sensitivity:
        return lambda facts: facts.rank <= highest
    return lambda facts: facts.rank <= highest and facts.sensitivity <= sensitivity


def _denied_labels(named: NamedLabels) -> Check:
    """At or above the confidentiality named, or any sensitivity code named or below one."""
    sensitivity = codes.with_narrower(named.sensitivity)
    lowest = min(named.confidentiality, default=codes.BEYOND_SCALE + 1)
    return lambda facts: facts.rank >= lowest or not sensitivity.isdisjoint(facts.sensitivity)


def _classes(named: NamedClasses) -> Check:
    types, documents = named.types, named.documents
    return lambda facts: facts.type in types or (bool(documents) and not documents.isdisjoint(facts.documents))


def _time(period: PeriodText, permit: bool) -> Check:
    """A permit needs containment, a deny overlap; a record without a date is hit and not covered."""

    def permitted(facts: Facts) -> bool:
        return facts.time is not None and within(facts.time, period.span(facts.zone))

    def denied(facts: Facts) -> bool:
        return facts.time is None or overlaps(period.span(facts.zone), facts.time)

    return permitted if permit else denied


def _data(named: tuple[NamedData, ...], permit: bool) -> Check:
    checks = tuple(_one_data(data, permit) for data in named)
    return lambda facts: any(check(facts) for check in checks)


def _one_data(data: NamedData, permit: bool) -> Check:
    target, version, meaning = data.reference, data.version if permit else None, data.meaning
    through = meaning == "related" and not target.startswith("Patient/")

    def authored(facts: Facts) -> bool:
        return target in (facts.authors if permit else facts.every_author)

    def named(facts: Facts) -> bool:
        if facts.reference == target:
            return facts.version_is(version)
        if meaning == "dependents":
            return facts.refers_to(target)
        if through and facts.type != "Patient":
            return facts.refers_to(target) or facts.referred_to_by(target)
        return False

    return authored if meaning == "authoredby" else named
