"""Chapter two: the case manager drafts the plan, and the client agrees to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hub.demo import plan
from hub.demo.cast import CLIENT, MUNICIPALITY
from hub.demo.consents import CONSENT_SCOPE, LOINC
from hub.demo.plan import ACT_CODE
from hub.demo.story import Step, Story, concept, expect

REVIEW_AFTER = timedelta(days=150)


def draft(story: Story) -> None:
    """One transaction: the team, seven goals over six areas of life, and the plan that ties them together."""
    begin = story.stay.discharged.date()
    story.submit(
        "draft",
        plan.draft(story.client, story.urn_of, begin=begin.isoformat(), review=(begin + REVIEW_AFTER).isoformat()),
    )


def agreement(story: Story) -> None:
    """The client agrees to this very version; only then does the plan become active."""
    read = expect(story.case_manager.get(f"/{story.references['plan']}", keep="read-draft"), 200)
    if read.json()["status"] == "active":
        return
    version = read.json()["meta"]["versionId"]
    story.submit("agreement", {"consent:agreement": agreement_consent(story, version)})
    story.change(story.references["plan"], lambda now: {**now, "status": "active"}, keep="activation")


def agreement_consent(story: Story, version: str) -> dict[str, Any]:
    """The client's agreement to one version of the plan; it is about treatment, not about sharing."""
    agreed = f"{story.references['plan']}/_history/{version}"
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": concept(CONSENT_SCOPE, "treatment"),
        "category": [concept(LOINC, "59284-0")],
        "patient": {"reference": story.client},
        "dateTime": story.stay.expected.date().isoformat(),
        "performer": [{"reference": story.client}],
        "organization": [{"reference": MUNICIPALITY.reference}],
        "policyRule": concept(ACT_CODE, "OPTIN"),
        "sourceAttachment": {"title": f"Podpis klientky {CLIENT.name}"},
        "provision": {
            "type": "permit",
            "data": [{"meaning": "instance", "reference": {"reference": agreed}}],
        },
    }


STEPS = (
    Step("The case manager drafts the plan: team, goals, activities", MUNICIPALITY.id, draft),
    Step("The client agrees to the plan; it comes into force", MUNICIPALITY.id, agreement),
)
