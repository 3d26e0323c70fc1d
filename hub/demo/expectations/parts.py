"""Each organisation receives its part and only its part."""

from __future__ import annotations

from hub.demo import marks
from hub.demo.cast import CLIENT, GP, HOMECARE, HOSPITAL, SOCIAL
from hub.demo.evidence import Evidence, resources_in
from hub.demo.mailbag import Letter
from hub.demo.story import Story

WITHHELD_FROM_GP = ("finance", "family")


def home_care_receives_its_part(story: Story, evidence: Evidence) -> bool:
    """Home care receives the plan's goals for health, self-care and (as agreed at first) finance."""
    letters = _pushed(story, evidence, HOMECARE.id)
    return evidence.all_of(letters, (marks.GOAL_HEALTH, marks.GOAL_CARE, marks.GOAL_FINANCE))


def home_care_receives_no_other_goals(story: Story, evidence: Evidence) -> bool:
    """Home care never receives a goal about housing, household or family."""
    letters = evidence.letters(HOMECARE.id)
    return evidence.none_of(letters, (marks.GOAL_HOUSING, marks.GOAL_HOUSEHOLD, marks.GOAL_FAMILY))


def home_care_receives_nothing_psychiatric(story: Story, evidence: Evidence) -> bool:
    """Home care never receives anything psychiatric, though health is shared with it."""
    return evidence.none_of(evidence.letters(HOMECARE.id), (marks.GOAL_MIND, marks.PSYCHIATRIC))


def home_care_receives_no_case_notes(story: Story, evidence: Evidence) -> bool:
    """Home care never receives what the social service wrote about debt, flat, household or family."""
    facts = (marks.DEBT, marks.FLAT, marks.HOUSEHOLD, marks.FAMILY)
    return evidence.none_of(evidence.letters(HOMECARE.id), facts)


def home_care_receives_no_documents(story: Story, evidence: Evidence) -> bool:
    """Home care never receives an allergy, a diagnosis or a medicine out of either document."""
    return evidence.none_of(evidence.letters(HOMECARE.id), story.facts.health)


def home_care_can_tell_whose_plan_it_is(story: Story, evidence: Evidence) -> bool:
    """Home care can tell whose plan it holds: identity was shared with it."""
    return evidence.holds(_pushed(story, evidence, HOMECARE.id), CLIENT.family)


def social_service_receives_its_part(story: Story, evidence: Evidence) -> bool:
    """The social service receives the plan's goals for housing, household, finance and self-care, as CSV."""
    wanted = (marks.GOAL_HOUSING, marks.GOAL_HOUSEHOLD, marks.GOAL_FINANCE, marks.GOAL_CARE)
    return evidence.all_of(evidence.letters(SOCIAL.id, "file"), wanted)


def social_service_receives_no_other_goals(story: Story, evidence: Evidence) -> bool:
    """The social service never receives a goal about health or family."""
    letters = evidence.letters(SOCIAL.id)
    return evidence.none_of(letters, (marks.GOAL_HEALTH, marks.GOAL_MIND, marks.GOAL_FAMILY))


def social_service_receives_no_health_data(story: Story, evidence: Evidence) -> bool:
    """The social service never receives an allergy, a diagnosis or a medicine out of either document."""
    return evidence.none_of(evidence.letters(SOCIAL.id), story.facts.health)


def gp_receives_its_part(story: Story, evidence: Evidence) -> bool:
    """The GP receives the plan's goals for health, self-care, housing and household."""
    wanted = (marks.GOAL_HEALTH, marks.GOAL_CARE, marks.GOAL_HOUSING, marks.GOAL_HOUSEHOLD)
    return evidence.all_of(_pushed(story, evidence, GP.id), wanted)


def gp_receives_no_finance(story: Story, evidence: Evidence) -> bool:
    """The GP never receives anything about money, neither from the plan nor from the social service."""
    return evidence.none_of(evidence.letters(GP.id), marks.of_area("finance"))


def gp_receives_no_family_matters(story: Story, evidence: Evidence) -> bool:
    """The GP never receives anything about the family."""
    return evidence.none_of(evidence.letters(GP.id), marks.of_area("family"))


def gp_receives_no_psychiatric_goal(story: Story, evidence: Evidence) -> bool:
    """The GP never receives the psychiatric goal of the plan."""
    return evidence.none_of(evidence.letters(GP.id), (marks.GOAL_MIND,))


def discharge_report_reaches_the_gp(story: Story, evidence: Evidence) -> bool:
    """The discharge report reaches the GP as a document with problems, allergies and medicines."""
    letters = evidence.letters(GP.id, "pushed-document")
    composition = resources_in(evidence.json(letters[0]))[0]
    own = (marks.ALLERGY.text, marks.DIAGNOSIS.text, marks.MEDICINE.text) if story.facts.own_hospital else ()
    return composition["resourceType"] == "Composition" and all(evidence.holds(letters, one) for one in own)


def discharge_report_is_the_minimum(story: Story, evidence: Evidence) -> bool:
    """The discharge report, sent by legal duty, carries nothing of the social service and nothing of the
    plan.
    """
    letters = evidence.letters(GP.id, "pushed-document")
    return bool(letters) and evidence.none_of(letters, (*marks.OF_SOCIAL, *marks.OF_PLAN))


def discharge_report_waits_for_the_discharge(story: Story, evidence: Evidence) -> bool:
    """The discharge report leaves only after the hospital said that the stay is over."""
    reports = evidence.letters(GP.id, "pushed-document")
    if not story.facts.own_hospital:
        return bool(reports)  # a document from outside may itself say that the stay is over
    before = story.moments["Each organisation receives its part of the plan"].get(GP.id, 0)
    return bool(reports) and all(letter.number > before for letter in reports)


def social_summary_tells_what_was_shared(story: Story, evidence: Evidence) -> bool:
    """The social-service summary tells the GP about self-care, housing, household and services."""
    letters = evidence.letters(GP.id, "pulled-social-summary")
    return evidence.all_of(letters, (marks.FLAT, marks.HOUSEHOLD, marks.CARE, marks.SERVICE))


def social_summary_says_what_is_withheld(story: Story, evidence: Evidence) -> bool:
    """The social-service summary says `withheld` under finance and family, and nothing more."""
    bundle = evidence.json(evidence.letters(GP.id, "pulled-social-summary")[-1])
    reasons = {
        coding["code"]: section.get("emptyReason", {}).get("coding", [{}])[0].get("code")
        for section in resources_in(bundle, "Composition")[0]["section"]
        for coding in section["code"]["coding"]
    }
    return all(reasons.get(area) == "withheld" for area in WITHHELD_FROM_GP)


def hospital_receives_acknowledgements_only(story: Story, evidence: Evidence) -> bool:
    """The hospital receives acknowledgements and nothing else."""
    letters = evidence.letters(HOSPITAL.id)
    return bool(letters) and all(letter.what.startswith("ack") for letter in letters)


def _pushed(story: Story, evidence: Evidence, organisation: str) -> list[Letter]:
    return evidence.letters(organisation, "pushed")
