"""Canaries: a word for every type and area of life, planted in one client's record, and every way to ask for them.

A record's canary stands in its narrative, in a text and in an identifier. What an asker may not see, they may not meet
anywhere: not the word, not the id, in no body and no header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.routing import BaseRoute

from hub.consent.model import Labels
from hub.fhir import codes, text
from tests.api.service import Service
from tests.exchange.world import House, Person, area, goal, signed, transaction, urn

Resource = dict[str, Any]
AREAS = (*codes.AREAS, codes.UNCLASSIFIED)
SHARED = ("health", "services", "plan", "identity")
"""What the client lets home care know; never anything psychiatric."""

NO_CLASS = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
CLINICAL = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
ALLERGY = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]
}

MINIMAL: dict[str, Callable[[str, str], Resource]] = {
    "AllergyIntolerance": lambda c, w: {"patient": ref(c), "clinicalStatus": ALLERGY, "code": {"text": w}},
    "Communication": lambda c, w: {"status": "completed", "subject": ref(c), "payload": [{"contentString": w}]},
    "Condition": lambda c, w: {"subject": ref(c), "clinicalStatus": CLINICAL, "code": {"text": w}},
    "Coverage": lambda c, w: {"status": "active", "beneficiary": ref(c), "payor": [{"display": w}]},
    "DiagnosticReport": lambda c, w: {"status": "final", "subject": ref(c), "code": {"text": w}},
    "DocumentReference": lambda c, w: {
        "status": "current", "subject": ref(c), "content": [{"attachment": {"title": w}}],
    },
    "Encounter": lambda c, w: {"status": "finished", "class": NO_CLASS, "subject": ref(c), "reasonCode": [{"text": w}]},
    "EpisodeOfCare": lambda c, w: {"status": "active", "patient": ref(c), "type": [{"text": w}]},
    "Flag": lambda c, w: {"status": "active", "subject": ref(c), "code": {"text": w}},
    "Goal": lambda c, w: {"lifecycleStatus": "active", "subject": ref(c), "description": {"text": w}},
    "Immunization": lambda c, w: {
        "status": "completed", "patient": ref(c), "vaccineCode": {"text": w}, "occurrenceString": w,
    },
    "MedicationRequest": lambda c, w: {
        "status": "active", "intent": "order", "subject": ref(c), "medicationCodeableConcept": {"text": w},
    },
    "MedicationStatement": lambda c, w: {
        "status": "active", "subject": ref(c), "medicationCodeableConcept": {"text": w},
    },
    "Observation": lambda c, w: {"status": "final", "subject": ref(c), "code": {"text": w}, "valueString": w},
    "Procedure": lambda c, w: {"status": "completed", "subject": ref(c), "code": {"text": w}},
    "QuestionnaireResponse": lambda c, w: {
        "status": "completed", "subject": ref(c), "item": [{"linkId": "1", "text": w}],
    },
    "RelatedPerson": lambda c, w: {"patient": ref(c), "name": [{"text": w}]},
    "ServiceRequest": lambda c, w: {"status": "active", "intent": "order", "subject": ref(c), "code": {"text": w}},
    "Task": lambda c, w: {"status": "requested", "intent": "order", "for": ref(c), "description": w},
}  # fmt: skip
"""The least that each type needs to be valid, with the canary in it."""

SINGLE = frozenset({"QuestionnaireResponse"})
"""Types whose `identifier` is one, not a list."""


@dataclass
class Planted:
    """What was planted: canary and reference by (type, area); and what each asker may not meet."""

    canaries: dict[str, str] = field(default_factory=dict)
    """canary -> reference of the record it stands in."""
    hidden: dict[str, str] = field(default_factory=dict)
    """Those that home care may not see."""

    shown: set[str] = field(default_factory=set)
    """Records that home care sees at least in part."""

    def plant(self, canary: str, reference: str, *, hidden: bool) -> None:
        self.canaries[canary] = reference
        if hidden:
            self.hidden[canary] = reference
        else:
            self.shown.add(reference)

    def forbidden(self, organisation: str) -> set[str]:
        """Words and ids that this asker may not meet."""
        words = self.hidden if organisation == "homecare" else self.canaries
        known = self.shown if organisation == "homecare" else set()
        return set(words) | {r.split("/")[1] for r in words.values() if r not in known}


def ref(reference: str) -> Resource:
    return {"reference": reference}


def plant(house: House) -> Planted:
    """One client's full record, shared in part with home care; another client nobody shared."""
    planted = Planted()
    house.intake()
    contact = "KNR-Patient-contact"
    house.change(house.client, contact=[{"name": {"text": contact}}])
    planted.plant(contact, house.client, hidden=True)
    house.plan(("health", "finance", "housing", "family"), team=("homecare",))
    for one in ("finance", "housing", "family"):
        planted.plant(f"ZN-CIL-{one.upper()}", house.references[f"goal:{one}"], hidden=True)
        planted.plant(f"ZN-CIN-{one.upper()}", house.references["careplan"], hidden=True)
    planted.plant("ZN-CIL-HEALTH", house.references["goal:health"], hidden=False)
    with house.hub.store.writing() as tx:
        for type, minimal in MINIMAL.items():
            for one in AREAS:
                canary = f"KNR-{type}-{one}"
                reference = f"{type}/{house.hub.ids()}"
                write(house, tx, reference, minimal(house.client, canary), canary, Labels(areas=frozenset({one})))
                planted.plant(canary, reference, hidden=one not in SHARED)
        for type, minimal in list(MINIMAL.items())[:4]:
            canary = f"KNR-{type}-psychiatric"
            reference = f"{type}/{house.hub.ids()}"
            labels = Labels("R", frozenset({"PSY"}), frozenset({"health"}))
            write(house, tx, reference, minimal(house.client, canary), canary, labels)
            planted.plant(canary, reference, hidden=True)
    psychiatric = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]
    house.agree("homecare", SHARED, provision=[{"type": "deny", "securityLabel": psychiatric}])
    other = Person(given="KNR-given", family="KNR-family", born="1951-07-08")
    somebody = house.introduce(other, number="K-9")
    planted.plant("KNR-family", somebody, hidden=True)
    planted.shown |= {house.client, house.references["careplan"], house.references["careteam"]}
    return planted


def write(house: House, tx: Any, reference: str, content: Resource, canary: str, labels: Labels) -> None:
    type, id = reference.split("/")
    identifier: Any = {"system": "https://x.example/sid", "value": canary}
    resource = {
        "resourceType": type,
        "id": id,
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{canary}</div>'},
        "identifier": identifier if type in SINGLE else [identifier],
        **content,
    }
    house.hub.recorder.write(
        tx, resource, contributor="Organization/municipality", clients=[house.client], labels=labels
    )


@dataclass(frozen=True)
class Ask:
    """One request."""

    method: str
    path: str
    body: bytes = b""
    media: str = "application/fhir+json"


def asks(app: FastAPI, house: House, planted: Planted) -> dict[str, list[Ask]]:
    """Every request to be made of every route (method and template); KeyError for a route nobody thought of."""
    from tests.api.planted_interactions import interaction_asks
    from tests.api.planted_operations import operation_asks
    from tests.api.planted_search import search_asks

    references = sorted(
        {*planted.canaries.values(), *house.references.values(), f"Patient/{'a' * 26}", f"Goal/{'b' * 26}"}
    )
    patients = [r for r in references if r.startswith("Patient/")]
    some = [r for n, r in enumerate(references) if n % 6 == 0 or r in house.references.values()]
    known: dict[str, list[Ask]] = {
        "GET /": [Ask("GET", "/"), *(Ask("GET", f"/?client={p.split('/')[1]}&lang=cs") for p in patients)],
        "HEAD /": [Ask("HEAD", "/")],
        "GET /static/{name}": [Ask("GET", "/static/nothing.css")],
        "HEAD /static/{name}": [Ask("HEAD", "/static/nothing.css")],
        "GET /openapi.json": [Ask("GET", "/openapi.json")],
        "HEAD /openapi.json": [Ask("HEAD", "/openapi.json")],
        "GET /health/live": [Ask("GET", "/health/live")],
        "GET /health/ready": [Ask("GET", "/health/ready")],
        "GET /metrics": [Ask("GET", "/metrics")],
        "GET /fhir/metadata": [Ask("GET", "/fhir/metadata")],
        "GET /.well-known/smart-configuration": [Ask("GET", "/.well-known/smart-configuration")],
        "GET /fhir/.well-known/smart-configuration": [Ask("GET", "/fhir/.well-known/smart-configuration")],
        "GET /oauth/jwks.json": [Ask("GET", "/oauth/jwks.json")],
        "GET /docs": [Ask("GET", "/docs")],
        "HEAD /docs": [Ask("HEAD", "/docs")],
        "POST /oauth/token": [Ask("POST", "/oauth/token", b"grant_type=x", "application/x-www-form-urlencoded")],
        "GET /fhir/{type}/{id}": [Ask("GET", f"/fhir/{r}") for r in some],
        "GET /fhir/{type}/{id}/_history/{version}": [
            Ask("GET", f"/fhir/{r}/_history/{v}") for r in some[::3] for v in ("1", "2")
        ],
        "PUT /fhir/{type}/{id}": [Ask("PUT", f"/fhir/{r}", changed(r, house.client)) for r in some[::3]],
        "POST /fhir/{type}": [
            Ask("POST", "/fhir/Goal", text.write(goal(house.client, one))) for one in ("health", "finance")
        ] + [Ask("POST", "/fhir/Goal", text.write(about(goal(house.client, "health"), r))) for r in some[::6]],
        "POST /fhir": [Ask("POST", "/fhir", text.write(new_goal(house.client)))],
        "POST /fhir/": [Ask("POST", "/fhir/", text.write(new_goal(house.client)))],
    }  # fmt: skip
    known |= operation_asks(house, patients, some) | search_asks(house, patients)
    known |= {r: [*known.get(r, []), *more] for r, more in interaction_asks(house, some).items()}
    return {route: known[route] for route in routes(app)}


def routes(app: FastAPI) -> Iterator[str]:
    """`METHOD /template` of every route of the application, mounted and included ones too."""
    yield from _routes(app.routes, "")


def _routes(found: list[BaseRoute], prefix: str) -> Iterator[str]:
    for route in found:
        path = prefix + str(getattr(route, "path", ""))
        if methods := getattr(route, "methods", None):
            yield from (f"{method} {path}" for method in sorted(methods))
        elif router := getattr(route, "original_router", None):
            yield from _routes(router.routes, prefix + str(route.include_context.prefix))
        elif inner := getattr(route, "routes", None):
            yield from _routes(inner, path)
        else:
            yield f"ANY {path}"


def changed(reference: str, client: str) -> bytes:
    type, id = reference.split("/")
    content = MINIMAL[type](client, "x") if type in MINIMAL else {"subject": ref(client)}
    return text.write({"resourceType": type, "id": id, **content})


def about(resource: Resource, reference: str) -> Resource:
    return {**resource, "addresses": [ref(reference)]}


def new_goal(client: str) -> Resource:
    return signed(transaction({urn("probe"): {**goal(client, "finance"), "category": [area("finance")]}}))[0]


def leaks(service: Service, organisation: str, planted: Planted, only: str = "") -> list[tuple[str, str]]:
    """What this asker met and must not have: (request, canary or id), over every route or only one."""
    app: FastAPI = service.app
    forbidden = planted.forbidden(organisation)
    headers = service.headers(organisation)
    met = []
    for route, requests in asks(app, service.house, planted).items():
        for ask in requests if only in ("", route) else ():
            answer = service.http.request(
                ask.method, ask.path, content=ask.body, headers={"Content-Type": ask.media, **headers}
            )
            whole = everything_said(answer)
            met += [(f"{ask.method} {ask.path}", word) for word in forbidden if word in whole]
            assert answer.status_code < 500, (ask, answer.text)
    return met


def everything_said(answer: httpx.Response) -> str:
    """Status line, headers and body; without the link of a search that echoes the question."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    echoed = re.search(r'\{"relation":"self","url":"[^"]*"\}', answer.text) if '"searchset"' in answer.text else None
    body = answer.text.replace(echoed[0], "") if echoed else answer.text
    return f"{answer.status_code} {answer.reason_phrase}\n{headers}\n{body}"
