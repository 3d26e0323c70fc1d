"""Facts that documents repeat are the code's: settings, bases, tables, decisions, the journey, the version."""

from __future__ import annotations

import re
import tomllib

import hub
from hub.consent.model import Basis
from hub.demo.cast import ORGANISATIONS
from hub.demo.journey import JOURNEY
from hub.exchange.connect import ITEMS, KINDS, ROLES
from hub.fhir.codes import AREAS
from hub.mapping.conversions import CONVERSIONS, NODE_CONVERSIONS
from hub.mapping.rules import KEYS
from hub.settings import REPOSITORY, Settings
from hub.store.model import DeliveryState
from tests.docs.pages import DOCS, ROOT, prose_of, table_under, text_of


def code_spans(text: str) -> set[str]:
    """What stands between backquotes."""
    return set(re.findall(r"`([^`]+)`", text))


def test_every_setting_is_documented_with_its_default() -> None:
    rows = {row[0].strip("`"): row[1].strip("`") for row in table_under(DOCS / "operations.md", "Settings")}
    known = {}
    for name, field in Settings.model_fields.items():
        value = field.default
        shown = f"{value.relative_to(REPOSITORY)}` of the installation" if name == "mappings" else str(value)
        known[f"HUB_{name.upper()}"] = shown
    assert rows == known


def test_every_legal_basis_is_explained() -> None:
    rows = table_under(DOCS / "consent.md", "1. The question")
    assert {row[0].strip("`") for row in rows} == {basis.value for basis in Basis}


def test_every_state_of_a_delivery_is_explained() -> None:
    assert {row[0].strip("`") for row in table_under(DOCS / "delivery.md", "States")} == set(DeliveryState)


def test_every_area_of_life_is_named() -> None:
    section = text_of(DOCS / "domain.md").partition("## Areas of life")[2].partition("\n## ")[0]
    assert code_spans(section) >= set(AREAS)


def test_what_an_entry_of_an_organisation_may_say_is_named() -> None:
    page = text_of(DOCS / "operations.md")
    assert all(word in page for word in (*KINDS, *ROLES, *ITEMS))


def test_every_conversion_and_every_key_of_a_rule_is_named() -> None:
    page = prose_of(DOCS / "mappings.md")
    conversions = {name for row in table_under(DOCS / "mappings.md", "convert") for name in code_spans(row[0])}
    assert conversions == CONVERSIONS.keys() | NODE_CONVERSIONS.keys()
    assert sorted(KEYS - code_spans(page)) == []


def test_every_mapping_file_is_listed() -> None:
    listed = {name for row in table_under(DOCS / "mappings.md", "Mappings") for name in code_spans(row[0])}
    assert listed == {file.name for file in (ROOT / "mappings").glob("*.yaml")}


def test_the_page_of_the_demo_tells_the_journey_as_it_is_played() -> None:
    assert [row[1] for row in table_under(DOCS / "demo.md", "The story")] == [step.title for step in JOURNEY]
    assert len(table_under(DOCS / "demo.md", "What each organisation gets")) == len(ORGANISATIONS)


def test_every_wall_stands_in_the_guide_for_contributors() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    rows = table_under(ROOT / "CONTRIBUTING.md", "The walls")
    assert {row[1].strip("`") for row in rows} == {contract["id"] for contract in contracts}


def test_every_room_stands_in_the_architecture_and_in_the_guide() -> None:
    rooms = {one.name for one in (ROOT / "hub").iterdir() if (one / "__init__.py").is_file()}
    picture = " ".join(row[0] for row in table_under(DOCS / "architecture.md", "The rooms"))
    guide = text_of(ROOT / "CONTRIBUTING.md")
    assert sorted(room for room in rooms if f"`hub/{room}/`" not in picture) == []
    assert sorted(room for room in rooms if f"hub/{room}/" not in guide) == []


def test_the_changes_name_the_current_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert hub.__version__ == project
    assert f"## {project}" in text_of(ROOT / "CHANGELOG.md")
