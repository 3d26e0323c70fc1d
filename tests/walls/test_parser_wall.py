"""XML is parsed in one place: every parser of lxml, used elsewhere, is found by ruff (make check)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
BANNED = sorted(LINT["flake8-tidy-imports"]["banned-api"])
PARSERS = {f"lxml.etree.{name}" for name in ("fromstring", "XML", "parse", "iterparse", "XMLParser")}


def found_in(tree: Path, file: str, text: str) -> str:
    """What ruff says of one file of a tree with the project's configuration."""
    shutil.copy(ROOT / "pyproject.toml", tree)
    place = tree / file
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f'"""A planted module."""\n\nfrom __future__ import annotations\n\n{text}\n', "utf-8")
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "check", "--no-cache", "--output-format", "concise", "."],
        cwd=tree, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.stdout


def test_every_parser_of_lxml_is_banned() -> None:
    assert set(BANNED) >= PARSERS


@pytest.mark.parametrize("parser", BANNED)
def test_a_parser_called_elsewhere_is_found(tmp_path: Path, parser: str) -> None:
    said = found_in(tmp_path, "hub/mapping/planted.py", f"from lxml import etree\n\nDOCUMENT = {parser[5:]}")
    assert "TID251" in said
    assert parser in said


@pytest.mark.parametrize("parser", BANNED)
def test_a_parser_imported_by_name_is_found(tmp_path: Path, parser: str) -> None:
    module, _, name = parser.rpartition(".")
    said = found_in(tmp_path, "hub/adapters/cda/planted.py", f"from {module} import {name}\n\nUSED = {name}")
    assert "TID251" in said


def test_the_one_parser_may_parse(tmp_path: Path) -> None:
    said = found_in(tmp_path, "hub/fhir/xml.py", "from lxml import etree\n\nPARSER = etree.XMLParser()")
    assert "TID251" not in said
