"""Identity links: one client for one number, a number once for each organisation, decided by people."""

from __future__ import annotations

import pytest

from hub.errors import NotFound, Unavailable, VersionConflict
from hub.store.model import LinkState
from hub.store.store import Store
from tests.store.samples import ANNA, BOHUS, Clock, Ids, at_once, link, sealed


def test_a_link_comes_back_as_it_went_in(store: Store) -> None:
    review = link(state=LinkState.REVIEW, suspect=BOHUS, sealed_value=sealed("number"), why="birth date differs")
    with store.writing() as tx:
        tx.identity.put(review)
    with store.reading() as tx:
        assert tx.identity.find("sid/client-number", "hash-1") == [review]


def test_a_number_is_found_with_every_organisation_that_knows_it(store: Store) -> None:
    one, two = link("l1", organisation="a"), link("l2", organisation="b")
    other = link("l3", organisation="c", value="hash-2", client=BOHUS)
    with store.writing() as tx:
        for each in (one, two, other):
            tx.identity.put(each)
        assert tx.identity.find("sid/client-number", "hash-1") == [one, two]
        assert tx.identity.find("sid/other", "hash-1") == []
        assert tx.identity.of_organisation("a", ANNA) == [one]
        assert tx.identity.of_client(ANNA) == [one, two]


def test_a_number_is_linked_once_for_each_organisation(store: Store) -> None:
    with store.writing() as tx:
        tx.identity.put(link("l1"))
        with pytest.raises(VersionConflict):
            tx.identity.put(link("l2", client=BOHUS))
        assert [each.client for each in tx.identity.all()] == [ANNA]


def test_a_link_is_replaced_by_its_id_but_not_onto_another_number(store: Store) -> None:
    with store.writing() as tx:
        tx.identity.put(link("l1"))
        tx.identity.put(link("l2", value="hash-2"))
        tx.identity.put(link("l1", client=BOHUS))
        with pytest.raises(VersionConflict):
            tx.identity.put(link("l1", value="hash-2"))
        assert [(each.id, each.client) for each in tx.identity.all()] == [("l1", BOHUS), ("l2", ANNA)]


def test_a_person_decides_a_link_in_review(store: Store) -> None:
    with store.writing() as tx:
        tx.identity.put(link("l1", state=LinkState.REVIEW))
        tx.identity.put(link("l2", value="hash-2"))
        assert [each.id for each in tx.identity.all(LinkState.REVIEW)] == ["l1"]
        tx.identity.decide("l1", LinkState.REJECTED, "seen by the case manager")
        decided = tx.identity.all(LinkState.REJECTED)
        assert [(each.id, each.why) for each in decided] == [("l1", "seen by the case manager")]
        with pytest.raises(NotFound):
            tx.identity.decide("l9", LinkState.CONFIRMED, "")


def test_eight_organisations_that_bring_the_same_new_person_make_one_client(store: Store) -> None:
    def bring(who: int) -> str:
        with store.writing() as tx:
            known = tx.identity.find("sid/rcis", "hash-of-number")
            client = known[0].client if known else f"Patient/{who}"
            tx.identity.put(
                link(
                    f"l{who}",
                    organisation=f"org-{who}",
                    system="sid/rcis",
                    value="hash-of-number",
                    client=client,
                )
            )
        return client

    assert len(set(at_once(8, bring))) == 1


def test_a_number_that_is_looked_up_for_writing_is_held_until_the_end(store: Store, database_url: str) -> None:
    impatient = Store.open(database_url, clock=Clock(), ids=Ids(), patience=0.05)
    with store.writing() as tx:
        assert tx.identity.find("sid/rcis", "hash-of-number") == []
        with pytest.raises(Unavailable), impatient.writing() as other:
            other.identity.find("sid/rcis", "hash-of-number")
        with impatient.reading() as reader:
            assert reader.identity.find("sid/rcis", "hash-of-number") == []
    impatient.close()
