"""Three systems in three formats become one record."""

from __future__ import annotations

import json

from hub.demo import marks
from hub.demo.cast import CLIENT, GP, HOSPITAL, MUNICIPALITY, RODNE_CISLO, SOCIAL
from hub.demo.evidence import Evidence, resources_in
from hub.demo.mailbag import Letter
from hub.demo.story import Story

MOST = 0.9
REQUIRED_SECTIONS = {"48765-2", "11450-4", "10160-0"}


def hospital_document_is_in_the_record(story: Story, evidence: Evidence) -> bool:
    """What the hospital's CDA document says is in the record the case manager reads, or was reported with its
    place.
    """
    if story.facts.own_hospital:
        return _share(evidence, story.facts.hospital) == 1
    report = json.loads(story.seen["reports"][HOSPITAL.id])
    reported = report["outcome"] != "accepted" and bool(report["places"])
    return reported or _share(evidence, story.facts.hospital) >= MOST


def gp_summary_is_in_the_record(story: Story, evidence: Evidence) -> bool:
    """What the GP's patient summary says is in the record the case manager reads, or was reported with its
    place.
    """
    if story.facts.own_gp:
        return _share(evidence, story.facts.gp) == 1
    reported = any(said.startswith(("rejected", "partly")) for said in story.seen["gp pull"])
    return reported or _share(evidence, story.facts.gp) >= MOST


def social_export_is_in_the_record(story: Story, evidence: Evidence) -> bool:
    """What the social service's CSV export says is in the record the case manager reads."""
    return evidence.all_of(_everything(evidence), marks.OF_SOCIAL)


def one_client(story: Story, evidence: Evidence) -> bool:
    """The client of four systems is one Patient in the record."""
    record = evidence.json(_everything(evidence)[-1])
    patients = resources_in(record, "Patient")
    return len(patients) == 1 and f"Patient/{patients[0]['id']}" == story.client


def known_by_every_number(story: Story, evidence: Evidence) -> bool:
    """The client's record bears her birth number and the numbers that hospital, GP, social service and town
    gave her.
    """
    patient = resources_in(evidence.json(_everything(evidence)[-1]), "Patient")[0]
    values = {identifier.get("value") for identifier in patient["identifier"]}
    systems = (HOSPITAL, SOCIAL, MUNICIPALITY, *((GP,) if story.facts.own_gp else ()))
    given = {one.client_number for one in systems}
    birth_number = {"system": RODNE_CISLO, "value": CLIENT.rodne_cislo}
    return given <= values and any(birth_number.items() <= one.items() for one in patient["identifier"])


def summary_is_a_document(story: Story, evidence: Evidence) -> bool:
    """The patient summary is a FHIR document with problems, allergies and medicines, Composition first."""
    bundle = evidence.json(evidence.letters(MUNICIPALITY.id, "summary")[-1])
    composition = bundle["entry"][0]["resource"]
    codes = {coding["code"] for section in composition["section"] for coding in section["code"]["coding"]}
    return bundle["type"] == "document" and composition["resourceType"] == "Composition" and codes >= REQUIRED_SECTIONS


def _everything(evidence: Evidence) -> list[Letter]:
    return evidence.letters(MUNICIPALITY.id, "everything")


def _share(evidence: Evidence, facts: tuple[str, ...]) -> float:
    """Which share of the facts is in the record; everything of nothing is everything."""
    letters = _everything(evidence)
    return sum(evidence.holds(letters, one) for one in facts) / len(facts) if facts else 1.0
