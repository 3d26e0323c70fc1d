"""The people and files of the demo: certainly invented, valid in form, and every mark in one place only."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from pathlib import Path
from string import Template

import pytest

from hub.demo import marks
from hub.demo.cast import CLIENT, GP, HOSPITAL, ORGANISATIONS, SOCIAL, Organisation
from hub.demo.evidence import references_in
from hub.demo.mailbag import Mailbag
from hub.demo.marks import Mark
from hub.demo.organisations.social import ENCODING
from hub.demo.stage import FILES, own

SOURCES = {
    "hospital document": "discharge-summary.xml",
    "gp summary": "patient-summary.json",
    "social export": "social-export.csv",
}


def test_the_birth_number_is_valid_in_form_and_certainly_nobodys() -> None:
    number = CLIENT.rodne_cislo
    assert len(number) == 10
    assert int(number) % 11 == 0
    assert int(number[2:4]) > 70, "a month raised by 70 was never given for births before 2004"
    assert number[:2] == CLIENT.birth_date[2:4]
    assert number[4:6] == CLIENT.birth_date[8:10]


@pytest.mark.parametrize("organisation", ORGANISATIONS, ids=lambda one: one.id)
def test_every_ico_is_in_the_test_range_and_has_a_valid_check_digit(organisation: Organisation) -> None:
    digits = [int(digit) for digit in organisation.ico]
    weighted = sum(weight * digit for weight, digit in zip(range(8, 1, -1), digits, strict=False))
    assert organisation.ico.startswith("990000")
    assert digits[-1] == (11 - weighted % 11) % 10


@pytest.mark.parametrize("organisation", ORGANISATIONS, ids=lambda one: one.id)
def test_an_organisations_entry_agrees_with_the_cast(organisation: Organisation) -> None:
    blanks = {
        "mllp_port": "1",
        "gp_jwks": "{ keys = [] }",
        "municipality_jwks": "{ keys = [] }",
        "gp_base": "http://127.0.0.1:1/fhir",
        "homecare_base": "http://127.0.0.1:1/fhir",
        "hospital_folder": "/folder",
        "social_folder": "/folder",
    }
    template = (FILES / "organisations" / f"{organisation.id}.toml").read_text("utf-8")
    entry = tomllib.loads(Template(template).substitute(blanks))
    about = entry["organisation"]
    assert (about["id"], about["name"], about["ico"], about["kind"]) == (
        organisation.id,
        organisation.name,
        organisation.ico,
        organisation.kind,
    )
    assert entry["identity"]["systems"] == [organisation.client_system]


@pytest.mark.parametrize("mark", [one for one in marks.ALL if one.source in SOURCES], ids=lambda one: one.text)
def test_a_mark_stands_in_the_file_of_the_system_that_knows_the_fact_and_in_no_other(mark: Mark) -> None:
    holding = {source for source, name in SOURCES.items() if mark.text in own(name).decode("utf-8")}
    assert holding == {mark.source}


def test_no_mark_is_part_of_another() -> None:
    texts = [mark.text for mark in marks.ALL]
    assert len(texts) == len(set(texts))
    assert not [(one, other) for one in texts for other in texts if one != other and one in other]


@pytest.mark.parametrize("name", SOURCES.values())
def test_each_system_knows_the_client_by_birth_number_and_name(name: str) -> None:
    text = own(name).decode("utf-8").replace("557314/0056", CLIENT.rodne_cislo)
    assert CLIENT.rodne_cislo in text
    assert CLIENT.given in text
    assert CLIENT.family in text


def test_the_patient_summary_is_a_document_whose_references_resolve() -> None:
    bundle = json.loads(own("patient-summary.json"))
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    assert bundle["type"] == "document"
    assert bundle["entry"][0]["resource"]["resourceType"] == "Composition"
    assert set(references_in(bundle)) <= urls


def test_the_social_export_can_be_written_in_windows_1250_and_has_complete_rows() -> None:
    text = own("social-export.csv").decode("utf-8")
    rows = list(csv.reader(io.StringIO(text.encode(ENCODING).decode(ENCODING)), delimiter=";"))
    assert len({len(row) for row in rows}) == 1
    assert any("," in cell and cell.replace(",", "").isdigit() for row in rows for cell in row)


def test_the_files_name_the_client_by_each_systems_own_number() -> None:
    assert HOSPITAL.client_number in own("discharge-summary.xml").decode("utf-8")
    assert GP.client_number in own("patient-summary.json").decode("utf-8")
    assert f"\n{SOCIAL.client_number};" in own("social-export.csv").decode("utf-8")


def test_the_mailbag_keeps_one_file_for_each_message_and_knows_a_repetition(tmp_path: Path) -> None:
    bag = Mailbag(tmp_path / "out")
    first = bag.keep("gp", "pushed-transaction", b"{}", "json", how="POST /fhir", key="k1")
    again = bag.keep("gp", "pushed-transaction", b"{}", "json", how="POST /fhir", key="k1")
    other = bag.keep("homecare", "pushed-transaction", b"{}", "json", how="POST /fhir", key="k1")
    assert [one.path for one in (first, again, other)] == [
        "gp/0001-pushed-transaction.json",
        "gp/0002-pushed-transaction.json",
        "homecare/0001-pushed-transaction.json",
    ]
    assert [one.duplicate for one in (first, again, other)] == [False, True, False]
    assert bag.read(again) == b"{}"
    assert bag.counts() == {"gp": 2, "homecare": 1}


def test_a_second_run_leaves_nothing_of_the_first_in_its_mailbag_and_touches_no_other_file(tmp_path: Path) -> None:
    first = Mailbag(tmp_path)
    old = [first.keep("gp", "pushed", b"{}", "json", how="POST /") for _ in range(3)]
    (tmp_path / "notes.txt").write_text("mine")
    second = Mailbag(tmp_path)
    kept = second.keep("gp", "pushed", b"{}", "json", how="POST /")
    assert [p.name for p in sorted((tmp_path / "gp").iterdir())] == [Path(kept.path).name]
    assert not (tmp_path / old[-1].path).exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"
