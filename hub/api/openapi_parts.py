"""What the routes take and answer, for the OpenAPI: bodies, parameters of the query, statuses.

By the form of a route (its method, and the last step of its path), since routes of one form speak one way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hub.api.formats import Format
from hub.api.routes import Route

PATH_PARAMETERS: Final[Mapping[str, dict[str, Any]]] = {
    "id": {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"},
    "version": {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"},
}
_RESOURCE: Final = {"$ref": "#/components/schemas/Resource"}
_FHIR: Final = {format.value: {"schema": _RESOURCE} for format in Format}
_JSON: Final = {"application/json": {"schema": {"type": "object"}}}
_FORM: Final = {
    "application/x-www-form-urlencoded": {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
}
_TOKEN_FIELDS: Final = (
    "grant_type", "client_assertion_type", "client_assertion", "scope", "purpose_of_use", "basis", "person",
)  # fmt: skip
_TOKEN: Final = {
    "application/x-www-form-urlencoded": {
        "schema": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in _TOKEN_FIELDS},
            "required": [*_TOKEN_FIELDS[:4]],
        }
    }
}
_PATCHES: Final = {
    "application/json-patch+json": {"schema": {"type": "array", "items": {"type": "object"}}},
    "application/merge-patch+json": {"schema": {"type": "object"}},
    **_FHIR,
}
_SHOWN: Final = (
    ("_format", {"type": "string", "enum": ["json", "xml", *_FHIR]}, "the format of the answer, before Accept"),
    ("_pretty", {"type": "boolean"}, "indent the answer"),
)
_SEARCH: Final = {
    "name": "parameters",
    "in": "query",
    "description": "search parameters of FHIR R4, those that /fhir/metadata lists",
    "style": "form",
    "explode": True,
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}


def is_fhir(route: Route) -> bool:
    """Whether a route speaks FHIR."""
    return route.path.startswith("/fhir") and "smart-configuration" not in route.path


def last(route: Route) -> str:
    """The last step of a path."""
    return route.path.rstrip("/").rpartition("/")[2]


def query_of(route: Route) -> Iterator[dict[str, Any]]:
    """The parameters of the query."""
    if not is_fhir(route):
        return
    for name, schema, said in _SHOWN:
        yield {"name": name, "in": "query", "description": said, "schema": schema}
    searches = route.declared is not None and (
        route.declared.letter == "s" or last(route) in ("_history", "fhir", "*") or "$" in last(route)
    )
    if route.method == "GET" and searches:
        yield _SEARCH


def body_of(route: Route) -> dict[str, Any] | None:
    """The request body; None for a route that takes none."""
    if route.method not in ("POST", "PUT", "PATCH"):
        return None
    if route.path == "/oauth/token":
        return {"required": True, "content": _TOKEN}
    if last(route) == "_search":
        return {"required": False, "content": _FORM}
    if route.method == "PATCH":
        return {"required": True, "content": _PATCHES}
    if "$" in last(route):
        return {"required": False, "content": {**_FHIR, **_FORM}}
    return {"required": True, "content": _FHIR}


def responses_of(route: Route) -> dict[str, Any]:
    """What a route may answer: the good cases by status, every refusal under `default`."""
    if not is_fhir(route):
        other = {"text/plain": {"schema": {"type": "string"}}} if route.path == "/metrics" else _JSON
        return {"200": _answer("done", other), "default": _answer("refused", _JSON)}
    told = {status: _answer(said, {} if status in _EMPTY else _FHIR) for status, said in _good(route)}
    return {**told, "default": _answer("refused: an OperationOutcome", _FHIR)}


_EMPTY: Final = ("202", "204", "304")


def _good(route: Route) -> Iterator[tuple[str, str]]:
    creates = route.method == "POST" and route.path == "/fhir/{type}"
    if creates or route.method in ("PUT", "PATCH"):
        yield "201", "created"
    if route.method == "DELETE":
        yield "204", "not there any more"
    if "export" in last(route) or "export" in route.path:
        yield "202", "accepted; the answer comes at Content-Location"
    if route.method == "GET" and last(route) in ("{id}", "{version}"):
        yield "304", "as the asker knows it"
    yield "200", "done"


def _answer(said: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": said, **({"content": dict(content)} if content else {})}
