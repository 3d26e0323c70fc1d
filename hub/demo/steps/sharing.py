"""Chapter three: the client decides who may know what, and each organisation receives its part."""

from __future__ import annotations

from collections.abc import Callable

from hub.demo import marks
from hub.demo.cast import GP, HOMECARE, HOSPITAL, MUNICIPALITY, SOCIAL
from hub.demo.consents import SHARING, consent
from hub.demo.mailbag import Letter
from hub.demo.marks import Mark
from hub.demo.story import Step, Story, expect


def sharing(story: Story) -> None:
    """One Consent for each organisation, area by area."""
    for agreement in SHARING:
        name = f"consent:{agreement.organisation.id}"
        day = story.stay.expected.date().isoformat()
        story.submit(f"sharing-{agreement.organisation.id}", {name: consent(story.client, agreement, at=day)})


def parts_received(story: Story) -> None:
    """Home care gets the plan as FHIR, the social service as CSV, the GP as FHIR."""
    for organisation, mark in (
        (HOMECARE.id, marks.GOAL_FINANCE),
        (SOCIAL.id, marks.GOAL_HOUSING),
        (GP.id, marks.GOAL_HEALTH),
    ):
        story.mailbag.wait(organisation, holds(mark), what="its part of the plan")
    story.settle()


def discharge(story: Story) -> None:
    """ADT^A03: the client goes home, and the discharge report goes to her GP, as the law demands."""
    story.hospital.send("A03", story.stay)
    story.mailbag.wait(GP.id, lambda letter, _: letter.what == "pushed-document", what="the discharge report")
    story.settle()


def social_summary(story: Story) -> None:
    """The GP reads the social-service summary with its own token."""
    expect(story.gp_client.get(f"/{story.client}/$social-summary", keep="pulled-social-summary"), 200)


def strangers(story: Story) -> None:
    """Who has no permit learns nothing: not even that there is something."""
    hidden = story.gp_client.get(f"/{story.references['goal:finance']}", keep="refused-hidden")
    absent = story.gp_client.get("/Goal/00000000-0000-4000-8000-000000000000", keep="refused-absent")
    story.seen["hidden and absent"] = (hidden.status_code, absent.status_code)


def holds(mark: Mark) -> Callable[[Letter, bytes], bool]:
    """A question to a letter: was it sent to us, and does it carry this mark?"""
    wanted = mark.text.encode("ascii")
    return lambda letter, body: wanted in body and letter.what.startswith(("pushed", "file"))


STEPS = (
    Step("The client agrees to the sharing, area by area", MUNICIPALITY.id, sharing),
    Step("Each organisation receives its part of the plan", HOMECARE.id, parts_received),
    Step("The client goes home (ADT A03); the GP gets the discharge report", HOSPITAL.id, discharge),
    Step("The GP reads the social-service summary", GP.id, social_summary),
    Step("The GP asks for what it may not see", GP.id, strangers),
)
