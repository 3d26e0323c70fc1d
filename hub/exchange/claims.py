"""What an organisation says of its request: for which purpose, on which basis, in whose person.

As fields of the token request, or signed with the assertion as the claims of IHE IUA (`extensions.ihe_iua`,
https://profiles.ihe.net/ITI/IUA/, "JWT IUA extension"); said twice, it must be the same. Nothing is assumed. IUA's
`person_id` is the patient's: a token is not bound to one here, so that claim is refused rather than overheard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hub.consent.codes import ABSTRACT_PURPOSE, PURPOSES
from hub.consent.model import Basis
from hub.errors import MalformedContent
from hub.fhir.codes import ACT_REASON, KRZP
from hub.fhir.references import parse_reference
from hub.fhir.value import Reference, Resource

ACT_REASONS: Final = frozenset((ACT_REASON, "urn:oid:2.16.840.1.113883.5.8"))
"""The names of the code system of purposes: its URI, and its OID as IUA writes systems."""

Practitioners = Callable[[str, str], list[Reference]]
"""(system, value) -> the Practitioners of the directory with this identifier."""


@dataclass(frozen=True, slots=True)
class Said:
    """Purpose, basis and person of one token."""

    purpose: str
    basis: Basis
    person: Reference | None


def said(form: Mapping[str, str], iua: Mapping[str, Any], organisation: Resource, practitioners: Practitioners) -> Said:
    """What form and claims say together; MalformedContent where something is missing, unknown or at odds."""
    if "person_id" in iua:
        raise MalformedContent("names a patient, and a token of this hub is bound to none", place="person_id")
    if not _is_of(iua.get("subject_organization_id"), organisation):
        raise MalformedContent("is not the organisation that signed", place="subject_organization_id")
    purpose = _one(form.get("purpose_of_use"), _purpose_claim(iua), "purpose_of_use")
    if purpose is None or purpose not in PURPOSES or purpose == ABSTRACT_PURPOSE:
        raise MalformedContent("a v3-ActReason purpose of use is required", place="purpose_of_use")
    basis = form.get("basis", "")
    if basis not in {b.value for b in Basis}:
        raise MalformedContent("a legal basis is required", place="basis")
    person = _one(form.get("person"), _provider_claim(iua, practitioners), "person")
    if person is not None and not is_professional(person):
        raise MalformedContent("must be a reference `Practitioner/id` or `PractitionerRole/id`", place="person")
    return Said(purpose, Basis(basis), person)


def is_professional(person: str) -> bool:
    """Whether a person named by an organisation may speak for it: its staff, never a client or their relative."""
    named = parse_reference(person)
    return named is not None and named.version is None and named.type in ("Practitioner", "PractitionerRole")


def _one(field: str | None, claim: str | None, place: str) -> str | None:
    if field is not None and claim is not None and field != claim:
        raise MalformedContent("the request says one thing and the assertion another", place=place)
    return claim if field is None else field


def _purpose_claim(iua: Mapping[str, Any]) -> str | None:
    """One Coding, alone or in a list; the code of its purpose."""
    if "purpose_of_use" not in iua:
        return None
    codings = iua["purpose_of_use"]
    codings = codings if isinstance(codings, list) else [codings]
    if len(codings) != 1 or not isinstance(codings[0], Mapping):
        raise MalformedContent("must be one Coding: a token has one purpose", place="purpose_of_use")
    code = codings[0].get("code")
    if codings[0].get("system") not in ACT_REASONS or not isinstance(code, str):
        raise MalformedContent("must be a code of v3-ActReason", place="purpose_of_use")
    return code


def _provider_claim(iua: Mapping[str, Any], practitioners: Practitioners) -> Reference | None:
    """`system|value`, or a number of the national register of professionals."""
    if "national_provider_identifier" not in iua:
        return None
    place = "national_provider_identifier"
    number = iua[place]
    if not isinstance(number, str) or not number:
        raise MalformedContent("must be a text", place=place)
    system, bar, value = number.partition("|")
    found = practitioners(system, value) if bar else practitioners(KRZP, number)
    if len(found) != 1:
        raise MalformedContent("is not the number of one Practitioner whom the hub knows", place=place)
    return found[0]


def _is_of(named: object, organisation: Resource) -> bool:
    """Whether a claim names this organisation, by id, reference, URL or one of its identifiers; or names none."""
    if named is None:
        return True
    own = f"Organization/{organisation['id']}"
    identifiers = [i for i in organisation.get("identifier", []) if "value" in i]
    known = {organisation["id"], own, *(str(i["value"]) for i in identifiers)}
    known |= {f"{i.get('system', '')}|{i['value']}" for i in identifiers}
    return isinstance(named, str) and (named in known or named.endswith(f"/fhir/{own}"))
