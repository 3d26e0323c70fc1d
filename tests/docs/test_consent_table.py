"""The truth table of nesting in docs/consent.md is what the interpreter does, row by row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.consent.model import Labels
from hub.consent.offline import decide_offline
from tests.docs.pages import DOCS, table_under

ROWS = table_under(DOCS / "consent.md", "What a nested Consent says")
RECORD = {"resourceType": "Observation", "id": "one", "status": "final", "subject": {"reference": "Patient/eva"}}
TYPES = "http://hl7.org/fhir/resource-types"
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"


def provision(cells: list[str]) -> dict[str, Any]:
    """Provisions as a row tells them: each states by class whether it holds of the record."""
    kind, holds, *deeper = cells
    named = {"system": TYPES, "code": "Observation" if holds == "yes" else "Goal"}
    made: dict[str, Any] = {"type": kind, "class": [named]}
    if deeper and deeper[0] != "–":
        made["provision"] = [provision(deeper)]
    return made


def said(root: dict[str, Any]) -> str:
    """What a Consent with this root says of the record."""
    consent = {
        "resourceType": "Consent",
        "id": "one",
        "status": "active",
        "scope": {"coding": [{"system": SCOPE, "code": "patient-privacy"}]},
        "patient": {"reference": "Patient/eva"},
        "provision": root,
    }
    decision = decide_offline(
        [consent], [RECORD], [], actor="Organization/gp", purpose="COC", at=datetime(2026, 11, 21, tzinfo=UTC),
        zone=ZoneInfo("Europe/Prague"), label=lambda *_: Labels(areas=frozenset({"health"})), parts=lambda *_: (),
    )  # fmt: skip
    spoke = decision["because"][0]["consent"] is not None
    return str(decision["effect"]) if spoke else "nothing"


def test_the_table_has_rows_of_every_depth() -> None:
    assert {sum(cell != "–" for cell in row[:6]) // 2 for row in ROWS} == {1, 2, 3}


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_a_row_of_the_table_is_so(row: list[str]) -> None:
    assert said(provision(row[:6])) == row[6]
