"""Chapter one: the client is in hospital, her discharge is announced, and what three systems know comes
together.
"""

from __future__ import annotations

from pathlib import Path

from hub.demo import plan
from hub.demo.cast import GP, HOSPITAL, MUNICIPALITY, SOCIAL
from hub.demo.consents import INTAKE, consent
from hub.demo.story import Step, Story, expect, reference_in


def admission(story: Story) -> None:
    """ADT^A01: the hospital admits the client."""
    story.hospital.send("A01", story.stay)


def discharge_announced(story: Story) -> None:
    """ADT^A08: the expected date of discharge."""
    story.hospital.send("A08", story.stay)


def registration(story: Story) -> None:
    """The case manager registers the client and takes down what she agrees to at intake."""
    answer = expect(
        story.case_manager.request("POST", "/Patient", plan.patient(), basis="OWN-RECORD", keep="answer-registration"),
        200,
    )
    story.references["client"] = reference_in(answer.headers["Location"])
    story.submit(
        "intake",
        {"consent:municipality": consent(story.client, INTAKE, at=story.stay.expected.date().isoformat())},
    )


def summaries_arrive(story: Story) -> None:
    """A CDA file, a CSV file, and the GP's summary, which the hub fetches itself; they become one record."""
    document = story.hospital.drop_document()
    export = story.social.drop_export()
    story.until("taking the hospital's document", lambda: was_taken(story.hospital.folder, document))
    story.until("taking the social service's export", lambda: was_taken(story.social.folder, export))
    story.until("asking the GP for the summary", lambda: story.gp.summaries_given > 0)
    deliveries = story.settle()
    story.seen["reports"] = {
        HOSPITAL.id: report_of(story.hospital.folder, document),
        SOCIAL.id: report_of(story.social.folder, export),
    }
    story.seen["gp pull"] = [
        str(d["outcome"]) for d in deliveries if d["organisation"] == GP.id and d["direction"] == "pull"
    ]


def record_read(story: Story) -> None:
    """The case manager reads what has come together."""
    expect(story.case_manager.get(f"/{story.client}/$everything", keep="everything"), 200)
    expect(story.case_manager.get(f"/{story.client}/$summary", keep="summary"), 200)


def was_taken(folder: Path, name: str) -> bool:
    """Whether the hub has taken the file: it lies in `done` or `error`, with a report beside it."""
    return bool(report_of(folder, name))


def report_of(folder: Path, name: str) -> str:
    """The report that the hub left beside the file it took, as text; empty while there is none."""
    for place in ("done", "error"):
        for report in sorted((folder / place).glob(f"{Path(name).stem}*.report.json")):
            return report.read_text(encoding="utf-8")
    return ""


STEPS = (
    Step("The hospital admits the client (ADT A01)", HOSPITAL.id, admission),
    Step("The hospital announces the discharge (ADT A08)", HOSPITAL.id, discharge_announced),
    Step("The case manager registers the client; she agrees to the intake", MUNICIPALITY.id, registration),
    Step("Summaries arrive: a CDA file, a CSV file, an IPS from the GP", SOCIAL.id, summaries_arrive),
    Step("The case manager reads one record made of three", MUNICIPALITY.id, record_read),
)
