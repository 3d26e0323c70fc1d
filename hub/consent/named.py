"""What the fields of a provision name, as values (consent rules §2.3).

Periods stay as written, because what a date means depends on the hub's time zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from hub.consent.data_references import Code
from hub.consent.periods import period_span
from hub.fhir.value import Reference


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
    """One `data`: instance, related, dependents or authoredby of a reference (with a version, where it has
    one).
    """

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
        return _span(self.start, self.end, zone)


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
            *(above if own is None else own for own, above in zip(self.values(), parent.values(), strict=True))
        )

    def values(self) -> tuple[Any, ...]:
        """The fields in order."""
        return (
            self.period, self.actors, self.actions, self.purposes, self.labels,
            self.classes, self.codes, self.data_period, self.data,
        )  # fmt: skip


@lru_cache(maxsize=4096)
def _span(start: str | None, end: str | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return period_span({"start": start, "end": end}, zone)
