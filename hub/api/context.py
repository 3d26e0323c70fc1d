"""What the routes of this door have in common: the hub behind it, and how a client wants to be answered."""

from __future__ import annotations

import re
from typing import Final, Literal, cast
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from hub.bootstrap import Hub
from hub.errors import MalformedContent

Return = Literal["minimal", "representation", "operationoutcome"]

PRESENTATION: Final = frozenset({"_format", "_pretty"})
"""Parameters about how the answer is written, which are no part of the question."""

_RETURN: Final = re.compile(r"\breturn\s*=\s*\"?(minimal|representation|operationoutcome)\b", re.IGNORECASE)


def hub_of(request: Request) -> Hub:
    """The hub behind this door."""
    hub: Hub = request.app.state.hub
    return hub


def preferred(request: Request, default: Return = "representation") -> Return:
    """What a client wants back of what it writes (`Prefer: return=…`, https://hl7.org/fhir/R4/http.html#ops)."""
    found = _RETURN.search(",".join(request.headers.getlist("prefer")))
    return cast(Return, found[1].lower()) if found else default


def condition(request: Request) -> str:
    """The condition in the URL of a conditional interaction; MalformedContent where there is none."""
    found = condition_if_any(request)
    if found is None:
        raise MalformedContent("name an id, or a condition like `?identifier=system|value`", place="URL")
    return found


def condition_if_any(request: Request) -> str | None:
    """The condition in the URL; None where there is none."""
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    return urlencode([(name, value) for name, value in pairs if name not in PRESENTATION]) or None
