"""A Consent bound to one request: what is left of its provisions, and which of them speak (consent rules §2.3 to §2.7).

What a provision says of the request (actor, purpose, action, period) is settled once; what it says of the record is
judged for each. A provision speaks if its conditions hold and none of its children's do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from zoneinfo import ZoneInfo

from hub.consent import codes
from hub.consent.actors import Actors
from hub.consent.facts import Facts
from hub.consent.periods import Span, contains, overlaps
from hub.consent.rules import ConsentRule, Fields, NamedData, Provision
from hub.fhir.codes import UNCLASSIFIED


@dataclass(frozen=True, slots=True)
class Asked:
    """The request side of a decision, expanded once."""

    actors: Actors
    purpose: str
    action: str
    at: datetime
    zone: ZoneInfo


class Match(IntEnum):
    """Whether conditions on a record can be told without the record."""

    NO = 0
    DEPENDS = 1
    YES = 2


class BoundProvision:
    """One provision whose request side holds: what it asks of a record."""

    __slots__ = (
        "areas", "at_least", "at_most", "children", "classes", "data", "emergency", "open", "others", "path",
        "permit", "sensitivity", "within",
    )  # fmt: skip

    def __init__(self, provision: Provision, asked: Asked, children: Sequence[BoundProvision]) -> None:
        fields = provision.effective
        self.path = provision.path
        self.permit = provision.permit
        self.children = tuple(children)
        self.classes = fields.classes
        self.data = fields.data
        self.within: Span | None = fields.data_period.span(asked.zone) if fields.data_period else None
        self.emergency = bool((fields.purposes or frozenset()) & codes.EMERGENCY)
        self._bind_labels(fields)
        self._bind_codes(fields)
        self.open = all(
            field is None
            for field in (fields.labels, fields.codes, fields.classes, fields.data, fields.data_period)
        )

    def _bind_labels(self, fields: Fields) -> None:
        named = fields.labels
        ranks = named.confidentiality if named else frozenset()
        sensitivity = named.sensitivity if named else frozenset()
        self.at_most = max(ranks) if ranks else None
        self.at_least = min(ranks) if ranks else None
        self.sensitivity = sensitivity if self.permit else codes.with_narrower(sensitivity)

    def _bind_codes(self, fields: Fields) -> None:
        named = fields.codes
        self.areas = named.areas if named else None
        self.others = named.others if named else None
        if self.permit and self.areas is not None:
            self.areas -= {UNCLASSIFIED}

    def holds(self, facts: Facts) -> bool:
        """Whether all that it asks of the record is so."""
        if self.open:
            return True
        return (
            self._holds_labels(facts)
            and self._holds_codes(facts)
            and (self.classes is None or self._holds_class(facts))
            and (self.within is None or self._holds_time(facts, self.within))
            and (self.data is None or any(self._holds_data(facts, data) for data in self.data))
        )

    def _holds_labels(self, facts: Facts) -> bool:
        named = self.sensitivity
        if not named and self.at_most is None:
            return True
        if not self.permit:
            reached = self.at_least is not None and facts.rank >= self.at_least
            return reached or not named.isdisjoint(facts.sensitivity)
        if self.at_most is not None:
            return facts.rank <= self.at_most and (not named or facts.sensitivity <= named)
        return bool(facts.sensitivity) and facts.sensitivity <= named

    def _holds_codes(self, facts: Facts) -> bool:
        if self.areas is None or self.others is None:
            return True
        if not self.permit:
            return not self.areas.isdisjoint(facts.areas) or (
                bool(self.others) and not self.others.isdisjoint(facts.every_code)
            )
        if facts.areas and facts.areas <= self.areas:
            return True
        return bool(self.others) and not self.others.isdisjoint(facts.content.own_codes)

    def _holds_class(self, facts: Facts) -> bool:
        named = self.classes
        return named is not None and (
            facts.type in named.types
            or (bool(named.documents) and not named.documents.isdisjoint(facts.documents))
        )

    def _holds_time(self, facts: Facts, within: Span) -> bool:
        """A record without a date is hit by a deny and not covered by a permit."""
        if facts.time is None:
            return not self.permit
        return contains(within, facts.time) if self.permit else overlaps(within, facts.time)

    def _holds_data(self, facts: Facts, data: NamedData) -> bool:
        target = data.reference
        if data.meaning == "authoredby":
            return target in (facts.authors if self.permit else facts.every_author)
        if facts.reference == target:
            return not self.permit or facts.version_is(data.version)
        if data.meaning == "dependents":
            return facts.refers_to(target)
        if data.meaning == "related" and not target.startswith("Patient/") and facts.type != "Patient":
            return facts.refers_to(target) or facts.referred_to_by(target)
        return False

    def may_hold(self, area: str | None) -> Match:
        """Whether it holds for records of an area (or of some area), as far as can be told without one."""
        if self.open:
            return Match.YES
        asks_more = (
            self.classes is not None
            or self.data is not None
            or self.within is not None
            or bool(self.sensitivity)
            or self.at_most is not None
        )
        if self.areas is None:
            return Match.DEPENDS
        if area is None:
            return Match.DEPENDS if self.areas or self.others else Match.NO
        if area in self.areas:
            return Match.DEPENDS if asks_more else Match.YES
        return Match.DEPENDS if self.others else Match.NO


class BoundConsent:
    """A Consent in force, bound to one request."""

    __slots__ = ("children", "date", "name", "root")

    def __init__(self, rule: ConsentRule, asked: Asked) -> None:
        assert rule.root is not None
        self.name = rule.name
        self.date = rule.date
        self.children = _bound(rule.root.children, asked)
        reached = holds_for(rule.root.effective, rule.root.permit, asked)
        self.root = BoundProvision(rule.root, asked, self.children) if reached else None

    @property
    def silent(self) -> bool:
        """Whether it says nothing to this request, whatever the record."""
        return self.root is None and not self.children

    def speaking(self, facts: Facts) -> list[BoundProvision]:
        """The provisions that speak of a record. First-level ones are reached whether or not the root holds."""
        found: list[BoundProvision] = []
        reached = False
        for child in self.children:
            if child.holds(facts):
                reached = True
                _speak(child, facts, found)
        if not reached and self.root is not None and self.root.holds(facts):
            found.append(self.root)
        return found

    def may_permit(self, area: str | None) -> str | None:
        """The path of a permit that could speak of a record of this area (or of some area)."""
        return min((node.path for node in self._possible(area) if node.permit), default=None)

    def surely_denies(self, area: str | None) -> bool:
        """Whether a deny speaks of every record of this area."""
        return any(
            not node.permit
            and node.may_hold(area) is Match.YES
            and all(child.may_hold(area) is Match.NO for child in node.children)
            for node in self._possible(area)
        )

    def _possible(self, area: str | None) -> list[BoundProvision]:
        found: list[BoundProvision] = []
        waiting = [*self.children, *((self.root,) if self.root else ())]
        while waiting:
            node = waiting.pop()
            if node.may_hold(area) is Match.NO:
                continue
            if node is not self.root:
                waiting.extend(node.children)
            if not any(child.may_hold(area) is Match.YES for child in node.children):
                found.append(node)
        return found


def holds_for(fields: Fields, permit: bool, asked: Asked) -> bool:
    """Whether what a provision says of the request is so."""
    if fields.actors is not None:
        closure = asked.actors.permit if permit else asked.actors.deny
        if fields.actors.isdisjoint(closure):
            return False
    if fields.actions is not None and fields.actions.isdisjoint(codes.reads_like(asked.action)):
        return False
    if not _purpose_holds(fields.purposes, permit, asked.purpose):
        return False
    if fields.period is not None:
        first, last = fields.period.span(asked.zone)
        return first <= asked.at <= last
    return True


def _purpose_holds(named: frozenset[str] | None, permit: bool, purpose: str) -> bool:
    """A permit that names no purpose means any but those that must be named; a deny means every one."""
    if named is None:
        return not permit or purpose not in codes.NAMED_ONLY
    if permit and purpose in codes.NAMED_ONLY:
        named -= {codes.ABSTRACT_PURPOSE}
    return not named.isdisjoint(codes.PURPOSES[purpose])


def _bound(provisions: Sequence[Provision], asked: Asked) -> tuple[BoundProvision, ...]:
    """The provisions whose request side holds; what lies below others is never reached."""
    return tuple(
        BoundProvision(provision, asked, _bound(provision.children, asked))
        for provision in provisions
        if holds_for(provision.effective, provision.permit, asked)
    )


def _speak(node: BoundProvision, facts: Facts, found: list[BoundProvision]) -> None:
    reached = False
    for child in node.children:
        if child.holds(facts):
            reached = True
            _speak(child, facts, found)
    if not reached:
        found.append(node)
