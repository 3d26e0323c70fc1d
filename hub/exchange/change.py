"""One write, and what it is held to before anybody is asked: its version, its name, its labels.

https://hl7.org/fhir/R4/http.html#update, #concurrency; docs/adr/0012-lost-updates.md, docs/adr/0020
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.errors import PreconditionRequired, VersionConflict
from hub.exchange.admission import Current
from hub.exchange.asker import Asker
from hub.exchange.disclose import Visible
from hub.exchange.recorder import GUARDED_TYPES, Written
from hub.fhir.value import Reference, Resource
from hub.store.store import Tx

FINAL = frozenset({"final", "amended", "corrected", "appended"})
"""States of a document that somebody signed."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write of a request: what, whether it is new, and the version the writer saw."""

    resource: Resource
    new: bool
    if_match: int | None = None
    if_none: bool = False
    """Only where there is none yet (`If-None-Match: *`)."""
    lent: frozenset[Reference] = frozenset()
    """Clients that the record belongs to although it names none: it supports records about them."""


def hold_to(current: Current, if_match: int | None) -> None:
    """VersionConflict where another version is pinned, PreconditionRequired where one must be."""
    reference = current.sealed.reference
    if if_match is not None and current.sealed.version != if_match:
        raise VersionConflict("the version named in If-Match is not the current one", place=reference)
    if if_match is None and is_guarded(current.resource):
        raise PreconditionRequired(f"a {current.sealed.type} is changed with If-Match", place=reference)


def is_guarded(resource: Resource) -> bool:
    """Whether this is only changed with If-Match: the plan, its team, a Consent, a document that was signed."""
    type = resource["resourceType"]
    if type == "Composition":
        return resource.get("status") in FINAL
    if type == "DocumentReference":
        return resource.get("docStatus") in FINAL
    return type in GUARDED_TYPES


def is_own_name(tx: Tx, asker: Asker, id: str) -> bool:
    """Whether an id stands in the name space of the asker's organisation: `<organisation>.` and something."""
    spaces = [o.id for o in tx.organisations.list() if id.startswith(f"{o.id}.") and id != f"{o.id}."]
    return max(spaces, key=len, default="") == asker.organisation


def with_labels_of(after: Resource, before: Resource) -> Resource:
    """The new content with the security labels of the old: a sender's label may raise, never lower."""
    known = before.get("meta", {}).get("security", [])
    told = after.get("meta", {}).get("security", []) if isinstance(after.get("meta", {}), dict) else known
    if not isinstance(told, list):
        return after
    said = {(label.get("system"), label.get("code")) for label in told if isinstance(label, dict)}
    missing = [label for label in known if (label.get("system"), label.get("code")) not in said]
    if not missing:
        return after
    return {**after, "meta": {**after.get("meta", {}), "security": [*told, *missing]}}


def matched(found: Visible) -> Written:
    """A record that a condition met, and that nobody changed."""
    return Written(
        reference=found.reference,
        version=found.source_version,
        created=False,
        changed=False,
        clients=(),
        type=found.reference.split("/")[0],
        told=not found.partial,
    )
