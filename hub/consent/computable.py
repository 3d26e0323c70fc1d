"""Read a FHIR Consent into rules, or say which elements cannot be computed (consent rules §2.1, §2.2).

Half-read consent is no consent: every element, code and actor must be understood. A fault names the element
as the client's software wrote it (`Consent.provision.provision[1].purpose[0]`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hub.consent.fields import Faults, Reading, stated_fields
from hub.consent.model import World
from hub.consent.named import Fields, PeriodText
from hub.consent.periods import period_span
from hub.consent.rules import ConsentFault, ConsentRule, Provision
from hub.fhir.codes import ACT_CODE, CONSENT_SCOPE, UNCLASSIFIED
from hub.fhir.value import Resource

_ROOT_ELEMENTS: Final = frozenset(
    (
        "resourceType", "id", "meta", "language", "text", "contained", "extension", "identifier", "status",
        "scope", "category", "patient", "dateTime", "performer", "organization", "sourceAttachment",
        "sourceReference", "policy", "policyRule", "verification", "provision",
    )
)  # fmt: skip
_DECIDING_EXTENSION: Final = "/extension-Consent."
_RULES: Final = {"OPTIN": True, "OPTOUT": False}
_DEEPEST: Final = 16


def read_consent(consent: Resource, world: World, *, trusted: bool = True, evidence: bool = True) -> ConsentRule:
    """The rules of a Consent. `evidence`: a Consent with neither performer nor source is not computable."""
    faults = Faults()
    reading = Reading(faults, world, _own_patient(consent))
    _read_root_elements(consent, faults)
    if reading.patient is None:
        faults.add("Consent.patient", "no reference to the client")
    if evidence and not any(consent.get(e) for e in ("performer", "sourceAttachment", "sourceReference")):
        faults.add("Consent.performer", "neither a performer nor a source: nobody is known to have agreed")
    root = _read_root(consent, reading)
    meta = consent.get("meta")
    return ConsentRule(
        reference=f"Consent/{consent.get('id', '')}",
        version=str(meta.get("versionId", "")) if isinstance(meta, dict) else "",
        patient=reading.patient,
        active=consent.get("status") == "active",
        privacy=_is_privacy(consent, faults),
        root=None if faults else root,
        period=_readable_period(consent),
        faults=tuple(faults.found),
        trusted=trusted,
        date=str(consent.get("dateTime") or ""),
    )


def capture_faults(consent: Resource, world: World) -> tuple[ConsentFault, ...]:
    """Why a Consent is refused at capture; empty where it may be taken."""
    rule = read_consent(consent, world)
    found = list(rule.faults)
    for provision in rule.root.walk() if rule.root else ():
        codes = provision.stated.codes
        if provision.permit and codes is not None and UNCLASSIFIED in codes.areas:
            found.append(ConsentFault(f"Consent.{provision.path}.code", "`unclassified` can be named by nobody"))
    return tuple(found)


def _own_patient(consent: Resource) -> str | None:
    patient = consent.get("patient")
    reference = patient.get("reference") if isinstance(patient, dict) else None
    from_here = Reading.local(reference)
    return from_here if from_here is not None and from_here.startswith("Patient/") else None


def _is_privacy(consent: Resource, faults: Faults) -> bool:
    """Whether the scope is patient-privacy; a scope that says nothing known is a fault."""
    scope = consent.get("scope")
    codings = scope.get("coding") if isinstance(scope, dict) else None
    codes = {
        coding.get("code")
        for coding in (codings if isinstance(codings, list) else ())
        if isinstance(coding, dict) and coding.get("system") == CONSENT_SCOPE
    }
    if len(codes) != 1:
        faults.add("Consent.scope", "not exactly one code of consentscope")
        return True
    return "patient-privacy" in codes


def _readable_period(consent: Resource) -> PeriodText | None:
    """The root period where it can be read: also a Consent that is not computable ends when it says so."""
    provision = consent.get("provision")
    period = provision.get("period") if isinstance(provision, dict) else None
    if not isinstance(period, dict):
        return None
    text = PeriodText(period.get("start"), period.get("end"))
    try:
        period_span({"start": text.start, "end": text.end}, Reading.zone)
    except (ValueError, TypeError):
        return None
    return text


def _read_root_elements(consent: Resource, faults: Faults) -> None:
    for element, value in consent.items():
        if element.startswith("_"):
            if element in {"_status", "_patient", "_dateTime"}:
                faults.add(f"Consent.{element}", "an extension stands in for a value")
        elif element not in _ROOT_ELEMENTS:
            faults.add(f"Consent.{element}", "element not understood")
        elif element == "extension":
            for index, extension in enumerate(value if isinstance(value, list) else ()):
                url = extension.get("url") if isinstance(extension, dict) else None
                if _DECIDING_EXTENSION in str(url):
                    faults.add(f"Consent.extension[{index}]", "extension not understood")
    _refuse_modifiers(consent.get("policy"), "Consent.policy", faults)
    _refuse_modifiers(consent.get("verification"), "Consent.verification", faults)


def _refuse_modifiers(rows: Any, path: str, faults: Faults) -> None:
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, dict) and "modifierExtension" in row:
            faults.add(f"{path}[{index}].modifierExtension", "element not understood")


def _read_root(consent: Resource, reading: Reading) -> Provision:
    given = consent.get("provision", {})
    if not isinstance(given, dict):
        reading.faults.add("Consent.provision", "not an object")
        given = {}
    permit = _root_permits(consent, given, reading.faults)
    stated = stated_fields(given, "Consent.provision", reading)
    children = _read_children(given, "provision", stated, reading, depth=1)
    return Provision("provision", permit, stated, stated, children)


def _root_permits(consent: Resource, given: Mapping[str, Any], faults: Faults) -> bool:
    """The root's type, or what the policy rule says."""
    if "type" in given:
        return _type(given["type"], "Consent.provision.type", faults)
    rule = consent.get("policyRule")
    codings = rule.get("coding") if isinstance(rule, dict) else None
    said = {
        _RULES[coding["code"]]
        for coding in (codings if isinstance(codings, list) else ())
        if isinstance(coding, dict) and coding.get("system") == ACT_CODE and coding.get("code") in _RULES
    }
    if len(said) == 1:
        return said.pop()
    faults.add("Consent.policyRule", "the root has no type and the policy rule is neither OPTIN nor OPTOUT")
    return False


def _type(value: Any, path: str, faults: Faults) -> bool:
    if value not in ("permit", "deny"):
        faults.add(path, "neither permit nor deny")
    return bool(value == "permit")


def _read_children(
    given: Mapping[str, Any], path: str, above: Fields, reading: Reading, *, depth: int
) -> tuple[Provision, ...]:
    if "provision" not in given:
        return ()
    rows = reading.rows(given["provision"], f"Consent.{path}.provision")
    if depth > _DEEPEST:
        reading.faults.add(f"Consent.{path}.provision", "nested too deep")
        return ()
    return tuple(_read_nested(row, f"{path}.provision[{index}]", above, reading, depth=depth) for index, row in rows)


def _read_nested(given: Mapping[str, Any], path: str, above: Fields, reading: Reading, *, depth: int) -> Provision:
    """A nested provision: a permit inherits what it does not state, a deny inherits nothing.

    What a permit below a deny does not state, it takes from the nearest provision above that states it.
    """
    permit = _type(given.get("type"), f"Consent.{path}.type", reading.faults)
    stated = stated_fields(given, f"Consent.{path}", reading)
    inherited = stated.under(above)
    children = _read_children(given, path, inherited, reading, depth=depth + 1)
    return Provision(path, permit, stated, inherited if permit else stated, children)
