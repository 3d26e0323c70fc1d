"""What a person sees in the terminal: the steps as they are played, then who holds what and why, then the
checks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from hub.demo.cast import ORGANISATIONS
from hub.demo.options import Outcome
from hub.demo.story import Step


class Teller:
    """Tells the story while it is played: on the error stream, so that `--json` stays clean."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(file=sys.stderr, quiet=quiet, highlight=False)
        self._names = {one.id: one.name for one in ORGANISATIONS}

    def say(self, line: str) -> None:
        self._console.print(line)

    def step(self, number: int, step: Step) -> None:
        self._console.print(f"[bold]{number:>2}[/] {step.title} [dim]· {self._names.get(step.who, step.who)}[/]")


def print_outcome(outcome: Outcome) -> None:
    """The tables at the end: the ledger, what was withheld, and the checks that did not hold."""
    console = Console(highlight=False)
    console.print(_ledger_table(outcome.ledger))
    console.print(_withheld_table(outcome.withheld))
    for note in outcome.notes:
        console.print(f"[yellow]not understood:[/] {note}")
    broken = [check["name"] for check in outcome.checks if not check["held"]]
    for name in broken:
        console.print(f"[bold red]did not hold:[/] {name}")
    held = len(outcome.checks) - len(broken)
    console.print(f"{held} of {len(outcome.checks)} checks held, on the bytes kept in {outcome.out}")


def print_document(outcome: Outcome) -> None:
    """The outcome as one JSON object on standard output."""
    sys.stdout.write(json.dumps(outcome.document(), ensure_ascii=False, indent=1) + "\n")
    sys.stdout.flush()


def _ledger_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="Who received what, and why", title_justify="left", show_lines=False)
    for heading in ("organisation", "item", "version", "areas of life", "basis", "because", "bytes"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            row["organisation"],
            row["item"],
            row["version"],
            ", ".join(row["areas"]),
            row["basis"],
            "; ".join(row["because"][:2]) + (" …" if len(row["because"]) > 2 else ""),
            row["bytes"],
        )
    return table


def _withheld_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="What was withheld from whom, and why", title_justify="left")
    for heading in ("organisation", "item", "because"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row["organisation"], row["item"], row["because"])
    return table
