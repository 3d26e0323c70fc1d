"""Search over HTTP: of a type, of the whole system, of one client's compartment; by GET, or by POST with a form.

Parameters of the URL and of the form are one list, so a question gets one answer however it is split. An unknown
parameter is refused unless the caller prefers `handling=lenient`. https://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.api import rendering
from hub.api.body import form_bytes
from hub.api.context import PRESENTATION, hub_of
from hub.api.scoped import scoped
from hub.api.signin import Caller
from hub.errors import MalformedContent, TooCostly
from hub.exchange.read import must_be_id

router = APIRouter(prefix="/fhir")
compartments = APIRouter(prefix="/fhir")
"""Their paths end in any type, so they stand after those that end in something fixed."""
OfType = Annotated[Caller, Depends(scoped("s"))]
OfAll = Annotated[Caller, Depends(scoped("any"))]

LONGEST = 16 * 1024
"""Characters in the form of one search."""
MOST = 40
"""Fields that are read at all; what a search may have is for its parser to say."""

Pairs = Sequence[tuple[str, str]]


@router.get("")
@router.get("/", include_in_schema=False)
def search_system(request: Request, who: OfAll) -> Response:
    """Records of every type that the token covers, or of those in `_type`."""
    return _answer(request, who, None, of_url(request))


@router.post("/_search")
async def search_system_by_form(request: Request, who: OfAll) -> Response:
    """The same with the parameters in a form."""
    pairs = await of_both(request)
    return await run_in_threadpool(_answer, request, who, None, pairs)


@router.get("/{type}")
def search(request: Request, who: OfType, type: str) -> Response:
    """Records of one type."""
    return _answer(request, who, type, of_url(request))


@router.post("/{type}/_search")
async def search_by_form(request: Request, who: OfType, type: str) -> Response:
    """The same with the parameters in a form, so that no number of a client stands in a URL."""
    pairs = await of_both(request)
    return await run_in_threadpool(_answer, request, who, type, pairs)


@compartments.get("/Patient/{id}/*")
def search_whole_compartment(request: Request, who: OfAll, id: str) -> Response:
    """Everything in the compartment of one client."""
    return _answer(request, who, None, of_url(request), client=id)


@compartments.get("/Patient/{id}/{type}")
def search_compartment(request: Request, who: OfType, id: str, type: str) -> Response:
    """Records of one type in the compartment of one client."""
    return _answer(request, who, type, of_url(request), client=id)


@compartments.post("/Patient/{id}/{type}/_search")
async def search_compartment_by_form(request: Request, who: OfType, id: str, type: str) -> Response:
    """The same with the parameters in a form."""
    pairs = await of_both(request)
    return await run_in_threadpool(_answer, request, who, type, pairs, client=id)


def _answer(request: Request, who: Caller, type: str | None, pairs: Pairs, *, client: str = "") -> Response:
    if client:
        must_be_id(client)
    found = hub_of(request).searcher.search(
        who.asker,
        lambda of: readable(who, of, among_all=type is None),
        type,
        pairs,
        compartment=f"Patient/{client}" if client else "",
        lenient=is_lenient(request),
    )
    return rendering.answer(request, found)


def readable(who: Caller, type: str, *, among_all: bool = False) -> bool:
    """Whether the token covers what a search shows of a type besides its matches, or of every type among all."""
    return who.scopes.covers(type, "r") and (not among_all or who.scopes.covers(type, "s"))


def of_url(request: Request) -> Pairs:
    """The parameters of the URL, in order."""
    return _understood(str(request.url.query))


async def of_both(request: Request) -> Pairs:
    """The parameters of the URL, then those of the form."""
    form = await form_bytes(request)
    try:
        return [*of_url(request), *_understood(form.decode("utf-8"))]
    except UnicodeDecodeError as error:
        raise MalformedContent("the form cannot be read", place="body") from error


def is_lenient(request: Request) -> bool:
    """Whether the caller wants unknown parameters to be left out (`Prefer: handling=lenient`)."""
    preferences = ",".join(request.headers.getlist("prefer"))
    return "lenient" in re.findall(r"handling\s*=\s*\"?(\w+)", preferences.lower())[:1]


def _understood(query: str) -> Pairs:
    if len(query) > LONGEST:
        raise TooCostly("the parameters of a search are too long", place="query")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST, errors="strict")
    except ValueError as error:
        raise MalformedContent("the parameters cannot be read, or are too many", place="query") from error
    return [(name, value) for name, value in pairs if name not in PRESENTATION]
