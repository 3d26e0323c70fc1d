"""Operations on a client's record: $summary (IPS), $social-summary, $everything.

https://hl7.org/fhir/uv/ips/OperationDefinition-summary.html; https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from hub.api import rendering
from hub.api.interactions import Asking, hub_of

router = APIRouter(prefix="/fhir/Patient")


@router.get("/{id}/$summary")
def summary(request: Request, who: Asking, id: str) -> Response:
    """The patient summary (IPS document) as the asker may see it."""
    who.require("Patient", "r")
    return rendering.fhir(hub_of(request).reader.document(who.asker, f"Patient/{id}", "summary"))


@router.get("/{id}/$social-summary")
def social_summary(request: Request, who: Asking, id: str) -> Response:
    """The social-service summary as the asker may see it."""
    who.require("Patient", "r")
    return rendering.fhir(hub_of(request).reader.document(who.asker, f"Patient/{id}", "social-summary"))


@router.get("/{id}/$everything")
def everything(request: Request, who: Asking, id: str) -> Response:
    """Every record of a client that the asker may see."""
    who.require("Patient", "r")
    return rendering.fhir(hub_of(request).reader.everything(who.asker, f"Patient/{id}"))
