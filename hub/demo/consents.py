"""What the client agreed to, written as FHIR Consents: for each organisation, which areas of life it may
know.

One Consent for each organisation, so that withdrawing something from one changes nothing for the others. A
Consent permits; what it does not name stays closed. Rules of reading: docs/consent.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hub.demo.cast import GP, HOMECARE, MUNICIPALITY, SOCIAL, Organisation
from hub.demo.plan import ACT_CODE, CARE_AREA

ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
CONSENT_ACTION: Final = "http://terminology.hl7.org/CodeSystem/consentaction"
CONSENT_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
LOINC: Final = "http://loinc.org"

EVERY_AREA_BUT_SAFEGUARDING: Final = (
    "health",
    "self-care",
    "finance",
    "housing",
    "household",
    "occupation",
    "family",
    "wider-circles",
    "services",
    "plan",
    "identity",
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one organisation may know, as the client put it."""

    organisation: Organisation
    areas: tuple[str, ...]
    actions: tuple[str, ...] = ("access", "disclose")
    not_sensitive: tuple[str, ...] = ()
    """Sensitivity codes that stay closed even inside the areas named."""


INTAKE: Final = Agreement(MUNICIPALITY, EVERY_AREA_BUT_SAFEGUARDING, ("collect", "access", "disclose", "correct"))
"""At intake: the case manager's organisation may gather, see and write down what case work needs."""

SHARING: Final = (
    Agreement(
        HOMECARE,
        ("health", "self-care", "finance", "services", "plan", "identity"),
        not_sensitive=("PSY",),
    ),
    Agreement(
        SOCIAL,
        ("housing", "household", "finance", "self-care", "services", "plan", "identity"),
    ),
    Agreement(
        GP,
        ("health", "self-care", "housing", "household", "services", "plan", "identity"),
        not_sensitive=("PSY",),
    ),
)
"""At the agreement: area by area and organisation by organisation. The hospital gets nothing after discharge.
"""


def consent(client: str, agreement: Agreement, *, at: str) -> dict[str, Any]:
    """The client's Consent for one organisation."""
    actor = {
        "role": {"coding": [{"system": PARTICIPATION, "code": "IRCP"}]},
        "reference": {"reference": agreement.organisation.reference},
    }
    permit: dict[str, Any] = {
        "type": "permit",
        "actor": [actor],
        "action": [{"coding": [{"system": CONSENT_ACTION, "code": code}]} for code in agreement.actions],
        "purpose": [{"system": ACT_REASON, "code": code} for code in ("COC", "TREAT")],
        "code": [{"coding": [{"system": CARE_AREA, "code": code}]} for code in agreement.areas],
    }
    if agreement.not_sensitive:
        labels = [{"system": ACT_CODE, "code": code} for code in agreement.not_sensitive]
        permit["provision"] = [{"type": "deny", "actor": [actor], "securityLabel": labels}]
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": LOINC, "code": "59284-0"}]}],
        "patient": {"reference": client},
        "dateTime": at,
        "performer": [{"reference": client}],
        "organization": [{"reference": MUNICIPALITY.reference}],
        "policyRule": {"coding": [{"system": ACT_CODE, "code": "OPTIN"}]},
        "provision": permit,
    }


def without_areas(consent: dict[str, Any], areas: Sequence[str]) -> dict[str, Any]:
    """The Consent after the client withdrew some areas from it."""
    provision = consent["provision"]
    kept = [code for code in provision["code"] if code["coding"][0]["code"] not in areas]
    return {**consent, "provision": {**provision, "code": kept}}
