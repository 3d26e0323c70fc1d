"""What a request rests on: its actors expanded, its Consents bound, its basis checked (consent rules §1,
§2.2).

What is missing is refused: absence never widens. A refusal is a sentence, and becomes the reason of every
decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.consent.actors import Actors, expand, in_force
from hub.consent.bases import Bases, Flow
from hub.consent.codes import ABSTRACT_PURPOSE, ACTIONS, PURPOSES, reads_like
from hub.consent.data_references import follow, local
from hub.consent.judges import (
    ByConsent,
    ByContribution,
    ByFlow,
    ByOwnRecord,
    ByVitalInterest,
    Judge,
)
from hub.consent.model import AccessRequest, Basis, World
from hub.consent.periods import span
from hub.consent.provisions import Asked, BoundConsent
from hub.consent.rules import ConsentRule
from hub.consent.verdicts import Consents
from hub.fhir.value import Reference, Resource


@dataclass(frozen=True, slots=True)
class Ground:
    """A request against its surroundings at one moment."""

    request: AccessRequest
    world: World
    bases: Bases
    at: datetime
    zone: ZoneInfo
    actors: Actors
    consents: Consents

    def refusal(self) -> str | None:
        """Why the request itself is refused, whatever the record."""
        request = self.request
        if not request.actors:
            return "request: no actor"
        if request.purpose == ABSTRACT_PURPOSE:
            return "request: the abstract purpose of use"
        if request.purpose not in PURPOSES:
            return "request: purpose not known"
        if request.action not in ACTIONS:
            return "request: action not known"
        match request.basis:
            case Basis.LEGAL_DUTY | Basis.CARE_PROVISION:
                return self._refusal_of_flow()
            case Basis.VITAL_INTEREST:
                return self._refusal_of_emergency()
            case Basis.OWN_RECORD:
                return self._refusal_of_own()
        return None

    def judge(self) -> Judge:
        """The judge for this basis; the request is not refused."""
        match self.request.basis:
            case Basis.LEGAL_DUTY | Basis.CARE_PROVISION:
                flow = self._flow()
                assert flow is not None
                heeds = self.consents if flow.basis is Basis.CARE_PROVISION else None
                return ByFlow(flow, frozenset(self._received_for(flow)), heeds)
            case Basis.VITAL_INTEREST:
                return ByVitalInterest(self.bases.vital, self.consents)
            case Basis.OWN_RECORD if clients := self.own_clients():
                return ByOwnRecord(self.bases.own, clients, ByConsent(self.consents))
            case Basis.OWN_RECORD:
                return ByContribution(self.actors.permit)
            case _:
                return ByConsent(self.consents)

    def never_seen(self) -> frozenset[str]:
        """Areas that stay hidden on any basis: a guardian never sees `safeguarding`.

        A RelatedPerson whom the directory does not know might be a guardian.
        """
        for actor in self.request.actors:
            if actor.startswith("RelatedPerson/"):
                person = self.world.directory.get(actor) or {}
                if "patient" not in person or self._is_guardian(person):
                    return self.bases.own.guardian_never_sees
        return frozenset()

    def own_clients(self) -> frozenset[Reference]:
        """The clients whose record is the asker's own: themselves, or those they are guardian of just now."""
        found: set[Reference] = set()
        for actor in self.request.actors:
            if actor.startswith("Patient/"):
                found.add(actor)
            elif actor.startswith("RelatedPerson/"):
                found.update(self._wards(self.world.directory.get(actor) or {}))
        return frozenset(found)

    def _wards(self, person: Resource) -> Iterator[Reference]:
        """The client, where an appointment as guardian is in force: one without a period shows no
        appointment.
        """
        appointed = person.get("period") and in_force(person["period"], self.at, self.zone)
        ward = local((person.get("patient") or {}).get("reference"))
        if ward and appointed and person.get("active", True) is True and self._is_guardian(person):
            yield ward

    def _is_guardian(self, person: Resource) -> bool:
        named = {coding.get("code") for coding in follow(person, ["relationship", "coding"])}
        return bool(named & self.bases.own.guardian_relationships)

    def _flow(self) -> Flow | None:
        return self.bases.flow(self.request.flow, self.request.basis)

    def _refusal_of_flow(self) -> str | None:
        flow, basis = self._flow(), self.request.basis
        if flow is None:
            return f"basis: {basis}: no such flow is configured"
        if self.request.action not in flow.actions or not flow.covers_purpose(self.request.purpose):
            return f"basis: {basis} {flow.name}: not for this purpose or action"
        return None

    def _refusal_of_emergency(self) -> str | None:
        vital, request = self.bases.vital, self.request
        if request.purpose not in vital.purposes or request.action not in vital.actions:
            return "basis: VITAL-INTEREST: not for this purpose or action"
        if not (request.reason or "").strip():
            return "basis: VITAL-INTEREST: no reason given"
        try:
            until = span(request.until or "", self.zone)[0]
        except ValueError:
            return "basis: VITAL-INTEREST: no end given"
        if not self.at <= until <= self.at + timedelta(minutes=vital.minutes):
            return f"basis: VITAL-INTEREST: over, or for more than {vital.minutes} minutes"
        return None

    def _refusal_of_own(self) -> str | None:
        own, clients = self.bases.own, self.own_clients()
        if self.request.action not in (own.client_actions if clients else own.organisation_actions):
            return "basis: OWN-RECORD: not for this action"
        lapsed = any(actor.startswith("RelatedPerson/") for actor in self.request.actors) and not clients
        return "basis: OWN-RECORD: no appointment as guardian in force" if lapsed else None

    def _received_for(self, flow: Flow) -> Iterator[Reference]:
        """The clients for whom the asker is who the flow goes to."""
        if flow.recipient == "care-team":
            for actor in self.actors.permit:
                if actor.startswith("CareTeam/"):
                    subject = local((self._resource(actor).get("subject") or {}).get("reference"))
                    if subject is not None:
                        yield subject
            return
        for reference in {*self.world.directory, *self.world.records}:
            if reference.startswith("Patient/") and self._is_registering_provider(reference):
                yield reference

    def _is_registering_provider(self, client: Reference) -> bool:
        """Whether the asker is the client's registering practitioner, or the practice where that person
        works.
        """
        for value in self._resource(client).get("generalPractitioner") or ():
            provider = local(value.get("reference"))
            if provider is None:
                continue
            if provider in self.actors.permit:
                return True
            works = expand((provider,), self.world, at=self.at, zone=self.zone).permit
            practices = {actor for actor in works if actor.startswith("Organization/")}
            if len(practices) == 1 and practices <= self.actors.permit:
                return True
        return False

    def _resource(self, reference: Reference) -> Resource:
        record = self.world.records.get(reference)
        return record.resource if record else self.world.directory.get(reference) or {}


def ground(
    request: AccessRequest,
    consents: Sequence[ConsentRule],
    world: World,
    *,
    at: datetime,
    bases: Bases,
    zone: ZoneInfo,
) -> Ground:
    """Expand the actors and bind the Consents in force."""
    actors = expand(request.actors, world, at=at, zone=zone)
    covering = PURPOSES.get(request.purpose, frozenset())
    asked = Asked(actors, request.purpose, covering, reads_like(request.action), at, zone)
    bound: dict[Reference, list[BoundConsent]] = {}
    unenforceable: list[ConsentRule] = []
    quarantined: list[ConsentRule] = []
    for rule in sorted(consents, key=lambda rule: rule.name):
        if not rule.in_force(at, zone):
            continue
        if not rule.computable:
            (unenforceable if rule.trusted else quarantined).append(rule)
        elif rule.patient is not None:
            speaks = BoundConsent(rule, asked)
            if not speaks.silent:
                bound.setdefault(rule.patient, []).append(speaks)
    known = Consents(bound, unenforceable, quarantined, bases.policy)
    return Ground(request, world, bases, at, zone, actors, known)
