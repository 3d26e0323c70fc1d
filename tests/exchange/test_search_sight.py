"""A search finds what the gate shows, by the values that it shows, whichever way the database goes."""

from __future__ import annotations

import random

import pytest

from hub.fhir.search_query import Has, Query, ReferenceValue, Sort, StringValue, Term, TokenValue
from hub.store.search import leads
from hub.store.search.page import PageKey
from hub.store.sight import Sight
from hub.store.store import Tx
from tests.exchange.random_worlds import Drawn, draw, furnish
from tests.exchange.test_predicate import SEED, Value, index_of, seen_records
from tests.exchange.world import House

WORLDS = 2
VALUES = 8


@pytest.mark.parametrize("few", [0, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_search_finds_what_may_be_seen_and_nothing_else(
    each_house: House, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads, "SOME", few)
    hub = each_house.hub
    found_any = hidden_any = 0
    with hub.store.writing() as tx:
        furnish(tx)
    for number in range(WORLDS):
        with hub.store.writing() as tx:
            world = draw(hub, tx, SEED + number, f"w{number}")
            for asked in world.requests(2):
                sight = hub.rulebook.sight(tx, asked)
                found, hidden = compare(tx, world, sight, random.Random(number))
                found_any += found
                hidden_any += hidden
    assert found_any > 1
    assert hidden_any > 5


def compare(tx: Tx, world: Drawn, sight: Sight, dice: random.Random) -> tuple[int, int]:
    """Hold searches against what is seen record by record; how much was found, and how much was not to be."""
    seen, _ = seen_records(tx, sight, world.records)
    for type in sorted({one.partition("/")[0] for one in world.records}):
        theirs = {one for one in seen if one.startswith(f"{type}/")}
        for sort in ((), (Sort("code", "token"),), (Sort("_lastUpdated", "date", True),)):
            assert everything(tx, Query((type,), (), sort, count=7), sight) & set(world.records) == theirs, type
    shown, every = index_of(tx, seen, sight), index_of(tx, world.records)
    values = sorted({named(one, value) for one, of_it in every.items() for value in of_it if by_one_value(value)})
    veiled = {named(one, value) for one in seen for value in every[one] - shown[one] if by_one_value(value)}
    chosen = {*dice.sample(values, min(VALUES, len(values))), *dice.sample(sorted(veiled), min(VALUES, len(veiled)))}
    found = hidden = 0
    for type, param, kind, system, value in sorted(chosen):
        expected = {
            one
            for one, of_it in shown.items()
            if one.startswith(f"{type}/") and any(v[:4] == (param, kind, system, value) for v in of_it)
        }
        term = by_value(type, param, kind, system, value)
        assert everything(tx, Query((type,), (term,), count=7), sight) & set(world.records) == expected, term
        subjects = {
            v[3] for one in expected for v in shown[one] if v[1] == "reference" and v[0] == "subject" and v[3] in seen
        }
        has = Has("Patient", type, "subject", term)
        assert everything(tx, Query(("Patient",), (has,)), sight) & set(world.records) == {
            one for one in subjects if one.startswith("Patient/")
        }, has
        found += len(expected)
        hidden += sum(one.startswith(f"{type}/") for one in every) - len(expected)
    return found, hidden


def by_one_value(value: Value) -> bool:
    return value[1] in ("token", "reference", "string") and bool(value[3])


def named(reference: str, value: Value) -> tuple[str, ...]:
    return (reference.partition("/")[0], *value[:4])


def by_value(type: str, param: str, kind: str, system: str, value: str) -> Term:
    if kind == "token":
        return Term(type, param, kind, "", (TokenValue(system, value),))
    if kind == "reference":
        return Term(type, param, kind, "", (ReferenceValue(value, versioned=True),))
    return Term(type, param, kind, "exact", (StringValue(system),))


def everything(tx: Tx, query: Query, sight: Sight) -> set[str]:
    """All pages."""
    found: list[str] = []
    key: PageKey | None = None
    while True:
        page = tx.search.page(query, sight, after=key)
        found += [one.reference for one in page.records]
        if page.next is None:
            assert len(found) == len(set(found)) == tx.search.total(query, sight)
            return set(found)
        key = page.next
