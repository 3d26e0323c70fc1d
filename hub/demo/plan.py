"""The plan of cooperation as the case manager writes it down: CareTeam, Goals over the areas of life,
CarePlan.

Each goal and each activity says which area of life it is about, since that is what the client shares or
keeps. The texts are those of case work; the marks in them make a leak visible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hub.demo import marks
from hub.demo.cast import CLIENT, GP, HOMECARE, MUNICIPALITY, ORGANISATIONS, RODNE_CISLO, SOCIAL
from hub.demo.marks import Mark

CARE_AREA: Final = "https://casehub.example/fhir/CodeSystem/care-area"
SNOMED: Final = "http://snomed.info/sct"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
GOAL_PRIORITY: Final = "http://terminology.hl7.org/CodeSystem/goal-priority"

UrnOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Aim:
    """One goal: what it is called in the story, its area, its text, and who does what about it."""

    name: str
    mark: Mark
    text: str
    activity: str
    doer: str = ""
    """The organisation that does it; empty = the client."""
    sensitive: bool = False

    @property
    def area(self) -> str:
        return self.mark.area


AIMS: Final = (
    Aim("health", marks.GOAL_HEALTH, "Bezpečná chůze s chodítkem po bytě", "Rehabilitace doma", HOMECARE.id),
    Aim("self-care", marks.GOAL_CARE, "Koupání jednou týdně s dopomocí", "Dopomoc při koupání", HOMECARE.id),
    Aim("finance", marks.GOAL_FINANCE, "Splátkový kalendář dluhu na nájmu", "Jednání s věřitelem", SOCIAL.id),
    Aim("housing", marks.GOAL_HOUSING, "Udržet městský byt", "Žádost o prodloužení nájmu", SOCIAL.id),
    Aim("household", marks.GOAL_HOUSEHOLD, "Teplé jídlo každý den", "Dovoz obědů", SOCIAL.id),
    Aim("family", marks.GOAL_FAMILY, "Obnovit styk s neteří", "Klientka zavolá neteři"),
    Aim(
        "mind",
        marks.GOAL_MIND,
        "Ambulantní péče o náladu",
        "Objednat psychiatra",
        MUNICIPALITY.id,
        sensitive=True,
    ),
)


def patient() -> dict[str, Any]:
    """The client as the municipality knows her; her GP is the one who gets the discharge report."""
    return {
        "resourceType": "Patient",
        "active": True,
        "identifier": [
            {"use": "official", "system": RODNE_CISLO, "value": CLIENT.rodne_cislo},
            {"use": "secondary", "system": MUNICIPALITY.client_system, "value": MUNICIPALITY.client_number},
        ],
        "name": [{"use": "official", "family": CLIENT.family, "given": [CLIENT.given]}],
        "gender": CLIENT.gender,
        "birthDate": CLIENT.birth_date,
        "generalPractitioner": [{"reference": GP.reference}],
    }


def draft(client: str, urn_of: UrnOf, *, begin: str, review: str) -> dict[str, Mapping[str, Any]]:
    """The first draft: every resource of the plan by its name in the story."""
    resources: dict[str, Mapping[str, Any]] = {"team": care_team(client)}
    resources |= {f"goal:{aim.name}": goal(aim, client, begin) for aim in AIMS}
    resources["plan"] = care_plan(client, urn_of, begin=begin, review=review)
    return resources


def care_team(client: str) -> dict[str, Any]:
    """Who works together: the municipality leads, each organisation with its role."""
    roles = {
        MUNICIPALITY.id: {"coding": [{"system": SNOMED, "code": "768820003"}], "text": "koordinátorka péče"},
        GP.id: {"coding": [{"system": SNOMED, "code": "59058001"}], "text": "praktická lékařka"},
        HOMECARE.id: {"coding": [{"system": SNOMED, "code": "224535009"}], "text": "zdravotní sestra"},
        SOCIAL.id: {"text": "pečovatelka"},
    }
    return {
        "resourceType": "CareTeam",
        "status": "active",
        "name": "Pracovní skupina případu",
        "subject": {"reference": client},
        "participant": [
            {"role": [roles[one.id]], "member": {"reference": one.reference}}
            for one in ORGANISATIONS
            if one.id in roles
        ],
        "managingOrganization": [{"reference": MUNICIPALITY.reference}],
    }


def goal(aim: Aim, client: str, begin: str) -> dict[str, Any]:
    """One goal with its area; a sensitive one carries the labels its author gives it."""
    resource: dict[str, Any] = {
        "resourceType": "Goal",
        "lifecycleStatus": "accepted",
        "category": [area(aim.area)],
        "priority": {"coding": [{"system": GOAL_PRIORITY, "code": "medium-priority"}]},
        "description": {"text": f"{aim.text} ({aim.mark.text})"},
        "subject": {"reference": client},
        "startDate": begin,
        "expressedBy": {"reference": client},
    }
    if aim.sensitive:
        resource["meta"] = {"security": [{"system": CONFIDENTIALITY, "code": "R"}, {"system": ACT_CODE, "code": "PSY"}]}
    return resource


def care_plan(client: str, urn_of: UrnOf, *, begin: str, review: str) -> dict[str, Any]:
    """The plan itself: who does what for which goal, and when it is looked at again."""
    return {
        "resourceType": "CarePlan",
        "status": "draft",
        "intent": "plan",
        "category": [{"coding": [{"system": SNOMED, "code": "734163000", "display": "Care plan"}]}],
        "title": "Plán spolupráce",
        "subject": {"reference": client},
        "period": {"start": begin, "end": review},
        "author": {"reference": MUNICIPALITY.reference},
        "careTeam": [{"reference": urn_of("team")}],
        "goal": [{"reference": urn_of(f"goal:{aim.name}")} for aim in AIMS],
        "activity": [_activity(aim, client, urn_of) for aim in AIMS],
    }


def _activity(aim: Aim, client: str, urn_of: UrnOf) -> dict[str, Any]:
    doer = client if not aim.doer else f"Organization/{aim.doer}"
    return {
        "detail": {
            "kind": "Task",
            "code": area(aim.area),
            "goal": [{"reference": urn_of(f"goal:{aim.name}")}],
            "status": "scheduled",
            "performer": [{"reference": doer}],
            "description": f"{aim.activity} ({aim.mark.text})",
        }
    }


def area(code: str) -> dict[str, Any]:
    """An area of life as a CodeableConcept."""
    return {"coding": [{"system": CARE_AREA, "code": code}]}
