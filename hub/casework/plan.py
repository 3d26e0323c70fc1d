"""The plan of cooperation: who may write it, and that it is in force only as the client agreed to it.

The case manager alone writes the plan; the client has the final word: a draft becomes active only with an agreement to
that very version. The agreement is a Consent with scope `treatment` (it shares nothing) whose `provision.data` names
`CarePlan/{id}/_history/{version}`. Rules: docs/casework.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from hub.errors import BusinessRule
from hub.fhir import text
from hub.fhir.value import Resource

MANAGED_TYPES = frozenset({"CarePlan", "CareTeam", "Goal", "Consent"})
"""What only an organisation with the role `case-manager` writes."""


CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"

IN_FORCE = frozenset({"active", "on-hold"})
AGREED = IN_FORCE | {"completed", "revoked"}
"""States of a plan that the client agreed to at some time; only such a plan travels."""


def check_plan(
    before: Resource | None,
    before_version: int,
    after: Resource,
    *,
    consents: Iterable[Resource],
    other_plans: Iterable[Resource],
) -> None:
    """BusinessRule where a CarePlan would come into force without the client's agreement, or beside another."""
    was, becomes = before.get("status") if before else None, after.get("status")
    if becomes not in AGREED or (was in AGREED and becomes != "active"):
        return
    place = f"CarePlan/{after['id']}/status"
    if was not in ("draft", *IN_FORCE) or becomes != "active":
        raise BusinessRule("a plan begins as `draft`, and is activated once the client agreed to it", place=place)
    if any(p.get("status") == "active" and p.get("id") != after["id"] for p in other_plans):
        raise BusinessRule("the client has another active plan; a plan replaces it, none stands beside it", place=place)
    if before is None or was in IN_FORCE:
        return
    if text.digest(without_status(before)) != text.digest(without_status(after)):
        raise BusinessRule("the draft that was agreed to and the plan to be activated differ", place=place)
    agreed_to = f"CarePlan/{after['id']}/_history/{before_version}"
    if not any(agrees(consent, agreed_to) for consent in consents):
        raise BusinessRule(f"no agreement of the client to `{agreed_to}`", place=place)


def agrees(consent: Resource, to: str) -> bool:
    """Whether this is the client's agreement, in force, to exactly this version of a plan."""
    return (
        consent.get("status") == "active"
        and is_agreement(consent)
        and consent.get("provision", {}).get("type", "permit") == "permit"
        and any(d.get("reference", {}).get("reference") == to for d in consent.get("provision", {}).get("data", []))
    )


def is_agreement(consent: Resource) -> bool:
    """Whether a Consent agrees to a plan rather than to sharing: its scope is `treatment`, and it names a plan."""
    named = (d.get("reference", {}).get("reference", "") for d in consent.get("provision", {}).get("data", []))
    return scope_of(consent) == "treatment" and any(reference.startswith("CarePlan/") for reference in named)


def scope_of(consent: Resource) -> str | None:
    """The one code that says what a Consent is about; None where there is none, or more than one."""
    coded = consent.get("scope", {}).get("coding", [])
    codes = {c.get("code") for c in coded if c.get("system") == CONSENT_SCOPE}
    return codes.pop() if len(codes) == 1 else None


def without_status(plan: Resource) -> Resource:
    """What of a plan the client agreed to: everything but its status and what the server adds."""
    return {k: v for k, v in plan.items() if k not in ("status", "meta", "text")}
