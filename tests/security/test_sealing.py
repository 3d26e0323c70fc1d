"""Seals open for whom they were made, in their place, unchanged; for nobody once the key is erased."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import ConfigurationError, IntegrityFailure
from hub.security.keyring import HUB, KeyErased, Keyring
from hub.security.sealing import Sealed

KEYRING = Keyring(bytes(range(32)))
ANNA, BEDRICH = "Patient/anna", "Patient/bedrich"
KEYS = {ANNA: KEYRING.new_client_key(ANNA), BEDRICH: KEYRING.new_client_key(BEDRICH)}
PLACE = "record:CarePlan/1/_history/2"

clients = st.lists(st.sampled_from([ANNA, BEDRICH]), unique=True)


@given(st.binary(max_size=300), st.text(max_size=30), clients)
def test_what_was_sealed_opens_again(plaintext: bytes, context: str, named: list[str]) -> None:
    keys = {name: KEYS[name] for name in named}
    sealed = KEYRING.seal(plaintext, context=context, client_keys=keys)
    assert KEYRING.open(sealed, context=context, client_keys=keys) == plaintext
    assert [name for name, _ in sealed.wraps] == (sorted(named) or [HUB])
    assert not plaintext or len(plaintext) < 8 or plaintext not in sealed.ciphertext


@given(st.binary(min_size=1, max_size=60), st.data())
@settings(max_examples=300)
def test_any_flipped_bit_fails(plaintext: bytes, data: st.DataObject) -> None:
    sealed = KEYRING.seal(plaintext, context=PLACE, client_keys={ANNA: KEYS[ANNA]})
    ((name, wrapped),) = sealed.wraps
    part = data.draw(st.sampled_from(["nonce", "ciphertext", "wrap"]))
    chosen = {"nonce": sealed.nonce, "ciphertext": sealed.ciphertext, "wrap": wrapped}[part]
    bent = bytearray(chosen)
    place = data.draw(st.integers(0, len(bent) * 8 - 1))
    bent[place // 8] ^= 1 << place % 8
    broken = Sealed(
        bytes(bent) if part == "nonce" else sealed.nonce,
        bytes(bent) if part == "ciphertext" else sealed.ciphertext,
        ((name, bytes(bent) if part == "wrap" else wrapped),),
    )
    with pytest.raises(IntegrityFailure):
        KEYRING.open(broken, context=PLACE, client_keys=KEYS)


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_seal_opens_only_in_its_own_place(here: str, there: str) -> None:
    sealed = KEYRING.seal(b"content", context=here, client_keys=KEYS)
    if here == there:
        assert KEYRING.open(sealed, context=there, client_keys=KEYS) == b"content"
    else:
        with pytest.raises(IntegrityFailure):
            KEYRING.open(sealed, context=there, client_keys=KEYS)


def test_the_key_of_another_client_does_not_open_it() -> None:
    sealed = KEYRING.seal(b"content", context=PLACE, client_keys={ANNA: KEYS[ANNA]})
    with pytest.raises(KeyErased):
        KEYRING.open(sealed, context=PLACE, client_keys={BEDRICH: KEYS[BEDRICH]})


def test_a_client_key_passed_off_as_another_clients_does_not_open_it() -> None:
    sealed = KEYRING.seal(b"content", context=PLACE, client_keys={ANNA: KEYS[ANNA]})
    with pytest.raises(IntegrityFailure):
        KEYRING.open(sealed, context=PLACE, client_keys={ANNA: KEYS[BEDRICH]})


def test_nothing_is_sealed_under_a_key_that_was_made_for_another_client() -> None:
    with pytest.raises(IntegrityFailure):
        KEYRING.seal(b"content", context=PLACE, client_keys={ANNA: KEYS[BEDRICH]})


def test_a_wrap_renamed_to_another_client_does_not_open_it() -> None:
    sealed = KEYRING.seal(b"content", context=PLACE, client_keys={ANNA: KEYS[ANNA]})
    renamed = Sealed(sealed.nonce, sealed.ciphertext, ((BEDRICH, sealed.wraps[0][1]),))
    with pytest.raises(IntegrityFailure):
        KEYRING.open(renamed, context=PLACE, client_keys=KEYS)


def test_erasing_a_clients_key_makes_their_records_unreadable() -> None:
    keys = dict(KEYS)
    sealed = KEYRING.seal(b"content", context=PLACE, client_keys={ANNA: keys[ANNA]})
    assert KEYRING.open(sealed, context=PLACE, client_keys=keys) == b"content"
    del keys[ANNA]
    with pytest.raises(KeyErased):
        KEYRING.open(sealed, context=PLACE, client_keys=keys)


def test_a_new_key_for_the_same_client_does_not_bring_erased_records_back() -> None:
    sealed = KEYRING.seal(b"content", context=PLACE, client_keys={ANNA: KEYS[ANNA]})
    with pytest.raises(IntegrityFailure):
        KEYRING.open(sealed, context=PLACE, client_keys={ANNA: KEYRING.new_client_key(ANNA)})


def test_a_record_of_two_clients_stays_readable_for_the_one_who_remains() -> None:
    sealed = KEYRING.seal(b"content", context=PLACE, client_keys=KEYS)
    assert KEYRING.open(sealed, context=PLACE, client_keys={BEDRICH: KEYS[BEDRICH]}) == b"content"


def test_another_hub_cannot_open_anything() -> None:
    other = Keyring(bytes(32))
    for keys in ({}, KEYS):
        sealed = KEYRING.seal(b"content", context=PLACE, client_keys=keys)
        with pytest.raises(IntegrityFailure):
            other.open(sealed, context=PLACE, client_keys=KEYS)


def test_the_same_content_is_never_sealed_the_same_way_twice() -> None:
    first, second = (KEYRING.seal(b"content", context=PLACE, client_keys=KEYS) for _ in range(2))
    assert first.ciphertext != second.ciphertext
    assert first.nonce != second.nonce


def test_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Keyring(b"short")


@pytest.mark.parametrize("client", ["", HUB])
def test_a_client_key_needs_a_client(client: str) -> None:
    with pytest.raises(ConfigurationError):
        KEYRING.new_client_key(client)


def test_neither_keyring_nor_errors_show_a_key() -> None:
    assert "0x" not in repr(KEYRING)
    assert bytes(range(32)).hex() not in repr(KEYRING)
