"""`make bench`: one table, each row with the floor or target beside it."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.rows import rows


def main() -> None:
    """Measure every row and print the table (or JSON with --json)."""
    with tempfile.TemporaryDirectory(prefix="casehub-bench-") as scratch:
        measured = list(rows(Path(scratch)))
    if "--json" in sys.argv:
        print(json.dumps([row.__dict__ for row in measured], indent=2))
        return
    table = Table(title="casehub: what things cost")
    for column in ("what", "median", "spread", "floor", "ratio", "aim"):
        table.add_column(column, justify="left" if column in ("what", "floor", "aim") else "right")
    for row in measured:
        table.add_row(
            row.what,
            show(row.median),
            f"{show(row.least)} - {show(row.most)}",
            row.floor,
            f"{row.ratio:.2f}" if row.ratio else "",
            row.aim,
        )
    Console().print(table)


def show(microseconds: float) -> str:
    """A duration as people read it."""
    if microseconds < 1_000:
        return f"{microseconds:.0f} us"
    return f"{microseconds / 1_000:.1f} ms"


if __name__ == "__main__":
    main()
