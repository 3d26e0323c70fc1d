"""`/fhir/metadata`: the CapabilityStatement, made from the registry of types and from the routes that there are.

It claims what works and nothing else; a test tries every claim, and that nothing else works.
https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from hub import __version__
from hub.api import rendering
from hub.api.formats import Format
from hub.api.routes import Route, routes_of
from hub.api.scoped import public
from hub.bootstrap import Hub
from hub.errors import NotSupported
from hub.exchange.fulltext import PARAMS as WORDS
from hub.fhir import text
from hub.fhir.codes import HUB
from hub.fhir.conformance import PARAMETERS, PUBLISHED
from hub.fhir.registry import SUPPORTED, ResourceType
from hub.fhir.search_definitions import claims, parameters
from hub.fhir.value import Resource

router = APIRouter(dependencies=[Depends(public())])

Key = tuple[str, str]
"""Method and path; every parameter of the path is `{}`."""

TYPE_ROUTES: Final[Mapping[str, Key]] = {
    "read": ("GET", "/fhir/{}/{}"),
    "vread": ("GET", "/fhir/{}/{}/_history/{}"),
    "update": ("PUT", "/fhir/{}/{}"),
    "patch": ("PATCH", "/fhir/{}/{}"),
    "delete": ("DELETE", "/fhir/{}/{}"),
    "history-instance": ("GET", "/fhir/{}/{}/_history"),
    "history-type": ("GET", "/fhir/{}/_history"),
    "create": ("POST", "/fhir/{}"),
    "search-type": ("GET", "/fhir/{}"),
}
SYSTEM_ROUTES: Final[Mapping[str, Key]] = {
    "transaction": ("POST", "/fhir"),
    "batch": ("POST", "/fhir"),
    "search-system": ("GET", "/fhir"),
    "history-system": ("GET", "/fhir/_history"),
}
"""Interaction -> the route by which it is asked (https://hl7.org/fhir/R4/http.html)."""

_R4: Final = "http://hl7.org/fhir/OperationDefinition/"
_BULK: Final = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
ANY: Final = "{}"
OPERATIONS: Final[Mapping[tuple[str, str], str]] = {
    ("", "export"): f"{_BULK}export",
    (ANY, "validate"): f"{_R4}Resource-validate",
    ("CodeSystem", "lookup"): f"{_R4}CodeSystem-lookup",
    ("CodeSystem", "subsumes"): f"{_R4}CodeSystem-subsumes",
    ("CodeSystem", "validate-code"): f"{_R4}CodeSystem-validate-code",
    ("Composition", "document"): f"{_R4}Composition-document",
    ("ConceptMap", "translate"): f"{_R4}ConceptMap-translate",
    ("Group", "export"): f"{_BULK}group-export",
    ("Patient", "everything"): f"{_R4}Patient-everything",
    ("Patient", "export"): f"{_BULK}patient-export",
    ("Patient", "match"): f"{_R4}Patient-match",
    ("Patient", "social-summary"): f"{HUB}/OperationDefinition/social-summary",
    ("Patient", "summary"): "http://hl7.org/fhir/uv/ips/OperationDefinition/summary",
    ("ValueSet", "expand"): f"{_R4}ValueSet-expand",
    ("ValueSet", "validate-code"): f"{_R4}ValueSet-validate-code",
}
"""(type, name) -> the definition of an operation; the type is empty for the whole system, `{}` for every type."""

NO_OPERATIONS: Final = frozenset(("export-status", "export-file"))
"""Addresses of the hub's own with a `$`: they are handed out, never guessed."""

MODES: Final = ("full", "normative", "terminology")
_HEAD: Final[Mapping[str, Any]] = {
    "version": __version__,
    "name": "Casehub",
    "title": "casehub",
    "status": "active",
    "date": PUBLISHED,
    "publisher": "casehub",
}
FORMATS: Final = tuple(format.value for format in Format)
PATCH_FORMATS: Final = ("application/json-patch+json", "application/merge-patch+json", *FORMATS)
GUIDES: Final = (
    "http://hl7.org/fhir/smart-app-launch/ImplementationGuide/hl7.fhir.uv.smart-app-launch",
    "http://hl7.org/fhir/uv/bulkdata/ImplementationGuide/hl7.fhir.uv.bulkdata",
    "http://hl7.org/fhir/uv/ips/ImplementationGuide/hl7.fhir.uv.ips",
)
_OAUTH_URIS: Final = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SECURITY_SERVICE: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_OPERATION: Final = re.compile(r"/fhir(?:/([^/$]+))?(?:/\{\})?/\$([a-z-]+)")


@router.get("/fhir/metadata")
def metadata(request: Request) -> Response:
    """What this server can do; with `mode=terminology`, which words it knows."""
    mode = request.query_params.get("mode", "full")
    if mode not in MODES:
        raise NotSupported(f"must be one of {', '.join(MODES)}", place="mode")
    state = request.app.state
    if not hasattr(state, "capabilities"):
        hub: Hub = state.hub
        base = hub.settings.public_url
        made = capability_statement(base, routes_of(request.app), cors=bool(hub.settings.origins))
        known = terminology_capabilities(base, hub.terminology.systems)
        state.capabilities = {**dict.fromkeys(MODES, text.write(made)), "terminology": text.write(known)}
    return rendering.answer(request, state.capabilities[mode])


def terminology_capabilities(base: str, systems: Collection[str]) -> Resource:
    """The TerminologyCapabilities of a hub that carries these code systems.

    https://hl7.org/fhir/R4/terminologycapabilities.html
    """
    names = ("url", "filter", "count", "offset", "displayLanguage", "includeDesignations", "includeDefinition")
    return {
        "resourceType": "TerminologyCapabilities",
        "id": "casehub",
        "url": f"{base}/fhir/metadata?mode=terminology",
        **_HEAD,
        "kind": "instance",
        "software": {"name": "casehub", "version": __version__},
        "implementation": {"description": "casehub", "url": f"{base}/fhir"},
        "codeSystem": [{"uri": url} for url in sorted(systems)],
        "expansion": {"paging": True, "parameter": [{"name": name} for name in names]},
        "validateCode": {"translations": True},
        "translation": {"needsMap": False},
    }


def capability_statement(base: str, routes: Collection[Route], *, cors: bool = False) -> Resource:
    """The CapabilityStatement of a hub at `base` with these routes."""
    offered = frozenset((route.method, re.sub(r"\{[^}]*\}", ANY, route.path)) for route in routes)
    operations = frozenset(operations_of(offered))
    rest: Resource = {
        "mode": "server",
        "security": _security(base, cors=cors),
        "resource": [resource_claim(row, offered, operations) for row in SUPPORTED.values()],
        "interaction": [{"code": code} for code, key in SYSTEM_ROUTES.items() if key in offered],
        "searchParam": [_param("_type", "token", "")] if SYSTEM_ROUTES["search-system"] in offered else [],
        "operation": _operations("", operations),
        "compartment": ["http://hl7.org/fhir/CompartmentDefinition/patient"],
    }
    return {
        "resourceType": "CapabilityStatement",
        "id": "casehub",
        "url": f"{base}/fhir/metadata",
        **_HEAD,
        "description": "An interoperability hub: everything that leaves it is decided by the client's Consents.",
        "kind": "instance",
        "software": {"name": "casehub", "version": __version__},
        "implementation": {"description": "casehub", "url": f"{base}/fhir"},
        "fhirVersion": "4.0.1",
        "format": [*FORMATS, "json", "xml"],
        "patchFormat": list(PATCH_FORMATS),
        "implementationGuide": list(GUIDES),
        "rest": [{key: value for key, value in rest.items() if value != []}],
    }


def resource_claim(row: ResourceType, offered: Collection[Key], operations: Collection[tuple[str, str]]) -> Resource:
    """What the server offers for one type."""
    interactions = [code for code in row.interactions if row.published or TYPE_ROUTES[code] in offered]
    claim: Resource = {"type": row.name, "profile": f"http://hl7.org/fhir/StructureDefinition/{row.name}"}
    if not interactions:
        return {**claim, "documentation": f"{row.clientless}."}
    claim |= {
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned-update" if row.guarded else "no-version" if row.published else "versioned",
        "readHistory": "vread" in interactions,
        "updateCreate": "update" in interactions,
        "conditionalCreate": "create" in interactions,
        "conditionalRead": "not-supported" if row.published else "full-support",
        "conditionalUpdate": "update" in interactions and ("PUT", "/fhir/{}") in offered,
        "conditionalDelete": _conditional_delete(interactions, offered),
        "referencePolicy": ["literal", "logical", "local"],
    }
    if "search-type" in interactions:
        claim |= _searched(row)
    if named := _operations(row.name, operations):
        claim["operation"] = named
    return {key: value for key, value in claim.items() if value != []}


def _searched(row: ResourceType) -> Resource:
    """By what a type is searched, and what may come along."""
    if row.published:
        kinds = {one.name: one for one in claims(row.name)}
        return {"searchParam": [_param(*kinds[name]) for name in PARAMETERS[row.name]]}
    return {
        "searchInclude": sorted(_includes(row.name)),
        "searchRevInclude": sorted(_rev_includes(row.name)),
        "searchParam": [_param(*one) for one in claims(row.name) if row.client_elements or one.name not in WORDS],
    }


def operations_of(offered: Collection[Key]) -> Iterator[tuple[str, str]]:
    """(type, name) of the operations that these routes offer."""
    for _, path in offered:
        found = _OPERATION.fullmatch(path)
        if found and found[2] not in NO_OPERATIONS:
            yield found[1] or "", found[2]


def _operations(type: str, operations: Collection[tuple[str, str]]) -> list[Resource]:
    row = SUPPORTED.get(type)
    every = row is not None and bool(row.offers) and not row.published
    mine = sorted((name, of) for of, name in operations if of == type or (of == ANY and every))
    return [{"name": name, "definition": OPERATIONS[of, name]} for name, of in mine]


def _conditional_delete(interactions: Collection[str], offered: Collection[Key]) -> str:
    return "single" if "delete" in interactions and ("DELETE", "/fhir/{}") in offered else "not-supported"


def _param(name: str, kind: str, definition: str) -> Resource:
    return {"name": name, **({"definition": definition} if definition else {}), "type": kind}


def _includes(type: str) -> Iterator[str]:
    """`Type:parameter` for each reference that leads from a type to one that is kept."""
    for parameter in parameters(type).values():
        if parameter.kind == "reference" and parameter.literal and parameter.targets & _KEPT:
            yield f"{type}:{parameter.code}"


def _rev_includes(type: str) -> Iterator[str]:
    """`Type:parameter` for each reference that leads to this type."""
    for other in _KEPT:
        for parameter in parameters(other).values():
            if parameter.kind == "reference" and parameter.literal and type in parameter.targets:
                yield f"{other}:{parameter.code}"


_KEPT: Final = frozenset(row.name for row in SUPPORTED.values() if row.offers and not row.published)


def _security(base: str, *, cors: bool) -> dict[str, Any]:
    return {
        "extension": [
            {"url": _OAUTH_URIS, "extension": [{"url": "token", "valueUri": f"{base}/oauth/token"}]},
        ],
        "cors": cors,
        "service": [{"coding": [{"system": _SECURITY_SERVICE, "code": "SMART-on-FHIR"}]}],
        "description": "SMART Backend Services; each token names one purpose of use and one legal basis.",
    }
