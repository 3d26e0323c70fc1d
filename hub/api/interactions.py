"""The FHIR interactions that the hub offers now: read, vread, create, update, transaction, and finding a client.

https://hl7.org/fhir/R4/http.html. What is not here is answered `not-supported`, never half-answered.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.api import rendering
from hub.api.body import fhir_body, form_body
from hub.api.signin import Caller, caller
from hub.bootstrap import Hub
from hub.errors import InvalidResource, MalformedContent, NotSupported
from hub.exchange.transaction import version_of
from hub.fhir import text
from hub.fhir.shapes import RESOURCE_TYPES
from hub.fhir.validate import assert_valid
from hub.fhir.value import Resource

router = APIRouter(prefix="/fhir")
Asking = Annotated[Caller, Depends(caller)]
Body = Annotated[bytes, Depends(fhir_body)]


def hub_of(request: Request) -> Hub:
    """The hub behind this door."""
    hub: Hub = request.app.state.hub
    return hub


@router.post("")
@router.post("/")
def transaction(request: Request, who: Asking, body: Body) -> Response:
    """A transaction Bundle: all entries or none."""
    bundle = text.read(body, name="body")
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "transaction":
        raise NotSupported("the base takes a Bundle of type transaction", place="/type")
    assert_valid(bundle)
    for entry in bundle.get("entry", []):
        type = str(entry.get("resource", {}).get("resourceType", ""))
        method = str(entry.get("request", {}).get("method", ""))
        who.require(type, "c" if method == "POST" else "u")
    hub = hub_of(request)
    response = hub.transactions.run(who.asker, bundle, body)
    hub.changed()
    return rendering.fhir(response)


@router.post("/Patient/_search")
async def search_patient(
    request: Request, who: Asking, form: Annotated[dict[str, list[str]], Depends(form_body)]
) -> Response:
    """Find a client by an exact identifier, in the body so that no number stands in a URL."""
    who.require("Patient", "s")
    identifiers = form.pop("identifier", [])
    if form or request.query_params or len(identifiers) != 1 or "|" not in identifiers[0]:
        raise NotSupported("search here takes exactly one `identifier=system|value`", place="identifier")
    system, value = identifiers[0].split("|", 1)
    return rendering.fhir(await run_in_threadpool(hub_of(request).reader.find_clients, who.asker, system, value))


@router.get("/{type}/{id}")
def read(request: Request, who: Asking, type: str, id: str) -> Response:
    """The current version, as the asker may see it."""
    check_type(type)
    who.require(type, "r")
    return rendering.visible(hub_of(request).reader.read(who.asker, type, id))


@router.get("/{type}/{id}/_history/{version}")
def vread(request: Request, who: Asking, type: str, id: str, version: str) -> Response:
    """One version, as the asker may see it today."""
    check_type(type)
    who.require(type, "r")
    return rendering.visible(hub_of(request).reader.read(who.asker, type, id, version=version))


@router.post("/{type}")
def create(request: Request, who: Asking, type: str, body: Body) -> Response:
    """A new record; 200 where this organisation had introduced the same client before."""
    check_type(type)
    who.require(type, "c")
    resource = parse(body, type)
    hub = hub_of(request)
    written = hub.writer.create(who.asker, resource)
    hub.changed()
    headers = located(hub, written.reference, written.version if written.told else 0)
    stored: Resource = {**resource, "id": written.reference.split("/")[1]}
    if written.told:
        stored["meta"] = {**resource.get("meta", {}), "versionId": str(written.version)}
    return rendering.fhir(stored, status=201 if written.created else 200, headers=headers)


@router.put("/{type}/{id}")
def update(
    request: Request, who: Asking, type: str, id: str, body: Body, if_match: Annotated[str | None, Header()] = None
) -> Response:
    """The next version; If-Match is required for CarePlan, CareTeam and Consent."""
    check_type(type)
    who.require(type, "u")
    resource = parse(body, type)
    if resource.get("id") != id:
        raise InvalidResource("the id in the body and in the URL differ", place="/id")
    hub = hub_of(request)
    written = hub.writer.update(who.asker, resource, if_match=version_of(if_match))
    hub.changed()
    stored: Resource = {**resource, "meta": {**resource.get("meta", {}), "versionId": str(written.version)}}
    return rendering.fhir(stored, headers=located(hub, written.reference, written.version))


def parse(body: bytes, type: str) -> Resource:
    """The body as a resource of the type in the URL."""
    resource = text.read(body, name="body")
    if resource.get("resourceType") != type:
        raise MalformedContent(f"the body is not a {type}", place="/resourceType")
    return resource


def check_type(type: str) -> None:
    """NotSupported for what is no resource type of R4."""
    if type not in RESOURCE_TYPES:
        raise NotSupported(f"`{type}` is not a resource type of FHIR R4", place="URL")


def located(hub: Hub, reference: str, version: int) -> dict[str, str]:
    """Location and ETag of a write; only where it is, if its version is not told."""
    if not version:
        return {"Location": f"{hub.settings.public_url}/fhir/{reference}"}
    return {
        "Location": f"{hub.settings.public_url}/fhir/{reference}/_history/{version}",
        "ETag": f'W/"{version}"',
    }
