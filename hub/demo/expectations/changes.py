"""A change of mind and a change of plan reach everybody they concern, and nobody else."""

from __future__ import annotations

from hub.demo import marks, plan
from hub.demo.cast import GP, HOMECARE, SOCIAL
from hub.demo.evidence import Evidence, resources_in
from hub.demo.mailbag import Letter
from hub.demo.story import Story


def holder_is_told_of_the_withdrawal(story: Story, evidence: Evidence) -> bool:
    """Home care, which holds finance data, is told that finance was withdrawn."""
    notices = _notices(story, evidence)
    return bool(notices) and evidence.holds(notices, "finance")


def notice_tells_no_secret(story: Story, evidence: Evidence) -> bool:
    """The notice of the withdrawal does not repeat what was withdrawn."""
    notices = _notices(story, evidence)
    return bool(notices) and evidence.none_of(notices, marks.of_area("finance"))


def nothing_about_money_after_the_withdrawal(story: Story, evidence: Evidence) -> bool:
    """After the withdrawal nothing about money reaches home care any more."""
    letters = evidence.letters(HOMECARE.id, after=_before(story, HOMECARE.id))
    return bool(letters) and evidence.none_of(letters, marks.of_area("finance"))


def home_care_still_gets_the_rest(story: Story, evidence: Evidence) -> bool:
    """After the withdrawal home care still receives the goals about health and self-care."""
    letters = evidence.letters(HOMECARE.id, "pushed", after=_before(story, HOMECARE.id))
    return evidence.all_of(letters, (marks.GOAL_HEALTH, marks.CHANGED_CARE))


def withdrawal_is_nobody_elses_business(story: Story, evidence: Evidence) -> bool:
    """Neither the GP nor the social service receives anything because of the withdrawal."""
    after = story.moments["after withdrawal"]
    return not any(
        evidence.letters(one, what, after=_before(story, one), until=after.get(one, 0))
        for one, what in ((GP.id, "pushed"), (SOCIAL.id, "file"))
    )


def changed_plan_reaches_all(story: Story, evidence: Evidence) -> bool:
    """The changed goal about self-care reaches home care, the social service and the GP."""
    return all(
        evidence.holds(evidence.letters(one, what), marks.CHANGED_CARE.text)
        for one, what in ((HOMECARE.id, "pushed"), (SOCIAL.id, "file"), (GP.id, "pushed"))
    )


def changed_money_reaches_the_social_service(story: Story, evidence: Evidence) -> bool:
    """The changed goal about money reaches the social service, which may know it."""
    return evidence.holds(evidence.letters(SOCIAL.id, "file"), marks.CHANGED_FINANCE.text)


def changed_money_reaches_nobody_else(story: Story, evidence: Evidence) -> bool:
    """The changed goal about money reaches neither home care nor the GP."""
    return all(evidence.none_of(evidence.letters(one), (marks.CHANGED_FINANCE,)) for one in (HOMECARE.id, GP.id))


def last_copies_are_current(story: Story, evidence: Evidence) -> bool:
    """The last copy of the plan that each organisation holds is the current one, without the old wording."""
    copies = [_last_plan(evidence, one) for one in (HOMECARE.id, GP.id, SOCIAL.id)]
    old = f"{plan.AIMS[1].text} ({marks.GOAL_CARE.text})"
    return all(evidence.holds([one], marks.CHANGED_CARE.text) and not evidence.holds([one], old) for one in copies)


def _before(story: Story, organisation: str) -> int:
    return story.moments["before withdrawal"].get(organisation, 0)


def _notices(story: Story, evidence: Evidence) -> list[Letter]:
    letters = evidence.letters(HOMECARE.id, "pushed", after=_before(story, HOMECARE.id))
    return [one for one in letters if resources_in(evidence.json(one), "Communication")]


def _last_plan(evidence: Evidence, organisation: str) -> Letter:
    letters = evidence.letters(organisation, "file" if organisation == SOCIAL.id else "pushed-transaction")
    return [one for one in letters if evidence.holds([one], "ZN-CIL-")][-1]
