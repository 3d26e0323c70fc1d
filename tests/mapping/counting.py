"""An independent count of what a CDA document holds: allergy, medication and problem entries by section.

Knows nothing of the hub or its mappings: `xml.etree` over the bytes, sections by LOINC code, every
observation of a concern and every substance administration by itself, denied and unknown ones included.
Severity, status and criticality observations say something about another entry and are none themselves.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

V3 = "{urn:hl7-org:v3}"
ALLERGIES = {"48765-2"}
PROBLEMS = {"11450-4", "11348-0", "46241-6", "42347-5", "11535-2", "C-CDAV2-DDN", "10219-4", "10218-6"}
MEDICATIONS = {"10160-0", "10183-2", "75311-1", "46057-6", "42346-7", "29549-3"}
ABOUT_ANOTHER = {"SEV", "33999-4", "82606-5", "11323-3", "66455-7"}


@dataclass(frozen=True)
class Entry:
    """One entry that has to be in the record or in the residue."""

    kind: str
    section: int
    entry: int
    codes: frozenset[str]
    """The codes of what it is about: value, agent, product."""


def well_formed(data: bytes) -> bytes:
    """Two known faults of one public sample put right: bare ampersands, an end tag without a start."""
    data = re.sub(rb"&(?!#?\w+;)", b"&amp;", data)
    return re.sub(rb'(<doseQuantity value="30" unit="mg"/>\s*<low [^>]*/>\s*)</doseQuantity>', rb"\1", data)


def entries(data: bytes) -> list[Entry]:
    """Every allergy, medication and problem entry of a document."""
    root = ET.fromstring(well_formed(data))
    found: list[Entry] = []
    for number, section in enumerate(root.iter(f"{V3}section")):
        code = section.find(f"{V3}code")
        loinc = code.get("code", "") if code is not None else ""
        for at, entry in enumerate(section.findall(f"{V3}entry")):
            if loinc in ALLERGIES:
                found += [Entry("allergy", number, at, _codes(one)) for one in _observations(entry)]
            elif loinc in PROBLEMS:
                found += [Entry("problem", number, at, _codes(one)) for one in _observations(entry)]
            elif loinc in MEDICATIONS:
                found += [Entry("medication", number, at, _codes(one)) for one in _administrations(entry)]
    return found


def _observations(entry: ET.Element) -> list[ET.Element]:
    direct = entry.findall(f"{V3}observation")
    concerned = entry.findall(f"{V3}act/{V3}entryRelationship/{V3}observation")
    return [one for one in direct + concerned if _code(one) not in ABOUT_ANOTHER]


def _administrations(entry: ET.Element) -> list[ET.Element]:
    direct = entry.findall(f"{V3}substanceAdministration")
    return direct + entry.findall(f"{V3}act/{V3}entryRelationship/{V3}substanceAdministration")


def _code(element: ET.Element) -> str:
    code = element.find(f"{V3}code")
    return code.get("code", "") if code is not None else ""


def _codes(element: ET.Element) -> frozenset[str]:
    said: set[str] = set()
    for name in ("value", "participant", "consumable"):
        for part in element.findall(f"{V3}{name}"):
            said |= {one.get("code", "") for one in part.iter()}
    return frozenset(said - {""})
