"""A Consent as the hub holds it: rules that can be computed, or the reasons why they cannot (consent rules
§2).

`hub.consent.computable` makes these from a FHIR Consent. Everything is frozen, and what a provision asks of a
record is compiled once, when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.consent.conditions import Conditions
from hub.consent.named import Fields, PeriodText
from hub.fhir.value import Reference


@dataclass(frozen=True, slots=True)
class ConsentFault:
    """One place in a Consent that the hub cannot compute, as a FHIR element path, and why."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Provision:
    """One provision: where it stands, what it says, what it states itself, what holds with inheritance."""

    path: str
    permit: bool
    stated: Fields
    effective: Fields
    children: tuple[Provision, ...] = ()
    conditions: Conditions = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", Conditions(self.effective, permit=self.permit))

    def walk(self) -> Iterator[Provision]:
        """This provision and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """A Consent ready to decide by.

    `faults` are the places that cannot be computed; then `root` is None. `trusted`: it came from the client,
    the guardian or the case manager's organisation, so a Consent that cannot be computed counts as a deny of
    everything it might have covered; from anyone else it is quarantined. `date` is when it was given, for the
    policy `newest-wins`.
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
