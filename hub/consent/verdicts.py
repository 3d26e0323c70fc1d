"""What one judgement is, and what the Consents of a client say together (consent rules §3).

Across Consents any deny wins. A Consent that cannot be computed denies everything it might have covered; one
from somebody who may not deny for the client is only listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.consent.bases import NEWEST_WINS
from hub.consent.facts import Facts
from hub.consent.model import Effect, Reason
from hub.consent.provisions import BoundConsent, BoundProvision
from hub.consent.rules import ConsentRule
from hub.fhir.value import Reference


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether something may be seen, and why.

    `stopped`: something speaks against it, not only nothing for it; a container is then hidden whole.
    `elements`: the minimum set of top-level elements, where only that may be seen.
    """

    permit: bool
    reasons: tuple[Reason, ...]
    stopped: bool = False
    elements: frozenset[str] | None = None


def because(facts: Facts, effect: Effect, text: str) -> tuple[Reason, ...]:
    """The one reason that is no Consent's."""
    return (Reason(record=facts.reference, effect=effect, text=text),)


def refused(facts: Facts, text: str, *, stopped: bool = True) -> Judgement:
    """Not permitted, for a named reason."""
    return Judgement(False, because(facts, Effect.DENY, text), stopped)


@dataclass(frozen=True, slots=True)
class Consents:
    """The Consents that speak to one request, by client."""

    bound: Mapping[Reference, Sequence[BoundConsent]]
    unenforceable: Sequence[ConsentRule] = ()
    quarantined: Sequence[ConsentRule] = ()
    policy: str = ""

    def verdict(self, client: Reference, facts: Facts) -> tuple[list[Reason], list[Reason]]:
        """What the client's Consents say of a record: denies and permits."""
        denies = self.hindrances(client, facts.reference)
        permits: list[Reason] = []
        newest = ""
        for consent in self.bound.get(client, ()):
            speaking = consent.speaking(facts)
            if not speaking:
                continue
            if self.policy == NEWEST_WINS and (denies or permits):
                if consent.date < newest:
                    continue
                if consent.date > newest:
                    denies, permits = self.hindrances(client, facts.reference), []
            newest = max(newest, consent.date)
            against = [node for node in speaking if not node.permit]
            denies += (self.reason(facts, consent, node) for node in against)
            permits += (self.reason(facts, consent, node) for node in speaking if not against)
        return denies, permits

    def hindrances(self, client: Reference, record: Reference) -> list[Reason]:
        """The Consents that cannot be computed and so deny everything they might have covered."""
        return [
            Reason(record, Effect.DENY, rule.name, rule.faults[0].path, f"UNENFORCEABLE: {rule.faults[0].path}")
            for rule in self.unenforceable
            if rule.patient is None or rule.patient == client
        ]

    def ignored(self, clients: frozenset[Reference], record: Reference) -> list[Reason]:
        """The Consents in quarantine, listed where nothing else was found."""
        return [
            Reason(record, Effect.DENY, rule.name, rule.faults[0].path, f"QUARANTINED: {rule.faults[0].path}")
            for rule in self.quarantined
            if rule.patient is None or rule.patient in clients
        ]

    @staticmethod
    def reason(facts: Facts, consent: BoundConsent, node: BoundProvision) -> Reason:
        """The provision that spoke."""
        effect = Effect.PERMIT if node.permit else Effect.DENY
        return Reason(facts.reference, effect, consent.name, node.path)
