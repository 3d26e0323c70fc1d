"""What of a record is judged on its own: itself beyond its parts, each part, its prose (consent rules §5).

`decide` looks at the same things in the same way; here they are taken apart once, when the record is written, so that
a database can judge them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

from hub.consent.bases import elements_among
from hub.consent.codes import CLIENT_TYPES
from hub.consent.containers import PartNode, part_tree
from hub.consent.decide import NEVER_NARROWED
from hub.consent.facts import Facts, beyond_parts, prose_labels
from hub.consent.judges import FOLLOWS_ANY_PERMIT
from hub.consent.model import Labels, Record, World

OWN: Final = 0
PROSE: Final = -1
BEYOND_PERMIT: Final = -2
"""What of a Patient does not follow any permit on that client."""


@dataclass(frozen=True, slots=True)
class Facet:
    """One thing that is judged by labels of its own. Parts count from 1, in document order.

    `above` are the parts that it is inside of. `closed`: where the record that it refers to is not known, its labels
    open it to nobody.
    """

    no: int
    labels: Labels
    facts: Facts
    pointer: str = ""
    refers_to: str = ""
    above: tuple[int, ...] = ()
    closed: bool = False

    @property
    def type(self) -> str:
        """The type of the resource that it is of: an entry of a Bundle is of its own type."""
        return self.facts.type


def facets(record: Record, world: World, zone: ZoneInfo) -> tuple[Facet, ...]:
    """The record itself first, then its parts, then its prose where it has any."""
    if not record.parts:
        whole = Facet(OWN, record.labels, Facts(record, record.labels, world, zone))
        return (whole, *_beyond_permit(whole))
    tree = part_tree(record.parts)
    labels = beyond_parts(record.labels, record.parts)
    around = tuple(node.part.pointer for node in tree)
    own = Facet(OWN, labels, Facts(record, labels, world, zone, without=around))
    parts = tuple(_parts(tree, own.facts, world, (), 1))
    prose = prose_labels(record, labels.areas, world)
    told = () if prose is None else (Facet(PROSE, prose, Facts(record, prose, world, zone)),)
    return (own, *parts, *told, *_beyond_permit(own))


def _parts(
    nodes: Sequence[PartNode], whole: Facts, world: World, above: tuple[int, ...], first: int
) -> Iterator[Facet]:
    """The parts, each before those inside it; `first` is the number of the first."""
    number = first
    for node in nodes:
        part = node.part
        kind = (part.refers_to or "").partition("/")[0]
        yield Facet(
            no=number,
            labels=part.labels,
            facts=Facts(
                whole.record,
                part.labels,
                world,
                whole.zone,
                pointer=part.pointer,
                without=node.pointers,
                whole=whole,
            ),
            pointer=part.pointer,
            refers_to=part.refers_to or "",
            above=above,
            closed=kind in CLIENT_TYPES and not part.labels.areas,
        )
        inside = tuple(_parts(node.inside, whole, world, (*above, number), number + 1))
        yield from inside
        number += 1 + len(inside)


def _beyond_permit(own: Facet) -> tuple[Facet, ...]:
    """Something, where a Patient says more than what follows any permit."""
    resource = own.facts.record.resource
    if resource.get("resourceType") != "Patient":
        return ()
    more = resource.keys() - elements_among(resource, FOLLOWS_ANY_PERMIT) - NEVER_NARROWED
    return (replace(own, no=BEYOND_PERMIT),) if more else ()
