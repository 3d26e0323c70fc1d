"""Decide whether a record may be seen, by whom, for what, and why (consent rules §1 to §5).

`decide` is a function of its arguments: no I/O, no clock. The default is deny, and it is where one falls, not a branch.
A request is bound once (`bind`) and then judges many records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hub.consent.actors import Actors, expand, in_force
from hub.consent.bases import Bases, Flow
from hub.consent.codes import ABSTRACT_PURPOSE, ACTIONS, CLIENT_TYPES, DIRECTORY_TYPES, PURPOSES
from hub.consent.containers import PartNode, part_tree
from hub.consent.data_references import follow, local
from hub.consent.facts import Facts, beyond_parts
from hub.consent.judges import (
    ByConsent,
    ByContribution,
    ByFlow,
    ByOwnRecord,
    ByVitalInterest,
    Consents,
    Judge,
    Judgement,
    because,
    refused,
)
from hub.consent.model import AccessRequest, Basis, Decision, Effect, Reason, Record, World
from hub.consent.periods import span
from hub.consent.provisions import Asked, BoundConsent
from hub.consent.rules import ConsentRule
from hub.fhir.value import Reference, Resource


def decide(
    request: AccessRequest,
    record: Record,
    consents: Sequence[ConsentRule],
    world: World,
    *,
    at: datetime,
    bases: Bases,
    zone: ZoneInfo,
) -> Decision:
    """What this request may see of one record, and why."""
    return bind(request, consents, world, at=at, bases=bases, zone=zone).decide(record)
