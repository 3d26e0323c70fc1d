"""A small case over HTTP: a client, what is written about them, and answers taken apart."""

from __future__ import annotations

from typing import Any

import httpx

from hub.fhir import codes
from tests.api.service import Service
from tests.exchange.world import CLIENT, EVERYTHING, INTAKE, Person, area, consent, goal, patient

Resource = dict[str, Any]
REGISTER = "urn:oid:2.999.7"


def begin(served: Service, *areas: str, actions: tuple[str, ...] = INTAKE) -> str:
    """A client of the municipality who agreed to everything; the reference."""
    answer = served.send("municipality", "POST", "/fhir/Patient", patient(CLIENT))
    assert answer.status_code == 201, answer.text
    client = named(answer)
    served.house.references["client"] = client
    write(served, "POST", "/fhir/Consent", consent(client, "municipality", areas or EVERYTHING, actions))
    return client


def write(served: Service, method: str, path: str, content: Any, by: str = "municipality", **headers: str) -> Any:
    """One write that goes well; the body of the answer."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = served.send(by, method, path, content, headers=sent)
    assert answer.status_code in (200, 201, 204), answer.text
    return answer.json() if answer.content else None


def create(served: Service, resource: Resource, by: str = "municipality") -> Resource:
    """One record created; as it is answered."""
    return dict(write(served, "POST", f"/fhir/{resource['resourceType']}", resource, by))


def named(answer: httpx.Response) -> str:
    """The reference in the Location of an answer."""
    return "/".join(answer.headers["location"].split("/fhir/")[1].split("/")[:2])


def issues(answer: httpx.Response) -> list[tuple[str, str]]:
    """(code, place) of every issue of an OperationOutcome."""
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome", body
    return [(i["code"], (i.get("expression") or [""])[0]) for i in body["issue"]]


def numbered(client: str, number: str, said: str = "x") -> Resource:
    """A goal with a number of its own."""
    return {**goal(client, "health", said), "identifier": [{"system": REGISTER, "value": number}]}


def observation(client: str, said: str = "x", of: str = "health") -> Resource:
    """An observation in words."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [area(of)],
        "code": {"text": said},
        "subject": {"reference": client},
    }


def medicine(said: str = "Sedivex") -> Resource:
    """A medicine, which is nobody's."""
    return {"resourceType": "Medication", "code": {"text": said}}


def other(number: str = "K-2") -> Resource:
    """Another person, whom the municipality knows."""
    return patient(Person("Bohumil", "Cvičný", "1951-02-03"), "municipality", number)


HEALTH = {"system": codes.CARE_AREA, "code": "health"}
