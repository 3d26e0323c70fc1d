"""$validate: is this FHIR R4, and could it be written here? Every fault at once, and nothing is written.

https://hl7.org/fhir/R4/resource-operation-validate.html. The answer is 200 with an OperationOutcome, whatever was
found; of profiles the hub knows the International Patient Summary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.api import rendering
from hub.api.body import resource as body_of
from hub.api.context import hub_of
from hub.api.rendering import fault_issue, issue
from hub.api.scoped import scoped
from hub.api.signin import Caller
from hub.errors import InvalidResource, MalformedContent, NotOffered
from hub.fhir.ips_profile import BUNDLE, check
from hub.fhir.parameters import Inputs, merged, of_query, of_resource
from hub.fhir.registry import supported
from hub.fhir.validate import validate
from hub.fhir.value import Resource

router = APIRouter(prefix="/fhir")
Asking = Annotated[Caller, Depends(scoped("r"))]

MODES = ("create", "update", "delete", "profile")


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be checked: a resource, or what is stored; for which write; against which profiles."""

    resource: Resource | None
    mode: str
    profiles: tuple[str, ...]


@router.post("/{type}/$validate")
async def validate_new(request: Request, who: Asking, type: str) -> Response:
    """Check a resource of a type."""
    return await _answer(request, who, type, None)


@router.api_route("/{type}/{id}/$validate", methods=["GET", "POST"])
async def validate_stored(request: Request, who: Asking, type: str, id: str) -> Response:
    """Check the next version of a record, or (without a body) the record itself as the asker may see it."""
    return await _answer(request, who, type, id)


async def _answer(request: Request, who: Caller, type: str, id: str | None) -> Response:
    row = supported(type)
    if row is None or row.published:
        raise NotOffered("what the hub publishes is not written here", place="URL")
    try:
        question = await _question(request)
    except (MalformedContent, InvalidResource) as wrong:
        return rendering.answer(request, rendering.outcome_of(wrong))
    found = await run_in_threadpool(_issues, request, who, type, id, question)
    clean = [issue("information", "informational", "no fault was found")]
    return rendering.answer(request, {"resourceType": "OperationOutcome", "issue": found or clean})


async def _question(request: Request) -> Question:
    query = of_query(request.query_params.multi_items())
    if request.method == "GET" or request.headers.get("content-length", "0") in ("", "0"):
        return _asked(query, None)
    sent = await body_of(request)
    wraps = sent.get("resourceType") == "Parameters" and any(
        isinstance(p, dict) and p.get("name") in ("resource", "mode", "profile") for p in sent.get("parameter") or ()
    )
    return _asked(merged(query, of_resource(sent)), None) if wraps else _asked(query, sent)


def _asked(given: Inputs, sent: Resource | None) -> Question:
    given.only("resource", "mode", "profile")
    mode = given.text("mode")
    if mode and mode not in MODES:
        raise MalformedContent(f"must be one of {', '.join(MODES)}", place="mode")
    return Question(sent if sent is not None else given.whole("resource"), mode, tuple(given.texts("profile")))


def _issues(request: Request, who: Caller, type: str, id: str | None, question: Question) -> list[Resource]:
    stored = hub_of(request).reader.read(who.asker, type, id).resource if id else None
    if question.mode == "delete":
        row = supported(type)
        deletable = id is not None and row is not None and row.deletable
        return [] if deletable else [issue("error", "not-supported", "records of this kind are not deleted")]
    resource = stored if question.resource is None else question.resource
    if resource is None:
        return [issue("error", "required", "send a resource to be checked", "resource")]
    found = [fault_issue(fault) for fault in validate(resource)]
    if resource.get("resourceType") != type:
        found.append(issue("error", "invalid", f"is not a {type}", "/resourceType"))
    if id is not None and question.resource is not None and resource.get("id") != id:
        found.append(issue("error", "invalid", "the id in the body and in the URL differ", "/id"))
    for profile in question.profiles:
        found += _against(profile, resource)
    return found


def _against(profile: str, resource: Resource) -> list[Resource]:
    name, _, version = profile.partition("|")
    if name == BUNDLE and version in ("", "2.0.0"):
        return [fault_issue(fault) for fault in check(resource)]
    if name == f"http://hl7.org/fhir/StructureDefinition/{resource.get('resourceType')}":
        return []
    return [issue("error", "not-supported", "the hub does not know this profile", "profile")]
