"""read and vread (https://hl7.org/fhir/R4/http.html#read, #vread), also conditional (#cread).

Whether anything is shown is decided for each request, before it is asked whether the client has it already: what was
revoked is 404, never 304.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from hub.api import rendering
from hub.api.context import hub_of
from hub.api.scoped import scoped
from hub.api.signin import Caller
from hub.errors import MalformedContent
from hub.exchange.disclose import Visible
from hub.fhir import subset
from hub.fhir.value import Resource

router = APIRouter(prefix="/fhir")
Reading = Annotated[Caller, Depends(scoped("r"))]
SUMMARIES = frozenset({"true", "text", "data", "false"})


@router.get("/{type}/{id}")
@router.head("/{type}/{id}", include_in_schema=False)
def read(request: Request, who: Reading, type: str, id: str) -> Response:
    """The current version, as the asker may see it."""
    return shown(request, hub_of(request).reader.read(who.asker, type, id))


@router.get("/{type}/{id}/_history/{version}")
@router.head("/{type}/{id}/_history/{version}", include_in_schema=False)
def vread(request: Request, who: Reading, type: str, id: str, version: str) -> Response:
    """One version, as the asker may see it today."""
    return shown(request, hub_of(request).reader.read(who.asker, type, id, version=version))


def shown(request: Request, record: Visible) -> Response:
    """A record, or the part of it that is asked for; 304 where the client has what it would get."""
    part = part_of(request, record.resource)
    if is_known(request, record):
        return Response(status_code=304, headers={**rendering.HEADERS, **rendering.stamped(record)})
    return rendering.visible(request, record, content=part)


def part_of(request: Request, resource: Resource) -> Resource | None:
    """The part that `_summary` or `_elements` asks for; None where all of it is."""
    mode = request.query_params.get("_summary")
    names = request.query_params.get("_elements")
    if mode is not None and mode not in SUMMARIES:
        raise MalformedContent("one of true, text, data, false", place="_summary")
    if names is not None:
        if mode not in (None, "false"):
            raise MalformedContent("either _summary or _elements", place="_elements")
        return subset.with_elements(resource, [n.strip() for n in names.split(",") if n.strip()])
    return subset.summarised(resource, mode) if mode not in (None, "false") else None


def is_known(request: Request, record: Visible) -> bool:
    """Whether If-None-Match names this version; or, without one, nothing changed since If-Modified-Since."""
    tags = request.headers.getlist("if-none-match")
    if tags:
        named = {tag.strip().removeprefix("W/").strip('"') for tag in ",".join(tags).split(",")}
        return record.version in named or "*" in named
    since = _moment(request.headers.get("if-modified-since", ""))
    return since is not None and not record.partial and record.at.replace(microsecond=0) <= since


def _moment(text: str) -> datetime | None:
    """The moment in a header; None where there is none that can be read (RFC 9110 13.1.3: then it is ignored)."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else None
