"""The mapping language: strict when compiled, and every conversion says what it cannot read."""

from __future__ import annotations

import pytest

from hub.errors import HubError, MappingDefect
from hub.mapping import times
from hub.mapping.conversions import CONVERSIONS, Setting, UnconvertibleError
from hub.mapping.language import compile_mapping
from hub.mapping.report import report
from tests.mapping.library import HOME, READERS, library, mapped

HEAD = """
id: sample
version: 1.0.0
title: A sample
licence: CC0-1.0
authors: [casehub]
source: {format: hl7v2}
target: {fhir: "4.0.1", bundle: collection}
"""
TABLES = {"sex": "from,to\nF,female\n"}
SETTING = Setting({}, {"1.2.3": "https://example.org/known"}, "Europe/Prague")


def compiled(rules: str) -> None:
    patient = f"  - id: patient\n    make: Patient\n    each: PID\n    rules:\n      - {rules}\n"
    compile_mapping(f"{HEAD}rules:\n{patient}", name="sample.yaml", tables=TABLES)


def test_a_right_rule_is_compiled() -> None:
    compiled("{id: sex, from: .8, to: gender, map: sex}")


@pytest.mark.parametrize(("rule", "says"), [
    ("{id: sex, from: .8, to: gendr}", "Patient has no element `gendr`"),
    ("{id: sex, from: .8, to: gender, mapp: sex}", "unknown key `mapp`"),
    ("{id: sex, from: .8, to: gender, map: sexes}", "no table is called `sexes`"),
    ("{id: sex, from: .8, to: gender, convert: guess}", "no conversion is called `guess`"),
    ("{id: sex, from: '.8[', to: gender}", "expected"),
    ("{id: sex, to: gender}", "`from`"),
    ("{id: sex, each: .5, to: name, use: person}", "no group is called `person`"),
    ("{id: sex, reference: patient, to: gender}", "not a Reference"),
    ("{id: sex, from: .8, to: gender, required: maybe}", "`required`"),
    ("{id: Sex, from: .8, to: gender}", "an id of a-z"),
    ("{id: sex, value: {codes: x}, to: maritalStatus}", "CodeableConcept has no element `codes`"),
])  # fmt: skip
def test_what_is_wrong_in_a_file_is_refused_naming_file_and_rule(rule: str, says: str) -> None:
    with pytest.raises(MappingDefect, match=r"sample\.yaml") as refusal:
        compiled(rule)
    assert says in str(refusal.value)
    assert "patient" in str(refusal.value)


@pytest.mark.parametrize(("text", "says"), [
    (HEAD + "rules: []\nrulez: []", "unknown key `rulez`"),
    (HEAD.replace("version: 1.0.0", "version: one") + "rules: []", "version"),
    (HEAD.replace("licence: CC0-1.0\n", "") + "rules: []", "`licence` is missing"),
    (HEAD + "id: again\nrules: []", "line 9"),
    (HEAD + "rules: !!python/object:os.system []", "sample.yaml"),
    (HEAD.replace("hl7v2", "hl7v3") + "rules: []", "hl7v3"),
])  # fmt: skip
def test_a_file_that_is_not_understood_is_refused_as_a_whole(text: str, says: str) -> None:
    with pytest.raises(MappingDefect) as refusal:
        compile_mapping(text, name="sample.yaml", tables={})
    assert says in str(refusal.value)


def test_a_broken_table_is_refused_with_its_line() -> None:
    with pytest.raises(MappingDefect, match=r"tables/sex.csv line 3"):
        compile_mapping(
            f"{HEAD}rules: [{{id: p, make: Patient, rules: [{{id: s, from: .8, to: gender, map: sex}}]}}]",
            name="sample.yaml",
            tables={"sex": "from,to\nF,female\nF,male\n"},
        )


@pytest.mark.parametrize(("name", "said", "value"), [
    ("hl7_ts", "20170714194500+0200", "2017-07-14T19:45:00+02:00"),
    ("hl7_ts", "201707141945", "2017-07-14T19:45:00+02:00"),
    ("hl7_ts", "201610", "2016-10"),
    ("hl7_ts", "2016", "2016"),
    ("hl7_date", "198808181126+0215", "1988-08-18"),
    ("date_cz", "5. 6. 1948", "1948-06-05"),
    ("date_time_cz", "01.12.2026 9:30", "2026-12-01T09:30:00+01:00"),
    ("date_cz", "6. 1948", "1948-06"),
    ("oid_to_uri", "1.2.3", "https://example.org/known"),
    ("oid_to_uri", "1.2.4", "urn:oid:1.2.4"),
    ("urn", "175bd032-8b00-4728-b2dc-748bb1501aed", "urn:uuid:175bd032-8b00-4728-b2dc-748bb1501aed"),
    ("telecom_value", "tel:+420 111", "+420 111"),
    ("telecom_system", "mailto:a@example.org", "email"),
])  # fmt: skip
def test_conversions_read_what_they_are_for(name: str, said: str, value: str) -> None:
    assert CONVERSIONS[name](said, SETTING) == value


def test_numbers_keep_the_digits_that_were_written() -> None:
    assert str(CONVERSIONS["decimal_cz"]("1 234,50", SETTING)) == "1234.50"
    assert str(CONVERSIONS["decimal"]("0.50", SETTING)) == "0.50"


@pytest.mark.parametrize(("name", "said"), [
    ("hl7_ts", "200130311x"), ("hl7_date", "20261301"), ("date_cz", "31.02.2026"), ("decimal_cz", "asi pět"),
    ("rodne_cislo", "485605/0000"), ("rodne_cislo", "12"), ("oid_to_uri", "CNPEM"), ("integer", "1.5"),
    ("language", "čeština"),
])  # fmt: skip
def test_conversions_refuse_what_they_cannot_read_without_repeating_it(name: str, said: str) -> None:
    with pytest.raises(UnconvertibleError) as refusal:
        CONVERSIONS[name](said, SETTING)
    assert said not in str(refusal.value)


def test_dates_go_out_as_czech_tables_write_them() -> None:
    assert times.to_czech("2026-11-01") == "01.11.2026"
    assert times.to_czech("2026-11") == "11.2026"
    assert times.to_czech("soon") == "soon"


@pytest.mark.parametrize(("data", "format", "mapping"), [
    (b"MSH|^~\\&|A|B", "hl7v2", "adt-to-fhir"),
    (b'\xef\xbb\xbf{"resourceType":"Bundle"}', "fhir", "ips-in"),
    (b'<?xml version="1.0"?><ClinicalDocument/>', "cda", "cda-to-ips"),
    ("Číslo klienta;Jméno\r\n1;a\r\n".encode("windows-1250"), "tabular", "social-csv-in"),
])  # fmt: skip
def test_the_format_is_told_by_the_content(data: bytes, format: str, mapping: str) -> None:
    assert library().recognise(data, "file", READERS) == (format, mapping)


def test_what_is_no_known_format_is_refused() -> None:
    with pytest.raises(HubError, match="neither"):
        library().recognise(b"\x00\x01\x02", "file")


def test_every_mapping_file_of_the_project_compiles_and_every_table_is_used() -> None:
    texts = "".join(one.read_text("utf-8") for one in (HOME / "mappings").glob("*.yaml"))
    assert {one.id for one in library()} >= {
        "cda-to-ips",
        "ips-in",
        "adt-to-fhir",
        "social-csv-in",
        "plan-to-csv",
        "notice-to-csv",
    }
    for table in (HOME / "mappings" / "tables").glob("*.csv"):
        assert table.stem in texts or table.stem == "oids", f"{table.name} is used by no mapping"


def test_the_report_is_plain_values() -> None:
    patient = b'{"resourceType":"Patient","id":"p"}'
    data = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":%s}]}' % patient
    found = report(mapped(data, "ips-in"))
    assert set(found) == {"mapping", "trace", "residue", "warnings"}
    assert found["trace"][0] == {
        "target": "Patient/p.id",
        "rule": "resource", "mapping": "ips-in|1.0.0", "source": "/entry/0/resource/id",
    }  # fmt: skip
