"""The journey on SQLite: every expectation a test of its own, and an independent look at the raw bytes."""

from __future__ import annotations

import json

import pytest

from hub.demo import marks
from hub.demo.cast import ORGANISATIONS
from hub.demo.checks import every_check, sentence
from hub.demo.marks import Mark
from hub.demo.run import TO_THE_END
from tests.demo.playing import Printed

pytestmark = pytest.mark.xdist_group("journey")

ROW = {"organisation", "protocol", "item", "version", "areas", "basis", "because", "outcome", "bytes", "size"}

NOT_FOR_HOME_CARE = ("housing", "household", "family")
OUTSIDE_THE_PLAN = ("hospital document", "gp summary", "social export")

MUST_NOT_HAVE: dict[str, tuple[Mark, ...]] = {
    "hospital": marks.ALL,
    "homecare": (
        *(one for one in marks.ALL if one.area in NOT_FOR_HOME_CARE or one.source in OUTSIDE_THE_PLAN),
        marks.GOAL_MIND,
        marks.CHANGED_FINANCE,
    ),
    "social": tuple(one for one in marks.ALL if one.area in {"health", "family"}),
    "gp": (*(one for one in marks.ALL if one.area in {"finance", "family"}), marks.GOAL_MIND),
}
"""What must be in no byte that an organisation received; written down apart from the demo's own checks."""

MUST_HAVE: dict[str, tuple[Mark, ...]] = {
    "homecare": (marks.GOAL_HEALTH, marks.GOAL_CARE, marks.GOAL_FINANCE, marks.CHANGED_CARE),
    "social": (marks.GOAL_HOUSING, marks.GOAL_HOUSEHOLD, marks.GOAL_FINANCE, marks.CHANGED_FINANCE),
    "gp": (
        marks.GOAL_HEALTH,
        marks.GOAL_HOUSING,
        marks.ALLERGY,
        marks.MEDICINE,
        marks.FLAT,
        marks.CHANGED_CARE,
    ),
    "municipality": (*marks.OF_HOSPITAL, *marks.OF_GP, *marks.OF_SOCIAL),
}


def test_the_demo_exits_0(journey: Printed) -> None:
    assert journey.code == 0, journey.said


def test_the_demo_evaluates_every_check(journey: Printed) -> None:
    names = [check["name"] for check in journey.document["checks"]]
    assert names == [TO_THE_END, *(sentence(one) for one in every_check())]
    assert len(names) == len(set(names)) > 40


@pytest.mark.parametrize("name", [sentence(one) for one in every_check()])
def test_an_expectation_holds(journey: Printed, name: str) -> None:
    assert {"name": name, "held": True} in journey.document["checks"]


@pytest.mark.parametrize(
    ("organisation", "mark"),
    [(one, mark) for one, forbidden in MUST_NOT_HAVE.items() for mark in forbidden],
    ids=lambda value: value.text if isinstance(value, Mark) else value,
)
def test_a_fact_that_was_not_shared_is_in_no_received_byte(journey: Printed, organisation: str, mark: Mark) -> None:
    assert [file.name for file, body in journey.bytes_of(organisation) if mark.text.encode() in body] == []


@pytest.mark.parametrize(
    ("organisation", "mark"),
    [(one, mark) for one, wanted in MUST_HAVE.items() for mark in wanted],
    ids=lambda value: value.text if isinstance(value, Mark) else value,
)
def test_a_fact_that_was_shared_arrives(journey: Printed, organisation: str, mark: Mark) -> None:
    assert [file.name for file, body in journey.bytes_of(organisation) if mark.text.encode() in body] != []


def test_the_ledger_has_a_row_for_each_organisation_and_each_row_its_bytes(journey: Printed) -> None:
    ledger = journey.document["ledger"]
    assert {row["organisation"] for row in ledger} == {one.id for one in ORGANISATIONS}
    for row in ledger:
        assert set(row) == ROW
        assert (journey.out / row["bytes"]).stat().st_size == row["size"]


def test_every_item_in_the_ledger_says_on_which_basis_and_why_it_was_sent(journey: Printed) -> None:
    sent = [row for row in journey.document["ledger"] if row["item"] in {"plan", "discharge-report"}]
    assert sent
    assert [row for row in sent if not row["because"] or not row["basis"] or not row["areas"]] == []
    assert {row["basis"] for row in sent if row["item"] == "discharge-report"} == {"LEGAL-DUTY"}


def test_what_was_withheld_is_named_with_its_reason(journey: Printed) -> None:
    withheld = journey.document["withheld"]
    assert {row["organisation"] for row in withheld} >= {"homecare", "social", "gp"}
    assert [row for row in withheld if not row["item"] or not row["because"]] == []


def test_the_index_of_received_messages_repeats_no_content(journey: Printed) -> None:
    index = (journey.out / "index.jsonl").read_text("utf-8")
    assert len([json.loads(line) for line in index.splitlines()]) >= len(journey.document["ledger"])
    assert [mark.text for mark in marks.ALL if mark.text in index] == []
