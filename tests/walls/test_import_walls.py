"""The walls hold: a forbidden import, planted in a copy of the house, is found and named by `lint-imports`.

The contracts are read from pyproject.toml. A new contract without a planted breach fails here, and so does a new room
that a contract forgets. A door holds the whole hub, so no import shows one that reaches past the gate: doors are read
for the names of what opens.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
CONTRACTS: dict[str, dict[str, Any]] = {one["id"]: one for one in CONFIGURATION["importlinter"]["contracts"]}
LINT = Path(sys.executable).with_name("lint-imports")

BREACHES = {
    "layers": ("hub/store/records.py", "import hub.exchange.disclose"),
    "sql": ("hub/exchange/read.py", "import sqlalchemy"),
    "kombu": ("hub/worker.py", "import kombu"),
    "cryptography": ("hub/exchange/vault.py", "import cryptography"),
    "fhir-resources": ("hub/fhir/summary.py", "import fhir.resources"),
    "xml": ("hub/adapters/cda/reader.py", "import lxml.etree"),
    "pure": ("hub/consent/decide.py", "import time"),
    "gate": ("hub/api/operations.py", "import hub.exchange.internal"),
    "demo": ("hub/demo/journey.py", "import hub.fhir.text"),
    "adapters": ("hub/adapters/cda/adapter.py", "import hub.adapters.tabular.adapter"),
}
"""One forbidden import for each contract: where it is planted, and what."""

OPENS = {"hub.exchange.internal", "hub.exchange.vault", "hub.security.keyring", "hub.security.sealing"}
"""What can open a sealed record, so that no door and no adapter may have it."""

REACHING = {"vault", "internal", "keys", "digests", "recorder", "identities", "secrets_of"}
"""What of a Hub a door has no business with: parts that open, or that write past the rules."""

OWNERS = {"sql": {"store"}, "kombu": {"routing"}, "cryptography": {"security"}}
"""Contracts that keep a library in one room: everybody else is forbidden it."""


@dataclass(frozen=True, slots=True)
class House:
    """A copy of the tree to break."""

    path: Path

    @contextmanager
    def planted(self, file: str, line: str) -> Iterator[None]:
        """The copy with one more line at the end of a module."""
        module = self.path / file
        before = module.read_text("utf-8")
        module.write_text(f"{before}\n{line}\n", "utf-8")
        try:
            yield
        finally:
            module.write_text(before, "utf-8")

    def lint(self) -> tuple[int, str]:
        """What `lint-imports` says of the copy."""
        done = subprocess.run(
            [LINT, "--no-logo"], cwd=self.path, capture_output=True, text=True, check=False, timeout=120
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One copy for all breaches; each puts back what it changed."""
    path = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "hub", path / "hub", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", path)
    return House(path)


def broken(said: str) -> set[str]:
    """The names of the contracts that a run calls broken."""
    return set(re.findall(r"^(.+?) BROKEN", said, re.MULTILINE))


def rooms() -> set[str]:
    """The rooms of the house: the packages and modules directly in `hub/`."""
    packages = {one.name for one in (ROOT / "hub").iterdir() if (one / "__init__.py").is_file()}
    return packages | {one.stem for one in (ROOT / "hub").glob("*.py") if one.stem != "__init__"}


def named(modules: list[str]) -> set[str]:
    """The rooms that a contract names."""
    return {one.strip().split(".")[1] for line in modules for one in line.split("|") if "." in one}


def test_every_contract_has_a_planted_breach() -> None:
    assert BREACHES.keys() == CONTRACTS.keys()


def test_the_house_as_it_stands_breaks_no_wall(house: House) -> None:
    code, said = house.lint()
    assert code == 0, said


@pytest.mark.parametrize("contract", BREACHES)
def test_a_planted_import_is_found_and_its_wall_named(house: House, contract: str) -> None:
    file, line = BREACHES[contract]
    with house.planted(file, line):
        code, said = house.lint()
    assert code == 1, said
    assert CONTRACTS[contract]["name"] in broken(said), said
    assert f"{file.removesuffix('.py').replace('/', '.')} -> {line.split()[1].split('.')[0]}" in said


def test_doors_and_adapters_may_import_nothing_that_opens() -> None:
    assert set(CONTRACTS["gate"]["forbidden_modules"]) >= OPENS
    assert named(CONTRACTS["gate"]["source_modules"]) >= {"api", "web", "adapters", "routing", "demo"}


@pytest.mark.parametrize("door", ["api", "web"])
def test_a_door_reaches_for_nothing_that_opens(door: str) -> None:
    reached = {
        f"{module.name} line {node.lineno}: .{node.attr}"
        for module in (ROOT / "hub" / door).rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in REACHING
    }
    assert sorted(reached) == []


def test_every_room_has_its_place_in_the_layers() -> None:
    assert named(CONTRACTS["layers"]["layers"]) == rooms()


@pytest.mark.parametrize("contract", OWNERS)
def test_a_library_of_one_room_is_forbidden_to_every_other(contract: str) -> None:
    entrance = {"__main__"}  # two lines that start the command
    assert named(CONTRACTS[contract]["source_modules"]) >= rooms() - OWNERS[contract] - entrance


def test_the_demo_may_use_no_room_but_the_errors() -> None:
    forbidden = named(CONTRACTS["demo"]["forbidden_modules"])
    assert forbidden >= rooms() - {"demo", "errors", "__main__"}


def test_every_adapter_is_kept_apart_from_every_other() -> None:
    folders = {one.parent.name for one in (ROOT / "hub/adapters").glob("*/manifest.toml")}
    assert {one.rpartition(".")[2] for one in CONTRACTS["adapters"]["modules"]} == folders


def test_every_pair_that_is_forbidden_is_found(tmp_path: Path) -> None:
    """All forbidden imports at once, one for each pair that a contract names; none is overlooked."""
    shutil.copytree(ROOT / "hub", tmp_path / "hub", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    wanted = set()
    for contract in CONTRACTS.values():
        if contract["type"] != "forbidden":
            continue
        for source in contract["source_modules"]:
            for target in contract["forbidden_modules"]:
                if source == "hub" or not _exists(target):
                    continue
                wanted.add(f"{source} is not allowed to import {target}:")
                with _file(tmp_path, source).open("a", encoding="utf-8") as module:
                    module.write(f"\nimport {target}\n")
    code, said = House(tmp_path).lint()
    assert code == 1
    assert sorted(one for one in wanted if one not in said) == []


def _file(tree: Path, module: str) -> Path:
    place = tree.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _exists(module: str) -> bool:
    return not module.startswith("hub.") or _file(ROOT, module).is_file()
