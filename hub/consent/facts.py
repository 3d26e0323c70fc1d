"""What a decision needs to know of a record or of a part of one, read at most once (consent rules §2.5 to
§2.7).

A container is judged by what it has beyond its parts: labels that come from a part are that part's own
business, or a deny of one area would take the whole plan away. What the container itself carries beyond them
still counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from hub.consent.clinical import clinical_period
from hub.consent.codes import rank
from hub.consent.data_references import Code, Content, authors_of, content_of, document_codes, local
from hub.consent.model import Labels, Part, Record, World
from hub.consent.periods import Span
from hub.fhir.pointer import get
from hub.fhir.value import Reference, Resource


class Facts:
    """One thing to judge: a record, a container beyond its parts, or a part."""

    def __init__(
        self,
        record: Record,
        labels: Labels,
        world: World,
        zone: ZoneInfo,
        *,
        pointer: str = "",
        without: tuple[str, ...] = (),
        whole: Facts | None = None,
    ) -> None:
        self.record = record
        self.resource = _host(record.resource, pointer) if pointer else record.resource
        self.reference = record.reference
        self.type = record.reference.partition("/")[0]
        if self.resource is not record.resource:
            self.type = str(self.resource["resourceType"])
            self.reference = f"{self.type}/{self.resource.get('id', '')}"
        self.rank = rank(labels.confidentiality)
        self.sensitivity = labels.sensitivity
        self.areas = labels.areas
        self._world = world
        self.zone = zone
        self._pointer = pointer
        self._without = without
        self._whole = whole

    @property
    def is_part(self) -> bool:
        """Whether this is one part of a record, not the record itself."""
        return bool(self._pointer)

    @cached_property
    def content(self) -> Content:
        """Codings and references of this record or part alone."""
        value: Any = self.record.resource
        if self._pointer:
            value = get(value, self._pointer)
        return content_of(value, pointer=self._pointer, without=self._without)

    @cached_property
    def every_code(self) -> frozenset[Code]:
        """All codings, contained resources and entries included."""
        return self.content.own_codes | self.content.inner_codes

    @cached_property
    def documents(self) -> frozenset[Code]:
        """What kind of document the record is."""
        return document_codes(self.resource)

    @cached_property
    def time(self) -> Span | None:
        """When the record is about, by the table of clinical times."""
        return clinical_period(self.resource, self.zone)

    @cached_property
    def authors(self) -> frozenset[Reference]:
        """Who wrote the record, and the person behind each role."""
        return self._behind(authors_of(self.resource), "practitioner")

    @cached_property
    def every_author(self) -> frozenset[Reference]:
        """Who wrote it, whose staff they are, and whose system it came from."""
        contributor = frozenset((self.record.contributor,) if self.record.contributor else ())
        return contributor | self._behind(self.authors, "practitioner", "organization")

    def version_is(self, version: str | None) -> bool:
        """Whether this is the version that was named, or none was."""
        return version is None or version == self.record.version

    def refers_to(self, target: Reference) -> bool:
        """Whether this record points at the target; a part does so with its container."""
        return target in self.content.references or (self._whole is not None and self._whole.refers_to(target))

    def referred_to_by(self, source: Reference) -> bool:
        """Whether the source, if it is known, points at this record."""
        found = self._world.records.get(source)
        resource = found.resource if found else self._world.directory.get(source)
        return resource is not None and self.reference in content_of(resource).references

    def _behind(self, authors: Iterable[Reference], *elements: str) -> frozenset[Reference]:
        found = set(authors)
        for author in tuple(found):
            role = self._world.directory.get(author, {}) if author.startswith("PractitionerRole/") else {}
            for element in elements:
                behind = local((role.get(element) or {}).get("reference"))
                if behind is not None:
                    found.add(behind)
        return frozenset(found)


def _host(resource: Resource, pointer: str) -> Resource:
    """The innermost resource that holds what the pointer leads to: an entry of a Bundle is a record of its
    own kind.
    """
    value: Any = resource
    found = resource
    for step in pointer.split("/")[1:]:
        value = get(value, f"/{step}")
        inner = value.get("resource", value) if isinstance(value, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get("resourceType"), str):
            found = inner
    return found


def beyond_parts(labels: Labels, parts: Iterable[Part]) -> Labels:
    """What a container carries that none of its parts does."""
    areas: set[str] = set()
    sensitivity: set[str] = set()
    highest = -1
    for part in parts:
        areas |= part.labels.areas
        sensitivity |= part.labels.sensitivity
        highest = max(highest, rank(part.labels.confidentiality))
    confidentiality = labels.confidentiality if rank(labels.confidentiality) > highest else "N"
    if rank(confidentiality) > rank(labels.confidentiality):
        confidentiality = labels.confidentiality
    return Labels(
        confidentiality=confidentiality,
        sensitivity=labels.sensitivity - sensitivity,
        areas=labels.areas - areas,
    )


PROSE: Final = frozenset(("title", "description", "note"))
"""The elements of a container that may tell of any of its parts."""


def prose_labels(record: Record, beyond: frozenset[str], world: World) -> Labels | None:
    """What a container's title, description and notes may tell of; None where there is nothing to judge.

    They carry the labels of all its parts and of itself (`beyond`: its areas) together, but for the bare fact that it
    is a plan.
    """
    if not PROSE & record.resource.keys():
        return None
    areas = beyond - {"plan"}
    for part in record.parts:
        known = world.records.get(part.refers_to or "")
        areas |= known.labels.areas if known else part.labels.areas
    return replace(record.labels, areas=areas) if areas else None
