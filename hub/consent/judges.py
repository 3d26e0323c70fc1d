"""One judge for each legal basis: may this record, or this part, be seen? (consent rules §1, §3, §4)

INVARIANT: recording one more Consent that denies never turns a deny into a permit (policy `any-deny-wins`).
INVARIANT: a judge permits only for a reason that it can name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from hub.consent.bases import Flow, OwnRecord, VitalInterest, elements_among
from hub.consent.codes import BEYOND_SCALE, CONFIDENTIALITY
from hub.consent.data_references import authors_of
from hub.consent.facts import Facts
from hub.consent.model import Effect, Reason
from hub.consent.verdicts import Consents, Judgement, because, refused
from hub.fhir.codes import AREAS
from hub.fhir.value import Reference, Resource

FOLLOWS_ANY_PERMIT = frozenset(("identifier", "active", "name", "birthDate", "gender"))
"""What of a Patient follows any permit on that client: name, identifiers, what tells two people apart."""


class Judge(Protocol):
    """One legal basis, applied to one request."""

    def judge(self, facts: Facts) -> Judgement:
        """May this be seen?"""

    def areas(self, client: Reference) -> frozenset[str]:
        """The areas of life of which this request may see something of this client, whatever there is."""


@dataclass(frozen=True, slots=True)
class ByConsent:
    """The normal case: every client of the record agreed, and nobody's Consent denies."""

    consents: Consents

    def judge(self, facts: Facts) -> Judgement:
        """Any deny wins, else every client must have permitted, else the default: deny."""
        clients = facts.record.clients
        denies: list[Reason] = []
        permits: list[Reason] = []
        agreed = True
        for client in clients if len(clients) == 1 else sorted(clients):
            against, given = self.consents.verdict(client, facts)
            denies += against
            permits += given
            agreed = agreed and bool(given)
        if denies:
            return Judgement(False, tuple(denies), stopped=True)
        if agreed:
            return Judgement(True, tuple(permits))
        if facts.reference in clients and not facts.is_part and (follows := self._any_permit(facts)):
            shown = elements_among(facts.resource, FOLLOWS_ANY_PERMIT)
            return Judgement(True, follows, elements=shown)
        return Judgement(
            False,
            (*because(facts, Effect.DENY, "default: deny"), *self.consents.ignored(clients, facts.reference)),
        )

    def areas(self, client: Reference) -> frozenset[str]:
        """The areas that some permit opens and no deny shuts whole."""
        if self.consents.hindrances(client, client):
            return frozenset()
        bound = self.consents.bound.get(client, ())
        return frozenset(
            area
            for area in AREAS
            if any(consent.may_permit(area) is not None for consent in bound)
            and not any(consent.surely_denies(area) for consent in bound)
        )

    def _any_permit(self, facts: Facts) -> tuple[Reason, ...]:
        bound = self.consents.bound.get(facts.reference, ())
        return tuple(
            Reason(facts.reference, Effect.PERMIT, consent.name, path, "name and identifiers follow any permit")
            for consent in bound
            if (path := consent.may_permit(None)) is not None
        )


@dataclass(frozen=True, slots=True)
class ByFlow:
    """A listed duty, or care provision for a configured flow: the minimum set to the recipient that the law
    means.

    A duty does not consult Consents; care provision is stopped by any deny.
    """

    flow: Flow
    recipient_of: frozenset[Reference]
    """The clients for whom the asker is the recipient."""
    heeds: Consents | None = None

    def judge(self, facts: Facts) -> Judgement:
        """Whether the record belongs to the minimum set, and the asker is who it goes to."""
        flow = self.flow
        named = f"basis: {flow.basis} {flow.name}"
        if not facts.record.clients <= self.recipient_of:
            return refused(facts, f"{named}: not the {flow.recipient}")
        if facts.type not in flow.elements:
            return refused(facts, f"{named}: not in the minimum set")
        if facts.rank > flow.most_confidential:
            return refused(facts, f"{named}: too confidential")
        if self.heeds is not None and (denies := self._denies(self.heeds, facts)):
            return Judgement(False, denies, stopped=True)
        minimum = flow.minimum(facts.resource)
        if not facts.areas or not facts.areas <= flow.areas:
            outside = because(facts, Effect.DENY, f"{named}: not in the minimum set")
            return Judgement(False, outside, elements=minimum)
        return Judgement(True, because(facts, Effect.PERMIT, f"{named} ({flow.law})"), elements=minimum)

    def areas(self, client: Reference) -> frozenset[str]:
        """The areas of the minimum set."""
        return self.flow.areas if client in self.recipient_of else frozenset()

    @staticmethod
    def _denies(consents: Consents, facts: Facts) -> tuple[Reason, ...]:
        return tuple(reason for client in sorted(facts.record.clients) for reason in consents.verdict(client, facts)[0])


@dataclass(frozen=True, slots=True)
class ByVitalInterest:
    """Break-glass: passes the default and every deny but one that names ETREAT or BTG, and what is never
    opened.
    """

    vital: VitalInterest
    consents: Consents

    def judge(self, facts: Facts) -> Judgement:
        """Whether something keeps this shut even in an emergency."""
        marked = is_marked(facts.resource, self.vital.never_mark)
        if marked or facts.sensitivity & self.vital.never_sensitivity:
            return refused(facts, "basis: VITAL-INTEREST: never opened by breaking the glass")
        denies = tuple(self._emergency_denies(facts))
        if denies:
            return Judgement(False, denies, stopped=True)
        return Judgement(True, because(facts, Effect.PERMIT, f"basis: VITAL-INTEREST ({self.vital.law})"))

    def areas(self, client: Reference) -> frozenset[str]:
        """All: an emergency does not ask for areas."""
        return frozenset(AREAS)

    def _emergency_denies(self, facts: Facts) -> Iterable[Reason]:
        for client in sorted(facts.record.clients):
            for consent in self.consents.bound.get(client, ()):
                for node in consent.speaking(facts):
                    if not node.permit and node.emergency:
                        yield Consents.reason(facts, consent, node)


@dataclass(frozen=True, slots=True)
class ByContribution:
    """An organisation reads what it contributed, also against a deny."""

    organisations: frozenset[Reference]

    def judge(self, facts: Facts) -> Judgement:
        """Whether the record came from the asker's organisation."""
        if facts.record.contributor in self.organisations:
            return Judgement(True, because(facts, Effect.PERMIT, "basis: OWN-RECORD: contributed by the asker"))
        return refused(facts, "basis: OWN-RECORD: not contributed by the asker")

    def areas(self, client: Reference) -> frozenset[str]:
        """None as such: what was contributed is seen whole, the rest not at all."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class ByOwnRecord:
    """A client, or their guardian, reads the client's record, without what third parties told in confidence.

    Other clients of the same record must have agreed, as for anybody else.
    """

    own: OwnRecord
    clients: frozenset[Reference]
    others: ByConsent

    def judge(self, facts: Facts) -> Judgement:
        """Whether the record is the asker's own, and nobody's confidence."""
        if not facts.record.clients & self.clients:
            return refused(facts, "basis: OWN-RECORD: not the asker's record")
        if self._is_confidence(facts):
            return refused(facts, "basis: OWN-RECORD: a third party's confidence")
        permits = because(facts, Effect.PERMIT, f"basis: OWN-RECORD ({self.own.law})")
        for client in sorted(facts.record.clients - self.clients):
            denies, given = self.others.consents.verdict(client, facts)
            if denies:
                return Judgement(False, tuple(denies), stopped=True)
            if not given:
                return refused(facts, "default: deny", stopped=False)
            permits += tuple(given)
        return Judgement(True, permits)

    def areas(self, client: Reference) -> frozenset[str]:
        """All areas of the asker's own record."""
        return frozenset(AREAS) if client in self.clients else frozenset()

    def _is_confidence(self, facts: Facts) -> bool:
        resource = facts.resource
        if is_marked(resource, self.own.third_party_mark):
            return True
        if facts.rank < CONFIDENTIALITY.get(self.own.third_party_from, BEYOND_SCALE):
            return False
        authors = authors_of(resource) - self.clients
        return any(author.partition("/")[0] in self.own.third_party_authors for author in authors)


def is_marked(resource: Resource, mark: str) -> bool:
    """Whether `meta.security` carries the hub's mark."""
    security = (resource.get("meta") or {}).get("security") or ()
    return bool(mark) and any(coding.get("code") == mark for coding in security)
