"""The `hub` command over a hub's data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hub.cli import app
from tests.exchange.fixtures import each_house, house, one_house, organisation_keys, sqlite_url
from tests.exchange.world import House

__all__ = ["each_house", "house", "one_house", "organisation_keys", "sqlite_url"]


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Command:
    """Types `hub ...`; a stack trace is never an answer."""

    def __init__(self, *always: str) -> None:
        self._always = always

    def __call__(self, *words: str, data: bool = True) -> Said:
        result = CliRunner().invoke(app, [*words, *(self._always if data else ())])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """`hub` for what needs no hub."""
    monkeypatch.setenv("HUB_DATA", str(tmp_path / "nothing-here"))
    return Command()


@pytest.fixture
def hub(house: House, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`hub` on the data of a furnished house."""
    monkeypatch.setenv("HUB_DATABASE_URL", house.database_url)
    return Command("--data", str(house.folder / "data"))
