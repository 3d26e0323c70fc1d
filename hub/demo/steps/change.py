"""Chapter four: the client changes her mind, the plan changes, and everybody's copy follows; then the books
are checked.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from hub.demo import marks
from hub.demo.cast import GP, HOMECARE, MUNICIPALITY, SOCIAL
from hub.demo.consents import without_areas
from hub.demo.mailbag import Letter
from hub.demo.steps.sharing import holds
from hub.demo.story import Step, Story


def withdrawal(story: Story) -> None:
    """The client withdraws finance from home care, which holds finance data and is told."""
    story.remember_moment("before withdrawal")
    story.change(
        story.references[f"consent:{HOMECARE.id}"],
        lambda now: without_areas(now, ["finance"]),
        keep="withdrawal",
    )
    story.mailbag.wait(HOMECARE.id, is_notice, what="word of the withdrawal")
    story.settle()
    story.remember_moment("after withdrawal")


def plan_changes(story: Story) -> None:
    """Two goals change: one that all three may know, and one about money."""
    for name, mark, text in (
        ("self-care", marks.CHANGED_CARE, "Koupání dvakrát týdně s dopomocí"),
        ("finance", marks.CHANGED_FINANCE, "Oddlužení místo splátkového kalendáře"),
    ):
        wording = f"{text} ({mark.text})"
        story.change(story.references[f"goal:{name}"], partial(reworded, wording), keep=f"change-{name}")


def next_deliveries(story: Story) -> None:
    """The next deliveries carry the change to those who may know it."""
    story.mailbag.wait(HOMECARE.id, holds(marks.CHANGED_CARE), what="the changed plan")
    story.mailbag.wait(GP.id, holds(marks.CHANGED_CARE), what="the changed plan")
    story.mailbag.wait(SOCIAL.id, holds(marks.CHANGED_CARE), what="the changed plan")
    story.mailbag.wait(SOCIAL.id, holds(marks.CHANGED_FINANCE), what="the changed goal about money")
    story.seen["deliveries"] = story.settle()


def audit(story: Story) -> None:
    """The audit chain is verified from outside, by the `hub` command."""
    story.seen["audit"] = story.hub.json("audit", "verify", accept=(0, 1))


def reworded(wording: str, now: dict[str, Any]) -> dict[str, Any]:
    """The goal in its new words."""
    return {**now, "description": {**now["description"], "text": wording}}


def is_notice(letter: Letter, body: bytes) -> bool:
    """Whether this is the notice of a withdrawal: a transaction with a Communication."""
    return letter.what.startswith("pushed") and b'"Communication"' in body


STEPS = (
    Step("The client withdraws finance from home care", MUNICIPALITY.id, withdrawal),
    Step("The case manager changes the plan", MUNICIPALITY.id, plan_changes),
    Step("The next deliveries show it", HOMECARE.id, next_deliveries),
    Step("The audit chain is verified", MUNICIPALITY.id, audit),
)
