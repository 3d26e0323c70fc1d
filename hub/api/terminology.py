"""What codes mean, over HTTP: the published conformance resources, and the operations of a terminology service.

$expand, $lookup, $validate-code, $subsumes, $translate over what the hub carries: its own code systems, HL7's that its
rules speak of, and the tables of its mappings. It says nothing about anybody; a token is needed all the same.
https://hl7.org/fhir/R4/terminology-service.html; https://hl7.org/fhir/R4/http.html#read
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from hub.api import rendering
from hub.api.context import hub_of
from hub.api.inputs import Given
from hub.api.scoped import scoped
from hub.api.signin import Caller
from hub.errors import InvalidSearch, MalformedContent, NotFound
from hub.fhir import bundles
from hub.fhir.conformance import PARAMETERS, PUBLISHED, value_set
from hub.fhir.parameters import Inputs, parameters, part
from hub.fhir.terminology import Checked, Terminology
from hub.fhir.terminology_model import Concept
from hub.fhir.value import Resource

router = APIRouter(prefix="/fhir")
OfSystem = Annotated[Caller, Depends(scoped("r", "CodeSystem"))]
OfSet = Annotated[Caller, Depends(scoped("r", "ValueSet"))]
OfMap = Annotated[Caller, Depends(scoped("r", "ConceptMap"))]

MOST = 1000
"""Concepts in one answer, and resources on one page."""

LANGUAGE = "displayLanguage"


def both(path: str) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """The operation by GET and by POST."""
    return router.api_route(path, methods=["GET", "POST"])


@both("/CodeSystem/$lookup")
def lookup(request: Request, who: OfSystem, given: Given) -> Response:
    """What a code of a system is called, and where it stands."""
    given.only("system", "code", "coding", "version", "date", "property", LANGUAGE)
    system, code, _ = coding_of(given)
    known, concept = terms(request).lookup(system, code)
    asked = set(given.texts("property"))
    language = given.text(LANGUAGE)
    properties = [("parent", c) for c in concept.parents] + [("child", c) for c in known.children(code)]
    told = [
        {"name": "property", "part": [part("code", "Code", name), part("value", "Code", value)]}
        for name, value in properties
        if not asked or name in asked
    ]
    words = [
        {"name": "designation", "part": [part("language", "Code", tag), part("value", "String", word)]}
        for tag, word in concept.words.items()
    ]
    answer = parameters(
        ("name", "String", known.title),
        ("display", "String", concept.word(language) or code),
        ("definition", "String", concept.definition),
    )
    return rendering.answer(request, {**answer, "parameter": [*answer["parameter"], *words, *told]})


@both("/CodeSystem/$validate-code")
@both("/CodeSystem/{id}/$validate-code")
def validate_in_system(request: Request, who: OfSystem, given: Given, id: str = "") -> Response:
    """Whether a code system has a code."""
    given.only("url", "code", "coding", "codeableConcept", "version", "display", "date", "abstract", LANGUAGE)
    url = url_of(request, given, "CodeSystem", id)
    results = [
        terms(request).validate_in_system(url, code, display, given.text(LANGUAGE))
        for system, code, display in codings_of(given, url)
        if system.split("|", 1)[0] in ("", url.split("|", 1)[0])
    ]
    found = next((r for r in results if r.result), results[0] if results else None)
    return rendering.answer(request, checked(found or Checked(False, message="no coding of this system was given")))


@both("/CodeSystem/$subsumes")
@both("/CodeSystem/{id}/$subsumes")
def subsumes(request: Request, who: OfSystem, given: Given, id: str = "") -> Response:
    """Whether one code is a kind of another."""
    given.only("codeA", "codeB", "system", "version", "codingA", "codingB")
    a, b = given.whole("codingA") or {}, given.whole("codingB") or {}
    system = published(request, "CodeSystem", id)["url"] if id else given.text("system") or str(a.get("system", ""))
    if any("system" in coding and coding["system"] != system for coding in (a, b)):
        raise MalformedContent("both codes must be of one system", place="codingB")
    one, other = given.text("codeA") or str(a.get("code", "")), given.text("codeB") or str(b.get("code", ""))
    return rendering.answer(request, parameters(("outcome", "Code", terms(request).subsumes(system, one, other))))


@both("/ValueSet/$expand")
@both("/ValueSet/{id}/$expand")
def expand(request: Request, who: OfSet, given: Given, id: str = "") -> Response:
    """The codes of a value set, those of a filter, or a page of them."""
    given.only(
        "url", "filter", "count", "offset", LANGUAGE, "includeDesignations", "includeDefinition", "activeOnly",
        "excludeNested", "valueSetVersion", "date",
    )  # fmt: skip
    known = terms(request).value_set(url_of(request, given, "ValueSet", id))
    count, offset = given.number("count", most=MOST), given.number("offset") or 0
    language, designated = given.text(LANGUAGE), given.flag("includeDesignations")
    page = terms(request).page(
        known.url, filter=given.text("filter"), offset=offset, count=MOST if count is None else count, language=language
    )
    told = [(name, kind, given.text(name)) for name, kind in (("filter", "String"), (LANGUAGE, "Code"))]
    numbers: list[tuple[str, str, Any]] = [("offset", "Integer", page.offset), ("count", "Integer", count)]
    expansion: Resource = {
        "identifier": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{known.url}?{sorted(given.values)}')}",
        "timestamp": PUBLISHED,
        "total": page.total,
        "offset": page.offset,
        "parameter": [part(n, k, v) for n, k, v in [*told, *numbers] if v not in (None, "")],
        "contains": [contained(system, concept, language, designated) for system, concept in page.concepts],
    }
    made = value_set(known, terms(request))
    if not given.flag("includeDefinition"):
        made.pop("compose")
    kept = {key: value for key, value in expansion.items() if value != []}
    return rendering.answer(request, {**made, "expansion": kept})


@both("/ValueSet/$validate-code")
@both("/ValueSet/{id}/$validate-code")
def validate_in_set(request: Request, who: OfSet, given: Given, id: str = "") -> Response:
    """Whether a value set has a code."""
    given.only(
        "url", "code", "system", "systemVersion", "display", "coding", "codeableConcept", "valueSetVersion", "date",
        "abstract", "inferSystem", LANGUAGE,
    )  # fmt: skip
    found = terms(request).validate_in_set(
        url_of(request, given, "ValueSet", id),
        codings_of(given, given.text("system")),
        language=given.text(LANGUAGE),
        any_system=not given.whole("coding") and not given.whole("codeableConcept"),
    )
    return rendering.answer(request, checked(found))


@both("/ConceptMap/$translate")
@both("/ConceptMap/{id}/$translate")
def translate(request: Request, who: OfMap, given: Given, id: str = "") -> Response:
    """What a code becomes by one of the hub's tables."""
    given.only(
        "url", "conceptMapVersion", "code", "system", "version", "source", "coding", "codeableConcept", "target",
        "targetsystem", "reverse",
    )  # fmt: skip
    url = url_of(request, given, "ConceptMap", id)
    rows = [
        row
        for system, code, _ in codings_of(given, given.text("system"))
        for row in terms(request).translate(
            url, code, target=given.text("targetsystem"), reverse=given.flag("reverse"), system=system
        )
    ]
    answer = parameters(
        ("result", "Boolean", bool(rows)), ("message", "String", "" if rows else "the map has no such code")
    )
    for row in rows:
        concept = {k: v for k, v in (("system", row.system), ("code", row.to), ("display", row.display)) if v}
        match = [part("equivalence", "Code", "relatedto"), part("concept", "Coding", concept)]
        answer["parameter"].append({"name": "match", "part": [*match, part("source", "Uri", url)]})
    return rendering.answer(request, answer)


def terms(request: Request) -> Terminology:
    """The hub's terminology."""
    return hub_of(request).terminology


def published(request: Request, type: str, id: str) -> Resource:
    """A published resource; NotFound where there is none of this id."""
    found = hub_of(request).published.read(type, id)
    if found is None:
        raise NotFound
    return found


def url_of(request: Request, given: Inputs, type: str, id: str) -> str:
    """The canonical URL of what is asked about: by its id in the path, or by `url`."""
    return str(published(request, type, id)["url"]) if id else given.text("url")


def coding_of(given: Inputs) -> tuple[str, str, str]:
    """The one (system, code, display) that was given."""
    found = codings_of(given, given.text("system") if "system" in given.values else "")
    if len(found) != 1 or not found[0][1]:
        raise MalformedContent("give `system` and `code`, or one `coding`", place="code")
    return found[0]


def codings_of(given: Inputs, system: str) -> list[tuple[str, str, str]]:
    """Every (system, code, display) that was given: as code, Coding or CodeableConcept."""
    concept = given.whole("codeableConcept")
    codings = [given.whole("coding"), *((concept or {}).get("coding") or ())]
    found = [
        tuple(str(coding.get(key, "")) for key in ("system", "code", "display"))
        for coding in codings
        if isinstance(coding, dict)
    ]
    if given.text("code"):
        found.append((system, given.text("code"), given.text("display")))
    if not found:
        raise MalformedContent("give a code, a coding or a codeableConcept", place="code")
    return [(s, c, d) for s, c, d in found]


def checked(found: Checked) -> Resource:
    """The answer of a $validate-code."""
    return parameters(
        ("result", "Boolean", found.result), ("message", "String", found.message), ("display", "String", found.display)
    )


def contained(system: str, concept: Concept, language: str, designated: bool) -> Resource:
    """One concept of an expansion."""
    made: Resource = {"system": system}
    if concept.abstract:
        made["abstract"] = True
    made["code"] = concept.code
    if shown := concept.word(language):
        made["display"] = shown
    if designated and concept.words:
        made["designation"] = [{"language": tag, "value": word} for tag, word in concept.words.items()]
    return made


def type_of(request: Request) -> str:
    """The type that the route is about."""
    return str(request.scope["route"].path).removeprefix("/fhir/").split("/", 1)[0]


def read(request: Request, id: str) -> Response:
    """One published resource."""
    return rendering.answer(request, published(request, type_of(request), id))


def search(request: Request, given: Given) -> Response:
    """Published resources by id, url, name and the like."""
    type = type_of(request)
    faults = [name for name in given.values if name not in (*PARAMETERS[type], "_count", "_offset")]
    if faults:
        raise InvalidSearch(f"a {type} is not searched by this", place=", ".join(faults))
    asked = [(name, split(given, name)) for name in PARAMETERS[type] if name in given.values]
    found = hub_of(request).published.search(type, asked)
    count, offset = given.number("_count", most=MOST), given.number("_offset") or 0
    page = found[offset : offset + (100 if count is None else count)]
    base = f"{hub_of(request).settings.public_url}/fhir"
    pairs = [(name, value) for name, values in given.values.items() for value in values if name != "_offset"]
    links = [("self", f"{base}/{type}?{urlencode([*pairs, *([('_offset', offset)] if offset else [])])}".rstrip("?"))]
    if page and offset + len(page) < len(found):
        links.append(("next", f"{base}/{type}?{urlencode([*pairs, ('_offset', offset + len(page))])}"))
    return rendering.answer(request, bundles.searchset(page, base=base, total=len(found), links=links))


def split(given: Inputs, name: str) -> list[str]:
    """The values of a search parameter: alternatives stand between commas."""
    return [value for text in given.texts(name) for value in text.split(",")]


for _type in PARAMETERS:
    _reads, _finds = [Depends(scoped("r", _type))], [Depends(scoped("s", _type))]
    router.add_api_route(f"/{_type}", search, methods=["GET"], dependencies=_finds, name=f"search {_type}")
    router.add_api_route(f"/{_type}/_search", search, methods=["POST"], dependencies=_finds, name=f"search {_type}")
    router.add_api_route(f"/{_type}/{{id}}", read, methods=["GET"], dependencies=_reads, name=f"read {_type}")
