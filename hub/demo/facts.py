"""What the two clinical documents say that must stay with those who may know it.

For our own files these are marks. For files from outside they are the texts of allergies, problems and
medicines, read out of the files themselves, so that the same checks hold for documents that nobody here
wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

from hub.demo import marks

CLINICAL_SECTIONS = ("48765-2", "11450-4", "10160-0", "10183-2", "75311-1")
CLINICAL_TYPES = ("AllergyIntolerance", "Condition", "Medication", "MedicationStatement", "MedicationRequest")
SHORTEST = 9
"""Shorter texts occur by chance."""
EVERYDAY = re.compile(
    r"no information|no known|not known|unknown|problem|diagnosis|allerg|condition|complaint|severe"
    r"|confirmed|risk|propensity|adverse reaction|intolerance",
    re.IGNORECASE,
)
"""Texts that any record may hold without having them from this document, or that say what kind of entry it is."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Texts of the hospital document and of the GP's summary by which a leak of health data shows."""

    hospital: tuple[str, ...]
    gp: tuple[str, ...]
    own_hospital: bool
    own_gp: bool

    @property
    def health(self) -> tuple[str, ...]:
        return (*self.hospital, *self.gp)


def facts_of(hospital_document: bytes | None, gp_summary: bytes | None) -> Facts:
    """The facts to look for; None stands for the demo's own file."""
    return Facts(
        hospital=_marks(marks.OF_HOSPITAL) if hospital_document is None else texts_of_cda(hospital_document),
        gp=_marks(marks.OF_GP) if gp_summary is None else texts_of_ips(gp_summary),
        own_hospital=hospital_document is None,
        own_gp=gp_summary is None,
    )


def texts_of_cda(document: bytes) -> tuple[str, ...]:
    """Display names inside the entries of the allergy, problem and medication sections, each once."""
    text = document.decode("utf-8", "replace")
    found: list[str] = []
    for section in re.split(r"<(?:[\w.-]+:)?section\b", text)[1:]:
        own_code = re.search(r"<(?:[\w.-]+:)?code\b[^>]*?\bcode=\"([^\"]+)\"", section)
        if own_code is not None and own_code[1] in CLINICAL_SECTIONS:
            for entry in re.findall(r"<(?:[\w.-]+:)?entry\b.*", section, re.DOTALL):
                found += re.findall(r"<(?:[\w.-]+:)?value\b[^>]*?\bdisplayName=\"([^\"]+)\"", entry)
                for thing in re.findall(r"<(?:\w+:)?(?:playingEntity|manufacturedMaterial)\b.*?</", entry, re.DOTALL):
                    found += re.findall(r"displayName=\"([^\"]+)\"", thing)
    return _telling(unescape(one) for one in found)


def texts_of_ips(bundle: bytes) -> tuple[str, ...]:
    """Texts and displays of the codes of allergies, conditions and medicines, in order, each once."""
    content = json.loads(bundle.decode("utf-8-sig"))
    found: list[str] = []
    for entry in content.get("entry", []):
        resource = entry.get("resource", {})
        if resource.get("resourceType") in CLINICAL_TYPES:
            for element in ("code", "medicationCodeableConcept"):
                found += _texts(resource.get(element, {}))
    return _telling(found)


def _texts(concept: dict[str, Any]) -> Iterator[str]:
    if isinstance(concept.get("text"), str):
        yield concept["text"]
    for coding in concept.get("coding", []):
        if isinstance(coding.get("display"), str):
            yield coding["display"]


def _telling(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts that cannot be in a message by chance, each once."""
    clean = (" ".join(one.split()) for one in texts)
    return tuple(dict.fromkeys(one for one in clean if len(one) >= SHORTEST and not EVERYDAY.search(one)))


def _marks(some: Iterable[marks.Mark]) -> tuple[str, ...]:
    return tuple(mark.text for mark in some)
