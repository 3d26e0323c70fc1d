"""The input of an operation: in the query of a GET, in a form, or as Parameters in the body of a POST.

https://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from hub.api.body import form_body, resource
from hub.errors import MalformedContent
from hub.fhir.parameters import Inputs, merged, of_query, of_resource

MOST = 60
"""Parameters in one request."""


async def given(request: Request) -> Inputs:
    """The inputs of this request."""
    query = of_query(request.query_params.multi_items())
    told = query
    if request.method == "POST" and _has_body(request):
        told = merged(query, await _in_body(request))
    if sum(len(values) for values in told.values.values()) > MOST:
        raise MalformedContent(f"at most {MOST} parameters", place="parameter")
    return told


Given = Annotated[Inputs, Depends(given)]


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "") not in ("", "0") or "transfer-encoding" in request.headers


async def _in_body(request: Request) -> Inputs:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        form = await form_body(request)
        return of_query((name, value) for name, values in form.items() for value in values)
    return of_resource(await resource(request))
