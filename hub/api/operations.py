"""Operations on records: $summary (IPS), $social-summary, $everything, $match, $document.

https://hl7.org/fhir/uv/ips/OperationDefinition-summary.html; https://hl7.org/fhir/R4/patient-operation-everything.html;
https://hl7.org/fhir/R4/patient-operation-match.html; https://hl7.org/fhir/R4/composition-operation-document.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from hub.api import rendering
from hub.api.context import hub_of
from hub.api.inputs import Given
from hub.api.scoped import scoped
from hub.api.signin import Caller
from hub.errors import InvalidResource, MalformedContent, NotSupported
from hub.fhir.ips_profile import BUNDLE, COMPOSITION
from hub.fhir.parameters import Inputs
from hub.fhir.validate import errors
from hub.fhir.value import Resource

router = APIRouter(prefix="/fhir")
OfClient = Annotated[Caller, Depends(scoped("r", "Patient"))]
Finding = Annotated[Caller, Depends(scoped("s", "Patient"))]
OfDocument = Annotated[Caller, Depends(scoped("r", "Composition"))]

PROFILES = frozenset({BUNDLE, COMPOSITION})
IPS_VERSION = "2.0.0"


def both(path: str) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """The operation by GET and by POST."""
    return router.api_route(path, methods=["GET", "POST"])


@both("/Patient/$summary")
def summary_of_number(request: Request, who: OfClient, given: Given) -> Response:
    """The patient summary of the client with this number; in the body of a POST no number stands in a URL."""
    given.only("identifier", "profile")
    must_be_offered(given)
    system, bar, value = given.text("identifier").partition("|")
    if not (system and bar and value):
        raise MalformedContent("name the client as `system|value`", place="identifier")
    hub = hub_of(request)
    client = hub.documents.client(who.asker, system, value)
    return rendering.answer(request, hub.reader.document(who.asker, client, "summary"))


@both("/Patient/{id}/$summary")
def summary(request: Request, who: OfClient, given: Given, id: str) -> Response:
    """The patient summary (IPS document) as the asker may see it."""
    given.only("profile")
    must_be_offered(given)
    return rendering.answer(request, hub_of(request).reader.document(who.asker, f"Patient/{id}", "summary"))


@both("/Patient/{id}/$social-summary")
def social_summary(request: Request, who: OfClient, given: Given, id: str) -> Response:
    """The social-service summary as the asker may see it."""
    given.only()
    return rendering.answer(request, hub_of(request).reader.document(who.asker, f"Patient/{id}", "social-summary"))


@both("/Patient/{id}/$everything")
def everything(request: Request, who: OfClient, given: Given, id: str) -> Response:
    """Every record of a client that the asker may see."""
    asked = [(name, value) for name in given.values for value in given.texts(name)]
    readable = partial(who.scopes.covers, interaction="r")
    return rendering.answer(request, hub_of(request).everything.of(who.asker, readable, f"Patient/{id}", asked))


@router.post("/Patient/$match")
def match(request: Request, who: Finding, given: Given) -> Response:
    """Clients who may be the person described, of those whom the asker may see."""
    given.only("resource", "onlyCertainMatches", "count")
    told = given.whole("resource")
    if told is None or told.get("resourceType") != "Patient":
        raise MalformedContent("must be a Patient", place="resource")
    if faults := [f for f in errors(told) if f.rule == "structure" or f.rule.startswith("type-")]:
        raise InvalidResource("the Patient cannot be understood", faults=faults)
    found = hub_of(request).matcher.match(
        who.asker,
        told,
        only_certain=given.flag("onlyCertainMatches"),
        count=given.number("count", least=1, most=100),
    )
    return rendering.answer(request, found)


@both("/Composition/$document")
def document_of(request: Request, who: OfDocument, given: Given) -> Response:
    """The document of a Composition named by `id`."""
    given.only("id", "persist", "graph")
    if not given.text("id"):
        raise MalformedContent("name the Composition", place="id")
    return made(request, who, given, given.text("id").removeprefix("Composition/"))


@both("/Composition/{id}/$document")
def document(request: Request, who: OfDocument, given: Given, id: str) -> Response:
    """A Composition with everything it speaks of, as the asker may see it."""
    given.only("persist", "graph")
    return made(request, who, given, id)


def made(request: Request, who: Caller, given: Inputs, id: str) -> Response:
    """The document Bundle of a Composition."""
    if given.flag("persist"):
        raise NotSupported("documents are made on demand, and not kept", place="persist")
    if given.text("graph"):
        raise NotSupported("documents here follow the Composition, not a graph", place="graph")
    found: Resource = hub_of(request).documents.document(who.asker, id)
    return rendering.answer(request, found)


def must_be_offered(given: Inputs) -> None:
    """NotSupported for a profile of the summary that the hub does not make."""
    profile, _, version = given.text("profile").partition("|")
    if profile and (profile not in PROFILES or version not in ("", IPS_VERSION)):
        raise NotSupported(f"the summary here is {COMPOSITION}|{IPS_VERSION}", place="profile")
