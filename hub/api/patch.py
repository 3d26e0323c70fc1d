"""patch, also conditional: JSON Patch, merge patch and FHIRPath Patch (https://hl7.org/fhir/R4/http.html#patch).

Without If-Match, patches of one record queue and each is applied to what the one before it made. The plan, its team,
a Consent and a signed document are patched with If-Match only (docs/adr/0012-lost-updates.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from hub.api import body
from hub.api.context import condition, hub_of
from hub.api.scoped import scoped
from hub.api.signin import Caller
from hub.api.write import IfMatch, answered
from hub.exchange.edits import edit_of
from hub.exchange.entries import version_of
from hub.fhir.patch import PATCH_FORMATS

router = APIRouter(prefix="/fhir")
Patching = Annotated[Caller, Depends(scoped("u"))]
TAKEN = frozenset({*PATCH_FORMATS, "application/json", "application/xml", "text/xml"})


@dataclass(frozen=True, slots=True)
class Sent:
    """A patch as it came."""

    media_type: str
    raw: bytes


async def patch_body(request: Request) -> Sent:
    """The body of a PATCH request."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return Sent(media_type, await body.raw_body(request, known=media_type in TAKEN, formats=PATCH_FORMATS))


Told = Annotated[Sent, Depends(patch_body)]


@router.patch("/{type}/{id}")
def patch(request: Request, who: Patching, type: str, id: str, told: Told, if_match: IfMatch = None) -> Response:
    """The record with some of it changed."""
    edit = edit_of(told.media_type, told.raw)
    written = hub_of(request).writer.patch(who.asker, type, id, edit, if_match=version_of(if_match))
    return answered(request, who, written, None)


@router.patch("/{type}")
def patch_where(request: Request, who: Patching, type: str, told: Told, if_match: IfMatch = None) -> Response:
    """The one record that meets the condition, with some of it changed."""
    who.require(type, "s")
    query, edit = condition(request), edit_of(told.media_type, told.raw)
    written = hub_of(request).writer.patch_where(who.asker, type, query, edit, if_match=version_of(if_match))
    return answered(request, who, written, None)
