"""create, update and delete, also conditional (https://hl7.org/fhir/R4/http.html#create, #update, #delete).

What comes back is what the writer sees of what they wrote, or what `Prefer: return=…` asks for.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from hub.api import body, rendering
from hub.api.context import condition, condition_if_any, hub_of, preferred
from hub.api.scoped import scoped
from hub.api.signin import Caller
from hub.errors import MalformedContent, NotSupported
from hub.exchange.entries import version_of
from hub.exchange.recorder import Written
from hub.fhir.value import Resource

router = APIRouter(prefix="/fhir")
Creating = Annotated[Caller, Depends(scoped("c"))]
Updating = Annotated[Caller, Depends(scoped("u"))]
Deleting = Annotated[Caller, Depends(scoped("d"))]
Told = Annotated[Resource, Depends(body.resource)]
IfMatch = Annotated[str | None, Header()]


@router.post("/{type}")
def create(
    request: Request, who: Creating, type: str, told: Told, if_none_exist: Annotated[str | None, Header()] = None
) -> Response:
    """A new record; 200 where this organisation introduced the same client before, or a match is there already.

    The condition stands in If-None-Exist; fhirpy puts it into the URL, where it may not be overlooked.
    """
    resource = of_type(told, type)
    if if_none_exist is None:
        if_none_exist = condition_if_any(request)
    if if_none_exist is not None:
        who.require(type, "s")
    written = hub_of(request).writer.create(who.asker, resource, if_none_exist=if_none_exist)
    return answered(request, who, written, resource)


@router.put("/{type}/{id}")
def update(
    request: Request,
    who: Updating,
    type: str,
    id: str,
    told: Told,
    if_match: IfMatch = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The next version; the first of a record whose id begins with the organisation's own and a dot."""
    resource = of_type(told, type)
    if resource.get("id") != id:
        raise MalformedContent("the id in the body and in the URL differ", place="/id")
    if if_none_match not in (None, "*"):
        raise NotSupported("an update takes `*` in If-None-Match", place="If-None-Match")
    pinned = version_of(if_match)
    written = hub_of(request).writer.update(who.asker, resource, if_match=pinned, if_none=if_none_match == "*")
    return answered(request, who, written, resource)


@router.put("/{type}")
def update_where(request: Request, who: Updating, type: str, told: Told, if_match: IfMatch = None) -> Response:
    """The next version of the one record that meets the condition, or a new one."""
    who.require(type, "s")
    resource, query = of_type(told, type), condition(request)
    written = hub_of(request).writer.update_where(who.asker, resource, query, if_match=version_of(if_match))
    return answered(request, who, written, resource)


@router.delete("/{type}/{id}")
def delete(request: Request, who: Deleting, type: str, id: str, if_match: IfMatch = None) -> Response:
    """An end: the record is read no more, its versions are history."""
    return ended(request, hub_of(request).writer.delete(who.asker, type, id, if_match=version_of(if_match)))


@router.delete("/{type}")
def delete_where(request: Request, who: Deleting, type: str, if_match: IfMatch = None) -> Response:
    """An end of the one record that meets the condition."""
    who.require(type, "s")
    query = condition(request)
    return ended(request, hub_of(request).writer.delete_where(who.asker, type, query, if_match=version_of(if_match)))


def answered(request: Request, who: Caller, written: Written, told: Resource | None) -> Response:
    """What the writer gets back: headers, and what they prefer. `told` is what they sent, theirs to have again."""
    hub = hub_of(request)
    hub.changed()
    status = 201 if written.created else 200
    headers = located(hub.fhir_base, written)
    wanted = preferred(request)
    if wanted == "minimal":
        return rendering.answer(request, None, status=status, headers=headers)
    if wanted == "operationoutcome":
        done = rendering.issue("information", "informational", "created" if written.created else "stored")
        outcome: Resource = {"resourceType": "OperationOutcome", "issue": [done]}
        return rendering.answer(request, outcome, status=status, headers=headers)
    seen = hub.reader.written(who.asker, written) if told is None or not is_news(written) else None
    if seen is not None:
        return rendering.visible(request, seen, status=status, headers=located(hub.fhir_base, written, seen.version))
    if told is None:
        return rendering.answer(request, None, status=status, headers=headers)
    stored: Resource = {**told, "id": written.reference.split("/")[1]}
    if written.told:
        stored["meta"] = {**told.get("meta", {}), "versionId": str(written.version)}
    return rendering.answer(request, stored, status=status, headers=headers)


def is_news(written: Written) -> bool:
    """Whether the hub may not show how a client that is introduced was known before."""
    return written.type == "Patient" and not written.told


def ended(request: Request, written: Written | None) -> Response:
    """The answer to a delete, the first and every later one."""
    if written is not None:
        hub_of(request).changed()
    if preferred(request, "minimal") != "operationoutcome":
        return rendering.answer(request, None, status=204)
    done = rendering.issue("information", "informational", "deleted")
    return rendering.answer(request, {"resourceType": "OperationOutcome", "issue": [done]})


def located(base: str, written: Written, version: str = "") -> dict[str, str]:
    """Location and ETag of a write; only where it is, if its version is not told."""
    version = version or (str(written.version) if written.told else "")
    if not version:
        return {"Location": f"{base}/{written.reference}"}
    return {"Location": f"{base}/{written.reference}/_history/{version}", "ETag": rendering.etag(version)}


def of_type(told: Resource, type: str) -> Resource:
    """The resource of a body, which is of the type in the URL."""
    if told.get("resourceType") != type:
        raise MalformedContent(f"the body is not a {type}", place="/resourceType")
    return told
