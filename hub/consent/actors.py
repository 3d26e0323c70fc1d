"""Who an asker is, seen from a Consent: the closure of actors (consent rules §1).

The asker is expanded upward: role to practitioner and organisation, then to the active Groups and CareTeams
they are in. A permit matches that closure without `partOf` ancestors, except ancestors that are the same
legal person (same IČO). A deny matches it with every ancestor, and through roles that are no longer in force:
absence never widens.

A person who comes with an organisation acts for it: only their roles there count. A person alone is a
complete actor: all their roles in force count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from hub.consent.data_references import local
from hub.consent.model import World
from hub.consent.periods import period_span
from hub.fhir.value import Reference, Resource

ACTOR_TYPES: Final = frozenset(
    (
        "CareTeam", "Device", "Group", "Organization", "Patient", "Practitioner", "PractitionerRole",
        "RelatedPerson",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Actors:
    """The references that a permit may name, and those that a deny may name, to mean this asker."""

    permit: frozenset[Reference]
    deny: frozenset[Reference]


def expand(actors: Iterable[Reference], world: World, *, at: datetime, zone: ZoneInfo) -> Actors:
    """Both closures of an asker at one moment."""
    asked = frozenset(local(actor) or actor for actor in actors)
    moment = _Moment(world, at, zone, _that_expand(world))
    permit = moment.roles_in_force(asked)
    permit |= moment.same_legal_person(permit)
    deny = moment.roles_of_any_time(asked)
    deny |= moment.ancestors(deny)
    return Actors(frozenset(permit | moment.teams(permit)), frozenset(deny | moment.teams(deny, doubtful=True)))


def in_force(period: Any, at: datetime, zone: ZoneInfo) -> bool:
    """Whether a Period holds now; none at all always does, one that cannot be read never."""
    if period is None:
        return True
    try:
        first, last = period_span(period, zone)
    except (ValueError, TypeError, AttributeError):
        return False
    return first <= at <= last


def legal_person(organisation: Resource | None) -> str | None:
    """The IČO of an Organization, eight digits."""
    for identifier in (organisation or {}).get("identifier") or ():
        system, value = identifier.get("system"), identifier.get("value")
        if isinstance(system, str) and isinstance(value, str) and system.lower().endswith(("/ico", ":ico")):
            return value.replace(" ", "").zfill(8)
    return None


def _that_expand(world: World) -> dict[str, dict[Reference, Resource]]:
    """The roles, Groups and CareTeams that surround a decision, the directory's before the records'."""
    found: dict[str, dict[Reference, Resource]] = {"PractitionerRole": {}, "Group": {}, "CareTeam": {}}
    for reference, record in world.records.items():
        of_type = found.get(reference.partition("/")[0])
        if of_type is not None:
            of_type[reference] = record.resource
    for reference, resource in world.directory.items():
        of_type = found.get(reference.partition("/")[0])
        if of_type is not None:
            of_type[reference] = resource
    return found


@dataclass(frozen=True, slots=True)
class _Moment:
    """The directory as it stands at one time."""

    world: World
    at: datetime
    zone: ZoneInfo
    expanding: dict[str, dict[Reference, Resource]]

    def resource(self, reference: Reference) -> Resource:
        """A resource of the directory, or of the client's records; empty where there is none."""
        found = self.world.directory.get(reference)
        if found is None and (record := self.world.records.get(reference)) is not None:
            found = record.resource
        return found or {}

    def roles_in_force(self, asked: frozenset[Reference]) -> set[Reference]:
        """The asker with practitioner, roles and organisations, as far as each holds now."""
        organisations = {actor for actor in asked if actor.startswith("Organization/")}
        found = set(asked)
        for actor in asked:
            if actor.startswith("PractitionerRole/"):
                role = self.resource(actor)
                if role and not self._serves(role, organisations):
                    found.discard(actor)
                found |= self._of_role(role, organisations)
        for reference, role in self.expanding["PractitionerRole"].items():
            practitioner = _target(role, "practitioner")
            named_role = any(actor.startswith("PractitionerRole/") for actor in asked)
            if practitioner in asked and not named_role and self._serves(role, organisations):
                found |= {reference} | self._of_role(role, organisations)
        return found

    def roles_of_any_time(self, asked: frozenset[Reference]) -> set[Reference]:
        """The asker with practitioner, roles and organisations, whether or not each still holds."""
        organisations = {actor for actor in asked if actor.startswith("Organization/")}
        found = set(asked)
        for actor in asked:
            role = self.resource(actor)
            if actor.startswith("PractitionerRole/"):
                found.update(_targets(role, "practitioner", "organization"))
            elif actor.startswith("Device/"):
                found.update(_targets(role, "owner"))
        for reference, role in self.expanding["PractitionerRole"].items():
            if _target(role, "practitioner") in asked:
                organisation = _target(role, "organization")
                if not organisations or organisation is None or self._one_house(organisation, organisations):
                    found |= {reference, *_targets(role, "organization")}
        return found

    def same_legal_person(self, actors: Iterable[Reference]) -> set[Reference]:
        """The ancestors of these organisations that carry the same IČO."""
        found: set[Reference] = set()
        for actor in actors:
            number = legal_person(self.resource(actor)) if actor.startswith("Organization/") else None
            if number is not None:
                found.update(
                    above for above in self.ancestors((actor,)) if legal_person(self.resource(above)) == number
                )
        return found

    def ancestors(self, actors: Iterable[Reference]) -> set[Reference]:
        """Every organisation that these are part of, directly or not."""
        found: set[Reference] = set()
        waiting = [actor for actor in actors if actor.startswith("Organization/")]
        while waiting:
            above = _target(self.resource(waiting.pop()), "partOf")
            if above is not None and above not in found:
                found.add(above)
                waiting.append(above)
        return found

    def teams(self, actors: Iterable[Reference], *, doubtful: bool = False) -> set[Reference]:
        """The active Groups and CareTeams that these are in, also through a team in a team.

        `doubtful` adds CareTeams without a status, which a deny may name and a permit may not.
        """
        members = set(actors)
        waiting = [
            (reference, inside)
            for reference, inside in (*self._groups(), *self._care_teams(doubtful=doubtful))
            if inside
        ]
        found: set[Reference] = set()
        while joined := {reference for reference, inside in waiting if inside & members} - found:
            found |= joined
            members |= joined
        return found

    def _groups(self) -> Iterator[tuple[Reference, set[Reference]]]:
        for reference, group in self.expanding["Group"].items():
            if group.get("active", True) is True:
                yield reference, set(self._members(group.get("member"), "entity"))

    def _care_teams(self, *, doubtful: bool) -> Iterator[tuple[Reference, set[Reference]]]:
        for reference, team in self.expanding["CareTeam"].items():
            status = team.get("status")
            counts = status == "active" or (doubtful and status is None)
            if counts and in_force(team.get("period"), self.at, self.zone):
                yield reference, set(self._members(team.get("participant"), "member"))

    def _members(self, rows: Any, element: str) -> Iterator[Reference]:
        for row in rows or ():
            member = local((row.get(element) or {}).get("reference"))
            present = row.get("inactive", False) is not True
            if member is not None and present and in_force(row.get("period"), self.at, self.zone):
                yield member

    def _serves(self, role: Resource, organisations: set[Reference]) -> bool:
        """Whether a role holds now and, where the asker came with an organisation, is a role there."""
        if role.get("active", True) is not True or not in_force(role.get("period"), self.at, self.zone):
            return False
        organisation = _target(role, "organization")
        return not organisations or (organisation is not None and self._one_house(organisation, organisations))

    def _of_role(self, role: Resource, organisations: set[Reference]) -> set[Reference]:
        served = ("practitioner", "organization") if self._serves(role, organisations) else ("practitioner",)
        return set(_targets(role, *served))

    def _one_house(self, organisation: Reference, organisations: set[Reference]) -> bool:
        """Whether one of the asker's organisations is this one or the legal person it is a unit of."""
        return bool(({organisation} | self.same_legal_person((organisation,))) & organisations)


def _target(resource: Resource, element: str) -> Reference | None:
    value = resource.get(element)
    return local(value.get("reference")) if isinstance(value, dict) else None


def _targets(resource: Resource, *elements: str) -> Iterator[Reference]:
    for element in elements:
        target = _target(resource, element)
        if target is not None:
            yield target
