"""Words, pages and codes of a search, without a store: what each of them makes of what it is given."""

from __future__ import annotations

from typing import Any

import pytest

from hub.consent.model import Basis
from hub.errors import InsufficientScope, MalformedContent, NotFound, NotSupported
from hub.exchange.asker import Asker
from hub.exchange.fulltext import holds
from hub.exchange.paging import Asked, Pages, beside
from hub.exchange.resolving import NONE, Resolver, anchor, covered
from hub.fhir.search_parse import parse
from hub.fhir.search_query import Chain, Has, Query, StringValue, Term, TokenValue
from hub.fhir.terminology import Terminology
from hub.fhir.terminology_model import CodeSystem, Concept, ValueSet
from hub.security.paging import PageTokens
from hub.store.search.page import PageKey

BASE = "https://hub.example/fhir"
GP = Asker("gp", "COC", Basis.CONSENT)
PAGES = Pages(PageTokens(b"k" * 32), base=BASE)
NUMBER = "https://x.example/sid|7001"


def words(text: str, param: str = "_content") -> Term:
    return Term("Condition", param, "special", "", (StringValue(text),))


CONDITION: dict[str, Any] = {
    "resourceType": "Condition",
    "id": "secretid",
    "meta": {"tag": [{"code": "tagged"}]},
    "text": {"div": '<div xmlns="http://www.w3.org/1999/xhtml"><p class="x">Cukrovka&#160;druhého</p>typu</div>'},
    "code": {"text": "Diabetes"},
    "note": [{"text": "Léčí se od roku 2019; 100%"}],
}


@pytest.mark.parametrize(
    ("text", "param", "expected"),
    [
        ("cukrovka", "_content", True), ("CUKR druh", "_content", True), ("krovka", "_content", False),
        ("leci 2019", "_content", True), ("diabetes léčí", "_content", True), ("diabetes chybí", "_content", False),
        ("Condition", "_content", False), ("secretid", "_content", False), ("tagged", "_content", False),
        ("div", "_content", False), ("class", "_text", False), ("druheho typu", "_text", True),
        ("diabetes", "_text", False), ("%", "_content", False), ("' OR 1=1--", "_content", False),
    ],
)  # fmt: skip
def test_every_word_begins_a_word_of_the_text(text: str, param: str, expected: bool) -> None:
    assert holds(CONDITION, words(text, param)) is expected


def asked(*params: tuple[str, str], at: tuple[Any, ...] = ()) -> Asked:
    return Asked(params, at=at)


def test_the_link_of_a_page_carries_nothing_of_what_was_searched_for() -> None:
    link = PAGES.link(GP, "Patient", asked(("identifier", NUMBER)))
    assert link.startswith(f"{BASE}/Patient?_page=")
    assert "7001" not in link
    assert "identifier" not in link
    assert PAGES.link(GP, "", asked(("_id", "x"))).startswith(f"{BASE}?_page=")


@pytest.mark.parametrize("at", [(), ("Goal/a",), (1.5, None, "Goal/a"), ("2026-01-01", "Goal/a")])
def test_a_page_is_asked_for_by_its_link(at: tuple[Any, ...]) -> None:
    known = Asked((("identifier", NUMBER), ("_count", "7")), "Patient/p", lenient=True, at=at, back=True)
    token = PAGES.link(GP, "Goal", known).partition("_page=")[2]
    assert PAGES.asked(GP, "Goal", [("_page", token)]) == known


def test_a_page_goes_on_from_a_key_of_the_store() -> None:
    key = PageKey(("2026", None, 7.0), "Goal/a")
    assert beside(asked(), key).key == {"after": key}
    assert beside(asked(), key, back=True).key == {"before": key}
    assert asked().key == {"after": None}


def test_a_page_belongs_to_one_organisation_and_one_place() -> None:
    token = PAGES.link(GP, "Goal", asked(("status", "x"))).partition("_page=")[2]
    for asker, place in ((Asker("social", "COC", Basis.CONSENT), "Goal"), (GP, "Task"), (GP, "")):
        with pytest.raises(NotFound):
            PAGES.asked(asker, place, [("_page", token)])
    with pytest.raises(MalformedContent):
        PAGES.asked(GP, "Goal", [("_page", token), ("_count", "9")])


def test_a_search_echoes_what_it_used_as_a_url() -> None:
    used = [("code", "http://loinc.org|29463-7"), ("name:exact", "Nový & spol."), ("_sort", "-date,_id")]
    echoed = PAGES.first("Observation", asked(), used)
    assert echoed == (
        f"{BASE}/Observation?code=http://loinc.org%7C29463-7&name:exact=Nov%C3%BD%20%26%20spol.&_sort=-date,_id"
    )
    within = Asked(compartment="Patient/p")
    assert PAGES.first("Goal", within, [("_count", "5")]) == f"{BASE}/Patient/p/Goal?_count=5"
    assert PAGES.first("", within, []) == f"{BASE}/Patient/p/*"


COLOURS = CodeSystem(
    "urn:colours", "colours", "Colours", {c: Concept(c, c, p) for c, p in {"red": (), "pink": ("red",)}.items()}
)
TERMS = Terminology([COLOURS], [ValueSet("urn:warm", "warm", "Warm", {"urn:colours": ("red", "pink")})])
RESOLVER = Resolver(identifier_hash=lambda system, value: f"#{system}#{value}", terminology=TERMS)


def exact(type: str, *params: tuple[str, str]) -> Any:
    (condition,) = RESOLVER.exact(parse(type, params)).conditions
    return condition


def test_identifiers_are_hashed_wherever_they_are_asked_for() -> None:
    hashed = TokenValue("https://x.example/sid", "#https://x.example/sid#7001", secret=True)
    assert exact("Patient", ("identifier", NUMBER)).values == (hashed,)
    assert exact("Goal", ("patient.identifier", NUMBER)).inner[0].values == (hashed,)
    assert exact("Goal", ("patient:identifier", NUMBER)).values == (hashed,)
    assert exact("Practitioner", ("_has:Condition:asserter:identifier", NUMBER)).inner.values == (hashed,)
    (typed,) = exact("Patient", ("identifier:of-type", "sys|MR|7001")).values
    assert typed == TokenValue("sys|MR", "#sys|MR#7001", secret=True)
    (bare,) = exact("Patient", ("identifier", "7001")).values
    assert bare.code == f"#{bare.system}#7001"
    assert exact("Patient", ("identifier", "https://x.example/sid|")).values[0].code is None
    assert "7001" not in str(exact("Patient", ("identifier:not", NUMBER)).values[0].system)


def test_sets_and_hierarchies_become_their_codes() -> None:
    def codes(condition: Any) -> set[str]:
        return {value.code for value in condition.values}

    inside = exact("Condition", ("code:in", "urn:warm"))
    assert (inside.modifier, codes(inside)) == ("", {"red", "pink"})
    outside = exact("Condition", ("code:not-in", "urn:warm"))
    assert (outside.modifier, codes(outside)) == ("not", {"red", "pink"})
    assert codes(exact("Condition", ("code:below", "urn:colours|red"))) == {"red", "pink"}
    assert codes(exact("Condition", ("code:above", "urn:colours|pink"))) == {"red", "pink"}
    assert codes(exact("Condition", ("code:below", "urn:unknown|x"))) == {"x"}


@pytest.mark.parametrize("param", [("code:in", "urn:cold"), ("code:below", "red"), ("code:above", "urn:colours|")])
def test_a_set_that_is_not_known_is_refused(param: tuple[str, str]) -> None:
    with pytest.raises(NotSupported):
        exact("Condition", param)


def test_an_empty_set_finds_nothing_and_leaves_nothing_out() -> None:
    empty = Terminology([], [ValueSet("urn:none", "none", "None", {})])
    resolver = Resolver(identifier_hash=lambda *_: "", terminology=empty)
    inside = resolver.exact(parse("Condition", [("code:in", "urn:none")])).conditions[0]
    outside = resolver.exact(parse("Condition", [("code:not-in", "urn:none")])).conditions[0]
    assert inside == NONE
    assert isinstance(outside, Term)
    assert (outside.modifier, outside.values) == ("not", ())


def test_a_chain_goes_only_where_the_token_reads() -> None:
    chain = parse("Condition", [("asserter.name", "x")])
    has = parse("Patient", [("_has:Goal:patient:lifecycle-status", "active")])
    (narrowed,) = covered(chain.conditions, {"Practitioner"}.__contains__)
    assert isinstance(narrowed, Chain)
    assert narrowed.targets == ("Practitioner",)
    for query in (chain, has):
        with pytest.raises(InsufficientScope):
            covered(query.conditions, lambda _: False)
    assert isinstance(covered(has.conditions, lambda _: True)[0], Has)


@pytest.mark.parametrize(
    ("type", "params", "client"),
    [
        ("Goal", [("patient", "Patient/p")], "Patient/p"), ("Goal", [("patient", "p")], "Patient/p"),
        ("Goal", [("subject:Patient", "p")], "Patient/p"), ("Goal", [("patient", "p,q")], None),
        ("Goal", [("subject", "Group/p")], None), ("Goal", [("patient.name", "p")], None),
        ("Patient", [("_id", "p")], "Patient/p"), ("Patient", [("_id", "p,q")], None), ("Goal", [("_id", "p")], None),
        ("Goal", [("patient:missing", "false")], None), ("Observation", [("performer", "Patient/p")], None),
    ],
)  # fmt: skip
def test_a_query_is_anchored_in_the_one_client_it_names(
    type: str, params: list[tuple[str, str]], client: str | None
) -> None:
    assert anchor(parse(type, params)) == client
    assert anchor(Query(("Goal",), compartment="Patient/c")) == "Patient/c"
