"""What a person may ask of `hub demo`, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.demo.hub_process import HubProcess


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `hub demo`. Database and broker come from the environment, as for any hub."""

    once: bool = False
    """Play, report and end; otherwise the hub and its page stay up until Ctrl-C."""
    json: bool = False
    """Print the checks, the ledger and what was withheld as JSON instead of tables."""
    out: Path | None = None
    """Where the raw bytes that each organisation received are kept; default: a directory of this run."""
    hospital_document: Path | None = None
    """A CDA document from outside, instead of the demo's own."""
    gp_summary: Path | None = None
    """An IPS Bundle from outside, instead of the demo's own."""
    data: Path | None = None
    """The hub's data directory, which must be new or empty; default: a directory of this run."""
    port: int | None = None
    """The hub's port; default: any that is free."""
    beside: Callable[[HubProcess], None] | None = None
    """Called once the hub is up, before the story begins: a test that kills the hub starts itself here."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the story ended: every check, who received what and why, and what was withheld."""

    checks: Sequence[dict[str, Any]]
    ledger: Sequence[dict[str, Any]]
    withheld: Sequence[dict[str, Any]]
    out: Path
    seconds: float
    """How long the journey itself took, without starting the hub."""
    notes: Sequence[str] = field(default=())
    """What could not be understood in the documents, with its place; where the story stopped, if it did."""

    @property
    def held(self) -> bool:
        return bool(self.checks) and all(check["held"] for check in self.checks)

    @property
    def exit_code(self) -> int:
        return 0 if self.held else 1

    def document(self) -> dict[str, Any]:
        """The JSON that `hub demo --json` prints."""
        return {
            "checks": list(self.checks),
            "ledger": list(self.ledger),
            "withheld": list(self.withheld),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 1),
        }
