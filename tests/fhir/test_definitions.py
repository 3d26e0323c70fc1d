"""The committed tables are small, and are what the generator makes of the official definitions."""

from __future__ import annotations

import importlib.util
from importlib.resources import files
from pathlib import Path

import pytest

from hub.fhir.shapes import RESOURCE_TYPES, shape

ROOT = Path(__file__).resolve().parents[2]
OFFICIAL = ROOT.parent / "shared" / "definitions"
TABLES = ("structure", "codes", "systems", "summary", "search", "compartment")


def test_the_tables_are_small() -> None:
    sizes = [len(files("hub.fhir.definitions").joinpath(f"{name}.json.gz").read_bytes()) for name in TABLES]
    assert sum(sizes) < 200_000


def test_every_type_and_all_that_stands_in_it_compiles() -> None:
    seen: set[str] = set()
    todo = sorted(RESOURCE_TYPES)
    while todo:
        name = todo.pop()
        if name in seen or name in ("Resource", "xhtml"):
            continue
        seen.add(name)
        todo += [element.type for element in shape(name).elements.values() if element.check is None]
    assert seen >= RESOURCE_TYPES


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official definitions are not beside the repository")
def test_the_generator_makes_the_committed_tables_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("make_definitions", ROOT / "tools" / "make_definitions.py")
    assert spec
    assert spec.loader
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    monkeypatch.setattr(generator, "TARGET", tmp_path)
    generator.main(OFFICIAL)
    for name in TABLES:
        committed = files("hub.fhir.definitions").joinpath(f"{name}.json.gz").read_bytes()
        assert (tmp_path / f"{name}.json.gz").read_bytes() == committed
