"""Who stands around a request: the people, roles and teams that its actors are expanded in.

What is looked up follows from the asker and from what the Consents name, never from which other records happen to be
decided at the same time: the same question has the same answer on every page (docs/consent.md, search).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hub.consent.actors import ACTOR_TYPES
from hub.consent.codes import DIRECTORY_TYPES
from hub.consent.data_references import authors_of, content_of, local
from hub.consent.model import Record
from hub.exchange.vault import Vault
from hub.fhir.codes import HUB
from hub.fhir.value import Reference, Resource
from hub.store.model import Standing
from hub.store.store import Tx

Directory = dict[Reference, Resource]


def is_team(reference: Reference) -> bool:
    """Whether actors can be members of it."""
    return reference.startswith(("CareTeam/", "Group/"))


def around(
    tx: Tx,
    vault: Vault,
    actors: Iterable[Reference],
    connected: Mapping[Reference, Resource],
    *,
    teams: Iterable[Reference] = (),
) -> Directory:
    """The connected organisations and their parents, the asker's person and roles, these teams and those in them."""
    found = dict(connected)
    asked = [local(actor) or actor for actor in actors]
    _open(tx, vault, found, asked)
    for person in (actor for actor in asked if actor.startswith("Practitioner/")):
        for name in (person, f"{HUB}/{person}"):
            for role in tx.records.find("PractitionerRole", "practitioner", name):
                found.setdefault(role.reference, vault.open_resource(tx, role))
    waiting: Collection[Reference] = list(teams)
    while waiting:
        opened = _open(tx, vault, found, waiting)
        waiting = {team for resource in opened for team in content_of(resource).references if is_team(team)}
    employers: Collection[Reference] = {e for r in found.values() for e in _named(r, "organization", "owner")}
    while employers:
        _open(tx, vault, found, employers)
        parents = {p for o in found.values() for p in _named(o, "partOf")} - found.keys()
        employers = parents if _stored(tx, parents) else ()
    return found


def actors_in(consent: Resource) -> frozenset[Reference]:
    """What a Consent refers to that could be an actor."""
    return frozenset(r for r in content_of(consent).references if r.partition("/")[0] in ACTOR_TYPES)


def named_actors(
    wanted: Iterable[Reference], known: Mapping[Reference, Standing], clients: Collection[Reference]
) -> frozenset[Reference]:
    """Those of them that a Consent of these clients may name besides the connected organisations.

    The directory, and who belongs to the same client or to none: a relative of somebody else is nobody here.
    """
    there = [known[reference] for reference in wanted if reference in known]
    return frozenset(
        one.reference
        for one in there
        if one.reference.partition("/")[0] in DIRECTORY_TYPES or not one.clients or set(one.clients) & set(clients)
    )


def authoring_roles(tx: Tx, vault: Vault, records: Iterable[Record]) -> Directory:
    """The roles in which people wrote these records: `authoredby` means the person, too."""
    wanted = {a for record in records for a in authors_of(record.resource) if a.startswith("PractitionerRole/")}
    found: Directory = {}
    _open(tx, vault, found, wanted)
    return found


def _open(tx: Tx, vault: Vault, found: Directory, references: Iterable[Reference]) -> list[Resource]:
    """Add what of these is stored and not known yet."""
    opened = vault.opened(tx, tx.records.standing({reference for reference in references if reference not in found}))
    found.update(opened)
    return list(opened.values())


def _stored(tx: Tx, references: Collection[Reference]) -> bool:
    return bool(tx.records.standing(references))


def _named(resource: Resource, *elements: str) -> Iterable[Reference]:
    values: Iterable[Any] = (resource.get(element) for element in elements)
    targets = (local(value.get("reference")) for value in values if isinstance(value, dict))
    return [target for target in targets if target is not None]
