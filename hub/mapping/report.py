"""The account of a run as plain JSON values, for `hub map --report` and the `.report.json` beside a
taken file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from hub.mapping.model import Mapped


def report(mapped: Mapped | Iterable[Mapped]) -> dict[str, Any]:
    """`{"mapping", "trace", "residue", "warnings"}`; several clients of one table are one report."""
    runs = [mapped] if isinstance(mapped, Mapped) else list(mapped)
    return {
        "mapping": runs[0].mapping if runs else "",
        "trace": [asdict(one) for run in runs for one in run.trace],
        "residue": [asdict(one) for run in runs for one in run.residue],
        "warnings": [asdict(one) for run in runs for one in run.warnings],
    }
