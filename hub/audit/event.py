"""A journal entry as a FHIR AuditEvent, in the patterns of IHE BALP 1.1 (https://profiles.ihe.net/ITI/BALP).

A read is `PatientRead`, a search `PatientQuery`, every other way out `PrivacyDisclosure.Source`, what came
in `PrivacyDisclosure.Recipient`, a refusal `AuthZconsent` with outcome 8. A profile is claimed in `meta`
only where the entry has all that it asks for (one client, one record, a Consent); the event is valid R4
either way.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from hub.audit.entry import JournalEntry
from hub.fhir.codes import ACT_REASON, HUB, PARTICIPATION_TYPE
from hub.fhir.value import Resource

BALP: Final = "https://profiles.ihe.net/ITI/BALP"
DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
EVENT_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
RESTFUL: Final = "http://hl7.org/fhir/restful-interaction"
LIFECYCLE: Final = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
ENTITY_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
RESOURCE_TYPES: Final = "http://hl7.org/fhir/resource-types"
ROLE_CLASS: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"
ROLE_TYPE: Final = "http://terminology.hl7.org/CodeSystem/extra-security-role-type"
DECISION: Final = f"{HUB}/CodeSystem/audit-entity"

Coding = dict[str, str]

SOURCE_ROLE: Final = {"system": DCM, "code": "110153", "display": "Source Role ID"}
DESTINATION_ROLE: Final = {"system": DCM, "code": "110152", "display": "Destination Role ID"}
EXPORT: Final = {"system": DCM, "code": "110106", "display": "Export"}
IMPORT: Final = {"system": DCM, "code": "110107", "display": "Import"}
PATIENT_RECORD: Final = {"system": DCM, "code": "110110", "display": "Patient Record"}
SECURITY_ALERT: Final = {"system": DCM, "code": "110113", "display": "Security Alert"}
AUTHENTICATION: Final = {"system": DCM, "code": "110114", "display": "User Authentication"}
LOGIN: Final = {"system": DCM, "code": "110122", "display": "Login"}
APPLICATION: Final = {"system": DCM, "code": "110150", "display": "Application"}
PROVIDER: Final = {"system": ROLE_CLASS, "code": "PROV", "display": "healthcare provider"}
AUTHORISER: Final = {"system": ROLE_TYPE, "code": "authserver", "display": "authorization server"}
REST: Final = {"system": EVENT_TYPE, "code": "rest", "display": "RESTful Operation"}
DISCLOSE: Final = {"system": LIFECYCLE, "code": "disclose", "display": "Disclose Record Lifecycle Event"}
AUTHZ_CONSENT: Final = {"system": f"{BALP}/CodeSystem/AuthZsubType", "code": "AuthZ-Consent"}

_OUTCOMES: Final = {"success": "0", "failed": "4", "refused": "8"}
_ACTORS: Final = frozenset({"PractitionerRole", "Practitioner", "Organization", "Device", "Patient", "RelatedPerson"})
_INTERACTIONS: Final = frozenset({"read", "vread", "create", "update", "patch", "delete", "transaction"})
_SEARCHES: Final = frozenset({"search", "search-type", "search-system"})
_CHANGES: Final = {"create": "C", "update": "U", "patch": "U", "delete": "D"}
_REFERENCE: Final = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}")
_CONSENT: Final = re.compile(r"(Consent/[A-Za-z0-9.-]{1,64})(?:\|([A-Za-z0-9.-]{1,64}))?")
_IP: Final = re.compile(r"\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]+")


def to_audit_event(entry: JournalEntry, *, site: str = HUB) -> Resource:
    """The AuditEvent of an entry; `site` is the base address of this hub."""
    if entry.kind == "refusal" or entry.outcome == "refused":
        return authorisation_event(entry, site=site)
    if entry.kind == "disclosure" and entry.exit in ("read", "vread") and len(entry.disclosed) == 1:
        return _read(entry, site)
    if entry.kind == "disclosure" and entry.exit in _SEARCHES:
        return _search(entry, site)
    if entry.kind in ("disclosure", "delivery"):
        return _export(entry, site)
    if entry.kind == "received":
        return _import(entry, site)
    return _other(entry, site)


def authorisation_event(entry: JournalEntry, *, site: str = HUB) -> Resource:
    """The decision itself: permitted (outcome 0) or refused (outcome 8), with the Consents that spoke."""
    consents = _consents(entry)
    agents: list[Resource] = [
        {**_agent(APPLICATION, _who(entry.organisation)), "network": _network(entry.network)},
        _user(entry, _who(entry.person or entry.organisation)),
        _agent(PROVIDER, _who(entry.organisation)),
        _agent(AUTHORISER, _observer(site)),
    ]
    entities = _patients(entry) + consents
    if consents:
        consents[0]["detail"] = _details(entry)
    if entry.token:
        entities.append(_token(entry.token))
    if not consents:
        entities.append(_decision(entry))
    profile = "AuthZconsent" if consents and len(entry.clients) == 1 else None
    return _event(entry, site, SECURITY_ALERT, [AUTHZ_CONSENT], "E", agents, entities, profile)


def _read(entry: JournalEntry, site: str) -> Resource:
    shown = entry.disclosed[0]
    data: Resource = {
        "what": {"reference": f"{shown.reference}/_history/{shown.version}"},
        "type": {"system": ENTITY_TYPE, "code": "2", "display": "System Object"},
        "role": {"system": OBJECT_ROLE, "code": "4", "display": "Domain Resource"},
    }
    agents = _two_sides(entry, site, hub=SOURCE_ROLE, other=DESTINATION_ROLE)
    subtype = {"system": RESTFUL, "code": entry.exit}
    profile = {0: "Read", 1: "PatientRead"}.get(len(entry.clients))
    return _event(entry, site, REST, [subtype], "R", agents, [data, *_about(entry)], profile)


def _search(entry: JournalEntry, site: str) -> Resource:
    query: Resource = {
        "type": {"system": ENTITY_TYPE, "code": "2", "display": "System Object"},
        "role": {"system": OBJECT_ROLE, "code": "24", "display": "Query"},
        "query": base64.b64encode(entry.query.encode()).decode("ascii"),
    }
    agents = _two_sides(entry, site, hub=DESTINATION_ROLE, other=SOURCE_ROLE)
    subtype = {"system": RESTFUL, "code": "search-type" if entry.exit == "search" else entry.exit}
    profile = {0: "Query", 1: "PatientQuery"}.get(len(entry.clients)) if entry.query else None
    entities = [*([query] if entry.query else []), *_records(entry), *_about(entry)]
    return _event(entry, site, REST, [subtype], "E", agents, entities, profile)


def _export(entry: JournalEntry, site: str) -> Resource:
    agents = _two_sides(entry, site, hub=SOURCE_ROLE, other=DESTINATION_ROLE)
    profile = "PrivacyDisclosure.Source" if len(entry.clients) == 1 else None
    entities = [*_records(entry), *_about(entry)]
    return _event(entry, site, EXPORT, [DISCLOSE, *_interaction(entry)], "R", agents, entities, profile)


def _import(entry: JournalEntry, site: str) -> Resource:
    agents = _two_sides(entry, site, hub=DESTINATION_ROLE, other=SOURCE_ROLE)
    profile = "PrivacyDisclosure.Recipient" if len(entry.clients) == 1 else None
    entities = [*_records(entry), *_about(entry)]
    return _event(entry, site, IMPORT, [DISCLOSE], "C", agents, entities, profile)


def _other(entry: JournalEntry, site: str) -> Resource:
    kinds: dict[str, tuple[Coding, list[Coding]]] = {
        "sign-in": (AUTHENTICATION, [LOGIN]),
        "notice": (SECURITY_ALERT, []),
    }
    event_type, subtypes = kinds.get(entry.kind, (PATIENT_RECORD, _interaction(entry)))
    agents = [_user(entry, _who(entry.person or entry.organisation)), _agent(APPLICATION, _observer(site))]
    if not entry.person and not entry.organisation:
        agents = [{**_agent(APPLICATION, _observer(site)), "requestor": True}]
    entities = [*_records(entry), *_about(entry)]
    return _event(entry, site, event_type, subtypes, _CHANGES.get(entry.exit, "E"), agents, entities, None)


def _event(
    entry: JournalEntry,
    site: str,
    event_type: Coding,
    subtypes: list[Coding],
    action: str,
    agents: list[Resource],
    entities: list[Resource],
    profile: str | None,
) -> Resource:
    event: Resource = {"resourceType": "AuditEvent", "id": entry.id}
    if profile and (entry.outcome == "success" or profile == "AuthZconsent" or "Privacy" in profile):
        event["meta"] = {"profile": [f"{BALP}/StructureDefinition/IHE.BasicAudit.{profile}"]}
    event["type"] = dict(event_type)
    if subtypes:
        event["subtype"] = [dict(subtype) for subtype in subtypes]
    event |= {"action": action, "recorded": entry.at, "outcome": _OUTCOMES[entry.outcome]}
    if entry.kind == "refusal":
        event["outcome"] = _OUTCOMES["refused"]
    if entry.reason:
        event["outcomeDesc"] = entry.reason
    if entry.purpose:
        event["purposeOfEvent"] = [_purpose(entry)]
    event["agent"] = agents
    source_type = {"system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4"}
    event["source"] = {"site": site, "observer": _observer(site), "type": [source_type]}
    if entities:
        event["entity"] = entities
    return event


def _two_sides(entry: JournalEntry, site: str, *, hub: Coding, other: Coding) -> list[Resource]:
    sides: list[Resource] = [
        {**_agent(other, _who(entry.organisation or entry.person)), "network": _network(entry.network)},
        {**_agent(hub, _observer(site)), "network": _network(site)},
    ]
    if entry.person:
        sides.append(_user(entry, _who(entry.person)))
    else:
        sides[0]["requestor"] = True
    return sides


def _agent(role: Coding, who: Resource) -> Resource:
    return {"type": {"coding": [dict(role)]}, "who": who, "requestor": False}


def _user(entry: JournalEntry, who: Resource) -> Resource:
    role = {"system": PARTICIPATION_TYPE, "code": "IRCP", "display": "information recipient"}
    user = {**_agent(role, who), "requestor": True}
    if entry.purpose:
        user["purposeOfUse"] = [_purpose(entry)]
    return user


def _purpose(entry: JournalEntry) -> Resource:
    return {"coding": [{"system": ACT_REASON, "code": entry.purpose}]}


def _who(name: str) -> Resource:
    found = _REFERENCE.fullmatch(name)
    if found and found[1] in _ACTORS:
        return {"reference": name}
    return {"identifier": {"value": name}} if name else {"display": "unknown"}


def _observer(site: str) -> Resource:
    return {
        "type": "Device",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": site},
        "display": "Casehub",
    }


def _network(address: str) -> Resource:
    if not address:
        return {"address": "unknown"}
    if _IP.fullmatch(address):
        return {"address": address, "type": "2"}
    return {"address": address, "type": "5" if ":" in address else "1"}


def _interaction(entry: JournalEntry) -> list[Coding]:
    return [{"system": RESTFUL, "code": entry.exit}] if entry.exit in _INTERACTIONS else []


def _records(entry: JournalEntry) -> list[Resource]:
    return [
        {
            "what": {"reference": f"{shown.reference}/_history/{shown.version}"},
            "type": {"system": RESOURCE_TYPES, "code": shown.reference.partition("/")[0]},
            "role": {"system": OBJECT_ROLE, "code": "4", "display": "Domain Resource"},
            **({"detail": [{"type": "partial", "valueString": "true"}]} if shown.partial else {}),
        }
        for shown in entry.disclosed
    ]


def _about(entry: JournalEntry) -> list[Resource]:
    token = [_token(entry.token)] if entry.token else []
    return [*_patients(entry), *_consents(entry), *token, *([_decision(entry)] if _details(entry) else [])]


def _patients(entry: JournalEntry) -> list[Resource]:
    return [
        {
            "what": {"reference": client},
            "type": {"system": ENTITY_TYPE, "code": "1", "display": "Person"},
            "role": {"system": OBJECT_ROLE, "code": "1", "display": "Patient"},
        }
        for client in entry.clients
    ]


def _consents(entry: JournalEntry) -> list[Resource]:
    named: dict[str, None] = {}
    for reason in entry.because:
        if found := _CONSENT.match(reason):
            named[f"{found[1]}/_history/{found[2]}" if found[2] else found[1]] = None
    kind = {"system": RESOURCE_TYPES, "code": "Consent", "display": "Consent"}
    return [{"what": {"reference": reference}, "type": dict(kind)} for reference in named]


def _token(token: str) -> Resource:
    kind = {"system": f"{BALP}/CodeSystem/UserAgentTypes", "code": "UserOauthAgent"}
    return {"what": {"identifier": {"value": token}}, "type": kind}


def _decision(entry: JournalEntry) -> Resource:
    decision: Resource = {"type": {"system": DECISION, "code": "decision"}, "name": "decision"}
    if details := _details(entry):
        decision["detail"] = details
    return decision


def _details(entry: JournalEntry) -> list[dict[str, Any]]:
    said = [("basis", entry.basis), ("action", entry.action), ("exit", entry.exit)]
    said += [("because", reason) for reason in entry.because]
    said += [("withheld", f"{one.what}: {one.because}") for one in entry.withheld]
    return [{"type": kind, "valueString": text} for kind, text in said if text]
