"""Whatever is asked, the database finds what plain Python finds, page after page, forth and back."""

from __future__ import annotations

import pytest

from hub.fhir.search_query import Query
from hub.store.search import leads
from hub.store.search.page import PageKey
from hub.store.sight import Sight, SightSpec
from hub.store.store import Store, Tx
from tests.store.samples import NOON
from tests.store.search_samples import Plain, World

ALL = Sight(SightSpec("all", NOON))


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("seed", range(4))
def test_a_search_finds_what_looking_at_everything_finds(
    store: Store, seed: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads, "SOME", few)
    world = World.rolled(seed)
    with store.writing() as tx:
        for kept in world.records:
            for each in kept.drafts():
                tx.records.append(each)
    plain = Plain(world.records)
    for _ in range(40):
        query = world.query()
        expected = plain.find(query)
        with store.reading() as tx:
            assert forth(tx, query) == expected, query
            assert back(tx, query) == expected, query
            assert tx.search.total(query, ALL) == len(expected), query
            assert tx.search.references(query, ALL, 2) == sorted(expected)[:2], query


def forth(tx: Tx, query: Query) -> list[str]:
    found: list[str] = []
    key: PageKey | None = None
    while True:
        page = tx.search.page(query, ALL, after=key)
        assert (page.previous is None) == (key is None or not page.records)
        found += [one.reference for one in page.records]
        key = page.next
        if key is None:
            return found
        assert len(page.records) == query.count


def back(tx: Tx, query: Query) -> list[str]:
    """From the end to the start: the last page, then each page before it."""
    page = tx.search.page(query, ALL)
    while page.next:
        page = tx.search.page(query, ALL, after=page.next)
    found = [one.reference for one in page.records]
    while page.previous:
        page = tx.search.page(query, ALL, before=page.previous)
        found = [one.reference for one in page.records] + found
    return found
