"""A Consent bound to one request: what is left of its provisions, and which of them speak (consent rules
§2.3, §2.4).

What a provision says of the request (actor, purpose, action, period) is settled once; what it says of the
record is judged for each. A provision speaks if its conditions hold and none of its children's do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.consent import codes
from hub.consent.actors import Actors
from hub.consent.conditions import Match
from hub.consent.facts import Facts
from hub.consent.named import Fields
from hub.consent.rules import ConsentRule, Provision


@dataclass(frozen=True, slots=True)
class Asked:
    """The request side of a decision, expanded once: purposes that cover the one asked for, actions alike."""

    actors: Actors
    purpose: str
    purposes: frozenset[str]
    actions: frozenset[str]
    at: datetime
    zone: ZoneInfo


class BoundProvision:
    """One provision whose request side holds, with those of its children whose does."""

    __slots__ = ("children", "conditions", "emergency", "holds", "path", "permit")

    def __init__(self, provision: Provision, children: Sequence[BoundProvision]) -> None:
        self.path = provision.path
        self.permit = provision.permit
        self.conditions = provision.conditions
        self.holds = provision.conditions.hold
        self.children = tuple(children)
        purposes = provision.effective.purposes
        self.emergency = purposes is not None and not purposes.isdisjoint(codes.EMERGENCY)


class BoundConsent:
    """A Consent in force, bound to one request."""

    __slots__ = ("children", "date", "name", "root")

    def __init__(self, rule: ConsentRule, asked: Asked) -> None:
        assert rule.root is not None
        self.name = rule.name
        self.date = rule.date
        self.children = _bound(rule.root.children, asked)
        reached = holds_for(rule.root.effective, rule.root.permit, asked)
        self.root = BoundProvision(rule.root, self.children) if reached else None

    @property
    def silent(self) -> bool:
        """Whether it says nothing to this request, whatever the record."""
        return self.root is None and not self.children

    def speaking(self, facts: Facts) -> list[BoundProvision]:
        """The provisions that speak of a record; the first level is always reached."""
        found: list[BoundProvision] = []
        for child in self.children:
            if child.holds(facts):
                if child.children:
                    _speak(child, facts, found)
                else:
                    found.append(child)
        if not found and self.root is not None and self.root.holds(facts):
            found.append(self.root)
        return found

    def may_permit(self, area: str | None) -> str | None:
        """The path of a permit that could speak of a record of this area (or of some area)."""
        return min((node.path for node in self._possible(area) if node.permit), default=None)

    def surely_denies(self, area: str | None) -> bool:
        """Whether a deny speaks of every record of this area: surely reached, surely so, and nothing instead of it."""
        waiting = [*self.children, *((self.root,) if self.root else ())]
        while waiting:
            node = waiting.pop()
            if node.conditions.may_hold(area) is not Match.YES:
                continue
            if not node.permit and all(child.conditions.may_hold(area) is Match.NO for child in node.children):
                return True
            if node is not self.root:
                waiting.extend(node.children)
        return False

    def _possible(self, area: str | None) -> Iterator[BoundProvision]:
        """The provisions that could speak of a record of this area."""
        waiting = list(self.children)
        nodes = [*((self.root,) if self.root else ())]
        while waiting:
            node = waiting.pop()
            if node.conditions.may_hold(area) is not Match.NO:
                nodes.append(node)
                waiting.extend(node.children)
        for node in nodes:
            covered = any(child.conditions.may_hold(area) is Match.YES for child in node.children)
            if not covered and node.conditions.may_hold(area) is not Match.NO:
                yield node


def holds_for(fields: Fields, permit: bool, asked: Asked) -> bool:
    """Whether what a provision says of the request is so."""
    if fields.actors is not None:
        closure = asked.actors.permit if permit else asked.actors.deny
        if fields.actors.isdisjoint(closure):
            return False
    if fields.actions is not None and fields.actions.isdisjoint(asked.actions):
        return False
    if not _purpose_holds(fields.purposes, permit, asked):
        return False
    if fields.period is not None:
        first, last = fields.period.span(asked.zone)
        return first <= asked.at <= last
    return True


def _purpose_holds(named: frozenset[str] | None, permit: bool, asked: Asked) -> bool:
    """A permit that names no purpose means any but those that must be named; a deny means every one."""
    if named is None:
        return not permit or asked.purpose not in codes.NAMED_ONLY
    if permit and asked.purpose in codes.NAMED_ONLY:
        named -= {codes.ABSTRACT_PURPOSE}
    return not named.isdisjoint(asked.purposes)


def _bound(provisions: Sequence[Provision], asked: Asked) -> tuple[BoundProvision, ...]:
    """The provisions whose request side holds; what lies below others is never reached."""
    return tuple(
        BoundProvision(provision, _bound(provision.children, asked) if provision.children else ())
        for provision in provisions
        if holds_for(provision.effective, provision.permit, asked)
    )


def _speak(node: BoundProvision, facts: Facts, found: list[BoundProvision]) -> None:
    """Note a provision whose conditions hold, or those below it that hold instead."""
    reached = False
    for child in node.children:
        if child.holds(facts):
            reached = True
            _speak(child, facts, found)
    if not reached:
        found.append(node)
