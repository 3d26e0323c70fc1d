"""Decide whether a record may be seen, by whom, for what, and why (consent rules §1 to §5).

`decide` is a function of its arguments: no I/O, no clock. The default is deny, and it is where one falls, not
a branch. A request is bound once (`bind`) and then judges many records.

A container is visible as soon as a part is. Every part is judged on its own: by the whole decision about the
record it refers to, or by its own labels. A deny that hits the container itself hides it whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from hub.consent.bases import Bases
from hub.consent.codes import CLIENT_TYPES, DIRECTORY_TYPES
from hub.consent.containers import PartNode, part_tree
from hub.consent.facts import Facts, beyond_parts, prose_labels
from hub.consent.grounds import Ground, ground
from hub.consent.judges import ByContribution
from hub.consent.model import AccessRequest, Decision, Effect, Labels, Reason, Record, World
from hub.consent.rules import ConsentRule
from hub.consent.verdicts import Judgement, because, refused
from hub.fhir.codes import UNCLASSIFIED
from hub.fhir.value import Reference

NEVER_NARROWED: Final = frozenset(("resourceType", "id", "meta", "text", "language", "implicitRules"))
"""Elements whose being left out does not make a view partial."""


def decide(
    request: AccessRequest,
    record: Record,
    consents: Sequence[ConsentRule],
    world: World,
    *,
    at: datetime,
    bases: Bases,
    zone: ZoneInfo,
) -> Decision:
    """What this request may see of one record, and why."""
    return bind(request, consents, world, at=at, bases=bases, zone=zone).decide(record)


def bind(
    request: AccessRequest,
    consents: Sequence[ConsentRule],
    world: World,
    *,
    at: datetime,
    bases: Bases,
    zone: ZoneInfo,
) -> Bound:
    """The request with its actors expanded and its Consents bound, ready for many records."""
    return Bound(ground(request, consents, world, at=at, bases=bases, zone=zone))


class Bound:
    """One request, bound: judges record after record."""

    def __init__(self, on: Ground) -> None:
        self.ground = on
        self._refusal = on.refusal()
        self._judge = None if self._refusal is not None else on.judge()
        self._hidden_areas = on.never_seen()
        self._seen: dict[Reference, Decision] = {}

    @property
    def request(self) -> AccessRequest:
        """What was asked."""
        return self.ground.request

    @property
    def quarantined(self) -> tuple[ConsentRule, ...]:
        """Consents that cannot be computed and came from somebody who may not deny for the client."""
        return tuple(self.ground.consents.quarantined)

    @property
    def unenforceable(self) -> tuple[ConsentRule, ...]:
        """Consents that cannot be computed and so deny everything they might have covered."""
        return tuple(self.ground.consents.unenforceable)

    def areas(self, client: Reference) -> frozenset[str]:
        """The areas of life of which the request may see something of a client, whether or not there is
        anything.
        """
        return frozenset() if self._judge is None else self._judge.areas(client) - self._hidden_areas

    def decide(self, record: Record) -> Decision:
        """What the request may see of a record, and why."""
        return self._decide(record, frozenset())

    def _decide(self, record: Record, within: frozenset[Reference]) -> Decision:
        whole = not record.clients or isinstance(self._judge, ByContribution)
        if record.parts and self._judge is not None and not whole:
            return self._decide_container(record, within | {record.reference})
        facts = Facts(record, record.labels, self.ground.world, self.ground.zone)
        return _decision(record, self.judged(facts))

    def judged(self, facts: Facts) -> Judgement:
        """The judgement of this request's basis on one record, container or part."""
        if self._judge is None:
            return refused(facts, self._refusal or "default: deny")
        if not facts.record.clients:
            return self._without_client(facts)
        if self._hidden_areas & facts.areas:
            return refused(facts, "guardian: never sees safeguarding")
        return self._judge.judge(facts)

    def _without_client(self, facts: Facts) -> Judgement:
        """About no client: the directory is open, anything else is for whoever contributed it."""
        if facts.type in DIRECTORY_TYPES:
            return Judgement(True, because(facts, Effect.PERMIT, "directory: about no client"))
        if facts.record.contributor in {a for a in self.ground.actors.permit if a.startswith("Organization/")}:
            return Judgement(
                True, because(facts, Effect.PERMIT, "directory: about no client, contributed by the asker")
            )
        return refused(facts, "default: deny", stopped=False)

    def _decide_container(self, record: Record, within: frozenset[Reference]) -> Decision:
        tree = part_tree(record.parts)
        labels = beyond_parts(record.labels, record.parts)
        if self._hidden_areas:
            labels = replace(labels, areas=labels.areas - {UNCLASSIFIED})
        own = Facts(
            record,
            labels,
            self.ground.world,
            self.ground.zone,
            without=tuple(node.part.pointer for node in tree),
        )
        judgement = self.judged(own)
        if judgement.stopped:
            return _decision(record, judgement)
        look = _Look(self, record, own, within)
        seen = [look.sees(node) for node in tree]
        if not any(seen):
            if judgement.permit and record.reference.startswith("Patient/"):
                return _decision(record, judgement, look.hidden, look.against)
            against = look.against or list(because(own, Effect.DENY, "default: deny"))
            return Decision(record.reference, Effect.DENY, _ordered(against))
        given = Judgement(True, (), elements=judgement.elements)
        said = [*look.given, *look.against]
        if not look.hidden and not self._prose_is_visible(record, own):
            return replace(_decision(record, given, (), said), effect=Effect.PARTIAL)
        return _decision(record, given, look.hidden, said)

    def _prose_is_visible(self, record: Record, own: Facts) -> bool:
        """Whether one provision covers all that a container's title, description and notes may tell of."""
        labels = prose_labels(record, record.labels.areas if self._hidden_areas else own.areas, self.ground.world)
        if labels is None:
            return True
        return self.judged(Facts(record, labels, self.ground.world, self.ground.zone)).permit

    def of_part(self, reference: Reference, within: frozenset[Reference]) -> Decision | None:
        """The whole decision about a record that a part refers to; None where the record is not known."""
        record = self.ground.world.records.get(reference)
        if record is None:
            return None
        known = self._seen.get(reference)
        if known is not None:
            return known
        decision = self._decide(record, within)
        if decision.permits or not within & _containers_below(record, self.ground.world):
            self._seen[reference] = decision
        return decision


class _Look:
    """One look over the parts of a container: what is hidden, and for which reasons."""

    def __init__(self, bound: Bound, record: Record, own: Facts, within: frozenset[Reference]) -> None:
        self.bound = bound
        self.record = record
        self.own = own
        self.within = within
        self.hidden: list[str] = []
        self.given: list[Reason] = []
        self.against: list[Reason] = []

    def sees(self, node: PartNode) -> bool:
        """Whether a part is visible; the topmost hidden pointers are noted."""
        visible = self._by_record(node) if node.part.refers_to is not None else self._by_labels(node)
        if not visible:
            self.hidden.append(node.part.pointer)
        return visible

    def _by_record(self, node: PartNode) -> bool:
        reference = node.part.refers_to or ""
        if reference in self.within:
            return False
        decision = self.bound.of_part(reference, self.within)
        if decision is None:
            labels = node.part.labels
            if reference.partition("/")[0] in CLIENT_TYPES and not labels.areas:
                self.against += because(self.own, Effect.DENY, "default: deny")
                return False
            return self._by_labels(node)
        (self.given if decision.permits else self.against).extend(decision.because)
        if decision.permits:
            for inner in node.inside:
                self.sees(inner)
        return decision.permits

    def _by_labels(self, node: PartNode) -> bool:
        labels = node.part.labels
        if not node.inside:
            judgement = self.bound.judged(self._facts(node, labels))
            (self.given if judgement.permit else self.against).extend(judgement.reasons)
            return judgement.permit
        judgement = self.bound.judged(self._facts(node, labels))
        (self.given if judgement.permit else self.against).extend(judgement.reasons)
        if judgement.stopped:
            return False
        already = len(self.hidden)
        visible = [self.sees(inner) for inner in node.inside]
        if judgement.permit or any(visible):
            return True
        del self.hidden[already:]
        return False

    def _facts(self, node: PartNode, labels: Labels) -> Facts:
        on = self.bound.ground
        return Facts(
            self.record,
            labels,
            on.world,
            on.zone,
            pointer=node.part.pointer,
            without=node.pointers,
            whole=self.own,
        )


def _containers_below(record: Record, world: World) -> frozenset[Reference]:
    """Every record that can be reached from this one through parts."""
    found: set[Reference] = set()
    waiting = [record]
    while waiting:
        for part in waiting.pop().parts:
            target = part.refers_to
            if target is not None and target not in found:
                found.add(target)
                if (below := world.records.get(target)) is not None:
                    waiting.append(below)
    return frozenset(found)


def _decision(
    record: Record, judgement: Judgement, hidden: Sequence[str] = (), reasons: Iterable[Reason] = ()
) -> Decision:
    said = _ordered((*judgement.reasons, *reasons))
    if not judgement.permit:
        return Decision(record.reference, Effect.DENY, said)
    elements = judgement.elements
    narrowed = elements is not None and bool(record.resource.keys() - elements - NEVER_NARROWED)
    effect = Effect.PARTIAL if hidden or narrowed else Effect.PERMIT
    return Decision(record.reference, effect, said, tuple(hidden), elements if narrowed else None)


def _ordered(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Each reason once, in an order that does not depend on the order of Consents."""
    unique = set(reasons)
    if len(unique) == 1:
        return tuple(unique)
    return tuple(sorted(unique, key=lambda r: (r.effect, r.consent or "", r.path, r.record, r.text)))
