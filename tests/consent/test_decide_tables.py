"""Every row of `cases/*.yaml` is a test: who asks what of which record under which Consents, and what comes
of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.consent.building import decided

CASES = Path(__file__).parent / "cases"
ROWS = [
    pytest.param(row, id=f"{file.stem}: {row['name']}")
    for file in sorted(CASES.glob("*.yaml"))
    for row in YAML(typ="safe").load(file.read_text("utf-8"))
]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_decision_tables_holds(row: dict[str, Any]) -> None:
    decision = decided(row)
    assert decision.effect.value == row["expect"]
    assert decision.because
    reasons = [f"{reason.consent} {reason.path}" if reason.consent else reason.text for reason in decision.because]
    for wanted in [row["because"]] if isinstance(row.get("because"), str) else row.get("because", ()):
        assert any(wanted in reason for reason in reasons), reasons
    if "hidden" in row:
        assert list(decision.hidden_parts) == row["hidden"]
    if "elements" in row:
        assert set(decision.elements or ()) == set(row["elements"])


def test_the_tables_are_not_empty() -> None:
    assert len(ROWS) >= 80
