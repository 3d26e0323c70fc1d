"""Holdings, organisations, keys and used tokens."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from hub.errors import NotFound, VersionConflict
from hub.store.store import Store
from tests.store.samples import ANNA, BOHUS, HOME_CARE, NOON, Ids, at_once, holding, organisation, sealed


def test_the_latest_that_an_organisation_holds_is_told(store: Store) -> None:
    latest, other = holding(2, digest="d2"), holding(item="summary")
    with store.writing() as tx:
        for each in (holding(), latest, other, holding(client=BOHUS)):
            tx.holdings.add(each)
        assert tx.holdings.last(HOME_CARE, "plan", ANNA) == latest
        assert tx.holdings.last(HOME_CARE, "plan", "Patient/nobody") is None
        assert tx.holdings.of_client(ANNA) == [latest, other]
        assert tx.holdings.all() == [latest, other, holding(client=BOHUS)]


def test_a_version_is_held_once(store: Store) -> None:
    with store.writing() as tx:
        tx.holdings.add(holding())
        with pytest.raises(VersionConflict):
            tx.holdings.add(holding(digest="other"))


def test_an_organisation_is_connected_changed_and_disabled(store: Store) -> None:
    entry = organisation(secrets=sealed("token"), resource={"latitude": Decimal("50.10")})
    with store.writing() as tx:
        tx.organisations.put(organisation())
        tx.organisations.put(entry)
        tx.organisations.put(organisation("gp"))
        tx.organisations.disable("gp")
        with pytest.raises(NotFound):
            tx.organisations.disable("absent")
    with store.reading() as tx:
        assert tx.organisations.read("ward") == entry
        assert tx.organisations.read("absent") is None
        assert [(each.id, each.active) for each in tx.organisations.list()] == [("gp", False), ("ward", True)]
        assert str(tx.organisations.list()[1].resource["latitude"]) == "50.10"


def test_a_client_key_is_never_overwritten(store: Store) -> None:
    with store.writing() as tx:
        tx.keys.put_client_key(ANNA, b"\x00first")
        tx.keys.put_client_key(ANNA, b"\x00first")
        with pytest.raises(VersionConflict):
            tx.keys.put_client_key(ANNA, b"\x00second")
        assert tx.keys.client_key(ANNA) == b"\x00first"
        assert tx.keys.client_key(BOHUS) is None
        assert tx.keys.client_keys([ANNA, BOHUS]) == {ANNA: b"\x00first"}


def test_of_eight_that_give_a_client_a_key_at_once_one_does(store: Store) -> None:
    def give(who: int) -> bool:
        try:
            with store.writing() as tx:
                tx.keys.put_client_key(ANNA, f"key-{who}".encode())
        except VersionConflict:
            return False
        return True

    assert sum(at_once(8, give)) == 1


def test_a_setting_is_set_and_changed(store: Store) -> None:
    with store.writing() as tx:
        assert tx.keys.meta("rule-set") is None
        tx.keys.set_meta("rule-set", "1")
        tx.keys.set_meta("rule-set", "2")
        assert tx.keys.meta("rule-set") == "2"


def test_a_token_is_used_once_also_after_a_restart(store: Store, database_url: str) -> None:
    until = NOON + timedelta(minutes=5)
    with store.writing() as tx:
        assert tx.tokens.once("jti-1", "gp", until)
        assert not tx.tokens.once("jti-1", "gp", until)
        assert tx.tokens.once("jti-1", "home-care", until)
    store.close()
    again = Store.open(database_url, clock=lambda: NOON, ids=Ids())
    with again.writing() as tx:
        assert not tx.tokens.once("jti-1", "gp", until)
    again.close()


def test_of_eight_that_show_the_same_token_at_once_one_is_let_in(store: Store) -> None:
    def show(_: int) -> bool:
        with store.writing() as tx:
            return tx.tokens.once("jti-1", "gp", NOON)

    assert sum(at_once(8, show)) == 1


def test_expired_tokens_are_forgotten_and_others_not(store: Store) -> None:
    with store.writing() as tx:
        tx.tokens.once("old", "gp", NOON)
        tx.tokens.once("new", "gp", NOON + timedelta(minutes=5))
        tx.tokens.purge(NOON + timedelta(minutes=1))
        assert tx.tokens.once("old", "gp", NOON)
        assert not tx.tokens.once("new", "gp", NOON)
