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
    ["system/CarePlan.reads", "system/CarePlan.*s", "system/CarePlan.", "system/CarePlan.sr", "system/CarePlan.rr",
     "patient/CarePlan.r", "user/*.r", "system/careplan.r", "openid", "system/*.r?x=1", "system/../x.r"],
)  # fmt: skip
def test_what_is_not_a_system_scope_is_refused(text: str) -> None:
    with pytest.raises(InsufficientScope):
        Scopes.parse(text)


@pytest.mark.parametrize(
    ("version_1", "version_2"),
    [("system/Goal.read", "rs"), ("system/Goal.write", "cud"), ("system/Goal.*", "cruds")],
)
def test_scopes_of_version_1_mean_what_the_specification_says(version_1: str, version_2: str) -> None:
    assert str(Scopes.parse(version_1)) == f"system/Goal.{version_2}"


@pytest.mark.parametrize("text", ["system/Patient.rs?birthdate=1948", "system/Observation.rs?category=x|y"])
def test_a_scope_with_search_parameters_is_refused_with_its_reason(text: str) -> None:
    with pytest.raises(InsufficientScope, match="consent"):
        Scopes.parse(text)


def test_only_types_that_are_kept_are_granted() -> None:
    asked = Scopes.parse("system/*.r system/Goal.rs system/Nonsense.rs")
    assert str(asked.among({"Goal", "Patient"})) == "system/*.r system/Goal.rs"
