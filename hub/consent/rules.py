"""A Consent as the hub holds it: rules that can be computed, or the reasons why they cannot (consent rules §2).

`hub.consent.computable` makes these from a FHIR Consent. Everything is frozen; periods stay as written, because what a
date means depends on the hub's time zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hub.consent.data_references import Code
from hub.consent.periods import period_span
from hub.fhir.value import Reference


@dataclass(frozen=True, slots=True)
class ConsentFault:
    """One place in a Consent that the hub cannot compute, as a FHIR element path, and why."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class NamedLabels:
    """What `securityLabel` names: ranks of confidentiality, and sensitivity codes."""

    confidentiality: frozenset[int]
    sensitivity: frozenset[str]


@dataclass(frozen=True, slots=True)
class NamedCodes:
    """What `code` names: areas of life, and codings of other systems."""

    areas: frozenset[str]
    others: frozenset[Code]


@dataclass(frozen=True, slots=True)
class NamedClasses:
    """What `class` names: resource types, and kinds of document."""

    types: frozenset[str]
    documents: frozenset[Code]


@dataclass(frozen=True, slots=True)
class NamedData:
    """One `data`: instance, related, dependents or authoredby of a reference (with a version, where it has one)."""

    meaning: str
    reference: Reference
    version: str | None = None


@dataclass(frozen=True, slots=True)
class PeriodText:
    """A Period as written."""

    start: str | None
    end: str | None

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """First and last moment in the hub's time zone."""
        return period_span({"start": self.start, "end": self.end}, zone)


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a provision that restrict it; None where a field is not given."""

    period: PeriodText | None = None
    actors: frozenset[Reference] | None = None
    actions: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    labels: NamedLabels | None = None
    classes: NamedClasses | None = None
    codes: NamedCodes | None = None
    data_period: PeriodText | None = None
    data: tuple[NamedData, ...] | None = None

    def under(self, parent: Fields) -> Fields:
        """These fields, and what the parent gives for each that is not stated."""
        return Fields(
            *(
                above if own is None else own
                for own, above in zip(self.values(), parent.values(), strict=True)
            )
        )

    def values(self) -> tuple[Any, ...]:
        """The fields in order."""
        return (
            self.period, self.actors, self.actions, self.purposes, self.labels,
            self.classes, self.codes, self.data_period, self.data,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Provision:
    """One provision: where it stands, what it says, what it states itself, and what holds with inheritance."""

    path: str
    permit: bool
    stated: Fields
    effective: Fields
    children: tuple[Provision, ...] = ()

    def walk(self) -> Iterator[Provision]:
        """This provision and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """A Consent ready to decide by.

    `faults` are the places that cannot be computed; then `root` is None. `trusted`: it came from the client, the
    guardian or the case manager's organisation, so a Consent that cannot be computed counts as a deny of everything it
    might have covered; from anyone else it is quarantined. `date` is when it was given, for the policy `newest-wins`.
    """

    reference: Reference
    version: str
    patient: Reference | None
    active: bool
    privacy: bool
    root: Provision | None
    period: PeriodText | None
    faults: tuple[ConsentFault, ...] = ()
    trusted: bool = True
    date: str = ""

    @property
    def name(self) -> str:
        """`Consent/id|version`."""
        return f"{self.reference}|{self.version}" if self.version else self.reference

    @property
    def computable(self) -> bool:
        """Whether every element is understood and every actor resolves."""
        return not self.faults and self.root is not None

    @property
    def names(self) -> frozenset[Reference]:
        """The resources that this Consent names: they cannot be deleted while it is active."""
        found: set[Reference] = set()
        for provision in self.root.walk() if self.root else ():
            found |= provision.stated.actors or frozenset()
            found.update(data.reference for data in provision.stated.data or ())
        return frozenset(found)

    def in_force(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether it counts at this moment: active, about privacy, inside its root period."""
        if not self.active or not self.privacy:
            return False
        if self.period is None:
            return True
        first, last = self.period.span(zone)
        return first <= at <= last


def newest(rules: Mapping[str, ConsentRule]) -> str:
    """The name of the Consent given last, for the policy `newest-wins`; by name where the dates are equal."""
    return max(rules, key=lambda name: (rules[name].date, name))
