"""The routes of the application as data: what is claimed, documented and tested is read from here, not from memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from hub.api.scoped import DECLARED, Declared


@dataclass(frozen=True, slots=True)
class Route:
    """One route: a method and a path with its parameters in braces."""

    method: str
    path: str
    declared: Declared | None
    """What it declares of scopes; None where it declares nothing (a defect, which a test finds)."""
    name: str
    said: str
    """The first sentence of what it says of itself."""
    listed: bool
    """Whether it stands in the OpenAPI."""


def routes_of(app: FastAPI) -> tuple[Route, ...]:
    """Every route of an application, in the order in which they are tried; one for each method."""
    return tuple(_each(app))


def _each(app: FastAPI) -> Iterator[Route]:
    for route in iter_route_contexts(app.routes):
        dependant: Dependant | None = getattr(route, "dependant", None)
        said = (getattr(route, "description", "") or "").split("\n\n")[0].replace("\n", " ")
        for method in sorted(getattr(route, "methods", None) or ("",)):
            yield Route(
                method,
                str(getattr(route, "path", "")),
                _declared(dependant) if dependant else None,
                str(getattr(route, "name", "")),
                said,
                bool(getattr(route, "include_in_schema", False)),
            )


def _declared(dependant: Dependant) -> Declared | None:
    for needed in dependant.dependencies:
        found = getattr(needed.call, DECLARED, None) or _declared(needed)
        if isinstance(found, Declared):
            return found
    return None
