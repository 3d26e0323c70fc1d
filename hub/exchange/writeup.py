"""Write one mapped Bundle into the record of its client.

Every entry gets the hub's own id, the same each time the same source says it (organisation + fullUrl); references
follow; the Patient is merged into the client's one Patient; everything in a client's document belongs to that client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hub.errors import InvalidResource, UnmappableContent
from hub.exchange.clients import merge
from hub.exchange.identify import Identified, Identities
from hub.exchange.items import is_ended_stay
from hub.exchange.recorder import Recorder, Written
from hub.fhir.references import rewrite
from hub.fhir.value import Reference, Resource
from hub.store.model import LinkState
from hub.store.store import Tx


@dataclass(frozen=True, slots=True)
class Writeup:
    """What one Bundle became: the client, what was written, what was refused and where, what contradicts."""

    client: Reference
    organisation: str
    written: tuple[Written, ...]
    refused: tuple[tuple[str, str], ...] = ()
    conflicts: tuple[str, ...] = ()
    suspect: Reference | None = None
    discharged: bool = False
    ids: dict[str, Reference] = field(default_factory=dict)


def write_bundle(
    tx: Tx,
    bundle: Resource,
    *,
    organisation: str,
    about: Reference | None,
    source: str,
    recorder: Recorder,
    identities: Identities,
    ids: Callable[[], str],
) -> Writeup:
    """Write the entries of a document or collection Bundle with exactly one Patient.

    UnmappableContent where there is no Patient, or another than the one asked `about`. An entry that is not valid R4
    is refused with its place; the rest is written.
    """
    entries = [(n, e) for n, e in enumerate(bundle.get("entry", [])) if "resource" in e]
    patients = [e for _, e in entries if e["resource"]["resourceType"] == "Patient"]
    if len(patients) != 1:
        raise UnmappableContent(f"one Patient expected, {len(patients)} found", place="/entry")
    told = patients[0]
    found = identities.identify(tx, told["resource"], organisation=organisation)
    if about is not None and about not in (found.client, found.suspect):
        raise UnmappableContent("it is about another client than was asked for", place="/entry")
    names = {told.get("fullUrl", ""): found.client, f"Patient/{told['resource'].get('id', '')}": found.client}
    for _, entry in entries:
        if entry is not told:
            names |= _name(tx, entry, organisation, recorder, ids)
    contributor = f"Organization/{organisation}"
    patient, conflicts = _patient(tx, told["resource"], found, names, recorder)
    written = [recorder.write(tx, patient, contributor=contributor, source=source)]
    identities.link(tx, found, told["resource"], organisation=organisation)
    refused: list[tuple[str, str]] = []
    for number, entry in _dependants_last([p for p in entries if p[1] is not told]):
        resource = entry["resource"]
        reference = names[entry["fullUrl"]]
        named = rewrite({**resource, "id": reference.split("/")[1]}, names)
        try:
            written.append(recorder.write(tx, named, contributor=contributor, clients=[found.client], source=source))
        except InvalidResource as invalid:
            refused += [(f"/entry/{number}/resource{_path(f)}", _text(f)) for f in invalid.faults]
    discharged = any(is_ended_stay(e["resource"]) for _, e in entries)
    return Writeup(
        found.client,
        organisation,
        tuple(written),
        tuple(refused),
        tuple({*conflicts, *found.conflicts}),
        found.suspect if found.state is LinkState.REVIEW else None,
        discharged,
        names,
    )


def _name(
    tx: Tx, entry: Resource, organisation: str, recorder: Recorder, ids: Callable[[], str]
) -> dict[str, Reference]:
    resource = entry["resource"]
    type = resource["resourceType"]
    key = recorder.identifier_hash("source-key", f"{organisation}|{type}|{entry['fullUrl']}")
    reference = tx.records.source_key(organisation, key)
    if reference is None:
        reference = f"{type}/{ids()}"
        tx.records.bind_source(organisation, key, reference)
    names = {entry["fullUrl"]: reference}
    if resource.get("id"):
        names[f"{type}/{resource['id']}"] = reference
    return names


def _patient(
    tx: Tx, told: Resource, found: Identified, names: dict[str, Reference], recorder: Recorder
) -> tuple[Resource, tuple[str, ...]]:
    named = rewrite({**told, "id": found.client.split("/")[1]}, names)
    named.pop("meta", None)
    head = tx.records.read(*found.client.split("/"))
    if head is None or head.deleted:
        return named, ()
    return merge(recorder.current(tx, head), named)


def _dependants_last(entries: list[tuple[int, Resource]]) -> list[tuple[int, Resource]]:
    """Containers after what they refer to, so that labels of parts are known when the container is labelled."""
    last = {"Composition": 3, "List": 3, "CarePlan": 2, "Goal": 1, "ServiceRequest": 1, "CareTeam": 1}
    return sorted(entries, key=lambda pair: last.get(pair[1]["resource"]["resourceType"], 0))


def _path(fault: object) -> str:
    return str(getattr(fault, "path", ""))


def _text(fault: object) -> str:
    return f"{getattr(fault, 'rule', '')}: {getattr(fault, 'text', fault)}"
