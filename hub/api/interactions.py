"""The interactions of FHIR on records, each in a module of its own (https://hl7.org/fhir/R4/http.html).

History stands apart (`hub.api.history`): its paths are fixed, and so come before what is any type or any id.
"""

from __future__ import annotations

from fastapi import APIRouter

from hub.api import batch, patch, read, write
from hub.api.context import hub_of

__all__ = ["hub_of", "router"]

router = APIRouter()
for part in (batch, read, write, patch):
    router.include_router(part.router)
