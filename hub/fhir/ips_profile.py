"""Is this an International Patient Summary? The rules of IPS 2.0.0 for the document and its Composition.

https://hl7.org/fhir/uv/ips/StructureDefinition-Bundle-uv-ips.html and StructureDefinition-Composition-uv-ips.html, on
top of `hub.fhir.validate`, which says whether it is FHIR R4 at all. Rules are named by the invariant's key, or by the
profile whose element is broken. Of the profiles of single entries, those that a section or the Bundle demands (the
patient) are errors; what they ask of other entries is told as a warning, since sections stay open to other records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hub.fhir.bundles import resolve
from hub.fhir.codes import LOINC
from hub.fhir.ips_entries import entry_faults
from hub.fhir.references import walk_references
from hub.fhir.validate import Fault, Severity
from hub.fhir.value import Resource

BUNDLE: Final = "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"
COMPOSITION: Final = "http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips"
SUMMARY: Final = "60591-5"
_BUNDLE_RULE: Final = "Bundle-uv-ips"
_RULE: Final = "Composition-uv-ips"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a section of one code may refer to (nothing named: anything), and whether it must be there."""

    types: frozenset[str]
    required: bool = False


def _rules(*types: str, required: bool = False) -> Rules:
    return Rules(frozenset((*types, "DocumentReference")), required)


SECTIONS: Final[Mapping[str, Rules]] = {
    "11450-4": _rules("Condition", required=True),
    "48765-2": _rules("AllergyIntolerance", required=True),
    "10160-0": _rules(
        "MedicationStatement", "MedicationRequest", "MedicationAdministration", "MedicationDispense", required=True
    ),
    "11369-6": _rules("Immunization"),
    "30954-2": _rules("Observation", "DiagnosticReport"),
    "47519-4": _rules("Procedure"),
    "46264-8": _rules("DeviceUseStatement"),
    "42348-3": _rules("Consent"),
    "104605-1": _rules("Flag"),
    "47420-5": _rules("Condition", "ClinicalImpression"),
    "11348-0": _rules("Condition"),
    "10162-6": _rules("Observation"),
    "81338-6": Rules(frozenset()),
    "18776-5": _rules("CarePlan"),
    "29762-2": _rules("Observation"),
    "8716-3": _rules("Observation"),
}
"""LOINC code -> what IPS 2.0.0 says of the section. Sections of other codes are open to anything."""


def check(bundle: Resource) -> list[Fault]:
    """Everything in which a Bundle is no IPS document; nothing where it is one."""
    return list(_faults(bundle))


def _faults(bundle: Resource) -> Iterator[Fault]:
    if bundle.get("resourceType") != "Bundle":
        yield _fault("/resourceType", _BUNDLE_RULE, "must be a Bundle")
        return
    if bundle.get("type") != "document":
        yield _fault("/type", _BUNDLE_RULE, "must be `document`")
    for element in ("identifier", "timestamp"):
        if element not in bundle:
            yield _fault(f"/{element}", _BUNDLE_RULE, "is required")
    listed = bundle.get("entry")
    entries = [e if isinstance(e, dict) else {} for e in listed] if isinstance(listed, list) else []
    yield from _entries(entries)
    first = entries[0].get("resource") if entries else None
    if not isinstance(first, dict) or first.get("resourceType") != "Composition":
        yield _fault("/entry/0", _BUNDLE_RULE, "the first entry must be the Composition")
        return
    yield from _composition(first, bundle, str(entries[0].get("fullUrl", "")))
    yield from _leads_out(entries, bundle)


def _entries(entries: list[dict[str, Any]]) -> Iterator[Fault]:
    """What the Bundle profile says of its entries."""
    patients = 0
    for index, entry in enumerate(entries):
        place = f"/entry/{index}"
        if "fullUrl" not in entry:
            yield _fault(f"{place}/fullUrl", _BUNDLE_RULE, "is required")
        for element in ("search", "request", "response"):
            if element in entry:
                yield _fault(f"{place}/{element}", _BUNDLE_RULE, "must not be in a document")
        resource = entry.get("resource")
        if not isinstance(resource, dict):
            yield _fault(f"{place}/resource", _BUNDLE_RULE, "is required")
            continue
        kind = resource.get("resourceType")
        patients += kind == "Patient"
        if kind == "Composition" and index:
            yield _fault(place, "bdl-ips-1", "only the first entry may be a Composition")
        if not _names_itself(str(entry.get("fullUrl", "")), resource):
            yield _fault(f"{place}/fullUrl", _BUNDLE_RULE, "does not agree with the type and id of the resource")
        yield from entry_faults(resource, f"{place}/resource")
    if patients != 1:
        yield _fault("/entry", _BUNDLE_RULE, "there must be exactly one Patient")


def _names_itself(url: str, resource: Resource) -> bool:
    """Whether a fullUrl that is a RESTful address ends in the type and id of its resource (bdl, fullUrl)."""
    if not url.startswith(("http://", "https://")):
        return True
    kind, id = resource.get("resourceType"), resource.get("id")
    return id is None or url.split("/_history/", 1)[0].endswith(f"/{kind}/{id}")


def _composition(composition: Resource, bundle: Resource, url: str) -> Iterator[Fault]:
    place = "/entry/0/resource"
    if not _coded(composition.get("type"), SUMMARY):
        yield _fault(f"{place}/type", _RULE, f"must be LOINC {SUMMARY}")
    subject = composition.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    if not reference:
        yield _fault(f"{place}/subject/reference", _RULE, "is required")
    else:
        found = resolve(bundle, str(reference), seen_from=url)
        if found is not None and found.get("resourceType") != "Patient":
            yield _fault(f"{place}/subject", _RULE, "must be the Patient")
    sections = composition.get("section")
    if not isinstance(sections, list) or not sections:
        yield _fault(f"{place}/section", _RULE, "is required")
        return
    seen: dict[str, int] = {}
    for index, section in enumerate(sections):
        if not isinstance(section, dict):
            continue
        where = f"{place}/section/{index}"
        code = next((c for c in SECTIONS if _coded(section.get("code"), c)), "")
        seen[code] = seen.get(code, 0) + 1
        if code and seen[code] > 1:
            yield _fault(where, _RULE, f"there must be only one section {code}")
        yield from _section(section, where, SECTIONS.get(code, Rules(frozenset())), bool(code), bundle, url)
    for code, rules in SECTIONS.items():
        if rules.required and code not in seen:
            yield _fault(f"{place}/section", _RULE, f"the section {code} is required")


def _section(
    section: dict[str, Any], place: str, rules: Rules, known: bool, bundle: Resource, url: str
) -> Iterator[Fault]:
    if "section" in section:
        yield _fault(f"{place}/section", _RULE, "sections must not have sections")
    text = section.get("text")
    if not isinstance(text, dict) or not text.get("div"):
        yield _fault(f"{place}/text", _RULE, "is required")
    if known and "title" not in section:
        yield _fault(f"{place}/title", _RULE, "is required")
    entries = section.get("entry")
    references = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    if rules.required and "emptyReason" not in section and not any("reference" in e for e in references):
        yield _fault(place, "ips-comp-1", "must have an entry, or say why it is empty")
    for index, entry in enumerate(references):
        found = resolve(bundle, entry.get("reference"), seen_from=url)
        kind = found.get("resourceType") if found else None
        if kind and rules.types and kind not in rules.types:
            yield _fault(f"{place}/entry/{index}", _RULE, f"may not refer to a {kind}")


def _leads_out(entries: list[dict[str, Any]], bundle: Resource) -> Iterator[Fault]:
    """References that nothing in the document answers: of the Composition they break it, of others they are told.

    https://hl7.org/fhir/R4/documents.html#content
    """
    for index, entry in enumerate(entries):
        resource = entry.get("resource")
        if not isinstance(resource, dict):
            continue
        url = str(entry.get("fullUrl", ""))
        severity: Severity = "warning" if index else "error"
        for pointer, node in walk_references(resource):
            reference = node.get("reference")
            if not isinstance(reference, str) or reference.startswith("#") or resolve(bundle, reference, seen_from=url):
                continue
            if index or not pointer.startswith("/relatesTo"):
                where = f"/entry/{index}/resource{pointer}"
                yield _fault(where, "document", "refers to nothing in the document", severity)


def _coded(concept: Any, code: str) -> bool:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return any(
        isinstance(c, dict) and c.get("system") == LOINC and c.get("code") == code
        for c in (codings if isinstance(codings, list) else ())
    )


def _fault(path: str, rule: str, text: str, severity: Severity = "error") -> Fault:
    return Fault(path, rule, severity, text)
