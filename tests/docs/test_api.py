"""What the pages of the API say is the code's: routes, types, interactions, operations, search, scopes, limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi import FastAPI

from hub import errors
from hub.api import body, door, inputs, metadata, openapi_parts, protocol, search, terminology
from hub.api.app import create_app
from hub.api.routes import Route, routes_of
from hub.bootstrap import bootstrap
from hub.commands.serve import http_server
from hub.consent.codes import DIRECTORY_TYPES
from hub.consent.parts import CONTAINERS
from hub.errors import HubError
from hub.exchange import everything, export, history, match, narrowing, resolving, signin, transaction
from hub.exchange import search as searching
from hub.exchange.recorder import GUARDED_TYPES
from hub.fhir import (
    conformance,
    decimals,
    primitives,
    search_conditions,
    search_parse,
    search_query,
    search_results,
    text_place,
    xml,
)
from hub.fhir.patch import PATCH_FORMATS, guard
from hub.fhir.registry import INTERACTIONS, SUPPORTED
from hub.security import tokens
from hub.security.keys import HubKeys
from hub.security.scopes import LETTERS
from hub.settings import Settings
from hub.store import exports, ways
from hub.store.engine import STATEMENT_TIMEOUT
from tests.docs.pages import DOCS, prose_of, table_under, text_of
from tests.docs.test_facts import code_spans

API = DOCS / "api.md"
NUMBER = re.compile(r"\d+")
OPEN = {"/fhir/metadata", "/metrics", "/openapi.json", "/docs", "/"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The application of a hub."""
    data = tmp_path_factory.mktemp("hub")
    HubKeys.generate().save(data / "keys")
    hub = bootstrap(Settings(data=data))
    yield create_app(hub)
    hub.close()


@pytest.fixture(scope="module")
def routes(app: FastAPI) -> list[Route]:
    """Its routes, but those of static files."""
    return [one for one in routes_of(app) if one.method != "HEAD" and not one.path.startswith("/static")]


@pytest.fixture(scope="module")
def statement(app: FastAPI, routes: list[Route]) -> dict[str, Any]:
    """Its CapabilityStatement."""
    found: dict[str, Any] = metadata.capability_statement("http://127.0.0.1:8080", routes)["rest"][0]
    return found


# -- routes, types, errors -------------------------------------------------------------------------------------------


def test_every_route_is_documented_and_every_documented_route_exists(routes: list[Route]) -> None:
    said = [
        (method, path)
        for row in table_under(API, "Routes")
        for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) ([^`]+)`", row[0])
    ]
    known = {(one.method, one.path.rstrip("/") or "/") for one in routes}
    published = {
        (method, path)
        for type in conformance.PARAMETERS
        for method, path in (
            ("GET", f"/fhir/{type}"), ("POST", f"/fhir/{type}/_search"), ("GET", f"/fhir/{type}/{{id}}")
        )
    }  # fmt: skip
    assert published <= known
    assert len(said) == len(set(said))
    assert set(said) == known - published
    sentence = " ".join(prose_of(API).split())
    assert all(f"`{method} {path}`" in sentence for method, path in published if "/CodeSystem" in path)
    assert "stand for the five other types" in sentence
    assert len(conformance.PARAMETERS) == 6


def test_every_type_stands_under_the_letters_of_its_interactions() -> None:
    said = {}
    for letters, types in table_under(API, "Types"):
        found = re.match(r"`([a-z]+)`", letters)
        said |= {type.strip(): found[1] if found else "" for type in types.split(",")}
    assert said == {row.name: row.offers for row in SUPPORTED.values()}


def test_what_is_said_of_some_types_is_said_of_those() -> None:
    _, _, below = text_of(API).partition("| some types | are |")
    rows = [re.split(r"(?<!\\)\|", line)[1:3] for line in below.splitlines()[2:5]]
    guarded, containers, directory = (set(re.findall(r"[A-Z][A-Za-z]+", types)) for types, _ in rows)
    assert guarded == GUARDED_TYPES | {"Composition", "DocumentReference"}
    assert guarded >= {row.name for row in SUPPORTED.values() if row.guarded}
    assert containers == {row.name for row in SUPPORTED.values() if row.container} == CONTAINERS & SUPPORTED.keys()
    kept = {row.name for row in SUPPORTED.values() if row.directory and row.offers == LETTERS}
    assert directory == kept
    assert directory <= DIRECTORY_TYPES


def every(error: type[HubError]) -> Iterator[type[HubError]]:
    """A class of error and all below it, but those that no route answers with."""
    if not error.__module__.startswith(("hub.adapters", "hub.demo")):
        yield error
    for below in error.__subclasses__():
        yield from every(below)


def test_every_error_is_documented_with_its_status_and_code() -> None:
    said = {}
    for row in table_under(API, "Errors"):
        names, codes = re.findall(r"`(\w+)`", row[0]), re.findall(r"`([\w-]+)`", row[2])
        said |= {name: (int(row[1]), code) for name, code in zip(names, codes, strict=True)}
    assert said == {one.__name__: (one.http_status, one.issue_code) for one in every(errors.HubError)}


# -- interactions and operations -------------------------------------------------------------------------------------


def test_every_interaction_that_is_claimed_is_documented(statement: dict[str, Any]) -> None:
    claimed = {one["code"] for type in statement["resource"] for one in type.get("interaction", ())}
    claimed |= {one["code"] for one in statement["interaction"]}
    rows = table_under(DOCS / "interactions.md", "Interactions")
    assert {row[0].strip("`") for row in rows} == claimed
    letters = {name: letter for letter, names in INTERACTIONS.items() for name in names}
    assert {row[0].strip("`"): row[2][1] for row in rows if row[0].strip("`") in letters} == letters


def test_every_operation_that_is_claimed_is_documented_where_it_is(statement: dict[str, Any]) -> None:
    claimed = {(type["type"], one["name"]) for type in statement["resource"] for one in type.get("operation", ())}
    claimed |= {("the base", one["name"]) for one in statement["operation"]}
    validated = {type for type, name in claimed if name == "validate"}
    said = set()
    for names, where, _ in table_under(DOCS / "fhir-operations.md", "FHIR operations"):
        places = {re.split(r"[/?]", span)[0] for span in code_spans(where) if span[0].isupper()}
        places |= {"the base"} if "the base" in where else set()
        for name in re.findall(r"`\$([a-z-]+)`", names):
            said |= {(place, name) for place in (validated if name == "validate" else places)}
    assert said == claimed
    assert validated == {row.name for row in SUPPORTED.values() if row.offers and not row.published}


def test_every_operation_has_a_place_for_each_that_is_documented(routes: list[Route]) -> None:
    """`Type/{id}` is there where it is said, and `Type` where that is."""
    paths = {re.sub(r"\{\w+\}", "{id}", one.path) for one in routes}
    for names, where, _ in table_under(DOCS / "fhir-operations.md", "FHIR operations"):
        for name in re.findall(r"`\$([a-z-]+)`", names):
            for place in (span for span in code_spans(where) if re.fullmatch(r"[A-Z][A-Za-z]+(/\{id\})?", span)):
                assert f"/fhir/{place}/${name}" in paths, (place, name)


def test_the_formats_of_patches_are_those_that_are_claimed() -> None:
    said = {name for row in table_under(DOCS / "interactions.md", "Patch") for name in code_spans(row[0])}
    assert said == {*PATCH_FORMATS, "application/json"}
    assert set(metadata.PATCH_FORMATS) == set(PATCH_FORMATS)


def test_what_is_published_is_searched_by_what_is_said() -> None:
    rows = table_under(DOCS / "fhir-operations.md", "Terminology")
    assert {row[0]: set(re.findall(r"`(\w+)`", row[1])) for row in rows} == {
        type: set(names) for type, names in conformance.PARAMETERS.items()
    }


# -- search ----------------------------------------------------------------------------------------------------------


def test_every_kind_of_value_is_documented_with_its_modifiers() -> None:
    said = {row[0]: set(re.findall(r"`:([a-z-]+)`", row[2])) for row in table_under(DOCS / "search.md", "Values")}
    assert said == {kind: set(names) for kind, names in search_conditions.MODIFIERS.items()}


def test_every_prefix_is_documented() -> None:
    _, _, below = text_of(DOCS / "search.md").partition("| prefix |")
    named = " ".join(line.split("|")[1] for line in below.splitlines()[2:6])
    assert set(re.findall(r"`([a-z]{2})`", named)) == set(get_args(search_query.Prefix))


def test_every_parameter_of_the_answer_is_documented() -> None:
    rows = table_under(DOCS / "search.md", "The answer")
    assert {name for row in rows for name in code_spans(row[0])} == search_results.RESULTS
    told = {row[0].strip("`"): code_spans(row[1]) for row in rows if row[0].strip("`") in ("_summary", "_total")}
    assert told == {"_summary": set(search_results.SUMMARIES), "_total": set(search_results.TOTALS)}


def test_every_parameter_of_every_type_is_documented(statement: dict[str, Any]) -> None:
    claimed = {
        one["name"] for type in statement["resource"] for one in type.get("searchParam", ()) if one["name"][0] == "_"
    }
    rows = table_under(DOCS / "search.md", "Parameters of every type")
    assert {name for row in rows for name in code_spans(row[0])} == claimed


def test_what_is_not_offered_is_said_to_be_refused() -> None:
    refused = " ".join(row[0] for row in table_under(DOCS / "search.md", "Refused"))
    assert set(re.findall(r"`(_[A-Za-z]+)`", refused)) >= search_conditions.NOT_OFFERED


def test_what_a_search_does_not_find_is_said_with_its_numbers() -> None:
    rows = table_under(DOCS / "consent.md", "Search")
    assert NUMBER.findall(rows[0][0]) == [str(ways.DEEPEST), str(ways.MOST)]


# -- scopes ----------------------------------------------------------------------------------------------------------


def test_every_letter_of_a_scope_is_documented_with_its_interactions() -> None:
    rows = table_under(DOCS / "security.md", "Scopes")
    said = {row[0].strip("`"): code_spans(row[1]) - {"$match"} for row in rows}
    assert said == {letter: set(names) for letter, names in INTERACTIONS.items()}


def test_what_a_token_is_asked_for_with_is_documented() -> None:
    section = text_of(DOCS / "security.md").partition("**The request**")[2].partition("There are no defaults")[0]
    fields = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    assert [name for name, _ in fields] == list(openapi_parts._TOKEN_FIELDS)
    assert {signin.GRANT, signin.ASSERTION_TYPE} <= code_spans(section)
    assert all(word in text_of(DOCS / "security.md") for word in tokens.ALGORITHMS)


def test_what_is_open_to_everybody_is_what_is_said(routes: list[Route]) -> None:
    open = {one.path for one in routes if one.declared is not None and not one.declared.letter}
    assert {p for p in open if not re.search(r"/(oauth|health|\.well-known)/", p)} == OPEN
    sentence = re.sub(r"\s+", " ", text_of(DOCS / "security.md").partition("Open to everybody are ")[2])
    assert all(f"`{path}`" in sentence.partition("page.")[0] for path in OPEN - {"/"})


# -- limits ----------------------------------------------------------------------------------------------------------


def size(bytes: int) -> str:
    """A size as the table says it."""
    return f"{bytes // 1024**2} MiB" if bytes % 1024**2 == 0 else f"{bytes // 1024} KiB"


def minutes(time: timedelta) -> str:
    return f"{int(time.total_seconds()) // 60} min"


def test_every_limit_is_the_one_that_is_held(app: FastAPI) -> None:
    server = http_server(app.state.hub).config
    known = {
        "body of a request": size(body.LIMIT),
        "body, time until all of it came": f"{door.BODY_SECONDS:.0f} s",
        "headers, time until all of them came": f"{protocol.HEAD_SECONDS:.0f} s",
        "connection without a request": f"{server.timeout_keep_alive} s",
        "headers": f"{door.MOST_HEADERS}",
        "headers together": size(door.LONGEST_HEADERS),
        "URL, path and query": size(door.LONGEST_URL),
        "levels of JSON": f"{text_place.MAX_DEPTH}",
        "levels of XML": f"{xml.MAX_DEPTH}",
        "text in one element": size(primitives.MAX_STRING),
        "digits of a number": f"{decimals.MAX_DIGITS}",
        "entries of a batch or transaction": f"{transaction.LIMIT}",
        "operations in one patch": f"{guard.MAX_OPERATIONS}",
        "parameters of a search": f"{search_parse.MAX_PARAMS}",
        "form of a search": size(search.LONGEST),
        "one value of a search": f"{search_parse.MAX_VALUE} characters",
        "alternatives of one parameter": f"{search_conditions.MAX_VALUES}",
        "links of a chain, `_has` among them": f"{search_conditions.MAX_CHAIN}",
        "conditions of a search, chains spelled out by type": f"{search_conditions.MAX_BRANCHES}",
        "levels of `_sort`": f"{search_results.MAX_SORTS}",
        "elements of `_elements`": f"{search_results.MAX_ELEMENTS}",
        "`_include` and `_revinclude` together": f"{search_results.MAX_INCLUDES}",
        "records that come along with a page": f"{searching.MOST_INCLUDED}",
        "records on a page of a search": f"{search_results.MAX_COUNT}",
        "records on a page, where nothing is said": f"{search_results.DEFAULT_COUNT}",
        "versions on a page of a history": f"{history.LARGEST}",
        "records on a page of `$everything`": f"{everything.PAGE}",
        "records opened for `_text`, `_content`": f"{narrowing.MOST_OPENED}",
        "codes that a value set in a search comes to": f"{resolving.MOST_CODES}",
        "parameters of an operation": f"{inputs.MOST}",
        "codes on a page of `$expand`": f"{terminology.MOST}",
        "identifiers or names in `$match`": f"{match.MOST_NUMBERS}",
        "exports of an organisation under way": f"{export.MOST}",
        "records in a file of an export": f"{exports.PAGE}",
        "an export is kept": f"{export.KEPT.total_seconds() / 3600:.0f} h",
        "life of an assertion": minutes(tokens.LONGEST),
        "life of an access token": minutes(timedelta(seconds=signin.LIFETIME)),
    }
    assert {row[0]: row[1] for row in table_under(API, "Limits")} == known
    assert f"ends after {STATEMENT_TIMEOUT} seconds" in text_of(API)


def test_a_limit_that_another_page_repeats_is_the_same() -> None:
    pages: dict[str, tuple[Path, int]] = {
        r"at most (\d+) entries": (DOCS / "interactions.md", transaction.LIMIT),
        r"`_count` \(at most (\d+)\)": (DOCS / "interactions.md", history.LARGEST),
        r"at most (\d+) records; every word": (DOCS / "search.md", narrowing.MOST_OPENED),
        r"nothing is said, at most (\d+); 0": (DOCS / "search.md", search_results.MAX_COUNT),
        r"`include`: (\d+) records": (DOCS / "search.md", searching.MOST_INCLUDED),
        r"At most (\d+) parameters": (DOCS / "fhir-operations.md", inputs.MOST),
        r"`_count` \(at most (\d+) on a page\)": (DOCS / "fhir-operations.md", everything.PAGE),
        r"`count` \(at most (\d+)\)": (DOCS / "fhir-operations.md", terminology.MOST),
    }
    for pattern, (page, number) in pages.items():
        assert re.findall(pattern, re.sub(r"\s+", " ", text_of(page))) == [str(number)], pattern
