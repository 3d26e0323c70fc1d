"""Which scope a route needs: declared with the route, asked before anything else is looked at.

    Asking = Annotated[Caller, Depends(scoped("r"))]          # the type is the route's `{type}`
    Asking = Annotated[Caller, Depends(scoped("r", "Patient"))]
    Asking = Annotated[Caller, Depends(scoped("s", "*"))]     # the whole system: needs `system/*.s`
    Asking = Annotated[Caller, Depends(scoped("entries"))]    # batch, transaction: `who.require` for each entry
    APIRouter(dependencies=[Depends(public())])               # no token: says nothing about anybody

A test walks every route of the application and fails where one declares none.
Scopes: https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import Header
from starlette.requests import Request

from hub.api.signin import Caller, caller
from hub.errors import NotOffered
from hub.fhir.registry import SUPPORTED
from hub.security.scopes import ANY

Letter = Literal["c", "r", "u", "d", "s", "entries", "any"]
"""A letter of a scope; `entries`: each entry is checked as the interaction it is; `any`: any token of the hub."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a route declares. `letter` is empty for an open route; `type` where it is fixed."""

    letter: str
    type: str | None = None


DECLARED: Final = "declares"
"""The attribute under which a dependency carries what it declares."""


def scoped(letter: Letter, type: str | None = None) -> Callable[..., Caller]:
    """A dependency: the caller, whose token covers this interaction with the route's type.

    Unauthenticated (401), UnsupportedType (404), NotOffered (405), InsufficientScope (403), in this order. What the
    hub publishes has routes of its own: those with `{type}` do not answer for it.
    """

    def ask(request: Request, authorization: Annotated[str | None, Header()] = None) -> Caller:
        who = caller(request, authorization)
        if type == ANY:
            who.require_every(letter)
        elif type is not None:
            who.require(type, letter)
        elif letter not in ("entries", "any"):
            who.require(named := str(request.path_params["type"]), letter)
            if SUPPORTED[named].published:
                raise NotOffered(place="URL")
        return who

    setattr(ask, DECLARED, Declared(letter, type))
    return ask


def public() -> Callable[..., object]:
    """A dependency that declares a route open to everybody."""

    async def nobody_is_asked() -> None:
        return None

    setattr(nobody_is_asked, DECLARED, Declared(""))
    return nobody_is_asked
