"""Paging tokens: opened only by the hub that made them, for whom and for what they were made."""

from __future__ import annotations

import base64
import json
import os

import pytest

from hub.errors import NotFound
from hub.security.paging import BLOCK, PageTokens

KEY = os.urandom(32)
CONTENT = json.dumps({"params": [["identifier", "https://x.example/sid|7"]], "after": ["", 12]}).encode()


def sealed(content: bytes = CONTENT, *, organisation: str = "gp", place: str = "Goal") -> str:
    return PageTokens(KEY).seal(content, organisation=organisation, place=place)


def refuses(token: str, *, organisation: str = "gp", place: str = "Goal", key: bytes = KEY) -> bool:
    try:
        PageTokens(key).open(token, organisation=organisation, place=place)
    except NotFound as refused:
        return str(refused) == "_page: there is no such page"
    return False


def test_what_was_sealed_is_opened_again_by_another_process_with_the_same_key() -> None:
    assert PageTokens(KEY).open(sealed(), organisation="gp", place="Goal") == CONTENT


def test_the_same_place_gives_the_same_token() -> None:
    assert sealed() == sealed()
    assert sealed() != sealed(CONTENT.replace(b"12", b"13"))


def test_a_token_is_of_one_organisation_one_search_and_one_hub() -> None:
    assert refuses(sealed(), organisation="social")
    assert refuses(sealed(), place="CarePlan")
    assert refuses(sealed(), key=os.urandom(32))
    assert refuses(sealed(organisation="gpGo", place="al"))
    assert not refuses(sealed())


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_a_token_that_was_changed_anywhere_opens_nothing(place: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(sealed() + "=" * (-len(sealed()) % 4)))
    raw[place % len(raw)] ^= 1
    assert refuses(base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="))


@pytest.mark.parametrize(
    "token", ["", "x", "a" * 64, "é" * 40, "\x00" * 40, "A" * 20_000, "../../etc", "=" * 8, "a b+/"]
)
def test_what_is_no_token_opens_nothing(token: str) -> None:
    assert refuses(token)


def test_a_token_shows_neither_its_words_nor_the_length_of_its_counters() -> None:
    token = sealed()
    assert "sid" not in token
    assert b"sid" not in base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    lengths = {len(sealed(b"[%d]" % (10**digits))) for digits in range(1, 18)}
    assert len(lengths) == 1
    assert len(sealed(b"x" * (BLOCK + 1))) > len(sealed(b"x" * BLOCK))
