"""history: of a record, of a type, of everything that the token covers (https://hl7.org/fhir/R4/http.html#history)."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from hub.api import rendering
from hub.api.context import PRESENTATION, hub_of
from hub.api.scoped import scoped
from hub.api.signin import Caller
from hub.exchange.read import must_be_id
from hub.fhir.registry import SUPPORTED

router = APIRouter(prefix="/fhir")
OfType = Annotated[Caller, Depends(scoped("r"))]
OfAll = Annotated[Caller, Depends(scoped("any"))]


@router.get("/_history")
def history_system(request: Request, who: OfAll) -> Response:
    """What changed, of every type that the token lets read."""
    types = [name for name, row in SUPPORTED.items() if "r" in row.offers and who.scopes.covers(name, "r")]
    return rendering.answer(request, hub_of(request).historian.of_types(who.asker, None, types, params(request)))


@router.get("/{type}/_history")
def history_type(request: Request, who: OfType, type: str) -> Response:
    """What changed, of one type."""
    return rendering.answer(request, hub_of(request).historian.of_types(who.asker, type, [type], params(request)))


@router.get("/{type}/{id}/_history")
def history_instance(request: Request, who: OfType, type: str, id: str) -> Response:
    """The versions of one record."""
    must_be_id(id)
    return rendering.answer(request, hub_of(request).historian.of_record(who.asker, type, id, params(request)))


def params(request: Request) -> list[tuple[str, str]]:
    """The parameters in the URL but for those about how the answer is written."""
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    return [(name, value) for name, value in pairs if name not in PRESENTATION]
