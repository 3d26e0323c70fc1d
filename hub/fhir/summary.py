"""Documents made from records: patient summary (IPS), social-service summary, discharge report.

FHIR documents (https://hl7.org/fhir/R4/documents.html). Everything that comes in is already what the
reader may see; nothing here decides about sharing. `withheld` names the areas the reader has no permit
for: a section of such an area says `withheld` whether or not there is anything, every other empty section
says `unavailable`. Ids are derived from the document's identifier, so the same arguments make the same
document.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from hub.fhir.bundles import document, reference_of
from hub.fhir.codes import DOC_CATEGORY, DOC_TYPE, LIST_EMPTY_REASON, LOINC
from hub.fhir.ips_entries import complete
from hub.fhir.ips_profile import BUNDLE, COMPOSITION, SUMMARY
from hub.fhir.narrative import conceals, narrative, section_narrative
from hub.fhir.references import references_of
from hub.fhir.summary_rules import Areas, named_areas
from hub.fhir.summary_sections import DISCHARGE_REPORT, PATIENT_SUMMARY, SOCIAL_SUMMARY, Section
from hub.fhir.text import instant
from hub.fhir.value import Reference, Resource

_LANGUAGES: Final = ("cs", "de", "en")
_SUPPORTING: Final = frozenset(
    ("Device", "Encounter", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole")
)
"""Types that come along, of whatever area, where a record in the document refers to them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: its type, category, titles (cs, de, en) and sections."""

    type: tuple[tuple[str, str], ...]
    category: tuple[str, str] | None
    titles: tuple[str, str, str]
    sections: tuple[Section, ...]
    all_sections: bool = False
    profiles: tuple[str, str] | None = None
    """The profiles that its Bundle and its Composition claim; entries are completed as they ask."""


_IPS: Final = Kind(
    ((LOINC, SUMMARY),),
    None,
    ("Pacientský souhrn", "Patientenkurzakte", "Patient summary"),
    PATIENT_SUMMARY,
    profiles=(BUNDLE, COMPOSITION),
)
_DISCHARGE: Final = Kind(
    ((LOINC, "34105-7"),),
    (LOINC, "11503-0"),
    ("Propouštěcí zpráva", "Entlassbericht", "Discharge report"),
    DISCHARGE_REPORT,
)
_SOCIAL: Final = Kind(
    ((DOC_TYPE, "social-service-summary"), (LOINC, "34133-9")),
    (DOC_CATEGORY, "social-records"),
    ("Souhrn sociálních služeb", "Zusammenfassung der sozialen Dienste", "Social-service summary"),
    SOCIAL_SUMMARY,
    all_sections=True,
)


def patient_summary(
    patient: Resource,
    records: Iterable[Resource],
    *,
    author: Resource,
    now: datetime,
    identifier: str,
    language: str = "cs",
    withheld: Collection[str] = frozenset(),
    confidentiality: str = "N",
    areas: Areas = named_areas,
) -> Resource:
    """The International Patient Summary of a client: problems, allergies and medication are always there."""
    view = _View(author, identifier, language, frozenset(withheld), confidentiality, areas)
    return _Maker(_IPS, patient, list(records), view).bundle(now)


def social_summary(
    patient: Resource,
    records: Iterable[Resource],
    *,
    author: Resource,
    now: datetime,
    identifier: str,
    language: str = "cs",
    withheld: Collection[str] = frozenset(),
    confidentiality: str = "N",
    areas: Areas = named_areas,
) -> Resource:
    """The social-service summary: fifteen sections, each with narrative; an empty one says why it is."""
    view = _View(author, identifier, language, frozenset(withheld), confidentiality, areas)
    return _Maker(_SOCIAL, patient, list(records), view).bundle(now)


def discharge_report(
    patient: Resource,
    records: Iterable[Resource],
    *,
    author: Resource,
    now: datetime,
    identifier: str,
    encounter: Resource | None = None,
    language: str = "cs",
    withheld: Collection[str] = frozenset(),
    confidentiality: str = "N",
    areas: Areas = named_areas,
) -> Resource:
    """The report that the registering GP must get after a stay (LOINC 34105-7), about one encounter."""
    stays = [encounter] if encounter else []
    others = [r for r in records if not (encounter and r["resourceType"] == "Encounter")]
    view = _View(author, identifier, language, frozenset(withheld), confidentiality, areas)
    return _Maker(_DISCHARGE, patient, stays + others, view).bundle(now, encounter)


@dataclass(frozen=True, slots=True)
class _View:
    """Who the document is by, in which language, and what its reader may not see."""

    author: Resource
    identifier: str
    language: str
    withheld: frozenset[str]
    confidentiality: str
    areas: Areas


@dataclass(frozen=True, slots=True)
class _Maker:
    """One document in the making."""

    kind: Kind
    patient: Resource
    records: Sequence[Resource]
    view: _View

    def bundle(self, now: datetime, encounter: Resource | None = None) -> Resource:
        sections, shown = self._sections()
        composition: Resource = {
            "resourceType": "Composition",
            "id": str(uuid5(NAMESPACE_URL, f"{self.view.identifier}#Composition")),
            "language": self.view.language,
            "identifier": {"system": "urn:ietf:rfc:3986", "value": self.view.identifier},
            "status": "final",
            "type": _concept(*self.kind.type),
            "subject": _reference(self.patient),
            "date": instant(now),
            "author": [_reference(self.view.author)],
            "title": self._word(self.kind.titles),
            "confidentiality": self.view.confidentiality,
            "section": sections,
        }
        if self.kind.category:
            composition["category"] = [_concept(self.kind.category)]
        if encounter:
            composition["encounter"] = _reference(encounter)
            shown = [encounter, *shown]
        if self.view.author["resourceType"] == "Organization":
            composition["custodian"] = _reference(self.view.author)
        members = [self._in_plain_sight(m) for m in self._with_supporting([self.patient, self.view.author, *shown])]
        if self.kind.profiles is None:
            return document(composition, members, identifier=self.view.identifier, at=now, full_url=self._full_url)
        bundle, profile = self.kind.profiles
        composition = {"resourceType": "Composition", "meta": {"profile": [profile]}, **composition}
        members = [complete(member) for member in members]
        made = document(composition, members, identifier=self.view.identifier, at=now, full_url=self._full_url)
        return {"resourceType": "Bundle", "meta": {"profile": [bundle]}, **made}

    def _sections(self) -> tuple[list[dict[str, Any]], list[Resource]]:
        """The sections, and the records that stand in them."""
        sections: list[dict[str, Any]] = []
        shown: list[Resource] = []
        areas = [(record, self.view.areas(record)) for record in self.records if "id" in record]
        for section in self.kind.sections:
            entries = [] if section.area in self.view.withheld else [r for r, a in areas if section.belongs(r, a)]
            if entries or section.required or self.kind.all_sections or section.area in self.view.withheld:
                sections.append(self._section(section, entries))
                shown += entries
        return sections, shown

    def _section(self, section: Section, entries: Sequence[Resource]) -> dict[str, Any]:
        empty = "withheld" if section.area in self.view.withheld else None if entries else "unavailable"
        known = self._by_reference()
        div = section_narrative(entries, language=self.view.language, empty=empty, resolve=known.get)
        made: dict[str, Any] = {
            "title": self._word(section.titles),
            "code": _concept((section.system, section.code)),
            "text": {"status": "generated", "div": div},
        }
        if entries:
            made["entry"] = [_reference(entry) for entry in entries]
        if empty:
            made["emptyReason"] = _concept((LIST_EMPTY_REASON, empty))
        return made

    def _in_plain_sight(self, member: Resource) -> Resource:
        """A member without text that a reader would not see: such a narrative is made anew."""
        if not conceals(member.get("text", {}).get("div", "")):
            return member
        told = narrative(member, language=self.view.language, resolve=self._by_reference().get)
        return {**member, "text": told}

    def _with_supporting(self, members: Sequence[Resource]) -> list[Resource]:
        """The members and what they refer to among the records (who, where, which medicine, which service).

        So no reference in the document dangles; but nothing of an area that is withheld comes along this way.
        """
        known = {
            ref: r
            for ref, r in self._by_reference().items()
            if r["resourceType"] in _SUPPORTING or not self.view.withheld & self.view.areas(r)
        }
        found = list(members)
        for member in found:
            for reference in sorted(references_of(member)):
                if reference in known:
                    found.append(known.pop(reference))
        return found

    def _by_reference(self) -> dict[Reference, Resource]:
        named = ((reference_of(record), record) for record in (*self.records, self.patient, self.view.author))
        return {reference: record for reference, record in named if reference}

    def _full_url(self, resource: Resource) -> str:
        return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{self.view.identifier}#{reference_of(resource)}')}"

    def _word(self, words: tuple[str, str, str]) -> str:
        primary = self.view.language.split("-", maxsplit=1)[0]
        return words[_LANGUAGES.index(primary) if primary in _LANGUAGES else 2]


def _reference(resource: Resource) -> dict[str, str]:
    return {"reference": reference_of(resource) or ""}


def _concept(*codings: tuple[str, str]) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for system, code in codings]}
