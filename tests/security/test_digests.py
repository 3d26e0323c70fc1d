"""Digests: equal for equal things, unrelated otherwise, useless without the key."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigurationError
from hub.security.digests import Digests, sha256

DIGESTS = Digests(b"k" * 32)


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_digests_are_equal_exactly_for_equal_pairs(first: tuple[str, str], second: tuple[str, str]) -> None:
    assert (DIGESTS.of(*first) == DIGESTS.of(*second)) == (first == second)


def test_purpose_and_text_do_not_run_into_each_other() -> None:
    assert DIGESTS.of("ab", "c") != DIGESTS.of("a", "bc")


def test_another_key_gives_unrelated_digests() -> None:
    assert DIGESTS.of("identifier", "1") != Digests(b"l" * 32).of("identifier", "1")


def test_it_is_hmac_sha256_over_length_purpose_and_text() -> None:
    expected = hmac.new(b"k" * 32, b"\x00\x00\x00\x02id\xc5\xbe", hashlib.sha256).hexdigest()
    assert DIGESTS.of("id", "ž") == expected


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Digests(b"short")


def test_the_plain_digest_is_that_of_the_standard() -> None:
    assert sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
