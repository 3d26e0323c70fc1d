"""Decide from files alone, without a hub: `hub consent decide` (consent rules §1, §2; design §4).

What a file cannot show is settled so that nothing widens:

- An actor that a Consent names resolves against the context, the records, the Consents' own clients and the
  asker; any other makes that Consent not computable, and so a deny.
- By which way a Consent came is not known: one that is not computable counts as the client's, a deny of
  everything.
- Who agreed is settled when a Consent is captured; here the file is taken for what it says.
- A duty or care provision uses the one flow that is switched on for it, unless a flow is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from hub.consent.bases import DEFAULT_BASES, Bases
from hub.consent.codes import DIRECTORY_TYPES
from hub.consent.computable import read_consent
from hub.consent.data_references import local
from hub.consent.decide import Bound, bind
from hub.consent.model import (
    AccessRequest,
    Action,
    Basis,
    Decision,
    Effect,
    Labels,
    Part,
    Reason,
    Record,
    World,
)
from hub.consent.rules import ConsentRule
from hub.fhir.compartments import groups_of, patients_of
from hub.fhir.value import Reference, Resource

LabelOf = Callable[[Resource, Callable[[str], Labels | None]], Labels]
"""The labels of a resource, given how to find those of what it refers to."""

PartsOf = Callable[[Resource, Callable[[str], Labels | None]], tuple[Part, ...]]
"""The parts of a resource, given the same."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Records with their decisions, and whether the asker may know of what a reference names."""

    decisions: tuple[tuple[Record, Decision], ...]
    sees: Callable[[str], bool]


def decide_offline(
    consents: Sequence[Resource],
    records: Sequence[Resource],
    context: Sequence[Resource],
    *,
    actor: Reference | Sequence[Reference],
    purpose: str,
    action: str = "access",
    at: datetime,
    basis: str = "CONSENT",
    zone: ZoneInfo,
    label: LabelOf,
    parts: PartsOf,
    flow: str | None = None,
    reason: str | None = None,
    until: str | None = None,
    bases: Bases = DEFAULT_BASES,
) -> dict[str, Any]:
    """The JSON of `hub consent decide`: one effect over all records, what is visible, what is hidden, and
    why.
    """
    decisions = decisions_offline(
        consents, records, context, actor=actor, purpose=purpose, action=action, at=at, basis=basis,
        zone=zone, label=label, parts=parts, flow=flow, reason=reason, until=until, bases=bases,
    )  # fmt: skip
    return report(decision for _, decision in decisions)


def decisions_offline(
    consents: Sequence[Resource],
    records: Sequence[Resource],
    context: Sequence[Resource],
    *,
    actor: Reference | Sequence[Reference],
    purpose: str,
    action: str = "access",
    at: datetime,
    basis: str = "CONSENT",
    zone: ZoneInfo,
    label: LabelOf,
    parts: PartsOf,
    flow: str | None = None,
    reason: str | None = None,
    until: str | None = None,
    bases: Bases = DEFAULT_BASES,
) -> tuple[tuple[Record, Decision], ...]:
    """Each record with its decision, in the order given."""
    return judge_offline(
        consents, records, context, actor=actor, purpose=purpose, action=action, at=at, basis=basis,
        zone=zone, label=label, parts=parts, flow=flow, reason=reason, until=until, bases=bases,
    ).decisions  # fmt: skip


def judge_offline(
    consents: Sequence[Resource],
    records: Sequence[Resource],
    context: Sequence[Resource],
    *,
    actor: Reference | Sequence[Reference],
    purpose: str,
    action: str = "access",
    at: datetime,
    basis: str = "CONSENT",
    zone: ZoneInfo,
    label: LabelOf,
    parts: PartsOf,
    flow: str | None = None,
    reason: str | None = None,
    until: str | None = None,
    bases: Bases = DEFAULT_BASES,
) -> Judged:
    """Each record with its decision, in the order given, and what else the asker may know of."""
    actors = (actor,) if isinstance(actor, str) else tuple(actor)
    given = _Given(records, context, label, parts)
    world = given.world(actors, consents)
    rules = [_rule(consent, number, world) for number, consent in enumerate(consents)]
    if basis not in list(Basis):
        refusals = tuple((record, _refused(record, "request: basis not known")) for record in given.asked)
        return Judged(refusals, lambda _: False)
    asked = Basis(basis)
    request = AccessRequest(
        actors=tuple(local(each) or each for each in actors),
        purpose=purpose,
        action=cast(Action, action),
        basis=asked,
        flow=flow or bases.only_flow(asked),
        reason=reason,
        until=until,
    )
    bound: Bound = bind(request, rules, world, at=at, bases=bases, zone=zone)
    return Judged(
        tuple((record, bound.decide(record)) for record in given.asked),
        lambda reference: _sees(bound, world, reference),
    )


def report(decisions: Iterable[Decision]) -> dict[str, Any]:
    """Decisions as `hub consent decide` prints them; `because` is never empty."""
    made = list(decisions)
    visible = [decision for decision in made if decision.permits]
    hidden = [decision for decision in made if not decision.permits]
    whole = all(decision.effect is Effect.PERMIT for decision in visible)
    effect = Effect.DENY if not visible else Effect.PERMIT if whole and not hidden else Effect.PARTIAL
    reasons = [_reason(reason) for decision in made for reason in decision.because]
    return {
        "effect": effect.value,
        "visible": [_shown(decision) for decision in visible],
        "hidden": [{"record": decision.record} for decision in hidden],
        "because": reasons or [_reason(Reason(record="", effect=Effect.DENY, text="default: deny"))],
    }


class _Given:
    """The files: records to decide on, and what surrounds them."""

    def __init__(
        self, records: Sequence[Resource], context: Sequence[Resource], label: LabelOf, parts: PartsOf
    ) -> None:
        self._label = label
        self._parts = parts
        self._resources = {_reference(resource): resource for resource in (*context, *records)}
        self._documents: dict[Reference, Resource] = {}
        for bundle in records:
            self._take_entries(bundle)
        self._labels: dict[Reference, Labels | None] = {}
        self.asked = [self._record(resource) for resource in records]

    def world(self, actors: Iterable[Reference], consents: Sequence[Resource]) -> World:
        """Everything given, and the asker and the clients themselves."""
        directory = {local(actor) or actor: _stub(actor) for actor in actors}
        for consent in consents:
            directory.setdefault(_reference(consent), consent)
        directory.update(self._resources)
        around = {name: self._record(resource, name) for name, resource in self._resources.items()}
        return World(directory, around)

    def _take_entries(self, bundle: Resource) -> None:
        """The resources of a document can be referred to by their fullUrl, and are about its clients."""
        entries = bundle.get("entry") if bundle.get("resourceType") == "Bundle" else None
        for entry in entries if isinstance(entries, list) else ():
            resource = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(resource, dict):
                for name in filter(None, (_reference(resource), entry.get("fullUrl"))):
                    self._resources.setdefault(name, resource)
                    self._documents.setdefault(name, bundle)

    def _record(self, resource: Resource, name: Reference = "") -> Record:
        meta = resource.get("meta")
        document = self._documents.get(name)
        return Record(
            reference=_reference(resource),
            version=str(meta.get("versionId", "")) if isinstance(meta, dict) else "",
            resource=resource,
            labels=self._label(resource, self._labels_of),
            clients=self._clients(resource) or (patients_of(document) if document else frozenset()),
            contributor=self._contributor(resource),
            parts=self._parts(resource, self._labels_of),
        )

    def _labels_of(self, reference: str) -> Labels | None:
        if reference not in self._labels:
            self._labels[reference] = None  # a circle of references lends nothing to itself
            resource = self._resources.get(reference)
            self._labels[reference] = self._label(resource, self._labels_of) if resource else None
        return self._labels[reference]

    def _clients(self, resource: Resource) -> frozenset[Reference]:
        members = (
            patients_of(group)
            for reference in groups_of(resource)
            if (group := self._resources.get(reference)) is not None
        )
        return patients_of(resource).union(*members)

    def _contributor(self, resource: Resource) -> Reference | None:
        """The Organization that `meta.source` names."""
        meta = resource.get("meta")
        source = local(meta.get("source")) if isinstance(meta, Mapping) else None
        return source if source and source.startswith("Organization/") else None


def _rule(consent: Resource, number: int, world: World) -> ConsentRule:
    rule = read_consent(consent, world, evidence=False)
    return rule if consent.get("id") else replace(rule, reference=f"Consent/{number + 1}")


def _sees(bound: Bound, world: World, reference: Reference) -> bool:
    """The directory is open; a record of a client only where the decision about it says so."""
    if reference.partition("/")[0] in DIRECTORY_TYPES:
        return True
    record = world.records.get(reference)
    return record is not None and bound.decide(record).permits


def _reference(resource: Resource) -> Reference:
    return f"{resource.get('resourceType', '')}/{resource.get('id', '')}"


def _stub(actor: Reference) -> Resource:
    kind, _, identifier = (local(actor) or actor).partition("/")
    return {"resourceType": kind, "id": identifier}


def _refused(record: Record, text: str) -> Decision:
    return Decision(record.reference, Effect.DENY, (Reason(record.reference, Effect.DENY, text=text),))


def _shown(decision: Decision) -> dict[str, Any]:
    shown: dict[str, Any] = {"record": decision.record}
    if decision.effect is Effect.PARTIAL:
        shown["partial"] = True
        shown["hiddenParts"] = list(decision.hidden_parts)
    if decision.elements is not None:
        shown["elements"] = sorted(decision.elements)
    return shown


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "record": reason.record or None,
        "consent": reason.consent,
        "path": reason.path,
        "effect": reason.effect.value,
        "text": reason.text,
    }
