"""The vocabularies of sharing: purposes, actions, confidentiality, sensitivity, recipients (consent rules §1,
§2.5).

Purposes are v3-ActReason at or below PurposeOfUse and are covered downward only: what is said of TREAT holds
for COC, not the other way round. Confidentiality is a scale, sensitivity a set. The table is made by
`tools/make_security_codes.py` from HL7's definitions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from hub.fhir.registry import SUPPORTED

_TABLE: Final[dict[str, Any]] = json.loads(
    resources.files("hub.consent").joinpath("tables/security-codes.json").read_text("utf-8")
)


def _upward(parents: Mapping[str, list[str]]) -> dict[str, frozenset[str]]:
    """Each code with itself and everything above it."""

    def above(code: str) -> frozenset[str]:
        return frozenset((code,)).union(*(above(parent) for parent in parents[code]))

    return {code: above(code) for code in parents}


ABSTRACT_PURPOSE: Final = "PurposeOfUse"

PURPOSES: Final[Mapping[str, frozenset[str]]] = _upward(_TABLE["purposes"])
"""Purpose -> itself and the purposes that cover it, the abstract one included."""

NAMED_ONLY: Final = frozenset(code for code, covers in PURPOSES.items() if covers & {"HMARKT", "HRESCH", "HPAYMT"})
"""Purposes that a permit must name: marketing, research, payment, and all below them."""

EMERGENCY: Final = frozenset(("ETREAT", "BTG"))
"""The purposes of breaking the glass."""

ACTIONS: Final = frozenset(_TABLE["actions"])
READING: Final = frozenset(("access", "disclose"))
"""Reading and pushing: a permit naming either covers both, a deny naming either stops both."""

CONFIDENTIALITY: Final[Mapping[str, int]] = {code: rank for rank, code in enumerate("ULMNRV")}
"""The scale, least to most."""

BEYOND_SCALE: Final = len(CONFIDENTIALITY)
"""The rank of a confidentiality that nobody knows: above every one that a permit can name."""

SENSITIVITY: Final[Mapping[str, frozenset[str]]] = _upward(_TABLE["sensitivity"])
"""Sensitivity code -> itself and the codes above it."""

RECIPIENT_ROLES: Final = frozenset((system, code) for system, codes in _TABLE["recipients"].items() for code in codes)
"""Codings of `provision.actor.role` that mean someone who receives (an author or custodian means something
else).
"""

RESOURCE_TYPES: Final = frozenset(_TABLE["types"])
RESOURCE_TYPES_SYSTEM: Final = "http://hl7.org/fhir/resource-types"
CLIENT_TYPES: Final = frozenset(_TABLE["client_types"])
"""Types that can belong to a client (the Patient compartment)."""

DIRECTORY_TYPES: Final = frozenset(row.name for row in SUPPORTED.values() if row.directory) | frozenset(
    ("ActivityDefinition", "NamingSystem", "OrganizationAffiliation", "PlanDefinition")
)
"""Types that are about no client: who works where, and what words mean. Those beyond the registry come inside of
Bundles and as contained resources.
"""


def rank(confidentiality: str) -> int:
    """Where a record's confidentiality stands on the scale; an unknown one is beyond it."""
    return CONFIDENTIALITY.get(confidentiality, BEYOND_SCALE)


def with_narrower(codes: frozenset[str]) -> frozenset[str]:
    """These sensitivity codes and all below them: a deny of SUD stops ETHUD too."""
    return codes.union(code for code, covers in SENSITIVITY.items() if covers & codes)


def reads_like(action: str) -> frozenset[str]:
    """The action codes that speak of this action; reading and pushing are one."""
    return READING if action in READING else frozenset((action,))
