"""Scopes only ever narrow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InsufficientScope
from hub.security.scopes import LETTERS, Scopes

TYPES = ["CarePlan", "Goal", "Patient", "Observation"]
letters = st.lists(st.sampled_from(LETTERS), unique=True, min_size=1).map(
    lambda some: "".join(letter for letter in LETTERS if letter in some)
)
scopes = st.lists(st.tuples(st.sampled_from([*TYPES, "*"]), letters), max_size=4).map(
    lambda pairs: Scopes.parse(" ".join(f"system/{name}.{some}" for name, some in pairs))
)


@given(scopes)
def test_scopes_are_read_as_they_are_written(granted: Scopes) -> None:
    assert Scopes.parse(str(granted)) == granted


@given(scopes, scopes, st.sampled_from(TYPES), st.sampled_from(LETTERS))
def test_narrowed_covers_exactly_what_both_cover(own: Scopes, asked: Scopes, name: str, letter: str) -> None:
    both = own.covers(name, letter) and asked.covers(name, letter)
    assert own.narrowed(asked).covers(name, letter) == both


def test_words_and_letters_name_the_same_interaction() -> None:
    granted = Scopes.parse("system/CarePlan.rs")
    assert granted.covers("CarePlan", "read")
    assert granted.covers("CarePlan", "s")
    assert not granted.covers("CarePlan", "update")
    assert not granted.covers("Goal", "read")
    assert Scopes.parse("system/*.r").covers("Goal", "r")


def test_asking_for_everything_gets_what_is_registered() -> None:
    assert str(Scopes.parse("system/CarePlan.rs").narrowed(Scopes.parse("system/*.cruds"))) == "system/CarePlan.rs"


def test_no_scope_covers_nothing() -> None:
    assert not Scopes.parse("")
    assert not Scopes.parse("").covers("CarePlan", "r")


@pytest.mark.parametrize(
    "text",
    ["system/*.*", "system/CarePlan.read", "system/CarePlan.", "system/CarePlan.sr", "system/CarePlan.rr",
     "patient/CarePlan.r", "user/*.r", "system/careplan.r", "openid", "system/*.r?x=1", "system/../x.r"],
)  # fmt: skip
def test_what_is_not_a_system_scope_is_refused(text: str) -> None:
    with pytest.raises(InsufficientScope):
        Scopes.parse(text)
