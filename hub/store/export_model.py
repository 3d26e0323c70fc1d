"""What a bulk export is made of, as the store keeps it: the order, how far it is, and files of references."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ExportState(StrEnum):
    """Where an export stands."""

    ACCEPTED = "accepted"
    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What was asked for, and as whom: an export goes on asking as the one who began it."""

    url: str
    """The address of the request, as the manifest repeats it."""
    types: tuple[str, ...]
    purpose: str
    basis: str
    person: str | None = None
    of_clients: bool = False
    """Only records about some client."""
    clients: tuple[str, ...] | None = None
    """Only records about these."""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export. `position` counts the types that are done, `after` is the key of the last record found."""

    id: str
    organisation: str
    ordered: ExportOrder
    state: ExportState
    begun: datetime
    expires: datetime
    position: int = 0
    after: int = 0
    found: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file of an export: references of one type; what stands in them is read and decided at each download."""

    job: str
    no: int
    type: str
    records: tuple[str, ...]
