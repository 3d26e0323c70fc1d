"""What a decision about sharing is made of, and what it says.

Rules: docs/consent.md; FHIR R4 Consent https://hl7.org/fhir/R4/consent.html; IHE PCF.
Everything here is a frozen value: the same arguments give the same decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from hub.fhir.value import Reference, Resource


class Basis(StrEnum):
    """The legal basis that a request names; exactly one (GDPR 6 and 9)."""

    CONSENT = "CONSENT"
    CARE_PROVISION = "CARE-PROVISION"
    LEGAL_DUTY = "LEGAL-DUTY"
    VITAL_INTEREST = "VITAL-INTEREST"
    OWN_RECORD = "OWN-RECORD"


class Effect(StrEnum):
    """What a decision comes to; `PARTIAL` means: visible, but not every part of it."""

    PERMIT = "permit"
    PARTIAL = "partial"
    DENY = "deny"


Action = Literal["access", "disclose", "collect", "correct", "use"]


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Who asks, for what, on which basis.

    `actors` are the references the asker is known by over this channel, the most specific first: a
    PractitionerRole or Practitioner, then the Organization of the token. `purpose` is a v3-ActReason code.
    `flow` names a configured flow (`discharge-report`, ...) where the basis is a duty or care provision;
    `reason` and `until` belong to break-glass.
    """

    actors: tuple[Reference, ...]
    purpose: str
    action: Action
    basis: Basis
    flow: str | None = None
    reason: str | None = None
    until: str | None = None

    @property
    def organisation(self) -> Reference | None:
        """The Organization among the actors, if the asker came with one."""
        return next((a for a in self.actors if a.startswith("Organization/")), None)


@dataclass(frozen=True, slots=True)
class LabelReason:
    """One rule that gave a label, and the code or path that called for it."""

    rule: str
    gave: str
    because: str


@dataclass(frozen=True, slots=True)
class Labels:
    """What a record, or a part of one, is about: confidentiality (U<L<M<N<R<V), sensitivity, areas of life."""

    confidentiality: str = "N"
    sensitivity: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    rule_set: str = ""
    because: tuple[LabelReason, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a container, judged on its own.

    `pointer` is the JSON pointer of the element (`/activity/0`, `/section/2/entry/1`, `/entry/4`);
    `refers_to` the record that carries its content, where it is a reference; `labels` its own labels.
    """

    pointer: str
    labels: Labels
    refers_to: Reference | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A resource with what a decision needs to know of it.

    `clients`: the Patients it is about (`Patient/x`), all of whom must agree. `contributor`: the Organization
    whose system it came from. `parts`: empty for a record that is judged whole.
    """

    reference: Reference
    version: str
    resource: Resource
    labels: Labels
    clients: frozenset[Reference]
    contributor: Reference | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """What surrounds a decision: the directory that actors are expanded in, and the records it may look up.

    `directory`: Organization, Practitioner, PractitionerRole, Group, CareTeam, RelatedPerson, Patient, Device by
    reference. `records`: other records of the same clients (their labels and clients judge the parts that refer
    to them, and `provision.data` follows references through them).
    """

    directory: Mapping[Reference, Resource] = field(default_factory=dict)
    records: Mapping[Reference, Record] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the Consent (`Consent/id|version`) and provision path that spoke, or the named default or basis.

    `path` is `provision`, `provision.provision[1]`, ... ; empty where no provision spoke. `text` is a short
    machine-stable English phrase without personal data (`default: deny`, `basis: LEGAL-DUTY ...`).
    """

    record: Reference
    effect: Effect
    consent: str | None = None
    path: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What may be seen of one record, and why. `because` is never empty.

    `hidden_parts` are JSON pointers of the parts to take out (empty unless `effect` is PARTIAL). `elements`, where
    not None, is the minimum set of top-level elements that a duty allows.
    """

    record: Reference
    effect: Effect
    because: tuple[Reason, ...]
    hidden_parts: tuple[str, ...] = ()
    elements: frozenset[str] | None = None

    @property
    def permits(self) -> bool:
        """Whether anything of the record may be seen."""
        return self.effect is not Effect.DENY
